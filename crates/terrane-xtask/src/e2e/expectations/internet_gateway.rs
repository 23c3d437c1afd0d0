//! The internet gateway of a network with a public tier.

use terrane_compiler::topology::Access;

use super::Scene;
use crate::e2e::Findings;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let public = scene.topology.tiers.iter().any(|tier| tier.access == Access::Public);
    let gateways =
        scene.observed.internet_gateways.iter().filter(|gateway| gateway.vpcs.contains(&scene.vpc.id));
    findings.equal("the number of internet gateways", gateways.count(), usize::from(public));
}
