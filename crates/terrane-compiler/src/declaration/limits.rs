//! Checks the quotas that a topology alone can break; their numbers are in [`crate::quotas`].

use crate::declaration::{Flow, Peer, Size, Tier, names};
use crate::diagnostics::{Code, Diagnostics, report};
use crate::quotas;
use crate::topology::{CniMode, Topology};

pub(super) fn check(
    topology: &Topology,
    tiers: &[Option<Tier>],
    flows: &[Option<Flow>],
    found: &mut Diagnostics,
) {
    let ranges = 1 + topology.secondary.len();
    let most_ranges = quotas::quota("ranges").most.unwrap_or(u64::MAX);
    let mut quota = |code, what: &str, value: usize, name: &str| {
        let limit = quotas::quota(name).limit;
        if value as u64 > limit {
            report!(
                found, code, &topology.origin,
                "the network has {value} {what}, but AWS allows {limit} by default";
                "have the quota increased before the module is applied"
            );
        }
    };
    let subnets = (0..topology.tiers.len()).map(|tier| names::zones_of(topology, tier).1).sum();
    quota(Code::QUOTA_SUBNETS, "subnets", subnets, "subnets");
    quota(Code::QUOTA_NETWORK_ACLS, "network ACLs", topology.tiers.len(), "network_acls");
    if ranges as u64 <= most_ranges {
        quota(Code::QUOTA_RANGES, "ranges", ranges, "ranges");
    } else {
        report!(
            found, Code::TOO_MANY_RANGES, &topology.origin,
            "the network has {ranges} ranges, but AWS allows {most_ranges} at most";
            "take fewer and larger ranges"
        );
    }
    usage(topology, tiers, found);
    group_rules(topology, flows, found);
}

/// Checks what needs come to: network address usage, and network interfaces.
fn usage(topology: &Topology, tiers: &[Option<Tier>], found: &mut Diagnostics) {
    let (mut addresses, mut interfaces) = (0, 0);
    let most_interfaces = quotas::quota("interfaces").limit;
    let address_usage = quotas::quota("address_usage");
    let most_addresses = address_usage.most.unwrap_or(u64::MAX);
    for (idx, tier) in tiers.iter().enumerate() {
        let Some(Tier { size: Size::PrefixLength { need: Some(room), .. }, .. }) = tier else { continue };
        let cni = topology.tiers[idx].need.as_ref().and_then(|need| need.cni);
        let by_prefix = matches!(cni, Some(CniMode::PrefixDelegation | CniMode::CustomPrefixDelegation));
        let zones = names::zones_of(topology, idx).1 as u64;
        addresses += room.addresses / if by_prefix { 16 } else { 1 } * zones;
        interfaces += room.interfaces * zones;
    }
    let mut warn = |code, message: String, hint: &str| {
        report!(found, code, &topology.origin, "{message}"; "{hint}");
    };
    if interfaces > most_interfaces {
        warn(
            Code::QUOTA_NETWORK_INTERFACES,
            format!(
                "the needs come to {interfaces} network interfaces, but AWS allows {most_interfaces} in a region by default"
            ),
            "have the quota increased before nodes start",
        );
    }
    let message = |limit: u64, how: &str| {
        format!("the needs come to {addresses} units of network address usage, but AWS allows {limit} {how}")
    };
    let hint = "let pods have addresses by prefix, which counts sixteen as one, or split the network";
    if addresses > most_addresses {
        let message = message(most_addresses, "in a VPC at most");
        report!(found, Code::ADDRESS_USAGE, &topology.origin, "{message}"; "{hint}");
    } else if addresses > address_usage.limit {
        warn(Code::QUOTA_ADDRESS_USAGE, message(address_usage.limit, "in a VPC by default"), hint);
    }
}

/// Checks the rules that flows come to in the security group of each tier.
fn group_rules(topology: &Topology, flows: &[Option<Flow>], found: &mut Diagnostics) {
    let limit = quotas::quota("group_rules").limit;
    for (idx, tier) in topology.tiers.iter().enumerate() {
        let count = |is_end: fn(&Flow) -> &Peer| -> usize {
            let flows = flows.iter().flatten().filter(|flow| *is_end(flow) == Peer::Tier(idx));
            flows.map(|flow| flow.ports.len()).sum()
        };
        for (direction, count) in [("ingress", count(|flow| &flow.to)), ("egress", count(|flow| &flow.from))]
        {
            if count as u64 > limit {
                report!(
                    found, Code::QUOTA_SECURITY_GROUP_RULES, &tier.origin,
                    "tier `{}` needs up to {count} {direction} rules in its security group, but AWS allows {limit} by default", tier.name;
                    "merge neighbouring ports into ranges, or have the quota increased before the module is applied"
                );
            }
        }
    }
}
