//! Lines `name = value` one below the other, with the `=` of neighbours in one column.

use super::text;

/// Lines `name = value` one below the other, in a text that ends with them.
#[derive(Default)]
pub(super) struct Assignments(Vec<Assignment>);

struct Assignment {
    /// Where the name ends.
    name_end: usize,
    name_columns: usize,
    /// Whether the `=` is aligned with those of its neighbours.
    aligned: bool,
}

impl Assignments {
    /// Writes one more; its value is told the columns of its name, and tells whether its `=` is aligned.
    pub(super) fn add(
        &mut self,
        out: &mut String,
        indent: usize,
        write_name: impl FnOnce(&mut String),
        write_value: impl FnOnce(&mut String, usize) -> bool,
    ) {
        text::pad(out, indent);
        let name = out.len();
        write_name(out);
        let name_end = out.len();
        let name_columns = text::columns(&out[name..]);
        out.push_str(" = ");
        let aligned = write_value(out, name_columns);
        out.push('\n');
        self.0.push(Assignment { name_end, name_columns, aligned });
    }

    /// Puts the `=` of neighbours on one line each in one column, and forgets them.
    pub(super) fn align(&mut self, out: &mut String) {
        // From the end, so that no name moves before it is met.
        for group in self.0.chunk_by(|a, b| a.aligned && b.aligned).rev() {
            let width = group.iter().map(|assignment| assignment.name_columns).max().unwrap_or_default();
            for assignment in group.iter().rev() {
                text::pad_at(out, assignment.name_end, width - assignment.name_columns);
            }
        }
        self.0.clear();
    }
}
