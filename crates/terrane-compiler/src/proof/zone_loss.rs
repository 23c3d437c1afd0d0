//! The drill: what stops when a zone is lost, and who depends on it from elsewhere.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::family::Address;
use crate::network::Spread;
use crate::proof::facts::{Facts, Hop};

/// What the loss of one zone takes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZoneLoss {
    /// The zone.
    pub zone: String,
    /// What is in the zone and stops: subnets and NAT gateways.
    pub stops: Vec<String>,
    /// Subnets of other zones whose way out crosses into this one, and stops with it.
    pub cut_off: Vec<String>,
    /// What is left with fewer zones than it needs, and what that means.
    pub short: Vec<String>,
}

/// Returns the drill for each zone in use, in the order of the zones' names.
pub(super) fn drill<A: Address>(facts: &Facts<A>, spreads: &[Spread]) -> Vec<ZoneLoss> {
    let zones: BTreeSet<&str> = facts
        .subnets
        .iter()
        .filter(|subnet| !subnet.spare && !subnet.zone.is_empty())
        .map(|subnet| subnet.zone.as_str())
        .collect();
    zones.into_iter().map(|zone| lose(facts, spreads, zone)).collect()
}

fn lose<A: Address>(facts: &Facts<A>, spreads: &[Spread], zone: &str) -> ZoneLoss {
    let in_use = || facts.subnets.iter().filter(|subnet| !subnet.spare);
    let lost_nats: Vec<usize> = (0..facts.nats.len())
        .filter(|nat| facts.nats[*nat].subnet.is_some_and(|subnet| facts.subnets[subnet].zone == zone))
        .collect();
    let mut stops: Vec<String> =
        in_use().filter(|subnet| subnet.zone == zone).map(|subnet| subnet.name.clone()).collect();
    stops.extend(lost_nats.iter().map(|nat| facts.nats[*nat].name.clone()));
    let leaves_through = |table: usize| {
        facts.tables[table].routes.iter().find_map(|route| match route.hop {
            Hop::Nat(nat) if lost_nats.contains(&nat) => Some(nat),
            _ => None,
        })
    };
    let cut_off = in_use()
        .filter(|subnet| subnet.zone != zone)
        .filter_map(|subnet| {
            let nat = leaves_through(subnet.table?)?;
            Some(format!("{} (zone {}) leaves through {}", subnet.name, subnet.zone, facts.nats[nat].name))
        })
        .collect();
    let short = spreads
        .iter()
        .filter_map(|spread| {
            let left: BTreeSet<&str> = in_use()
                .filter(|subnet| subnet.tier == spread.tier && subnet.zone != zone)
                .map(|subnet| subnet.zone.as_str())
                .collect();
            (left.len() < spread.zones).then(|| {
                format!("{} has {} of {} zones: {}", spread.name, left.len(), spread.zones, spread.otherwise)
            })
        })
        .collect();
    ZoneLoss { zone: zone.to_owned(), stops, cut_off, short }
}
