//! The subnets of each tier: where they lie, and what they carry.

use ipnet::Ipv4Net;
use terrane_compiler::topology::Tier;

use super::{Scene, check_tags};
use crate::{
    aws::Subnet,
    e2e::{Findings, REGION},
};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let all: Vec<&Subnet> =
        scene.observed.subnets.iter().filter(|subnet| subnet.vpc == scene.vpc.id).collect();
    let declared = scene.topology.tiers.iter().map(|tier| scene.letters_of(tier).count()).sum();
    findings.equal("the number of subnets", all.len(), declared);
    for tier in &scene.topology.tiers {
        for letter in scene.letters_of(tier) {
            let found = scene.subnet(tier, letter);
            findings
                .expect(found.is_some(), || format!("tier `{}` has no subnet in zone {letter}", tier.name));
            if let Some(subnet) = found {
                one(scene, tier, letter, subnet, findings);
            }
        }
    }
    let nets: Vec<Ipv4Net> = all.iter().filter_map(|subnet| subnet.cidr.parse().ok()).collect();
    for (idx, first) in nets.iter().enumerate() {
        for second in &nets[idx + 1..] {
            let apart = !first.contains(second) && !second.contains(first);
            findings.expect(apart, || format!("subnets {first} and {second} overlap"));
        }
    }
}

fn one(scene: &Scene<'_>, tier: &Tier, letter: &str, subnet: &Subnet, findings: &mut Findings) {
    let what = |part: &str| format!("{part} of subnet {}-{letter}", tier.name);
    findings.equal(&what("the zone"), &subnet.zone, &format!("{REGION}{letter}"));
    findings.equal(&what("public addressing"), subnet.public_addresses, tier.public_ips);
    let range = match &tier.range {
        Some(name) => {
            scene.topology.secondary.iter().find(|range| range.name == *name).map(|range| range.cidr.as_str())
        }
        None => Some(scene.topology.base.as_str()),
    };
    let inside =
        range.and_then(|range| range.parse::<Ipv4Net>().ok()).zip(subnet.cidr.parse::<Ipv4Net>().ok());
    findings.expect(inside.is_some_and(|(range, net)| range.contains(&net)), || {
        format!("{} is {}, outside of {range:?}", what("the range"), subnet.cidr)
    });
    if let Some(length) = tier.prefix_length {
        findings.expect(subnet.cidr.ends_with(&format!("/{length}")), || {
            format!("{} is {}, declared is a /{length}", what("the range"), subnet.cidr)
        });
    }
    if let Some(pinned) = tier.ranges.as_ref().and_then(|ranges| ranges.get(letter)) {
        findings.equal(&what("the range"), &subnet.cidr, pinned);
    }
    let mut declared = scene.topology.tags.clone();
    declared.extend(tier.tags.clone());
    check_tags(&format!("subnet {}-{letter}", tier.name), &subnet.tags, &declared, findings);
}
