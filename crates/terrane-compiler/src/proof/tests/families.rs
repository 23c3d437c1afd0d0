//! Both families of one network: what is found at 128 bits is what is found at 32, and the worse of both is given.

use super::mutants::mutants;
use super::networks::{databases_without_egress, reference};
use crate::family::{V4, V6};
use crate::names::Cidr;
use crate::network::Network;
use crate::proof::facts::{
    AclFacts, Facts, GroupFacts, GroupPeerFacts, GroupRuleFacts, Route, Rule, Span, Subnet, Table,
};
use crate::proof::headers::Headers;
use crate::proof::placement::{Intent, facts};
use crate::proof::{Finding, Proof, Property, Status, prove_facts, prove_families};

/// Where IPv4's addresses lie among those of IPv6 here: in bits 64 to 95 of the range for documentation, which the
/// internet does not route.
const BASE: u128 = 0x2001_0db8 << 96;

fn span(span: Span) -> Span<V6> {
    if span == Span::ALL {
        return Span::ALL;
    }
    let first = BASE | u128::from(span.first) << 64;
    Span { first, last: BASE | u128::from(span.last) << 64 | u128::from(u64::MAX) }
}

fn headers(headers: Headers) -> Headers {
    if headers == Headers::too_big::<V4>() { Headers::too_big::<V6>() } else { headers }
}

/// Returns the same network in IPv6.
pub(super) fn lifted(facts: &Facts) -> Facts<V6> {
    let route = |route: &Route| Route {
        destination: match route.destination.prefix_length() {
            0 => Cidr::EVERYWHERE,
            length => Cidr::around(span(route.destination.into()).first, 32 + length).unwrap(),
        },
        hop: route.hop,
    };
    let rule = |rule: &Rule| Rule {
        direction: rule.direction,
        number: rule.number,
        allow: rule.allow,
        headers: headers(rule.headers),
        peer: span(rule.peer),
        peer_name: rule.peer_name.clone(),
        why: rule.why.clone(),
    };
    let group_rule = |rule: &GroupRuleFacts| GroupRuleFacts {
        direction: rule.direction,
        headers: headers(rule.headers),
        peer: match &rule.peer {
            GroupPeerFacts::Span(peer) => GroupPeerFacts::Span(span(*peer)),
            GroupPeerFacts::Group(group) => GroupPeerFacts::Group(*group),
            GroupPeerFacts::Service(service) => GroupPeerFacts::Service(service.clone()),
            GroupPeerFacts::Clients => GroupPeerFacts::Clients,
            GroupPeerFacts::Anybody => GroupPeerFacts::Anybody,
        },
        why: rule.why.clone(),
    };
    let subnet = |subnet: &Subnet| Subnet {
        name: subnet.name.clone(),
        tier: subnet.tier,
        zone: subnet.zone.clone(),
        spare: subnet.spare,
        span: span(subnet.span),
        table: subnet.table,
        acl: subnet.acl,
        group: subnet.group,
    };
    Facts {
        places: Vec::new(),
        attachments: Vec::new(),
        ranges: facts.ranges.iter().copied().map(span).collect(),
        tiers: facts.tiers.clone(),
        subnets: facts.subnets.iter().map(subnet).collect(),
        tables: facts
            .tables
            .iter()
            .map(|table| Table {
                name: table.name.clone(),
                routes: table.routes.iter().map(route).collect(),
                endpoints: table.endpoints.clone(),
                open: table.open.clone(),
                v6: table.v6.clone(),
            })
            .collect(),
        acls: facts
            .acls
            .iter()
            .map(|acl| AclFacts { name: acl.name.clone(), rules: acl.rules.iter().map(rule).collect() })
            .collect(),
        groups: facts
            .groups
            .iter()
            .map(|group| GroupFacts {
                name: group.name.clone(),
                rules: group.rules.iter().map(group_rule).collect(),
                known: group.known,
            })
            .collect(),
        nats: facts.nats.clone(),
        unmodelled: facts.unmodelled.clone(),
        unresolved: facts.unresolved.clone(),
        unsettled: facts.unsettled.clone(),
        doubts: facts.doubts.clone(),
        defaults_closed: facts.defaults_closed,
    }
}

fn at_default(network: &Network) -> Facts {
    facts(network, &[network.ranges[0].default])
}

fn both(network: &Network, ipv4: &Facts, ipv6: &Facts<V6>) -> Proof {
    let (intent, other) = (Intent::of(network), Intent::in_family::<V6>(network));
    prove_families("both", ipv4, Some((ipv6, &other)), &intent)
}

/// What was found, without the words; a destination is written as IPv4 has it.
fn verdicts(proof: &Proof) -> Vec<(Property, String, Status, &[&str])> {
    fn verdict(found: &Finding) -> (Property, String, Status, &[&str]) {
        let subject = found.subject.replace("::/0", "0.0.0.0/0");
        (found.property, subject, found.status, found.held_by.as_slice())
    }
    let mut all: Vec<_> = proof.findings.iter().map(verdict).collect();
    all.dedup();
    all
}

#[test]
fn each_mutant_has_the_same_verdicts_in_either_family_and_in_both() {
    let each = if super::naive::is_long() { 1 } else { 5 };
    let mut refuted = 0;
    for network in [reference(), databases_without_egress()] {
        let intent = Intent::of(&network);
        for (what, mutant) in mutants(&at_default(&network)).into_iter().step_by(each) {
            let alone = prove_facts("mutant", &mutant, &intent);
            let joined = both(&network, &mutant, &lifted(&mutant));
            assert_eq!(verdicts(&alone), verdicts(&joined), "{what}");
            refuted += usize::from(alone.has_refuted());
        }
    }
    assert!(refuted * each > 100, "{refuted}");
}

#[test]
fn a_fault_of_one_family_refutes_the_claim_and_its_witness_names_the_family() {
    let network = reference();
    let (ipv4, ipv6) = (at_default(&network), lifted(&at_default(&network)));
    assert!(!both(&network, &ipv4, &ipv6).has_refuted());
    let db = ipv4.acls.iter().position(|acl| acl.name == "db").unwrap();
    let (mut open4, mut open6) = (ipv4.clone(), ipv6.clone());
    let open = |rule: &mut bool, header: &mut Headers| (*rule, *header) = (true, Headers::ALL);
    open4.acls[db].rules.iter_mut().for_each(|rule| open(&mut rule.allow, &mut rule.headers));
    open6.acls[db].rules.iter_mut().for_each(|rule| open(&mut rule.allow, &mut rule.headers));
    for (proof, family, packet) in [
        (both(&network, &ipv4, &open6), "IPv6", "tcp [2001:db8:"),
        (both(&network, &open4, &ipv6), "IPv4", "tcp 10.0."),
    ] {
        let found = super::finding(&proof, Property::P1, "pub ↛ db");
        let witness = found.witness.as_ref().unwrap_or_else(|| panic!("{proof}"));
        assert_eq!((found.status, witness.family), (Status::Refuted, Some(family)), "{proof}");
        assert!(witness.packet.starts_with(packet), "{}", witness.packet);
        assert!(found.detail.starts_with(&format!("{family}: ")), "{}", found.detail);
    }
}

#[test]
fn a_route_that_leads_nowhere_in_one_family_leaves_no_claim_that_all_lead_somewhere() {
    let network = reference();
    let ipv4 = at_default(&network);
    let mut ipv6 = lifted(&ipv4);
    ipv6.tables[0].routes[0].hop = crate::proof::facts::Hop::Blackhole;
    let proof = both(&network, &ipv4, &ipv6);
    let routes: Vec<Status> = proof
        .findings
        .iter()
        .filter(|finding| finding.property == Property::P6)
        .map(|finding| finding.status)
        .collect();
    assert_eq!(routes, [Status::Refuted], "{proof}");
}
