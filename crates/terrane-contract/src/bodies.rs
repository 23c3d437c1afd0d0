//! What a module says of each resource, as far as it is no part of the contract: its arguments and nested blocks.
//!
//! A change there keeps every address and every caller, and changes what stands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::expression::canonical;
use crate::read::is_terraform;
use crate::syntax::{Item, parse};

/// Arguments that say which instances there are and how they are treated, which the contract knows or a plan hides.
const META: [&str; 4] = ["count", "for_each", "depends_on", "provider"];

/// The arguments of every managed resource of a package, by address, with the local values that they use.
///
/// An address in a submodule has the submodule's directory in front, as in `modules/s: aws_vpc.this`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bodies {
    pub(crate) by_address: BTreeMap<String, String>,
}

impl Bodies {
    /// Reads the resources of a package from its files, given as path (with `/`) and text.
    ///
    /// What cannot be parsed is passed over, since [`Contract::from_files`](crate::Contract::from_files) reports it.
    pub fn from_files<P: AsRef<str>, T: AsRef<str>>(files: impl IntoIterator<Item = (P, T)>) -> Bodies {
        let mut directories: BTreeMap<String, Vec<Item>> = BTreeMap::new();
        for (path, text) in files {
            let (directory, name) = path.as_ref().rsplit_once('/').unwrap_or(("", path.as_ref()));
            let is_of_module = directory.is_empty() || directory.starts_with("modules/");
            if is_of_module && is_terraform(name) {
                let items = parse(path.as_ref(), text.as_ref(), &mut Vec::new());
                directories.entry(directory.to_owned()).or_default().extend(items);
            }
        }
        let mut by_address = BTreeMap::new();
        for (directory, items) in &directories {
            let locals = items.iter().filter(|item| item.kind == "locals").flat_map(|item| &item.attributes);
            let locals: BTreeMap<&str, String> =
                locals.map(|(name, value)| (name.as_str(), canonical(value))).collect();
            for item in items.iter().filter(|item| item.kind == "resource") {
                let address = item.labels.join(".");
                let prefix = if directory.is_empty() { String::new() } else { format!("{directory}: ") };
                by_address.insert(format!("{prefix}{address}"), with_locals(body(item), &locals));
            }
        }
        Bodies { by_address }
    }
}

/// Returns a block without what the contract knows of it.
fn body(item: &Item) -> String {
    let mut text = String::new();
    for (name, value) in item.attributes.iter().filter(|(name, _)| !META.contains(&name.as_str())) {
        let _ = writeln!(text, "{name} = {}", canonical(value));
    }
    for block in item.blocks.iter().filter(|block| block.kind != "lifecycle") {
        let _ = writeln!(text, "{} {} {{\n{}}}", block.kind, block.labels.join(" "), body(block));
    }
    text
}

/// Adds the local values that a text names, and those that they name in turn.
fn with_locals(mut text: String, locals: &BTreeMap<&str, String>) -> String {
    let mut known: BTreeSet<&str> = BTreeSet::new();
    let mut open = text.clone();
    while !open.is_empty() {
        let named: Vec<&str> =
            locals.keys().copied().filter(|name| !known.contains(name) && names(&open, name)).collect();
        open.clear();
        for name in named {
            known.insert(name);
            let _ = writeln!(open, "{}", locals[name]);
        }
    }
    for name in known {
        let _ = writeln!(text, "local.{name} = {}", locals[name]);
    }
    text
}

/// Whether a text uses a local value.
fn names(text: &str, local: &str) -> bool {
    text.match_indices(&format!("local.{local}")).any(|(start, found)| {
        let follows = text[start + found.len()..].chars().next();
        !follows.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-')
    })
}
