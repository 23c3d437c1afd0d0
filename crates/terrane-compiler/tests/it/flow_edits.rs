//! Edits of flows, one after another, over networks whose ledger is kept: only the rules of the flow that came or went
//! change, and no rule changes its number.
//!
//! A rule's address is its tier, direction, and number, so that an apply is judged from two networks alone;
//! that Terraform plans the same over a network that stands is shown by `churn` in the tests of the workspace.

use std::collections::{BTreeMap, BTreeSet};

use terrane_compiler::Resolved;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::network::{AclPeer, Direction, Network};
use terrane_compiler::testing::{self, FlowEdit};
use terrane_compiler::topology::Topology;

use crate::cases;

/// Edits of each network.
const EDITS: u64 = 12;

fn resolved(topology: &Topology, ledger: &Ledger) -> Option<(Network, Ledger)> {
    let Resolved { network, ledger, .. } = Resolved::of(topology, ledger).ok()?;
    Some((network, ledger))
}

/// Where a rule stands, and what it says, in words.
type Rules = BTreeMap<(String, Direction, u16), (String, Option<String>)>;

/// Returns what each address holds, and the tier it is about, if it is about one.
fn rules(network: &Network) -> Rules {
    let mut rules = Rules::new();
    for acl in &network.acls {
        let tier = network.tiers[acl.tier].name.to_string();
        for rule in &acl.rules {
            let (words, peer) = match rule.peer {
                AclPeer::Tier(peer, part) => {
                    let peer = &network.tiers[peer];
                    (format!("{} {:?}", peer.range, peer.cover[part]), Some(peer.name.to_string()))
                }
                AclPeer::Range(range) => (format!("range {range}"), None),
                AclPeer::Cidr(cidr) => (cidr.to_string(), None),
                AclPeer::Place(place, range) => {
                    let place = &network.places[place];
                    (format!("{} {}", place.name, place.ranges[range]), Some(place.name.to_string()))
                }
            };
            let says = format!("{} {} {words}", if rule.allow { "allow" } else { "deny" }, rule.traffic);
            let address = (tier.clone(), rule.direction, rule.number);
            assert_eq!(rules.insert(address.clone(), (says, peer)), None, "two rules at {address:?}");
        }
    }
    rules
}

/// Returns the number of each thing that is said.
fn numbers(rules: &Rules) -> BTreeMap<(&str, Direction, &str), u16> {
    rules
        .iter()
        .map(|((tier, direction, number), (says, _))| ((tier.as_str(), *direction, says.as_str()), *number))
        .collect()
}

#[derive(Debug, Default)]
struct Seen {
    edits: usize,
    changed: usize,
    widened: usize,
    refused: usize,
}

fn check(before: &Network, after: &Network, edit: &FlowEdit, seen: &mut Seen) {
    let (old, new) = (rules(before), rules(after));
    let (old_numbers, new_numbers) = (numbers(&old), numbers(&new));
    for (rule, number) in &old_numbers {
        if let Some(now) = new_numbers.get(rule) {
            assert_eq!(number, now, "{edit:?} renumbers {rule:?}");
        }
    }
    for (address, (says, _)) in &new {
        if let Some((said, _)) = old.get(address) {
            assert_eq!(says, said, "{edit:?} gives {address:?} to another rule");
        }
        let at =
            |(tier, direction, _): &&(String, Direction, u16)| (tier, direction) == (&address.0, &address.1);
        assert!(new.keys().filter(at).count() <= 19, "{edit:?}: more than AWS takes in {address:?}");
    }
    seen.edits += 1;
    let wide = |network: &Network| -> Vec<Vec<String>> {
        network.acls.iter().map(|acl| acl.widened.clone()).collect()
    };
    if wide(before) != wide(after) {
        seen.widened += 1;
        return;
    }
    let ends: BTreeSet<&str> = edit.ends.iter().map(String::as_str).collect();
    let changes = old
        .iter()
        .filter(|(at, _)| !new.contains_key(at))
        .chain(new.iter().filter(|(at, _)| !old.contains_key(at)));
    for ((tier, direction, number), (says, peer)) in changes {
        seen.changed += 1;
        let gateway = after.nat.as_ref().is_some_and(|nat| after.tiers[nat.tier].name.as_str() == tier);
        let own = ends.contains(tier.as_str()) || gateway && ends.contains("internet");
        let about = peer.as_ref().is_none_or(|peer| ends.contains(peer.as_str()));
        assert!(own && about, "{edit:?} changes {tier} {direction} {number}: {says}");
    }
}

#[test]
fn a_flow_that_comes_or_goes_changes_its_own_rules_and_renumbers_none() {
    let mut seen = Seen::default();
    let networks = u64::from(cases(100, 5_000));
    for seed in 0..networks {
        let mut topology = testing::topology(seed);
        let Some((mut network, mut ledger)) = resolved(&topology, &Ledger::default()) else {
            panic!("{topology:#?}")
        };
        for step in 0..EDITS {
            let edit = testing::flow_edit(&topology, seed * EDITS + step);
            let Some((after, next)) = resolved(&edit.topology, &ledger) else {
                seen.refused += 1;
                continue;
            };
            check(&network, &after, &edit, &mut seen);
            // The ledger comes back as it was written, as between two compilations.
            ledger = Ledger::parse(&next.to_string()).unwrap();
            assert_eq!(ledger, next);
            (network, topology) = (after, edit.topology);
        }
    }
    assert!(seen.edits as u64 > networks * EDITS / 2 && seen.changed > seen.edits, "{seen:?}");
    assert!(seen.widened > 0, "{seen:?}");
    println!("{seen:?}");
}
