//! Compiles a network declared in Rust into a Terraform module.
//!
//! ```
//! use semver::Version;
//! use terrane_compiler::ledger::Ledger;
//! use terrane_compiler::topology::{Egress, Flow, Tier, Topology};
//!
//! let shop = Topology::new("shop")
//!     .base("10.0.0.0/16")
//!     .zones(["a", "b", "c"])
//!     .tier(Tier::public("pub").prefix_length(24))
//!     .tier(Tier::private("app").prefix_length(20))
//!     .egress(Egress::nat_per_zone())
//!     .flow(Flow::tcp([443]).from("internet").to("pub"))
//!     .flow(Flow::tcp([8080]).from("pub").to("app"))
//!     .flow(Flow::tcp([443]).from("app").to("internet"));
//!
//! // Before anything was compiled, nothing has its addresses; from then on, the ledger that was compiled is handed in.
//! let compiled = terrane_compiler::compile(&shop, &Ledger::default(), &Version::new(1, 0, 0))?;
//! for (path, text) in compiled.files.iter() {
//!     println!("{path}: {} bytes", text.len());
//! }
//! # assert!(compiled.warnings.is_empty());
//! # Ok::<(), terrane_compiler::diagnostics::Diagnostics>(())
//! ```
//!
//! [`topology`] has everything that a network can be told, and `ModuleDir` of the crate `terrane-workspace` writes a
//! compilation to disk.
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
