//! Emit: the files of a compiled module.

mod contract;
mod diagram;
mod example;
mod module_tests;
mod readme;
mod terraform_docs;

pub(crate) use self::contract::{contract, identify, json};
pub(crate) use self::diagram::Picture;
pub(crate) use self::module_tests::{Rejection, own_zones};

use semver::Version;
use terrane_contract::Contract;

use crate::file_tree::FileTree;
use crate::ledger::Ledger;
use crate::module::{Module, print};
use crate::network::Network;
use crate::proof::Proof;

/// What the files are made from.
pub(crate) struct Source<'a> {
    pub(crate) network: &'a Network,
    pub(crate) proof: &'a Proof,
    pub(crate) module: &'a Module,
    pub(crate) contract: &'a Contract,
    pub(crate) ledger: &'a Ledger,
    pub(crate) version: &'a Version,
    /// How callers name the module in a registry.
    pub(crate) address: Option<&'a str>,
}

/// Returns the files of a module, the text of `contract.json` among them.
pub(crate) fn emit(source: &Source<'_>, json: String) -> FileTree {
    let mut files = FileTree::default();
    let required_version = source.contract.required_version.as_deref().unwrap_or_default();
    for (name, text) in print::files(source.module, required_version) {
        files.add(&name, text);
    }
    files.add("README.md", readme::readme(source));
    files.add("PROOF.md", readme::proof(source));
    files.add("contract.json", json);
    files.add("ledger.toml", source.ledger.to_string());
    for (name, text) in example::files(source) {
        files.add(&name, text);
    }
    for (name, text) in module_tests::files(source) {
        files.add(&name, text);
    }
    files
}
