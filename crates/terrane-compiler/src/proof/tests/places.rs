//! Places, and what leads to them.

use super::networks::{cidr, declaration, place, resolved, tcp};
use super::{check, finding};
use crate::declaration::Declaration;
use crate::names::Cidr;
use crate::network::{Destination, Direction, Network, Peer, Route, Target, Traffic};
use crate::proof::{Property, Status, prove};

/// The reference network, whose application an office behind a transit gateway reaches, and which asks a directory there.
fn with_office(range: &str) -> Declaration {
    let mut declaration = declaration();
    place(&mut declaration, "office", range, Some("corp"));
    let (office, app) = (Peer::Place(0), Peer::Tier(1));
    declaration.flows.push(tcp(office.clone(), app.clone(), &[22]));
    declaration.flows.push(tcp(app, office, &[389]));
    declaration
}

fn private_table(network: &mut Network) -> &mut Vec<Route> {
    &mut network.route_tables.iter_mut().find(|table| table.name.as_str() == "private").unwrap().routes
}

const GUARD: &str = "private space is not the internet";

#[test]
fn declared_flows_of_a_place_work_and_nothing_else_does() {
    for range in ["192.168.0.0/16", "203.0.113.0/24", "10.99.0.0/16"] {
        let proof = prove(&resolved(&with_office(range)));
        assert!(!proof.has_refuted(), "{proof}");
        assert_eq!(proof.with_status(Status::Unknown).count(), 0, "{proof}");
        for subject in ["office → app tcp 22", "app → office tcp 389"] {
            assert_eq!(finding(&proof, Property::P2, subject).status, Status::Proved, "{proof}");
        }
        assert_eq!(finding(&proof, Property::P1, "office ↛ db").status, Status::Proved, "{proof}");
    }
}

#[test]
fn an_allow_of_a_place_stands_before_the_guards() {
    let network = resolved(&with_office("192.168.0.0/16"));
    let rules = network.acls[1].rules.iter().filter(|rule| rule.direction == Direction::Ingress);
    let whys: Vec<&str> = rules.map(|rule| rule.why.as_str()).collect();
    let position = |why: &str| whys.iter().position(|other| *other == why);
    assert!(position("office to app").unwrap() < position(GUARD).unwrap(), "{whys:?}");
}

#[test]
fn guards_stay_as_they_are_where_private_space_holds_the_place() {
    let guards = |declaration: &Declaration| {
        let network = resolved(declaration);
        let rules = network.acls[1].rules.iter().filter(|rule| !rule.allow);
        rules.map(|rule| (rule.direction, rule.number, rule.peer)).collect::<Vec<_>>()
    };
    let without = guards(&declaration());
    assert_eq!(without, guards(&with_office("192.168.0.0/16")));
    assert_eq!(guards(&with_office("203.0.113.0/24")).len(), without.len() + 2);
}

#[test]
fn a_flow_to_a_place_without_its_route_is_refuted() {
    let mut network = resolved(&with_office("192.168.0.0/16"));
    private_table(&mut network).retain(|route| route.destination == Destination::Range(Cidr::EVERYWHERE));
    check(&network, Property::P2, "app → office tcp 389", Status::Refuted);
    check(&network, Property::P2, "office → app tcp 22", Status::Refuted);
}

#[test]
fn a_guard_before_the_allow_of_a_place_is_refuted() {
    let mut network = resolved(&with_office("192.168.0.0/16"));
    for rule in network.acls[1].rules.iter_mut().filter(|rule| rule.why == GUARD) {
        rule.number -= 800;
    }
    network.acls[1].rules.sort_by_key(|rule| (rule.direction, rule.number));
    check(&network, Property::P2, "office → app tcp 22", Status::Refuted);
}

#[test]
fn a_place_that_reaches_more_than_is_declared_is_refuted() {
    let mut network = resolved(&with_office("192.168.0.0/16"));
    for rule in network.acls[1].rules.iter_mut().filter(|rule| rule.why.ends_with("office to app")) {
        rule.traffic = Traffic::Any;
    }
    for rule in network.security_groups[1].rules.iter_mut().filter(|rule| rule.why == "office to app") {
        rule.traffic = Traffic::Any;
    }
    check(&network, Property::P3, "office → app", Status::Refuted);
}

#[test]
fn a_default_route_to_an_attachment_leaves_the_internet_unknown() {
    let mut network = resolved(&with_office("192.168.0.0/16"));
    private_table(&mut network)[0].target = Target::Attachment(0);
    check(&network, Property::P2, "app → internet tcp", Status::Unknown);
    let found = check(&network, Property::P1, "internet ↛ app", Status::Unknown);
    assert!(found.detail.contains("attachment corp, and what lies behind it is not known"), "{found}");
}

#[test]
fn a_place_on_the_internet_has_what_the_internet_has_and_its_own() {
    let mut declaration = declaration();
    place(&mut declaration, "partner", "203.0.113.0/24", None);
    declaration.flows.push(tcp(Peer::Place(0), Peer::Tier(0), &[22]));
    declaration.flows.push(tcp(Peer::Tier(1), Peer::Place(0), &[5671]));
    let network = resolved(&declaration);
    let proof = prove(&network);
    assert!(!proof.has_refuted(), "{proof}");
    assert_eq!(proof.with_status(Status::Unknown).count(), 0, "{proof}");
    assert!(network.route_tables.iter().all(|table| table.routes.len() <= 1), "{:?}", network.route_tables);
    let through = finding(&proof, Property::P2, "app → partner tcp 5671");
    assert!(through.decided_by.iter().any(|step| step.layer == "NAT gateway"), "{through}");
}

#[test]
fn placements_keep_clear_of_places() {
    let office = cidr("10.128.0.0/9");
    let network = resolved(&with_office(&office.to_string()));
    let (placements, missing) = crate::proof::placement::placements(&network);
    assert!(missing.is_empty() && placements.len() > 1, "{placements:?}");
    assert!(placements.iter().flatten().all(|range| !range.overlaps(office)), "{placements:?}");
}
