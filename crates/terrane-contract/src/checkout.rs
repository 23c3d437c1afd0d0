//! A module as its files are: what can be read of it, whatever stands beside it.

use std::collections::{BTreeMap, BTreeSet};

use crate::code::Code;
use crate::normal::{Definitions, members};
use crate::read::{Reading, is_aside};
use crate::{Contract, Problem};

/// A module's files with what they declare.
///
/// A file that cannot be read does not keep the others from being read; [`Checkout::problems`] names it.
#[derive(Clone, Debug)]
pub struct Checkout {
    /// The interface that the files declare.
    pub contract: Contract,
    pub(crate) code: Code,
    pub(crate) unreadable: BTreeMap<String, Problem>,
    problems: Vec<Problem>,
}

impl Checkout {
    /// Reads a module from its files, given as path (with `/`) and bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::collections::BTreeMap;
    ///
    /// let file = |text: &str| BTreeMap::from([("main.tf".to_owned(), text.as_bytes().to_vec())]);
    /// let old = terrane_contract::Checkout::read("m", file("locals {\n  n = 1\n}\nresource \"a\" \"b\" {\n  n = local.n\n}\n"));
    /// let new = terrane_contract::Checkout::read("m", file("locals {\n  n = 2\n}\nresource \"a\" \"b\" {\n  n = local.n\n}\n"));
    /// assert_eq!(new.changes_since(&old).findings[0].rule, "R15");
    /// ```
    pub fn read(module: &str, files: BTreeMap<String, Vec<u8>>) -> Checkout {
        let reading =
            Reading::of(module, files.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice())));
        let Reading { contract, items, unreadable, problems } = reading;
        Checkout { contract, code: Code { items, files }, unreadable, problems }
    }

    /// Returns a module of which only the contract is known.
    pub fn of_contract(contract: Contract) -> Checkout {
        Checkout { contract, code: Code::default(), unreadable: BTreeMap::new(), problems: Vec::new() }
    }

    /// Returns whether there are Terraform files, in the root or in submodules, readable or not.
    pub fn is_module(&self) -> bool {
        !self.code.items.is_empty()
    }

    /// Returns what is wrong with the files, by file and line.
    pub fn problems(&self) -> Vec<&Problem> {
        let mut all: Vec<&Problem> = self.unreadable.values().chain(&self.problems).collect();
        all.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        all
    }

    /// Returns where the files are that the code reads while it is planned, such as templates and policies: how their
    /// paths in the package start, as far as that is known.
    pub fn paths_read(&self) -> BTreeSet<String> {
        self.code.files_read()
    }

    /// Returns the version as which a compiled module knows itself, by its output `terrane`.
    pub fn compiled_version(&self) -> Option<String> {
        let items = self.code.items.get("")?;
        let output = items.iter().find(|item| item.kind == "output" && item.labels == ["terrane"])?;
        let value = Definitions::default().normal(output.get("value")?);
        let members = members(&value)?;
        let is_identity = ["fingerprint", "module", "version"]
            .iter()
            .all(|name| members.iter().any(|(member, _)| member == name));
        match members.into_iter().find(|(name, _)| *name == "version")?.1 {
            terrane_hcl::expr::Expr::String(version) if is_identity => Some(version.clone()),
            _ => None,
        }
    }

    /// Whether more is known than the contract.
    pub(crate) fn has_code(&self) -> bool {
        !self.code.files.is_empty()
    }

    /// Returns the directories whose declarations are not all known.
    pub(crate) fn blind_directories(&self, other: &Checkout) -> BTreeSet<&str> {
        let same = |file: &str| self.code.files.get(file) == other.code.files.get(file);
        let blind = self.unreadable.keys().filter(|file| !same(file) && !is_aside(file));
        blind.map(|file| file.rsplit_once('/').map_or("", |(directory, _)| directory)).collect()
    }
}
