//! Route tables: where the default route of each subnet leads, and who shares a table.

use std::collections::{BTreeMap, BTreeSet};

use terrane_compiler::topology::{Access, NatMode, Tier};

use super::{Scene, nat_gateways};
use crate::{
    aws::RouteTable,
    e2e::{Findings, observed::WayOut},
};

pub(super) fn check(scene: &Scene<'_>, findings: &mut Findings) {
    let mut tables: BTreeMap<&str, BTreeSet<(String, Option<&str>)>> = BTreeMap::new();
    for tier in &scene.topology.tiers {
        for (letter, subnet) in scene.tier_subnets(tier) {
            let what = format!("{}-{letter}", tier.name);
            let way = scene.observed.way_out(subnet);
            let right = match (tier.access, scene.topology.features.egress.nat) {
                (Access::Public, _) => way == WayOut::InternetGateway,
                (Access::Private, NatMode::PerZone | NatMode::Single | NatMode::Zones) => {
                    nat_gateways::letter_of(scene, letter).is_some_and(|home| leads_to(scene, &way, home))
                }
                (Access::Private, NatMode::None) | (Access::Isolated, _) => way == WayOut::None,
            };
            findings.expect(right, || format!("the default route of {what} leads to {way:?}"));
            let Some(table) = scene.observed.route_table(subnet) else { continue };
            findings.expect(!table.main, || format!("{what} is in the main route table"));
            findings.expect(table.routes.iter().all(|route| route.active), || {
                format!("{what} has a route that leads nowhere")
            });
            let name = name_of(tier);
            let mut sharing = scene.topology.tiers.iter().filter(|other| name_of(other) == name);
            let per_zone = sharing.find_map(|other| other.per_zone);
            let zone = per_zone.unwrap_or(tier.access == Access::Private).then_some(letter);
            tables.entry(table.id.as_str()).or_default().insert((name, zone));
        }
    }
    let kinds: BTreeSet<_> = tables.values().flatten().collect();
    findings.equal("the number of route tables in use", tables.len(), kinds.len());
    for (table, users) in tables {
        findings.expect(users.len() == 1, || format!("route table {table} is shared by {users:?}"));
    }
    let in_vpc = |table: &&RouteTable| table.vpc == scene.vpc.id && !table.main;
    for table in scene.observed.route_tables.iter().filter(in_vpc) {
        scene.check_tags("a route table", &table.tags, findings);
    }
}

/// Returns the name of a tier's route table.
fn name_of(tier: &Tier) -> String {
    tier.route_table.clone().unwrap_or_else(|| tier.access.to_string())
}

fn leads_to(scene: &Scene<'_>, way: &WayOut<'_>, letter: &str) -> bool {
    let home = nat_gateways::tier(scene.topology).and_then(|tier| scene.subnet(tier, letter));
    matches!(way, WayOut::Nat(nat) if home.is_some_and(|home| home.id == nat.subnet))
}
