//! Groups of subnets, as far as the emulator knows their kinds.

use std::collections::BTreeSet;

use super::Scene;
use crate::{aws::SubnetGroupKind, e2e::Findings};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    for group in &scene.topology.features.subnet_groups {
        let kind = match group.kind.as_str() {
            "rds" | "docdb" | "neptune" => SubnetGroupKind::Rds,
            "elasticache" => SubnetGroupKind::Elasticache,
            "redshift" => SubnetGroupKind::Redshift,
            "memorydb" => SubnetGroupKind::Memorydb,
            // The emulator has no faithful API for the others; they are held by plan.
            _ => continue,
        };
        let Some(tier) = scene.topology.tiers.iter().find(|tier| tier.name == group.tier) else {
            continue;
        };
        let declared: BTreeSet<&str> =
            scene.tier_subnets(tier).into_iter().map(|(_, subnet)| subnet.id.as_str()).collect();
        let same = |found: &&crate::aws::SubnetGroup| {
            found.kind == kind && found.subnets.iter().map(String::as_str).eq(declared.iter().copied())
        };
        let declared_here =
            scene.topology.features.subnet_groups.iter().filter(|other| other.tier == group.tier);
        let wanted = declared_here
            .filter(|other| {
                kind == SubnetGroupKind::Rds && ["rds", "docdb", "neptune"].contains(&other.kind.as_str())
                    || other.kind == group.kind
            })
            .count();
        let found = scene.observed.subnet_groups.iter().filter(same).count();
        findings.equal(
            &format!("the number of {:?} groups over the subnets of `{}`", kind, tier.name),
            found,
            wanted,
        );
    }
}
