//! Compiles a network declared in Rust into a Terraform module.

pub mod address_plan;
pub mod declaration;
pub mod diagnostics;
pub mod ledger;
pub mod module;
pub mod names;
pub mod network;
pub mod sizing;
pub mod topology;
