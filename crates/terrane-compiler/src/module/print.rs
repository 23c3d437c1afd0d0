//! The canonical printer: text that `terraform fmt` leaves alone.
//!
//! [`print()`] writes a file's body, [`expression()`] one expression on one line, and [`files()`] a whole module.
//!
//! An array or an object stands on one line if the line has at most 100 columns
//! and if no object stands inside an object; what is longer is broken at its brackets.
//! Objects with the same keys inside an object are rows of a table, each on one line.

mod expression;
mod files;
mod layout;
mod text;

pub use self::expression::expression;
pub(crate) use self::files::{file, origin};
pub use self::files::{files, type_expression};

use self::layout::Lines;
use super::syntax::{Block, Body, Expr, Item};

/// Lines are broken where they would be longer than this, and where they can be.
const MAX_COLUMNS: usize = 100;

/// Rows of a table are broken where they would be longer than this.
const MAX_ROW_COLUMNS: usize = 160;

/// What each nesting adds to the indentation.
const INDENT: usize = 2;

/// Prints the body of a file.
pub fn print(body: &Body) -> String {
    let mut out = String::new();
    write_body(&mut out, body, 0, &layout::argument);
    out
}

/// How the value of an argument is laid out: indentation, length of the name, value.
type ArgumentLayout = dyn Fn(usize, usize, &Expr) -> Lines;

fn write_body(out: &mut String, body: &Body, indent: usize, layout: &ArgumentLayout) {
    let items = without_idle_blanks(&body.items);
    let mut idx = 0;
    while let Some(item) = items.get(idx) {
        match item {
            Item::Argument(..) => {
                let arguments = items[idx..].iter().map_while(|item| match item {
                    Item::Argument(name, value) => Some((name.clone(), layout(indent, name.len(), value))),
                    Item::Block(_) | Item::Comment(_) | Item::Blank => None,
                });
                let arguments: Vec<_> = arguments.collect();
                layout::write_assignments(out, indent, &arguments);
                idx += arguments.len();
                continue;
            }
            Item::Block(block) => write_block(out, block, indent),
            Item::Comment(text) => write_comment(out, text, indent),
            Item::Blank => out.push('\n'),
        }
        idx += 1;
    }
}

/// Leaves out blank lines at either end, and all but one of several.
fn without_idle_blanks(items: &[Item]) -> Vec<&Item> {
    let mut kept: Vec<&Item> = Vec::with_capacity(items.len());
    for item in items {
        if *item != Item::Blank || kept.last().is_some_and(|last| **last != Item::Blank) {
            kept.push(item);
        }
    }
    if kept.last().is_some_and(|last| **last == Item::Blank) {
        kept.pop();
    }
    kept
}

fn write_block(out: &mut String, block: &Block, indent: usize) {
    text::pad(out, indent);
    out.push_str(&block.kind);
    for label in &block.labels {
        out.push(' ');
        text::write_quoted(out, label);
    }
    if block.body.items.iter().all(|item| *item == Item::Blank) {
        out.push_str(" {}\n");
        return;
    }
    out.push_str(" {\n");
    // Each provider takes several lines, by a convention that has no other reason.
    let layout: &ArgumentLayout =
        if block.kind == "required_providers" { &layout::broken_argument } else { &layout::argument };
    write_body(out, &block.body, indent + INDENT, layout);
    text::pad(out, indent);
    out.push_str("}\n");
}

fn write_comment(out: &mut String, text: &str, indent: usize) {
    for line in text.split('\n') {
        text::pad(out, indent);
        out.push('#');
        let line = line.trim_end();
        if !line.is_empty() {
            out.push(' ');
            out.push_str(line);
        }
        out.push('\n');
    }
}
