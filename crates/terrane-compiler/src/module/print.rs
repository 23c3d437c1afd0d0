//! The canonical printer: text that `terraform fmt` leaves alone.
//!
//! [`print()`] writes a file's body, [`expression()`] one expression on one line, and [`files()`] a whole module.
//! A [`Writer`] writes bodies and modules into one text, from its beginning to its end.
//!
//! An array or an object stands on one line if the line has at most 100 columns
//! and if no object stands inside an object; what is longer is broken at its brackets.
//! Objects with the same keys inside an object are rows of a table, each on one line.

mod assignments;
mod expression;
mod files;
mod layout;
mod text;
mod writer;

pub use self::expression::expression;
pub(crate) use self::files::{begin, file, origin};
pub use self::files::{files, type_expression};
pub(crate) use self::writer::Writer;

use super::syntax::Body;

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
