//! The tags that controllers of EKS read.

use std::collections::BTreeMap;

use terrane_compiler::topology::{Eks, Tier};

use super::{Scene, check_tags};
use crate::e2e::Findings;

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let Some(eks) = &scene.topology.features.eks else { return };
    for tier in &scene.topology.tiers {
        for (letter, subnet) in scene.tier_subnets(tier) {
            check_tags(&format!("subnet {}-{letter}", tier.name), &subnet.tags, &tags(eks, tier), findings);
        }
    }
}

/// Returns the tags that load balancer controllers and Karpenter read on a tier's subnets.
fn tags(eks: &Eks, tier: &Tier) -> BTreeMap<String, String> {
    let mut tags = BTreeMap::new();
    let mut tag = |key: &str, value: &str| tags.insert(key.to_owned(), value.to_owned());
    if eks.load_balancers.as_ref() == Some(&tier.name) {
        tag("kubernetes.io/role/elb", "1");
    }
    if eks.nodes.first() == Some(&tier.name) {
        tag("kubernetes.io/role/internal-elb", "1");
    }
    if eks.nodes.contains(&tier.name) {
        if let Some(cluster) = eks.karpenter.first() {
            tag("karpenter.sh/discovery", cluster);
        }
        for cluster in &eks.karpenter {
            tag(&format!("karpenter.sh/discovery/{cluster}"), cluster);
        }
        for cluster in &eks.clusters {
            tag(&format!("kubernetes.io/cluster/{cluster}"), "shared");
        }
    }
    tags
}
