//! Broken networks: each mutant that changes what can be reached must change a verdict.
//!
//! What can be reached is judged by the independent evaluator, packet by packet, and beside it by the engine.

use crate::network::Direction;
use crate::proof::engine::{End, Engine, Layers};
use crate::proof::facts::{Facts, GroupPeerFacts, GroupRuleFacts, Hop, Span};
use crate::proof::headers::{HeaderSet, Headers};
use crate::proof::placement::{Intent, facts};
use crate::proof::{Finding, Status, prove_facts};

use super::naive;
use super::networks::{databases_without_egress, reference};

/// Returns which packets open connections, with the security groups as they are and with all of them open.
fn packets(facts: &Facts) -> (Vec<bool>, Vec<bool>) {
    let mut open = facts.clone();
    for group in &mut open.groups {
        group.rules = [Direction::Ingress, Direction::Egress]
            .map(|direction| GroupRuleFacts {
                direction,
                headers: Headers::ALL,
                peer: GroupPeerFacts::Span(Span::ALL),
                why: String::new(),
            })
            .to_vec();
    }
    (naive::opened(facts), naive::opened(&open))
}

/// Returns what every end can open to every other, with and without security groups.
fn reachable(facts: &Facts) -> Vec<HeaderSet> {
    let mut engine = Engine::new(facts);
    let ends: Vec<End> =
        (0..facts.subnets.len()).map(End::Subnet).chain(std::iter::once(End::Internet)).collect();
    let mut all = Vec::new();
    for from in &ends {
        for to in &ends {
            all.push(engine.open(*from, *to, Layers::NETWORK));
            all.push(engine.open(*from, *to, Layers::EVERY));
        }
    }
    all
}

/// Returns every mutant of a network with what was done to it.
pub(super) fn mutants(original: &Facts) -> Vec<(String, Facts)> {
    let mut mutants = Vec::new();
    let mut add = |what: String, change: &dyn Fn(&mut Facts)| {
        let mut mutant = original.clone();
        change(&mut mutant);
        if mutant != *original {
            mutants.push((what, mutant));
        }
    };
    for (acl, acl_facts) in original.acls.iter().enumerate() {
        for (rule, rule_facts) in acl_facts.rules.iter().enumerate() {
            let at = format!("{} {} #{rule}", acl_facts.name, rule_facts.direction);
            add(format!("drop {at}"), &|facts| drop(facts.acls[acl].rules.remove(rule)));
            add(format!("widen {at}"), &|facts| facts.acls[acl].rules[rule].headers = Headers::ALL);
            add(format!("flip {at}"), &|facts| facts.acls[acl].rules[rule].allow ^= true);
            add(format!("from everywhere {at}"), &|facts| facts.acls[acl].rules[rule].peer = Span::ALL);
            if acl_facts.rules.get(rule + 1).is_some_and(|next| next.direction == rule_facts.direction) {
                add(format!("swap {at}"), &|facts| facts.acls[acl].rules.swap(rule, rule + 1));
            }
        }
    }
    for subnet in 0..original.subnets.len() {
        let name = &original.subnets[subnet].name;
        for acl in 0..original.acls.len() {
            add(format!("ACL {acl} on {name}"), &|facts| facts.subnets[subnet].acl = Some(acl));
        }
        for table in 0..original.tables.len() {
            add(format!("table {table} on {name}"), &|facts| facts.subnets[subnet].table = Some(table));
        }
    }
    for table in 0..original.tables.len() {
        for hop in [Hop::Internet, Hop::Nat(0), Hop::Blackhole] {
            add(format!("table {table} to {hop:?}"), &|facts| facts.tables[table].routes[0].hop = hop);
        }
        add(format!("table {table} without routes"), &|facts| facts.tables[table].routes.clear());
    }
    for (group, group_facts) in original.groups.iter().enumerate() {
        for rule in 0..group_facts.rules.len() {
            let at = format!("group {} #{rule}", group_facts.name);
            add(format!("drop {at}"), &|facts| drop(facts.groups[group].rules.remove(rule)));
            add(format!("widen {at}"), &|facts| facts.groups[group].rules[rule].headers = Headers::ALL);
        }
    }
    mutants
}

/// What a reader sees of the findings.
fn verdicts(facts: &Facts, intent: &Intent) -> Vec<Finding> {
    prove_facts("mutant", facts, intent).findings
}

#[test]
fn every_mutant_that_changes_reachability_changes_a_verdict() {
    let (mut all, mut changing, mut by_packets, mut refuted) = (0, 0, 0, 0);
    let mut missed = Vec::new();
    for network in [reference(), databases_without_egress()] {
        let original = facts(&network, &[network.ranges[0].default]);
        let intent = Intent::of(&network);
        let (before, packets_before) = (reachable(&original), packets(&original));
        let verdicts_before = verdicts(&original, &intent);
        for (what, mutant) in mutants(&original) {
            all += 1;
            let packets_differ = packets(&mutant) != packets_before;
            let sets_differ = reachable(&mutant) != before;
            if !packets_differ && !sets_differ {
                continue;
            }
            changing += 1;
            by_packets += usize::from(packets_differ);
            let after = verdicts(&mutant, &intent);
            if after.iter().any(|finding| finding.status == Status::Refuted) {
                refuted += 1;
            } else if after == verdicts_before {
                missed.push(what);
            }
        }
    }
    #[expect(clippy::disallowed_macros, reason = "the score is for people")]
    {
        println!(
            "mutation score: {} of {changing} mutants that change reachability are caught ({refuted} refuted, the others by a new residual); the independent evaluator sees {by_packets} of them by sampled packets; {all} mutants in all",
            changing - missed.len()
        );
    }
    assert!(by_packets > 200, "{by_packets} of {changing}");
    assert!(missed.is_empty(), "missed: {missed:#?}");
    assert!(refuted * 2 > changing, "{refuted} of {changing}");
}

#[test]
fn a_nat_gateway_in_the_wrong_zone_is_refuted_though_it_changes_no_reachability() {
    let network = reference();
    let mut mutant = facts(&network, &[network.ranges[0].default]);
    let (a, b) = (mutant.nats[0].subnet, mutant.nats[1].subnet);
    mutant.nats[0].subnet = b;
    mutant.nats[1].subnet = a;
    let found = verdicts(&mutant, &Intent::of(&network));
    assert!(found.iter().any(|finding| finding.property.code() == "P5" && finding.status == Status::Refuted));
}
