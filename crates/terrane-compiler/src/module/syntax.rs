//! Terraform's syntax as data: blocks, arguments, and expressions.

pub use terrane_hcl::body::{Block, Body, Item};
pub use terrane_hcl::expr::{
    Expr, Object, any, by_letter, call, conditional, each, each_part, equal, expr, object, paragraph,
    reference, string, table, template,
};
