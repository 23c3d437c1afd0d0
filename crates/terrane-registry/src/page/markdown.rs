//! Markdown as HTML that is safe to show: raw HTML as text (but for the tables of terraform-docs), and only links that lead somewhere.

use std::collections::BTreeMap;

use base64::Engine as _;
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html,
};

use super::diagram;
use crate::Package;

/// The ids of a README's headings start with this, so that they meet no others on the page.
const PREFIX: &str = "readme-";

/// Returns a document of a package as HTML.
///
/// Links into the package cannot be followed on a page, so they are shown as text; pictures are put inside,
/// and flow charts are drawn.
pub(super) fn to_html(text: &str, package: &Package) -> String {
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let events: Vec<Event<'_>> = Parser::new_ext(text, options).collect();
    let ids = heading_ids(&events);
    let mut writer = Writer {
        package,
        ids: &ids,
        kept: Vec::new(),
        raw: None,
        chart: None,
        in_cell: false,
        out: Vec::new(),
    };
    for (idx, event) in events.iter().enumerate() {
        writer.event(idx, event.clone());
    }
    let mut text = String::new();
    html::push_html(&mut text, writer.out.into_iter());
    text
}

/// Returns the id of each heading by the index of its event.
fn heading_ids(events: &[Event<'_>]) -> BTreeMap<usize, String> {
    let mut ids: BTreeMap<usize, String> = BTreeMap::new();
    for (idx, event) in events.iter().enumerate() {
        if !matches!(event, Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let inside =
            events[idx..].iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let title: String = inside
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.to_lowercase()),
                _ => None,
            })
            .collect();
        let slug: String = title
            .chars()
            .filter_map(|c| match c {
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                ' ' => Some('-'),
                _ => None,
            })
            .collect();
        let mut id = format!("{PREFIX}{slug}");
        let taken = |id: &String| ids.values().any(|other| other == id);
        if taken(&id) {
            id = (1..).map(|n| format!("{PREFIX}{slug}-{n}")).find(|id| !taken(id)).unwrap_or(id);
        }
        ids.insert(idx, id);
    }
    ids
}

struct Writer<'a> {
    package: &'a Package,
    ids: &'a BTreeMap<usize, String>,
    /// Whether each open link or picture is shown as one.
    kept: Vec<bool>,
    /// The raw HTML of an open block.
    raw: Option<String>,
    /// The text of an open flow chart.
    chart: Option<String>,
    /// Whether a cell of a table is open.
    in_cell: bool,
    out: Vec<Event<'a>>,
}

impl<'a> Writer<'a> {
    fn event(&mut self, idx: usize, event: Event<'a>) {
        match event {
            Event::Start(Tag::HtmlBlock) => self.raw = Some(String::new()),
            Event::End(TagEnd::HtmlBlock) => {
                let text = without_comments(&self.raw.take().unwrap_or_default());
                if !text.trim().is_empty() {
                    self.out.push(Event::Start(Tag::Paragraph));
                    self.out.push(Event::Text(text.trim().to_owned().into()));
                    self.out.push(Event::End(TagEnd::Paragraph));
                }
            }
            Event::InlineHtml(text) if self.in_cell && is_of_terraform_docs(&text) => {
                if text.starts_with("<br") {
                    self.out.push(Event::HardBreak);
                }
            }
            Event::Html(text) | Event::InlineHtml(text) => match &mut self.raw {
                Some(raw) => raw.push_str(&text),
                None => self.out.push(Event::Text(without_comments(&text).into())),
            },
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) if &*kind == "mermaid" => {
                self.chart = Some(String::new());
            }
            Event::End(TagEnd::CodeBlock) if self.chart.is_some() => {
                let text = self.chart.take().unwrap_or_default();
                match diagram::to_svg(&text) {
                    Some(svg) => self.out.push(Event::Html(format!("<figure>{svg}</figure>\n").into())),
                    None => {
                        self.out.push(Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)));
                        self.out.push(Event::Text(text.into()));
                        self.out.push(Event::End(TagEnd::CodeBlock));
                    }
                }
            }
            Event::Text(text) if self.chart.is_some() => {
                self.chart.get_or_insert_default().push_str(&text);
            }
            Event::Start(Tag::Heading { level, .. }) => {
                let id = self.ids.get(&idx).map(|id| CowStr::from(id.clone()));
                let level = below(level);
                self.out.push(Event::Start(Tag::Heading {
                    level,
                    id,
                    classes: Vec::new(),
                    attrs: Vec::new(),
                }));
            }
            Event::End(TagEnd::Heading(level)) => self.out.push(Event::End(TagEnd::Heading(below(level)))),
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let target = match link_type {
                    LinkType::Email => Some(dest_url),
                    _ => self.target(&dest_url),
                };
                self.kept.push(target.is_some());
                if let Some(dest_url) = target {
                    self.out.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                }
            }
            Event::Start(Tag::Image { link_type, dest_url, title, id }) => {
                let picture = self.picture(&dest_url);
                self.kept.push(picture.is_some());
                if let Some(dest_url) = picture {
                    self.out.push(Event::Start(Tag::Image { link_type, dest_url, title, id }));
                }
            }
            Event::End(end @ (TagEnd::Link | TagEnd::Image)) => {
                if self.kept.pop() == Some(true) {
                    self.out.push(Event::End(end));
                }
            }
            other => {
                match other {
                    Event::Start(Tag::TableCell) => self.in_cell = true,
                    Event::End(TagEnd::TableCell) => self.in_cell = false,
                    _ => {}
                }
                self.out.push(other);
            }
        }
    }

    /// Returns where a link leads, if that is on the web or on this page.
    fn target(&self, url: &CowStr<'a>) -> Option<CowStr<'a>> {
        if let Some(fragment) = url.strip_prefix('#') {
            let id = format!("{PREFIX}{fragment}");
            return self.ids.values().any(|known| *known == id).then(|| format!("#{id}").into());
        }
        let web = ["https://", "http://", "mailto:"].iter().any(|scheme| url.starts_with(scheme));
        web.then(|| url.clone())
    }

    /// Returns a picture of the package as a URL that holds it.
    fn picture(&self, url: &CowStr<'a>) -> Option<CowStr<'a>> {
        let path = url.trim_start_matches("./");
        let kind = match path.rsplit_once('.')?.1 {
            "svg" => "svg+xml",
            "png" => "png",
            _ => return None,
        };
        let bytes = self.package.files().get(path)?;
        let data = base64::engine::general_purpose::STANDARD.encode(bytes);
        Some(format!("data:image/{kind};base64,{data}").into())
    }
}

/// Whether a tag is one that terraform-docs puts into cells: an anchor, which a page has no use for, or a line break.
fn is_of_terraform_docs(tag: &str) -> bool {
    matches!(tag, "</a>" | "<pre>" | "</pre>" | "<br/>" | "<br>") || tag.starts_with("<a name=\"")
}

/// Returns a heading's level below the page's own headings.
fn below(level: HeadingLevel) -> HeadingLevel {
    match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        HeadingLevel::H4 => HeadingLevel::H5,
        HeadingLevel::H5 | HeadingLevel::H6 => HeadingLevel::H6,
    }
}

/// Returns raw HTML without its comments.
fn without_comments(text: &str) -> String {
    let (mut rest, mut kept) = (text, String::new());
    while let Some((before, after)) = rest.split_once("<!--") {
        kept.push_str(before);
        rest = after.split_once("-->").map_or("", |(_, after)| after);
    }
    kept + rest
}
