//! Gateway endpoints, and the tables of those who use them.

use std::collections::BTreeSet;

use super::Scene;
use crate::e2e::{Findings, REGION};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let all: Vec<_> =
        scene.observed.endpoints.iter().filter(|endpoint| endpoint.vpc == scene.vpc.id).collect();
    findings.equal("the number of endpoints", all.len(), scene.topology.features.endpoints.len());
    for service in &scene.topology.features.endpoints {
        let endpoint =
            all.iter().find(|endpoint| endpoint.service == format!("com.amazonaws.{REGION}.{service}"));
        findings.expect(endpoint.is_some_and(|endpoint| endpoint.kind == "Gateway"), || {
            format!("there is no gateway endpoint for {service}")
        });
        let users = scene.topology.tiers.iter().filter(|tier| {
            scene.topology.flows.iter().any(|flow| flow.from == tier.name && flow.to == *service)
        });
        let tables: BTreeSet<&str> = users
            .flat_map(|tier| scene.tier_subnets(tier))
            .filter_map(|(_, subnet)| Some(scene.observed.route_table(subnet)?.id.as_str()))
            .collect();
        let found = endpoint.map(|endpoint| endpoint.route_tables.iter().map(String::as_str).collect());
        findings.equal(&format!("the set of route tables of endpoint {service}"), found, Some(tables));
    }
}
