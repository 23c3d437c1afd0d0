//! Compiles a network declared in Rust into a Terraform module.

pub mod diagnostics;
pub mod module;
