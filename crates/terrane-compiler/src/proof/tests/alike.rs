//! Placements of which the tables say the same need no examination of their own.

use super::networks::{cidr, databases_without_egress, reference};
use crate::network::{AclPeer, Network};
use crate::proof::engine::{Engine, Gist};
use crate::proof::headers::Sets;
use crate::proof::placement::{Intent, facts, placements};
use crate::proof::{Property, Status, properties};

/// The networks, each also without each one of its ACL rules, and without guards for one class of base.
fn variants() -> Vec<Network> {
    let mut all = Vec::new();
    for network in [reference(), databases_without_egress()] {
        for acl in 0..network.acls.len() {
            for rule in 0..network.acls[acl].rules.len() {
                let mut variant = network.clone();
                variant.acls[acl].rules.remove(rule);
                all.push(variant);
            }
        }
        for space in ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"] {
            let guards = [AclPeer::Range(0), AclPeer::Cidr(cidr(space))];
            let mut variant = network.clone();
            variant.acls.iter_mut().for_each(|acl| acl.rules.retain(|rule| !guards.contains(&rule.peer)));
            all.push(variant);
        }
        all.push(network);
    }
    all
}

#[test]
fn where_the_tables_say_the_same_the_verdicts_are_the_same() {
    type Verdict = (Property, String, Status, Vec<&'static str>);
    let (mut same, mut others) = (0, 0);
    for network in variants() {
        let (intent, mut sets) = (Intent::of(&network), Sets::new());
        let mut examined = Vec::new();
        for placement in placements(&network).0 {
            let facts = facts(&network, &placement);
            let mut engine = Engine::with_sets(&facts, sets);
            let gist = engine.gist();
            let found = properties::examine(&mut engine, &intent).into_iter();
            // What decides nothing here may decide something there.
            let found = found.filter(|finding| finding.property != Property::P10);
            let verdicts: Vec<Verdict> = found
                .map(|finding| (finding.property, finding.subject, finding.status, finding.held_by))
                .collect();
            match examined.iter().find(|(known, _): &&(Gist, _)| known.stands_for(&gist)) {
                Some((_, before)) => {
                    same += 1;
                    assert_eq!(&verdicts, before, "{}", placement[0]);
                }
                None => {
                    others += usize::from(!examined.is_empty());
                    examined.push((gist, verdicts));
                }
            }
            sets = engine.into_sets();
        }
    }
    assert!(same > 100 && others > 10, "{same} {others}");
}
