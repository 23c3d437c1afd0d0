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
//! [`compile`] is the whole story. This crate does no I/O; its `clippy.toml` sees to it.

pub mod address_plan;
pub mod declaration;
pub mod diagnostics;
pub mod document;
mod emit;
pub mod family;
pub mod features;
pub mod file_tree;
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
mod suggest;
#[cfg(feature = "testing")]
pub mod testing;
pub mod topology;
mod vpc_ranges;

use semver::Version;
use terrane_contract::Contract;

use crate::declaration::Declaration;
use crate::diagnostics::Diagnostics;
use crate::file_tree::FileTree;
use crate::ledger::Ledger;
use crate::module::Module;
use crate::network::Network;
use crate::proof::Proof;
use crate::topology::Topology;

/// Everything that a compilation yields.
#[derive(Clone, Debug)]
pub struct Compilation {
    /// The ledger with what this compilation recorded.
    pub ledger: Ledger,
    /// The network.
    pub network: Network,
    /// What it keeps apart, and what it lets through.
    pub proof: Proof,
    /// Terraform as data.
    pub module: Module,
    /// The module's interface.
    pub contract: Contract,
    /// The module's files.
    pub files: FileTree,
    /// Problems that did not stop the compilation.
    pub warnings: Diagnostics,
}

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
    let declaration = Declaration::read(topology)?;
    let mut warnings = declaration.warnings.clone();
    let (plan, mut ledger) = warnings.before(address_plan::allocate(&declaration, ledger))?;
    warnings.extend(plan.warnings.clone());
    let network = warnings.before(resolve::resolve(&declaration, &plan, &mut ledger))?;
    warnings.extend(features::warnings(&network));
    let proof = proof::prove(&network);
    let mut module = lower::lower(&network);

    warnings.extend(proof.diagnostics());
    warnings.extend(lower::newer_than_asked(&network, &module, topology.place("terraform")));
    let network = warnings.ok(network)?;

    emit::identify(&mut module, version, "");
    let contract = emit::contract(&network, &module, &module::checked(&module), &ledger);
    let json = emit::json(&contract);
    emit::identify(&mut module, version, &emit::fingerprint(&json));
    let source = emit::Source {
        network: &network,
        proof: &proof,
        module: &module,
        contract: &contract,
        ledger: &ledger,
        version,
    };
    let files = emit::emit(&source, json);
    Ok(Compilation { ledger, network, proof, module, contract, files, warnings })
}
