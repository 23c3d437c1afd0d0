//! Compiles a network declared in Rust into a Terraform module.
//!
//! The stages are types, and data flows through them in one direction:
//!
//! | stage | type | step |
//! |---|---|---|
//! | declare | [`topology::Topology`] → [`declaration::Declaration`] | [`declaration::Declaration::read`] |
//! | allocate | [`address_plan::AddressPlan`], [`ledger::Ledger`] | [`address_plan::allocate`] |
//! | resolve | [`network::Network`] | [`resolve::resolve`] |
//! | prove | [`proof::Proof`] | [`proof::prove`] |
//! | lower | [`module::Module`] | [`lower::lower`] |
//! | emit | [`file_tree::FileTree`] | `emit` |
//!
//! [`compile`] is the whole story; who needs less stops at [`Resolved`] or at [`Checked`], on the same way.
//! This crate does no I/O; its `clippy.toml` sees to it.

pub mod address_plan;
pub mod declaration;
pub mod diagnostics;
mod digest;
pub mod document;
mod emit;
pub mod explain;
pub mod family;
pub mod features;
pub mod file_tree;
mod floor;
mod keys;
pub mod ledger;
pub mod lower;
pub mod module;
pub mod names;
pub mod network;
pub mod proof;
pub mod quotas;
pub mod resolve;
pub mod sizing;
mod stages;
mod suggest;
#[cfg(feature = "testing")]
pub mod testing;
pub mod topology;
mod vpc_ranges;

use semver::Version;

use crate::diagnostics::Diagnostics;
use crate::ledger::Ledger;
use crate::topology::Topology;

pub use crate::stages::{Checked, Compilation, Resolved};

/// Compiles a topology, with the ledger that was committed for it, into the module's next version.
///
/// # Errors
///
/// Returns every problem of the topology and the ledger that the failing stage finds, and all warnings before it.
///
/// # Panics
///
/// Panics if the compiler itself writes a module that is not valid; that is a bug of the compiler, not of its input.
pub fn compile(topology: &Topology, ledger: &Ledger, version: &Version) -> Result<Compilation, Diagnostics> {
    Resolved::of(topology, ledger)?.check().emit(version)
}
