//! Compiles a network declared in Rust into a Terraform module.

pub mod address_plan;
pub mod declaration;
pub mod diagnostics;
pub mod features;
pub mod ledger;
pub mod lower;
pub mod module;
pub mod names;
pub mod network;
pub mod resolve;
pub mod sizing;
mod suggest;
pub mod topology;
