//! NAT gateways: one for each letter that has one, in the public tier, with an elastic IP each.

use std::collections::BTreeSet;

use terrane_compiler::topology::{Access, NatMode, Tier, Topology};

use super::Scene;
use crate::e2e::Findings;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let nats: Vec<_> = scene.observed.nat_gateways.iter().filter(|nat| nat.vpc == scene.vpc.id).collect();
    let home = tier(scene.topology);
    let declared: BTreeSet<&str> = letters(scene)
        .into_iter()
        .filter_map(|letter| Some(scene.subnet(home?, letter)?.id.as_str()))
        .collect();
    findings.equal("the number of NAT gateways", nats.len(), letters(scene).len());
    findings.equal(
        "the set of subnets with a NAT gateway",
        nats.iter().map(|nat| nat.subnet.as_str()).collect(),
        declared,
    );
    let allocations: BTreeSet<&str> =
        nats.iter().flat_map(|nat| nat.allocations.iter().map(String::as_str)).collect();
    findings.equal("the number of elastic IPs of NAT gateways", allocations.len(), nats.len());
    for allocation in allocations {
        let address = scene.observed.addresses.iter().find(|address| address.allocation == allocation);
        findings.expect(address.is_some_and(|address| address.associated), || {
            format!("elastic IP {allocation} is not in use")
        });
    }
    for nat in nats {
        scene.check_tags("a NAT gateway", &nat.tags, findings);
    }
}

/// Returns the letters with a NAT gateway.
pub(super) fn letters<'a>(scene: &Scene<'a>) -> Vec<&'a str> {
    match scene.topology.features.egress.nat {
        NatMode::None => Vec::new(),
        NatMode::PerZone => {
            tier(scene.topology).map(|tier| scene.letters_of(tier).collect()).unwrap_or_default()
        }
        NatMode::Zones => {
            let zones = &scene.topology.features.egress.zones;
            scene.letters.iter().filter(|letter| zones.contains(letter)).map(String::as_str).collect()
        }
        NatMode::Single => {
            let home =
                scene.topology.features.egress.home.as_deref().or(scene.letters.first().map(String::as_str));
            home.into_iter().collect()
        }
    }
}

/// Returns the letter of the NAT gateway through which the private subnets of a zone leave.
pub(super) fn letter_of<'a>(scene: &Scene<'a>, letter: &'a str) -> Option<&'a str> {
    let letters = letters(scene);
    let egress = &scene.topology.features.egress;
    match egress.nat {
        NatMode::None => None,
        NatMode::Single => letters.first().copied(),
        NatMode::PerZone | NatMode::Zones if letters.contains(&letter) => Some(letter),
        NatMode::PerZone | NatMode::Zones => match egress.fallback.get(letter) {
            Some(home) => Some(home.as_str()),
            None => letters.first().copied(),
        },
    }
}

/// Returns the public tier that holds the NAT gateways.
pub(super) fn tier(topology: &Topology) -> Option<&Tier> {
    let public = || topology.tiers.iter().filter(|tier| tier.access == Access::Public);
    match &topology.features.egress.tier {
        Some(name) => public().find(|tier| tier.name == *name),
        None => public().next(),
    }
}
