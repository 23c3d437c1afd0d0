//! What a compilation changes of the one before it, in the words of the topology.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use terrane_compiler::Compilation;
use terrane_compiler::topology::Topology;
use terrane_contract::{Addresses, BlockState, Contract};

/// One change of a network that was compiled before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The thing, and what becomes of it.
    pub words: String,
    /// Whether an apply destroys something that carries traffic or has an address.
    pub destroys: bool,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.destroys { "destroys: " } else { "changes: " })?;
        f.write_str(&self.words)
    }
}

/// Types of resources that come and go with a rule: without them, traffic stops, and nothing that stands is lost.
const RULES: [&str; 5] =
    ["_acl_association.", "_acl_rule.", "_group_egress_rule.", "_group_ingress_rule.", "_table_association."];

/// Where the rules of declared flows are that come in.
const INGRESS: &str = "aws_vpc_security_group_ingress_rule.";

/// Compares a compilation with the interface of the one before.
pub(crate) fn changes(before: &Contract, topology: &Topology, compilation: &Compilation) -> Vec<Change> {
    let mut found = Vec::new();
    if let (Some(old), Some(new)) = (&before.addresses, &compilation.contract.addresses) {
        tiers(old, new, topology, &mut found);
    }
    rules(before, &compilation.contract, &mut found);
    ranges(before, &compilation.contract, &mut found);
    resources(before, &compilation.contract, &mut found);
    // What destroys comes first.
    found.sort_by_key(|change| !change.destroys);
    found
}

/// Returns the live generations of each tier.
fn live(addresses: &Addresses) -> BTreeMap<&str, BTreeSet<u32>> {
    let mut tiers: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
    for block in addresses.blocks.iter().filter(|block| block.state == BlockState::Live) {
        tiers.entry(&block.tier).or_default().insert(block.generation);
    }
    tiers
}

fn tiers(old: &Addresses, new: &Addresses, topology: &Topology, found: &mut Vec<Change>) {
    let (old, new) = (live(old), live(new));
    let mut renamed = BTreeSet::new();
    let mut come = Vec::new();
    for name in new.keys().filter(|name| !old.contains_key(*name)) {
        let declared = topology.tiers.iter().find(|tier| tier.name == *name);
        let former = declared
            .and_then(|tier| tier.renamed_from.iter().find(|former| old.contains_key(former.as_str())));
        match former {
            Some(former) => {
                renamed.insert(former.as_str());
                let words = format!("tier `{former}` is `{name}` now; its subnets stay");
                found.push(Change { words, destroys: false });
            }
            None => {
                come.push(format!("`{name}`"));
                found.push(Change { words: format!("tier `{name}` is new"), destroys: false });
            }
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name) && !renamed.contains(*name)) {
        let hint = match come.as_slice() {
            [] => String::new(),
            come => format!(
                "; if it was renamed to {}, say `renamed_from = [\"{name}\"]` there",
                come.join(" or ")
            ),
        };
        let words =
            format!("tier `{name}` is gone, and its subnets go with it (its block stays reserved){hint}");
        found.push(Change { words, destroys: true });
    }
    for (name, generations) in &old {
        let Some(now) = new.get(name) else { continue };
        for gone in generations.difference(now) {
            let words = format!("generation {gone} of tier `{name}` is gone, and its subnets go with it");
            found.push(Change { words, destroys: true });
        }
        for come in now.difference(generations) {
            let words = format!("generation {come} of tier `{name}` is new");
            found.push(Change { words, destroys: false });
        }
    }
}

/// What security groups let in, by resource and key: the declared flows.
fn rules(before: &Contract, after: &Contract, found: &mut Vec<Change>) {
    let rules = |contract: &Contract| -> BTreeSet<String> {
        let own = contract.resources.iter().filter(|(address, _)| address.starts_with(INGRESS));
        own.flat_map(|(address, managed)| {
            managed.literal_keys.iter().map(move |key| format!("{address}[{key:?}]"))
        })
        .collect()
    };
    let (old, new) = (rules(before), rules(after));
    let mut note =
        |rule: &String, what: &str| found.push(Change { words: format!("{rule} {what}"), destroys: false });
    old.difference(&new).for_each(|rule| note(rule, "goes"));
    new.difference(&old).for_each(|rule| note(rule, "comes"));
}

fn ranges(before: &Contract, after: &Contract, found: &mut Vec<Change>) {
    for name in before.admitted.keys() {
        let default = |contract: &Contract| contract.variables.get(name).and_then(|it| it.default.clone());
        let (Some(old), Some(new)) = (default(before), default(after)) else { continue };
        if old != new {
            let words = format!(
                "the range `{name}` is {new} now, not {old}: an apply replaces the whole network, unless the caller passes {old}"
            );
            found.push(Change { words, destroys: true });
        }
    }
}

fn resources(before: &Contract, after: &Contract, found: &mut Vec<Change>) {
    let moved: BTreeSet<&str> = after.moved.iter().map(|it| it.from.as_str()).collect();
    let is_rule =
        |address: &str| address.starts_with("aws_route.") || RULES.iter().any(|rule| address.contains(rule));
    let gone: Vec<&str> = before
        .resources
        .keys()
        .map(String::as_str)
        .filter(|address| {
            !after.resources.contains_key(*address) && !moved.contains(address) && !is_rule(address)
        })
        .collect();
    if !gone.is_empty() {
        found.push(Change { words: format!("these resources go: {}", gone.join(", ")), destroys: true });
    }
}
