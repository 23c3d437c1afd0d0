//! Modules as text: the files, and what stands in them; how it is laid out is [`terrane_hcl::print`]'s.

mod files;

pub use terrane_hcl::print::{Writer, expression, print};

pub(crate) use self::files::{begin, file, origin};
pub use self::files::{files, type_expression};
