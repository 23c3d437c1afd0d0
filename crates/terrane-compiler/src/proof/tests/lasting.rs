//! Whether a network will last: addresses, quotas, and the loss of a zone.

use super::check;
use super::networks::{self, databases_without_egress, reference};
use crate::network::Network;
use crate::proof::{Property, Status, prove};
use crate::sizing::Room;

fn room(addresses: u64) -> Option<Room> {
    Some(Room { addresses, prefixes: 0, interfaces: 10, longest: 28, reason: "declared".to_owned() })
}

#[test]
fn headroom_says_when_a_tier_is_full() {
    let mut network = reference();
    network.tiers[2].need = room(105);
    let found = check(&network, Property::P9, "addresses of db", Status::Proved);
    assert!(found.detail.contains("each /24 has 251 addresses and needs 100"), "{found}");
    let row = prove(&network).headroom[2].clone();
    assert_eq!((row.usable, row.needed, row.full_at_percent), (251, Some(100), Some(251)));
    network.tiers[2].need = room(257);
    check(&network, Property::P9, "addresses of db", Status::Refuted);
}

#[test]
fn quotas_are_counted_and_bounds_refute() {
    let used = |network: &Network, about: &str| {
        let usages = prove(network).quotas;
        usages.iter().find(|usage| usage.about.starts_with(about)).unwrap().used
    };
    let mut network = reference();
    assert_eq!(used(&network, "subnets of a VPC"), 9);
    assert_eq!(used(&network, "elastic IPs"), 3);
    assert_eq!(used(&network, "route tables"), 5);
    assert_eq!(used(&network, "units of network address usage"), 18);
    check(&network, Property::P9, "quotas", Status::Proved);
    network.tiers[1].need = room(30_005);
    assert_eq!(used(&network, "units of network address usage"), 90_018);
    check(&network, Property::P9, "units of network address usage of a VPC", Status::Residual);
    network.tiers[1].need = room(90_005);
    check(&network, Property::P9, "units of network address usage of a VPC", Status::Refuted);
}

#[test]
fn each_zone_of_the_reference_stops_alone() {
    let losses = prove(&reference()).zone_loss;
    let zones: Vec<&str> = losses.iter().map(|loss| loss.zone.as_str()).collect();
    assert_eq!(zones, ["a", "b", "c"], "spare zones are not in use");
    for loss in &losses {
        let zone = &loss.zone;
        let stops = ["pub", "app", "db", "nat"].map(|name| format!("{name}-{zone}"));
        assert_eq!(loss.stops, stops);
        assert!(loss.cut_off.is_empty() && loss.short.is_empty(), "{loss:?}");
    }
}

#[test]
fn the_loss_of_the_only_nat_gateway_cuts_off_other_zones() {
    let mut declaration = networks::declaration();
    let gateways = crate::network::Gateways::Home(networks::zone("a"));
    declaration.features.egress = Some(crate::network::Nat { tier: 0, gateways, bring_elastic_ips: false });
    let losses = prove(&networks::resolved(&declaration)).zone_loss;
    assert_eq!(losses[0].cut_off.len(), 4, "{losses:?}");
    assert!(losses[0].cut_off[0].starts_with("app-b (zone b) leaves through nat"), "{losses:?}");
    assert!(losses[1].cut_off.is_empty() && losses[2].cut_off.is_empty(), "{losses:?}");
}

#[test]
fn a_subnet_group_of_two_zones_is_short_after_any_loss() {
    let mut network = databases_without_egress();
    network.zones.truncate(2);
    let losses = prove(&network).zone_loss;
    assert_eq!(losses.len(), 2);
    for loss in &losses {
        assert_eq!(loss.short.len(), 2, "{loss:?}");
        assert!(loss.short[0].starts_with("subnet group rds of db has 1 of 2 zones"), "{loss:?}");
    }
}
