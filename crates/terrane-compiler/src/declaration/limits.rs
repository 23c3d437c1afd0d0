//! Checks the quotas that a topology alone can break:
//! <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html>.

use crate::declaration::{Size, Tier};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::names::Zone;
use crate::sizing::{DEFAULT_ADDRESS_USAGE, MAX_ADDRESS_USAGE};
use crate::topology::{NatMode, Topology};

/// Ranges of a VPC: by default, and after an increase at most.
const RANGES: (usize, usize) = (5, 50);
/// Subnets of a VPC by default; AWS states no upper bound.
const SUBNETS: usize = 200;
/// Network ACLs of a VPC; each tier has one.
const NETWORK_ACLS: usize = 200;
/// Elastic IPs of a region by default.
const ELASTIC_IPS: usize = 5;

pub(super) fn check(topology: &Topology, zones: &[Zone], tiers: &[Option<Tier>], found: &mut Diagnostics) {
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
}

/// Checks network address usage, where needs say how many addresses will be taken.
fn usage(topology: &Topology, zones: &[Zone], tiers: &[Option<Tier>], found: &mut Diagnostics) {
    let needed = |tier: &Tier| match &tier.size {
        Size::PrefixLength { need: Some((addresses, _)), .. } => u64::from(*addresses),
        Size::PrefixLength { need: None, .. } | Size::Pinned(_) => 0,
    };
    let by_prefix = |idx: usize| {
        let cni = topology.tiers[idx].need.as_ref().and_then(|need| need.cni);
        matches!(
            cni,
            Some(
                crate::topology::CniMode::PrefixDelegation | crate::topology::CniMode::CustomPrefixDelegation
            )
        )
    };
    let total: u64 = tiers
        .iter()
        .enumerate()
        .filter_map(|(idx, tier)| Some((idx, tier.as_ref()?)))
        .map(|(idx, tier)| needed(tier) / if by_prefix(idx) { 16 } else { 1 })
        .sum::<u64>()
        * zones.len() as u64;
    let message = |limit: u64, how: &str| {
        format!("the needs come to {total} units of network address usage, but AWS allows {limit} {how}")
    };
    let hint = "let pods have addresses by prefix, which counts sixteen as one, or split the network";
    if total > MAX_ADDRESS_USAGE {
        let message = message(MAX_ADDRESS_USAGE, "in a VPC at most");
        found.push(Diagnostic::error("address-usage", &topology.origin, message).hint(hint));
    } else if total > DEFAULT_ADDRESS_USAGE {
        let message = message(DEFAULT_ADDRESS_USAGE, "in a VPC by default");
        found.push(Diagnostic::warning("quota-address-usage", &topology.origin, message).hint(hint));
    }
}
