//! The VPC: its ranges, its DNS settings, its tags.

use std::collections::BTreeSet;

use super::Scene;
use crate::e2e::Findings;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let topology = scene.topology;
    findings.equal("the VPC's range", scene.vpc.cidr.as_str(), topology.base.as_str());
    let mut ranges: BTreeSet<String> = topology.secondary.iter().map(|range| range.cidr.clone()).collect();
    ranges.insert(topology.base.clone());
    findings.equal("the set of the VPC's ranges", &scene.vpc.cidrs, &ranges);
    let dns = scene
        .observed
        .dns
        .iter()
        .find(|(id, ..)| *id == scene.vpc.id)
        .map(|(_, support, names)| (*support, *names));
    findings.equal("DNS (support, hostnames)", dns, Some((topology.dns.support, topology.dns.hostnames)));
    scene.check_tags("the VPC", &scene.vpc.tags, findings);
}
