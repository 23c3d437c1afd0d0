//! Items one below the other: no blank line that sets nothing apart, and the `=` of neighbours in one column.

use super::assignments::Assignments;
use super::{INDENT, layout, text};
use crate::body::{Body, Item};
use crate::expr::Expr;

/// A file that is being written, item by item.
#[derive(Default)]
pub struct Writer {
    out: String,
    indent: usize,
    /// Where the items of the present body begin.
    start: usize,
    /// Whether a blank line comes before the next item of the body, if there is one.
    blank: bool,
    /// Whether the arguments of the body take several lines if they have several parts.
    broken: bool,
    /// The arguments since the last item of another kind.
    arguments: Assignments,
}

impl Writer {
    /// Returns the text of the file.
    pub fn finish(mut self) -> String {
        self.arguments.align(&mut self.out);
        self.out
    }

    /// Returns how many bytes have been written.
    pub fn bytes(&self) -> usize {
        self.out.len()
    }

    /// Writes what a body holds.
    pub fn body(&mut self, body: &Body) {
        body.items.iter().for_each(|item| self.item(item));
    }

    /// Writes one item.
    pub fn item(&mut self, item: &Item) {
        match item {
            Item::Argument(name, value) => self.argument(name, value),
            Item::Block(block) => {
                self.labelled_block(&block.kind, &block.labels, |writer| writer.body(&block.body));
            }
            Item::Comment(text) => self.comment(text),
            Item::Blank => self.blank(),
        }
    }

    /// Writes `name = value`.
    pub fn argument(&mut self, name: &str, value: &Expr) {
        let layout = if self.broken { layout::broken_argument } else { layout::argument };
        let indent = self.indent;
        self.assignment(name, |out| layout(out, indent, name.len(), value));
    }

    /// Writes an argument whose value is text that has been laid out, and may be aligned with its neighbours or not.
    pub fn laid_out_argument(&mut self, name: &str, value: &str, aligned: bool) {
        self.assignment(name, |out| {
            out.push_str(value);
            aligned
        });
    }

    fn assignment(&mut self, name: &str, write_value: impl FnOnce(&mut String) -> bool) {
        self.write_blank();
        let write_name = |out: &mut String| out.push_str(name);
        self.arguments.add(&mut self.out, self.indent, write_name, |out, _| write_value(out));
    }

    /// Sets the items before apart from those after; several blank lines are one, and none stands at either end.
    pub fn blank(&mut self) {
        self.arguments.align(&mut self.out);
        self.blank = self.out.len() > self.start;
    }

    fn write_blank(&mut self) {
        if std::mem::take(&mut self.blank) {
            self.out.push('\n');
        }
    }

    /// Writes a comment.
    pub fn comment(&mut self, text: &str) {
        self.arguments.align(&mut self.out);
        self.write_blank();
        for line in text.split('\n') {
            text::pad(&mut self.out, self.indent);
            self.out.push('#');
            let line = line.trim_end();
            if !line.is_empty() {
                self.out.extend([" ", line]);
            }
            self.out.push('\n');
        }
    }

    /// Writes a block without labels.
    pub fn block(&mut self, kind: &str, write_body: impl FnOnce(&mut Writer)) {
        self.labelled_block::<&str>(kind, &[], write_body);
    }

    /// Writes a block.
    pub fn labelled_block<L: AsRef<str>>(
        &mut self,
        kind: &str,
        labels: &[L],
        write_body: impl FnOnce(&mut Writer),
    ) {
        self.arguments.align(&mut self.out);
        self.write_blank();
        text::pad(&mut self.out, self.indent);
        self.out.push_str(kind);
        for label in labels {
            self.out.push(' ');
            text::write_quoted(&mut self.out, label.as_ref());
        }
        self.out.push_str(" {");
        self.nested_body(kind, write_body);
        self.out.push_str("}\n");
    }

    /// Writes what stands between the braces of a block: nothing, or lines of their own.
    fn nested_body(&mut self, kind: &str, write_body: impl FnOnce(&mut Writer)) {
        let brace = self.out.len();
        self.out.push('\n');
        let outer_start = std::mem::replace(&mut self.start, self.out.len());
        // Each provider takes several lines, by a convention that has no other reason.
        let outer_broken = std::mem::replace(&mut self.broken, kind == "required_providers");
        self.indent += INDENT;
        write_body(self);
        self.indent -= INDENT;
        self.arguments.align(&mut self.out);
        self.blank = false;
        if self.out.len() == self.start {
            self.out.truncate(brace);
        } else {
            text::pad(&mut self.out, self.indent);
        }
        self.start = outer_start;
        self.broken = outer_broken;
    }
}
