//! P9: how long the addresses of each tier last, what of AWS's quotas is used, and what EKS asks for.

use serde::Serialize;

use crate::family::{Address, V4};
use crate::features;
use crate::names::Zone;
use crate::network::{Direction, Network, RouteTable, Tier};
use crate::proof::{Finding, Property, Status};
use crate::quotas::{Quota, quota};
use crate::sizing::{RESERVED_ADDRESSES, usable};

/// Units of network address usage of a NAT gateway:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/network-address-usage.html>.
const NAT_USAGE: u64 = 6;

/// What the subnets of a tier hold, and what is declared to live in them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Headroom {
    /// The tier.
    pub tier: String,
    /// The prefix length of its smallest subnet with the VPC at its default.
    pub prefix_length: u8,
    /// Addresses of one subnet, without the five that AWS keeps.
    pub usable: u64,
    /// Addresses that the declared need takes of one subnet when a zone is lost during an upgrade at full growth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<u64>,
    /// The declared need, in percent, at which the subnets are full.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub full_at_percent: Option<u64>,
    /// How the need came about.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// What a network uses of one quota.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// What is counted.
    pub about: &'static str,
    /// How many the network has.
    pub used: u64,
    /// How many AWS allows by default.
    pub limit: u64,
    /// How many AWS allows after an increase, where it states that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<u64>,
    /// The code of Service Quotas, and when the number was read.
    pub source: String,
}

/// Returns the headroom of each tier.
pub(super) fn headroom(network: &Network) -> Vec<Headroom> {
    let row = |(idx, tier): (usize, &Tier)| {
        let prefix_length = smallest(network, idx);
        let usable = usable::<V4>(prefix_length);
        let needed = tier.need.as_ref().map(|room| room.addresses.saturating_sub(RESERVED_ADDRESSES.into()));
        Headroom {
            tier: tier.name.to_string(),
            prefix_length,
            usable,
            needed,
            full_at_percent: needed.map(|needed| usable * 100 / needed.max(1)),
            reason: tier.need.as_ref().map(|room| room.reason.clone()).unwrap_or_default(),
        }
    };
    network.tiers.iter().enumerate().map(row).collect()
}

/// Returns the prefix length of a tier's smallest subnet with the VPC at its default.
pub(crate) fn smallest(network: &Network, tier: usize) -> u8 {
    let subnets = network.slots.keys().filter_map(|zone| network.subnet(tier, *zone));
    let range = network.tiers[tier].range;
    subnets.map(|block| network.place(range, block).prefix_length()).max().unwrap_or(V4::WIDTH)
}

/// Returns what the network uses of each quota.
pub(super) fn usages(network: &Network) -> Vec<Usage> {
    let nats = network.zones.iter().filter(|zone| network.has_nat(**zone)).count() as u64;
    let bring = network.nat.as_ref().is_some_and(|nat| nat.bring_elastic_ips);
    let used = |own: &[Zone]| own.iter().filter(|zone| network.zones.contains(zone)).count() as u64;
    let table = |(idx, table): (usize, &RouteTable)| {
        if table.per_zone { used(&network.table_zones(idx)) } else { 1 }
    };
    let tables: u64 = network.route_tables.iter().enumerate().map(table).sum();
    let zones_of = |tier: &Tier| network.zones.iter().filter(|zone| tier.is_in(**zone)).count() as u64;
    let routes = network.route_tables.iter().map(|table| {
        let routes = table.routes.iter().map(|route| network.destinations(route.destination).len());
        (network.ranges.len() + routes.sum::<usize>() + table.endpoints.len()) as u64
    });
    let tiers = network.tiers.len() as u64;
    let (addresses, interfaces) = (0..network.tiers.len())
        .filter_map(|tier| Some((zones_of(&network.tiers[tier]), network.tiers[tier].need.as_ref()?)))
        .fold((0, 0), |(addresses, interfaces), (zones, room)| {
            // Sixteen addresses of one prefix count as one.
            let own = room.addresses.saturating_sub(15 * room.prefixes + u64::from(RESERVED_ADDRESSES));
            (addresses + own * zones, interfaces + room.interfaces * zones)
        });
    [
        ("vpcs", 1),
        ("ranges", network.ranges.len() as u64),
        ("subnets", network.tiers.iter().map(zones_of).sum()),
        ("elastic_ips", if bring { 0 } else { nats }),
        ("nat_gateways", nats.min(1)),
        // The main table counts.
        ("route_tables", tables + 1),
        ("routes", routes.max().unwrap_or(0)),
        ("network_acls", tiers + 1),
        ("acl_rules", most_acl_rules(network) + 1),
        ("security_groups", tiers + 1),
        ("group_rules", most_group_rules(network)),
        ("gateway_endpoints", network.endpoints.len() as u64),
        ("interfaces", interfaces + nats),
        ("address_usage", addresses + NAT_USAGE * nats),
    ]
    .into_iter()
    .map(|(name, used)| usage(quota(name), used))
    .collect()
}

fn usage(quota: &'static Quota, used: u64) -> Usage {
    Usage { about: &quota.about, used, limit: quota.limit, most: quota.most, source: quota.source() }
}

fn most_acl_rules(network: &Network) -> u64 {
    let count = |direction| {
        let of = |acl: &crate::network::Acl| {
            acl.rules.iter().filter(|rule| rule.direction == direction).count() as u64
        };
        network.acls.iter().map(of).max().unwrap_or(0)
    };
    count(Direction::Ingress).max(count(Direction::Egress))
}

fn most_group_rules(network: &Network) -> u64 {
    let count = |direction| {
        let of = |group: &crate::network::SecurityGroup| {
            group.rules.iter().filter(|rule| rule.direction == direction).count() as u64
        };
        network.security_groups.iter().map(of).max().unwrap_or(0)
    };
    count(Direction::Ingress).max(count(Direction::Egress))
}

/// P9: the quotas, the addresses, and EKS.
pub(super) fn examine(
    network: &Network,
    headroom: &[Headroom],
    usages: &[Usage],
    findings: &mut Vec<Finding>,
) {
    quotas(usages, findings);
    for acl in network.acls.iter().filter(|acl| !acl.widened.is_empty()) {
        let tier = &network.tiers[acl.tier];
        let subject = format!("rules of the network ACL of {}", tier.name);
        findings.push(claim(Status::Residual, subject, acl.widened.join("; ")).at(&tier.origin));
    }
    for (row, tier) in headroom.iter().zip(&network.tiers) {
        let (Some(needed), Some(percent)) = (row.needed, row.full_at_percent) else { continue };
        let status = if needed <= row.usable { Status::Proved } else { Status::Refuted };
        let detail = format!(
            "each /{} has {} addresses and needs {needed} after the loss of a zone: full at {percent} % of the need ({})",
            row.prefix_length, row.usable, row.reason
        );
        findings.push(claim(status, format!("addresses of {}", row.tier), detail).at(&tier.origin));
    }
    findings.extend(features::findings(network));
}

/// Returns a finding about P9.
pub(crate) fn claim(status: Status, subject: impl Into<String>, detail: impl Into<String>) -> Finding {
    Finding::new(Property::P9, status, subject, detail)
}

fn quotas(usages: &[Usage], findings: &mut Vec<Finding>) {
    let mut within = 0;
    for usage in usages {
        let Usage { about, used, limit, most, source } = usage;
        if used <= limit {
            within += 1;
        } else if most.is_some_and(|most| *used > most) {
            let detail = format!("{used}, but AWS allows {} at most ({source})", most.unwrap_or(*limit));
            findings.push(claim(Status::Refuted, *about, detail));
        } else {
            let detail =
                format!("{used}, and AWS allows {limit} by default: have the quota increased ({source})");
            findings.push(claim(Status::Residual, *about, detail));
        }
    }
    let detail = format!("{within} of {} quotas are kept with AWS's defaults", usages.len());
    findings.push(claim(Status::Proved, "quotas", detail));
}
