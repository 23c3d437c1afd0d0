//! HCL, the language of Terraform, as data.
//!
//! - [`expr`]: expressions, and how to build them. [`body`]: blocks and arguments.
//! - [`print`]: text that `terraform fmt` leaves alone. [`parse`]: what a text says. [`types`]: of what type it is.
//!
//! What is built here cannot be misread: a text that somebody else wrote enters an expression as a string literal.
//! The parser is `hcl-rs`, of which nothing is seen outside.
//!
//! # Examples
//!
//! ```
//! use terrane_hcl::body::Body;
//! use terrane_hcl::expr::{call, reference, string};
//!
//! let name = call("upper", [reference("var", "name")]);
//! let body = Body::new().arg("name", name).arg("class", string("${not a marker}"));
//! let text = "name  = upper(var.name)\nclass = \"$${not a marker}\"\n";
//! assert_eq!(terrane_hcl::print::print(&body), text);
//! assert_eq!(terrane_hcl::parse::file(text).unwrap().attributes[0].value.to_string(), "upper(var.name)");
//! ```

pub mod body;
pub mod expr;
pub mod parse;
pub mod print;
pub mod types;
