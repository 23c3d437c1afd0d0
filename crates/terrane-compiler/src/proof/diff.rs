//! What two networks let through differently: flows newly permitted and newly denied.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::network::Network;
use crate::proof::engine::{End, Engine, Layers};
use crate::proof::facts::Facts;
use crate::proof::headers::HeaderSet;
use crate::proof::placement;

/// A pair of tiers, or of a tier and the internet, between which something changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Who opens connections.
    pub from: String,
    /// Who accepts them.
    pub to: String,
    /// What was not permitted before, over all layers; empty if nothing.
    pub permitted: String,
    /// What is not permitted any more; empty if nothing.
    pub denied: String,
}

/// Returns what changed from one network to another, by names of tiers, over all layers.
pub fn diff(old: &Network, new: &Network) -> Vec<Change> {
    let (old, new) = (permitted(old), permitted(new));
    let pairs: BTreeSet<&(String, String)> = old.keys().chain(new.keys()).collect();
    let nothing = HeaderSet::default();
    pairs
        .into_iter()
        .filter_map(|pair| {
            let before = old.get(pair).unwrap_or(&nothing);
            let after = new.get(pair).unwrap_or(&nothing);
            let words = |set: HeaderSet| if set.is_empty() { String::new() } else { set.to_string() };
            let (permitted, denied) = (words(after.minus(before)), words(before.minus(after)));
            let changed = !permitted.is_empty() || !denied.is_empty();
            changed.then(|| Change { from: pair.0.clone(), to: pair.1.clone(), permitted, denied })
        })
        .collect()
}

fn permitted(network: &Network) -> BTreeMap<(String, String), HeaderSet> {
    let placement: Vec<_> = network.ranges.iter().map(|range| range.default).collect();
    let facts = placement::facts(network, &placement);
    let mut engine = Engine::new(&facts);
    let ends: Vec<End> =
        (0..facts.subnets.len()).map(End::Subnet).chain(std::iter::once(End::Internet)).collect();
    let mut all: BTreeMap<(String, String), HeaderSet> = BTreeMap::new();
    for from in &ends {
        for to in &ends {
            let open = engine.open(*from, *to, Layers::EVERY);
            if !open.is_empty() {
                let entry = all.entry((name(&facts, *from), name(&facts, *to))).or_default();
                *entry = entry.join(&open);
            }
        }
    }
    all
}

fn name(facts: &Facts, end: End) -> String {
    match end {
        End::Subnet(subnet) => facts.tiers[facts.subnets[subnet].tier].name.clone(),
        End::Internet => crate::topology::INTERNET.to_owned(),
    }
}
