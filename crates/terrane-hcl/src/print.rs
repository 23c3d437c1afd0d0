//! The canonical printer: text that `terraform fmt` leaves alone.
//!
//! [`print()`] writes a file's body, and [`expression()`] one expression on one line.
//! A [`Writer`] writes bodies into one text, from its beginning to its end.
//!
//! An array or an object stands on one line if the line has at most 100 columns
//! and if no object stands inside an object; what is longer is broken at its brackets.
//! Objects with the same keys inside an object are rows of a table, each on one line.

mod assignments;
mod canonical;
mod expression;
mod layout;
mod text;
mod writer;

pub use self::canonical::canonical;
pub use self::expression::expression;
pub(crate) use self::expression::key;
pub use self::writer::Writer;

use crate::body::Body;
use crate::expr::Expr;

/// Lines are broken where they would be longer than this, and where they can be.
const MAX_COLUMNS: usize = 100;

/// Rows of a table are broken where they would be longer than this.
const MAX_ROW_COLUMNS: usize = 160;

/// What each nesting adds to the indentation.
const INDENT: usize = 2;

/// Prints the body of a file.
pub fn print(body: &Body) -> String {
    let mut writer = Writer::default();
    writer.body(body);
    writer.finish()
}

/// Returns the text of an argument's value in a block that is not nested, and whether it takes one line.
pub fn laid_out(name: &str, value: &Expr) -> (String, bool) {
    let mut text = String::new();
    let is_one_line = layout::argument(&mut text, INDENT, name.len(), value);
    (text, is_one_line)
}
