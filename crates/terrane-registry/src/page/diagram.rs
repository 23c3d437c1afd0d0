//! Flow charts in Mermaid as SVG, so that a page shows the picture of a network without scripts.
//!
//! Only charts as Terrane writes them: nodes in boxes within boxes, and arrows between nodes.
//! Anything else is left as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Text;

const WIDTH: i32 = 170;
const HEIGHT: i32 = 44;
const GAP: i32 = 18;
const TITLE: i32 = 24;
/// Room beside a column of nodes for the arrows between them.
const ARROWS: i32 = 34;
/// How deep boxes may lie in boxes; those of Terrane are two deep.
const MAX_DEPTH: usize = 8;

/// Returns a chart as SVG; `None` for one that is not understood.
pub(super) fn to_svg(text: &str) -> Option<String> {
    let chart = Chart::parse(text)?;
    let (width, height) = chart.root.size();
    let mut canvas = Canvas::default();
    chart.root.draw(GAP, GAP, &mut canvas);
    for arrow in &chart.arrows {
        canvas.arrow(arrow)?;
    }
    let (width, height) = (width + 2 * GAP, height + 2 * GAP);
    Some(format!(
        "<svg role=\"img\" aria-label=\"diagram\" xmlns=\"http://www.w3.org/2000/svg\" \
         viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-size=\"13\" \
         font-family=\"sans-serif\" text-anchor=\"middle\">\n<defs><marker id=\"arrow\" viewBox=\"0 0 8 8\" \
         refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\">\
         <path d=\"M0 0L8 4L0 8z\"/></marker></defs>\n{}</svg>\n",
        canvas.out
    ))
}

struct Chart {
    root: Group,
    arrows: Vec<Arrow>,
}

#[derive(Default)]
struct Group {
    label: String,
    nodes: Vec<Node>,
    groups: Vec<Group>,
}

struct Node {
    id: String,
    label: String,
    round: bool,
}

struct Arrow {
    from: String,
    to: String,
    both: bool,
}

impl Chart {
    fn parse(text: &str) -> Option<Chart> {
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.next()?.strip_prefix("flowchart ")?;
        let (mut open, mut arrows) = (vec![Group::default()], Vec::new());
        for line in lines {
            if line == "end" {
                let group = open.pop()?;
                open.last_mut()?.groups.push(group);
            } else if let Some(rest) = line.strip_prefix("subgraph ") {
                let node = Node::parse(rest).filter(|_| open.len() <= MAX_DEPTH)?;
                open.push(Group { label: node.label, ..Group::default() });
            } else if let Some((from, to)) = line.split_once(" <--> ") {
                arrows.push(Arrow { from: identifier(from)?, to: identifier(to)?, both: true });
            } else if let Some((from, to)) = line.split_once(" --> ") {
                arrows.push(Arrow { from: identifier(from)?, to: identifier(to)?, both: false });
            } else {
                open.last_mut()?.nodes.push(Node::parse(line)?);
            }
        }
        let root = open.pop()?;
        (open.is_empty() && !(root.nodes.is_empty() && root.groups.is_empty()))
            .then_some(Chart { root, arrows })
    }
}

fn identifier(text: &str) -> Option<String> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_');
    plain.then(|| text.to_owned())
}

impl Node {
    /// Reads `id[label]`, `id([label])`, or `id((label))`, with or without quotes.
    fn parse(text: &str) -> Option<Node> {
        let start = text.find(['[', '('])?;
        let (id, shape) = text.split_at(start);
        let inside = |open: &str, close: &str| shape.strip_prefix(open)?.strip_suffix(close);
        let round = inside("((", "))").or_else(|| inside("([", "])"));
        let label = round.or_else(|| inside("[", "]"))?;
        let label = label.strip_prefix('"').and_then(|label| label.strip_suffix('"')).unwrap_or(label);
        Some(Node { id: identifier(id)?, label: label.to_owned(), round: round.is_some() })
    }
}

impl Group {
    /// Nodes are in a column, or in a row above the groups inside.
    fn size(&self) -> (i32, i32) {
        let n_nodes = i32::try_from(self.nodes.len()).unwrap_or(i32::MAX);
        if self.groups.is_empty() {
            return (WIDTH + 2 * GAP + ARROWS, TITLE + n_nodes.saturating_mul(HEIGHT + GAP));
        }
        let sizes = self.groups.iter().map(Group::size);
        let (width, height) =
            sizes.fold((GAP, 0), |(width, height), (w, h)| (width.saturating_add(w + GAP), height.max(h)));
        let row = n_nodes.saturating_mul(WIDTH + GAP).saturating_add(GAP);
        (width.max(row), TITLE + self.row_height() + height + GAP)
    }

    fn row_height(&self) -> i32 {
        if self.nodes.is_empty() { 0 } else { HEIGHT + 2 * GAP }
    }

    fn draw(&self, x: i32, y: i32, canvas: &mut Canvas) {
        let (width, height) = self.size();
        if !self.label.is_empty() {
            canvas.frame(x, y, width, height, &self.label);
        }
        if self.groups.is_empty() {
            let mut top = y + TITLE;
            for node in &self.nodes {
                canvas.node(node, x + GAP, top);
                top += HEIGHT + GAP;
            }
            return;
        }
        let n_nodes = i32::try_from(self.nodes.len()).unwrap_or(i32::MAX);
        let mut left = x + (width - n_nodes * (WIDTH + GAP) + GAP) / 2;
        for node in &self.nodes {
            canvas.node(node, left, y + TITLE);
            left += WIDTH + GAP;
        }
        let mut left = x + GAP;
        for group in &self.groups {
            group.draw(left, y + TITLE + self.row_height(), canvas);
            left += group.size().0 + GAP;
        }
    }
}

#[derive(Default)]
struct Canvas {
    /// The upper left corner of each node.
    nodes: BTreeMap<String, (i32, i32)>,
    out: String,
}

impl Canvas {
    fn frame(&mut self, x: i32, y: i32, width: i32, height: i32, label: &str) {
        let _ = writeln!(
            self.out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"none\" \
             stroke=\"#8a94a0\"/><text x=\"{}\" y=\"{}\">{}</text>",
            x + width / 2,
            y + 16,
            Text(label)
        );
    }

    fn node(&mut self, node: &Node, x: i32, y: i32) {
        let radius = if node.round { HEIGHT / 2 } else { 4 };
        let _ = write!(
            self.out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"{radius}\" \
             fill=\"#eef3fb\" stroke=\"#44597a\"/>"
        );
        let lines: Vec<&str> = node.label.split("<br/>").collect();
        let n_lines = i32::try_from(lines.len()).unwrap_or(i32::MAX);
        let mut baseline = y + HEIGHT / 2 + 5 - (n_lines - 1) * 8;
        for line in lines {
            let _ = write!(self.out, "<text x=\"{}\" y=\"{baseline}\">{}</text>", x + WIDTH / 2, Text(line));
            baseline += 16;
        }
        self.out.push('\n');
        self.nodes.insert(node.id.clone(), (x, y));
    }

    /// Draws an arrow: beside a column within it or past it, and otherwise from one node's edge to the next one's.
    fn arrow(&mut self, arrow: &Arrow) -> Option<()> {
        let (from, to) = (*self.nodes.get(&arrow.from)?, *self.nodes.get(&arrow.to)?);
        let path = if from.0 == to.0 {
            let (right, bend) = (from.0 + WIDTH, from.0 + WIDTH + ARROWS);
            let (start, end) = (from.1 + HEIGHT / 2, to.1 + HEIGHT / 2);
            format!("M{right} {start}C{bend} {start} {bend} {end} {right} {end}")
        } else if from.1 - to.1 > 3 * HEIGHT {
            // Other nodes of the column are in between.
            let (start, end, bottom) = (from.1 + HEIGHT / 2, to.0 + WIDTH / 2, to.1 + HEIGHT);
            let side = from.0 - ARROWS;
            format!("M{} {start}C{side} {start} {side} {} {end} {bottom}", from.0, bottom + HEIGHT)
        } else {
            let (start, end) = if from.1 > to.1 { (from.1, to.1 + HEIGHT) } else { (from.1 + HEIGHT, to.1) };
            format!("M{} {start}L{} {end}", from.0 + WIDTH / 2, to.0 + WIDTH / 2)
        };
        let both = if arrow.both { " marker-start=\"url(#arrow)\"" } else { "" };
        let _ = writeln!(
            self.out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"#44597a\" marker-end=\"url(#arrow)\"{both}/>"
        );
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A README may hold any chart, and each box is drawn by a call inside that of the box around it.
    #[test]
    fn boxes_in_too_many_boxes_are_left_as_text() {
        let chart = |depth: usize| {
            format!("flowchart TB\n{}n[node]\n{}", "subgraph s[box]\n".repeat(depth), "end\n".repeat(depth))
        };
        assert!(to_svg(&chart(MAX_DEPTH)).is_some());
        assert_eq!(to_svg(&chart(MAX_DEPTH + 1)), None);
        assert_eq!(to_svg(&chart(500_000)), None);
    }
}
