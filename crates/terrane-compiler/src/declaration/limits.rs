//! Checks the quotas that a topology alone can break:
//! <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.

use crate::declaration::{Flow, Peer, Size, Tier};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::names::Zone;
use crate::sizing::{DEFAULT_ADDRESS_USAGE, MAX_ADDRESS_USAGE};
use crate::topology::{CniMode, NatMode, Topology};

/// Ranges of a VPC: by default, and after an increase at most.
const RANGES: (usize, usize) = (5, 50);
/// Subnets of a VPC by default; AWS states no upper bound.
const SUBNETS: usize = 200;
/// Network ACLs of a VPC; each tier has one.
const NETWORK_ACLS: usize = 200;
/// Elastic IPs of a region by default.
const ELASTIC_IPS: usize = 5;
/// Rules of one direction of a security group by default; each tier has a group.
const GROUP_RULES: usize = 60;
/// Network interfaces of a region by default.
const INTERFACES: u64 = 5_000;

pub(super) fn check(
    topology: &Topology,
    zones: &[Zone],
    tiers: &[Option<Tier>],
    flows: &[Option<Flow>],
    found: &mut Diagnostics,
) {
    let ranges = 1 + topology.secondary.len();
    let mut quota = |code, what: &str, value: usize, limit: usize| {
        if value > limit {
            found.push(
                Diagnostic::warning(
                    code,
                    &topology.origin,
                    format!("the network has {value} {what}, but AWS allows {limit} by default"),
                )
                .hint("have the quota increased before the module is applied"),
            );
        }
    };
    quota("quota-subnets", "subnets", topology.tiers.len() * zones.len(), SUBNETS);
    quota("quota-network-acls", "network ACLs", topology.tiers.len(), NETWORK_ACLS);
    if topology.egress.nat == NatMode::PerZone && !topology.egress.bring_elastic_ips {
        quota("quota-elastic-ips", "elastic IPs", zones.len(), ELASTIC_IPS);
    }
    if ranges <= RANGES.1 {
        quota("quota-ranges", "ranges", ranges, RANGES.0);
    } else {
        found.push(
            Diagnostic::error(
                "too-many-ranges",
                &topology.origin,
                format!("the network has {ranges} ranges, but AWS allows {} at most", RANGES.1),
            )
            .hint("take fewer and larger ranges"),
        );
    }
    usage(topology, zones, tiers, found);
    group_rules(topology, flows, found);
}

/// Checks what needs come to: network address usage, and network interfaces.
fn usage(topology: &Topology, zones: &[Zone], tiers: &[Option<Tier>], found: &mut Diagnostics) {
    let (mut addresses, mut interfaces) = (0, 0);
    for (idx, tier) in tiers.iter().enumerate() {
        let Some(Tier { size: Size::PrefixLength { need: Some(room), .. }, .. }) = tier else { continue };
        let cni = topology.tiers[idx].need.as_ref().and_then(|need| need.cni);
        let by_prefix = matches!(cni, Some(CniMode::PrefixDelegation | CniMode::CustomPrefixDelegation));
        addresses += room.addresses / if by_prefix { 16 } else { 1 } * zones.len() as u64;
        interfaces += room.interfaces * zones.len() as u64;
    }
    let mut warn = |code, message: String, hint: &str| {
        found.push(Diagnostic::warning(code, &topology.origin, message).hint(hint));
    };
    if interfaces > INTERFACES {
        warn(
            "quota-network-interfaces",
            format!(
                "the needs come to {interfaces} network interfaces, but AWS allows {INTERFACES} in a region by default"
            ),
            "have the quota increased before nodes start",
        );
    }
    let message = |limit: u64, how: &str| {
        format!("the needs come to {addresses} units of network address usage, but AWS allows {limit} {how}")
    };
    let hint = "let pods have addresses by prefix, which counts sixteen as one, or split the network";
    if addresses > MAX_ADDRESS_USAGE {
        let message = message(MAX_ADDRESS_USAGE, "in a VPC at most");
        found.push(Diagnostic::error("address-usage", &topology.origin, message).hint(hint));
    } else if addresses > DEFAULT_ADDRESS_USAGE {
        warn("quota-address-usage", message(DEFAULT_ADDRESS_USAGE, "in a VPC by default"), hint);
    }
}

/// Checks the rules that flows come to in the security group of each tier.
fn group_rules(topology: &Topology, flows: &[Option<Flow>], found: &mut Diagnostics) {
    for (idx, tier) in topology.tiers.iter().enumerate() {
        let count = |is_end: fn(&Flow) -> &Peer| -> usize {
            let flows = flows.iter().flatten().filter(|flow| *is_end(flow) == Peer::Tier(idx));
            flows.map(|flow| flow.ports.len()).sum()
        };
        for (direction, count) in [("ingress", count(|flow| &flow.to)), ("egress", count(|flow| &flow.from))]
        {
            if count > GROUP_RULES {
                found.push(
                    Diagnostic::warning(
                        "quota-security-group-rules",
                        &tier.origin,
                        format!(
                            "tier `{}` needs up to {count} {direction} rules in its security group, but AWS allows {GROUP_RULES} by default",
                            tier.name
                        ),
                    )
                    .hint("merge neighbouring ports into ranges, or have the quota increased before the module is applied"),
                );
            }
        }
    }
}
