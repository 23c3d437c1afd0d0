//! Terraform's syntax as data: blocks, arguments, and expressions.

pub use terrane_hcl::body::{Block, Body, Item};
#[cfg(test)]
pub(crate) use terrane_hcl::expr::expr;
pub use terrane_hcl::expr::{
    Expr, Object, address, any, by_letter, call, call_with_each, conditional, contains, each, each_in,
    each_key, each_part, each_value, equal, interpolated, keys, length, local, matches, name, object,
    pairs_in, paragraph, reference, string, strings, table, values, var,
};
