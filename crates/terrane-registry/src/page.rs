//! Pages for people: one for each version, one that lists a module's versions, and one that lists the modules.
//!
//! Plain HTML without scripts. A version's page is written once, like all else of that version;
//! the lists are written anew whenever what they list changes.

mod diagram;
mod markdown;

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use terrane_contract::{Contract, Variable};

use crate::layout::{File, Index, MODULES, Manifest};
use crate::{ModuleName, Package};

/// The name of a page in its directory.
pub(crate) const PAGE: &str = "index.html";

/// Light or dark as the reader's system is, and no wider than a phone's screen.
const STYLE: &str = ":root{color-scheme:light dark;--text:#1d232a;--page:#fff;--code:#f3f4f6;--line:#d5d9de;\
--link:#0b57c2}@media(prefers-color-scheme:dark){:root{--text:#e3e6ea;--page:#14181d;--code:#20262d;\
--line:#3a424c;--link:#8ab4f8}figure{background:#fff}}\
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:0 auto;padding:1rem;\
color:var(--text);background:var(--page);overflow-wrap:anywhere}a{color:var(--link)}\
pre,code{font:14px/1.5 ui-monospace,monospace;background:var(--code)}\
pre{padding:.75rem;overflow:auto;overflow-wrap:normal}table{border-collapse:collapse;display:block;overflow:auto;\
margin:1rem 0;overflow-wrap:normal}th,td{border:1px solid var(--line);padding:.3rem .6rem;text-align:left;\
vertical-align:top}figure{margin:1rem 0;overflow:auto}img,svg{max-width:100%;height:auto}\
nav a{margin-right:1rem}.major{font-weight:bold}";

/// Text inside an element or an attribute.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\n' | '\t' => f.write_char(c),
            c if c.is_control() => f.write_char('\u{fffd}'),
            c => f.write_char(c),
        })
    }
}

/// Returns the page of a version: README, interface, and what changed since the version before.
pub(crate) fn version_page(host: &str, manifest: &Manifest, package: &Package) -> Vec<u8> {
    let Manifest { module, version, contract, .. } = manifest;
    let mut body = format!(
        "<p><a href=\"../{PAGE}\">{}</a></p>\n<h1>{} {version}</h1>\n",
        Text(module),
        Text(&contract.module)
    );
    let mut sections = vec![("usage", "Usage", usage(host, manifest))];
    if let Some(readme) = readme(package) {
        sections.push(("readme", "README", markdown::to_html(&readme, package)));
    }
    sections.push(("inputs", "Inputs", inputs(contract)));
    sections.push(("outputs", "Outputs", outputs(contract)));
    sections.push(("resources", "Resources", resources(contract)));
    sections.push(("changes", "Changes", changes(manifest)));
    sections.push(("package", "Package", facts(manifest)));
    body.push_str("<nav>");
    for (id, title, _) in &sections {
        let _ = write!(body, "<a href=\"#{id}\">{title}</a>");
    }
    body.push_str("</nav>\n");
    for (id, title, html) in sections {
        let _ = write!(body, "<section id=\"{id}\">\n<h2>{title}</h2>\n{html}</section>\n");
    }
    document(&format!("{module} {version}"), &body)
}

/// Returns the page that lists a module's versions, the newest first.
pub(crate) fn module_page(host: &str, module: &ModuleName, index: &Index) -> Vec<u8> {
    let mut body = format!(
        "<p><a href=\"../../../../../{PAGE}\">{host}</a></p>\n<h1>{module}</h1>\n\
         <p>Source: <code>{host}/{module}</code></p>\n<ul>\n",
        host = Text(host)
    );
    for version in index.listed.iter().rev() {
        let _ = writeln!(body, "<li>{}</li>", version_link(version));
    }
    for version in index.yanked.iter().rev() {
        let _ = writeln!(body, "<li>{} (yanked)</li>", version_link(version));
    }
    body.push_str("</ul>\n");
    document(&module.to_string(), &body)
}

/// Returns the page that lists the modules.
pub(crate) fn front_page(host: &str, modules: &BTreeSet<ModuleName>) -> Vec<u8> {
    let links: String = modules.iter().map(|module| format!("<li>{}</li>\n", module_link(module))).collect();
    document(host, &format!("<h1>{}</h1>\n<ul>\n{links}</ul>\n", Text(host)))
}

/// Returns how the list of modules leads to one of them.
pub(crate) fn module_link(module: &ModuleName) -> String {
    format!("<a href=\"{MODULES}{module}/{PAGE}\">{module}</a>")
}

/// Returns how the list of versions leads to one of them.
pub(crate) fn version_link(version: &semver::Version) -> String {
    format!("<a href=\"{version}/{PAGE}\">{version}</a>")
}

/// Returns what says which release of this program wrote a page.
pub(crate) fn generator() -> String {
    format!("<meta name=\"generator\" content=\"terrane {}\">", env!("CARGO_PKG_VERSION"))
}

/// Returns a page that says what went wrong.
pub(crate) fn error_page(title: &str, message: &str) -> Vec<u8> {
    let body =
        format!("<h1>{}</h1>\n<p>{}</p>\n<p><a href=\"/\">All modules</a></p>\n", Text(title), Text(message));
    document(title, &body)
}

fn document(title: &str, body: &str) -> Vec<u8> {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{}\n<title>{}</title>\n<style>{STYLE}</style>\n\
         </head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        generator(),
        Text(title)
    )
    .into_bytes()
}

fn readme(package: &Package) -> Option<String> {
    package.files().get("README.md").map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn usage(host: &str, manifest: &Manifest) -> String {
    let Manifest { module, version, contract, .. } = manifest;
    // A pre-release is installed by its exact version alone.
    let constraint = match version.pre.is_empty() {
        true => format!("~> {}.{}", version.major, version.minor),
        false => version.to_string(),
    };
    let label = contract.module.replace('-', "_");
    let call =
        format!("module \"{label}\" {{\n  source  = \"{host}/{module}\"\n  version = \"{constraint}\"\n}}\n");
    let mut html = format!("<pre><code>{}</code></pre>\n<ul>\n", Text(&call));
    let terraform = contract.required_version.as_deref().unwrap_or("any version");
    let _ = writeln!(html, "<li>Terraform or OpenTofu: <code>{}</code></li>", Text(terraform));
    for provider in contract.providers.values() {
        let constraint = provider.version.as_deref().unwrap_or("any version");
        let _ = writeln!(html, "<li>{}: <code>{}</code></li>", Text(&provider.source), Text(constraint));
    }
    html + "</ul>\n"
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let cells = |tag: &str, cells: &[String]| -> String {
        cells.iter().map(|cell| format!("<{tag}>{cell}</{tag}>")).collect()
    };
    let head: Vec<String> = head.iter().map(|&title| title.to_owned()).collect();
    let rows: String = rows.map(|row| format!("<tr>{}</tr>\n", cells("td", &row))).collect();
    if rows.is_empty() {
        return "<p>None.</p>\n".to_owned();
    }
    format!("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table>\n", cells("th", &head))
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", Text(text))
}

fn inputs(contract: &Contract) -> String {
    let rows = contract.variables.iter().map(|(name, variable)| {
        let default = match &variable.default {
            Some(value) => code(&value.to_string()),
            None => "required".to_owned(),
        };
        let marks = marks(&[(variable.sensitive, "sensitive"), (variable.ephemeral, "ephemeral")]);
        vec![code(name), described(variable) + &marks, code(&variable.ty.to_string()), default]
    });
    table(&["name", "description", "type", "default"], rows)
}

fn described(variable: &Variable) -> String {
    let notice = variable
        .deprecated
        .as_ref()
        .map_or_else(String::new, |notice| format!(" <strong>Deprecated:</strong> {}", Text(notice)));
    format!("{}{notice}", Text(&variable.description))
}

fn marks(marks: &[(bool, &str)]) -> String {
    marks.iter().filter(|(holds, _)| *holds).map(|(_, mark)| format!(" <em>{mark}</em>")).collect()
}

fn outputs(contract: &Contract) -> String {
    let rows = contract.outputs.iter().map(|(name, output)| {
        let marks = marks(&[
            (output.sensitive, "sensitive"),
            (output.ephemeral, "ephemeral"),
            (output.nullable, "may be null"),
        ]);
        vec![code(name), Text(&output.description).to_string() + &marks, code(&output.ty.to_string())]
    });
    table(&["name", "description", "type"], rows)
}

fn resources(contract: &Contract) -> String {
    let rows = contract.resources.iter().map(|(address, managed)| {
        let instances = managed
            .repeat
            .as_deref()
            .map_or_else(|| "one".to_owned(), |repeat| format!("for each of {}", code(repeat)));
        vec![code(address), instances]
    });
    table(&["address", "instances"], rows)
}

fn changes(manifest: &Manifest) -> String {
    let Some(previous) = &manifest.previous else { return "<p>The first release.</p>\n".to_owned() };
    let rows = manifest.findings.iter().map(|finding| {
        let bump = finding.bump.to_string();
        vec![
            format!("<span class=\"{bump}\">{bump}</span>"),
            Text(&finding.rule).to_string(),
            code(&finding.address),
            Text(&finding.message).to_string(),
        ]
    });
    let since = format!("<p>Since <a href=\"../{previous}/{PAGE}\">{previous}</a>:</p>\n");
    let accepted: String = manifest
        .accepted
        .iter()
        .map(|entry| {
            format!(
                "<li>{} at {} is accepted: {}</li>\n",
                Text(&entry.rule),
                code(&entry.address),
                Text(&entry.reason)
            )
        })
        .collect();
    let accepted = if accepted.is_empty() { accepted } else { format!("<ul>\n{accepted}</ul>\n") };
    match manifest.findings.is_empty() {
        true => since + "<p>The interface is the same.</p>\n",
        false => since + &table(&["bump", "rule", "address", "what changed"], rows) + &accepted,
    }
}

fn facts(manifest: &Manifest) -> String {
    let archive = File::Archive.name();
    let mut html = format!(
        "<ul>\n<li>Archive: <a href=\"{archive}\">{archive}</a>, {} bytes</li>\n\
         <li>Record: <a href=\"{record}\">{record}</a></li>\n<li>Tree: {}</li>\n<li>SHA-256: {}</li>\n",
        manifest.size,
        code(&manifest.h1),
        code(&manifest.sha256),
        record = File::Manifest.name(),
    );
    if let Some(commit) = &manifest.commit {
        let _ = writeln!(html, "<li>Commit: {}</li>", code(commit));
    }
    html + "</ul>\n"
}
