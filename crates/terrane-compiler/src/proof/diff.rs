//! What two networks let through differently: flows newly permitted and newly denied.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use crate::names::Cidr;
use crate::network::Network;
use crate::proof::engine::{End, Engine, Layers};
use crate::proof::facts::Facts;
use crate::proof::headers::HeaderSet;
use crate::proof::placement::{self, Placement};

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
    /// Where the VPC's ranges lie, if the change is not there with both networks at their defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub only_at: Option<String>,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, headers) in [("permitted", &self.permitted), ("denied", &self.denied)] {
            if !headers.is_empty() {
                write!(f, "newly {what:<9} {} \u{2192} {} {headers}", self.from, self.to)?;
                match &self.only_at {
                    Some(placement) => writeln!(f, " (with the VPC at {placement})")?,
                    None => writeln!(f)?,
                }
            }
        }
        Ok(())
    }
}

/// Returns what changed from one network to another, by names of tiers, over all layers, wherever both may lie.
pub fn diff(old: &Network, new: &Network) -> Vec<Change> {
    let mut changes = changes(&permitted(old, &default(old)), &permitted(new, &default(new)), None);
    if old.ranges.len() != new.ranges.len() {
        return changes;
    }
    let mut placements = placement::placements(old).0;
    placements.extend(placement::placements(new).0);
    placements.sort_unstable();
    placements.dedup();
    for placement in placements.iter().filter(|placement| admits(old, placement) && admits(new, placement)) {
        let words = placement.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let found = self::changes(&permitted(old, placement), &permitted(new, placement), Some(&words));
        for change in found {
            let same = |known: &Change| {
                (&known.from, &known.to, &known.permitted, &known.denied)
                    == (&change.from, &change.to, &change.permitted, &change.denied)
            };
            if !changes.iter().any(same) {
                changes.push(change);
            }
        }
    }
    changes
}

/// What each pair of tiers may open.
type Permitted = BTreeMap<(String, String), HeaderSet>;

fn changes(old: &Permitted, new: &Permitted, placement: Option<&str>) -> Vec<Change> {
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
            changed.then(|| Change {
                from: pair.0.clone(),
                to: pair.1.clone(),
                permitted,
                denied,
                only_at: placement.map(str::to_owned),
            })
        })
        .collect()
}

fn default(network: &Network) -> Placement {
    network.ranges.iter().map(|range| range.default).collect()
}

fn admits(network: &Network, placement: &[Cidr]) -> bool {
    network.ranges.iter().zip(placement).all(|(range, cidr)| {
        (range.admitted.min_prefix_length..=range.admitted.max_prefix_length).contains(&cidr.prefix_length())
    })
}

fn permitted(network: &Network, placement: &[Cidr]) -> Permitted {
    opened(&placement::facts(network, placement))
}

/// Returns what changed between two networks as they lie, by names of tiers, over all layers that are known.
pub(super) fn diff_facts(old: &Facts, new: &Facts) -> Vec<Change> {
    changes(&opened(old), &opened(new), None)
}

fn opened(facts: &Facts) -> Permitted {
    let mut engine = Engine::new(facts);
    let places = (0..facts.places.len()).map(End::Place);
    let ends: Vec<End> = (0..facts.subnets.len())
        .map(End::Subnet)
        .chain(std::iter::once(End::Internet))
        .chain(places)
        .collect();
    let mut all = Permitted::new();
    for from in &ends {
        for to in &ends {
            let open = engine.open(*from, *to, Layers::EVERY);
            if !open.is_empty() {
                let entry = all.entry((name(facts, *from), name(facts, *to))).or_default();
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
        End::Place(place) => facts.places[place].name.clone(),
    }
}
