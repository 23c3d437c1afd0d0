//! Reads names, and what names refer to.

use std::collections::BTreeSet;

use crate::diagnostics::{Code, Diagnostics, Origin, report};
use crate::names::{Name, Zone};
use crate::suggest;
use crate::topology::{Tier, Topology};

/// Returns the position of a tier, and reports a name that no tier has.
pub(crate) fn tier(
    topology: &Topology,
    name: &str,
    user: &str,
    origin: &Origin,
    found: &mut Diagnostics,
) -> Option<usize> {
    let position = topology.tiers.iter().position(|tier| tier.name == name);
    if position.is_none() {
        let known = topology.tiers.iter().map(|tier| tier.name.as_str());
        report!(
            found, Code::UNKNOWN_TIER, origin,
            "{user} names tier `{name}`, which is not declared";
            "{}", suggest::hint(name, known)
        );
    }
    position
}

/// Reads a name, and reports what is wrong with it.
pub(crate) fn name(text: &str, subject: &str, origin: &Origin, found: &mut Diagnostics) -> Option<Name> {
    Name::parse(text)
        .map_err(|problem| {
            report!(
                found, Code::INVALID_NAME, origin,
                "the name `{text}` of {subject} {problem}";
                "use 1 to {} lower-case letters, digits, and single hyphens, beginning with a letter", Name::MAX_LENGTH
            );
        })
        .ok()
}

/// Returns who says in how many zones a tier has subnets, and that number.
pub(crate) fn zones_of(topology: &Topology, tier: usize) -> (&'static str, usize) {
    let owner = if topology.tiers[tier].zones.is_some() { "the tier" } else { "the network" };
    (owner, n_zones(topology, &topology.tiers[tier]))
}

/// Returns how many zones a tier is declared to be in, those that are wrong among them: who corrects them has as many.
pub(crate) fn n_zones(topology: &Topology, tier: &Tier) -> usize {
    let letters: BTreeSet<&String> = tier.zones.as_ref().unwrap_or(&topology.zones).iter().collect();
    letters.len()
}

/// Returns those of the network's zones that a tier has subnets in.
pub(crate) fn tier_zones(tier: &Tier, zones: &[Zone]) -> Vec<Zone> {
    let named = |zone: &Zone| match &tier.zones {
        None => true,
        Some(own) => own.iter().any(|letter| Zone::parse(letter) == Ok(*zone)),
    };
    zones.iter().copied().filter(named).collect()
}
