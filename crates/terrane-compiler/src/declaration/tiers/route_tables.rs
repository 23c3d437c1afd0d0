//! Reads which tiers share a route table.

use crate::declaration::{RouteTable, names};
use crate::diagnostics::{Code, Diagnostics, report};
use crate::topology::{Access, Tier, Topology};

const ACCESSES: [Access; 3] = [Access::Public, Access::Private, Access::Isolated];

/// Reads the route table of a tier.
pub(super) fn read(topology: &Topology, tier: &Tier, found: &mut Diagnostics) -> Option<RouteTable> {
    let subject = format!("the route table of tier `{}`", tier.name);
    let text = name(tier);
    let name = names::name(&text, &subject, &tier.origin.at("route_table"), found)?;
    let declared = sharing(topology, tier).find_map(|tier| tier.per_zone);
    Some(RouteTable { name, per_zone: declared.unwrap_or(tier.access == Access::Private) })
}

/// Reports tables that cannot lead all of their tiers.
pub(super) fn check(topology: &Topology, found: &mut Diagnostics) {
    for (idx, tier) in topology.tiers.iter().enumerate() {
        let mut report = |code, key: &str, message: String, hint: String| {
            report!(found, code, &tier.origin.at(key), "{message}"; "{hint}");
        };
        let table = name(tier);
        let taken = ACCESSES.into_iter().find(|access| *access != tier.access && access.to_string() == table);
        let before = topology.tiers[..idx].iter().filter(|other| name(other) == table);
        if let Some(access) = taken {
            report(
                Code::ROUTE_TABLE_ACCESS,
                "route_table",
                format!(
                    "tier `{}` is {}, but the route table `{table}` is that of {access} tiers",
                    tier.name, tier.access
                ),
                "give the table another name".to_owned(),
            );
        } else if let Some(other) = before.clone().find(|other| other.access != tier.access) {
            report(
                Code::ROUTE_TABLE_ACCESS,
                "route_table",
                format!(
                    "tier `{}` is {}, but shares the route table `{table}` with tier `{}`, which is {}",
                    tier.name, tier.access, other.name, other.access
                ),
                "share a table among tiers of one access only, since all of them have its default route"
                    .to_owned(),
            );
        }
        let differs = |other: &&Tier| matches!((other.per_zone, tier.per_zone), (Some(a), Some(b)) if a != b);
        if let Some(other) = before.clone().find(differs) {
            report(
                Code::ROUTE_TABLE_PER_ZONE,
                "per_zone",
                format!(
                    "tiers `{}` and `{}` share the route table `{table}`, but only one wants it for each zone",
                    other.name, tier.name
                ),
                "say the same `per_zone` at both, or give one of them a table of its own".to_owned(),
            );
        }
    }
}

fn name(tier: &Tier) -> String {
    tier.route_table.clone().unwrap_or_else(|| tier.access.to_string())
}

/// Returns the tiers with the route table of a tier, that tier among them.
fn sharing<'a>(topology: &'a Topology, tier: &Tier) -> impl Iterator<Item = &'a Tier> {
    let table = name(tier);
    topology.tiers.iter().filter(move |other| name(other) == table)
}
