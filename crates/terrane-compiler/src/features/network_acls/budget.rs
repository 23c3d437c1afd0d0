//! What becomes one rule where an ACL would have more than AWS allows.
//!
//! First port ranges that touch become one, which loses nothing. Then, between tiers and as long as it is needed,
//! all ports of a protocol stand for several of them, and at last every protocol for several protocols;
//! what is exact is then left to the security groups, and the proof says so.
//! Rules of the internet are never widened, and neither are those on which an isolation rests:
//! of a private tier, those about a public one that has not been declared to reach it.
//! What still does not fit is refused.

use std::cmp::Reverse;

use super::{Want, Whom};
use crate::declaration::Peer;
use crate::features;
use crate::names::PortRange;
use crate::network::{Access, Direction, Network, Traffic};

/// Merges what is wanted of an ACL in one direction until it fits into `room` rules, or cannot be merged further.
///
/// Returns what became wider than what is declared, in words.
pub(super) fn fit(
    network: &Network,
    tier: usize,
    direction: Direction,
    room: usize,
    wanted: &mut Vec<Want>,
) -> Vec<String> {
    let exact = cost(network, wanted);
    if exact <= room {
        return Vec::new();
    }
    join(wanted);
    let mut widened = Vec::new();
    while cost(network, wanted) > room {
        let Some((whom, wider)) = best(network, tier, direction, wanted) else { break };
        let peer = match whom {
            Whom::Tier(peer) => network.tiers[peer].name.as_str(),
            Whom::Place(place) => network.places[place].name.as_str(),
            Whom::Internet => crate::topology::INTERNET,
        };
        let preposition = if direction == Direction::Ingress { "from" } else { "to" };
        let parts = widen(wanted, whom, wider, exact);
        widened.push(format!(
            "has one rule for {direction} {wider} {preposition} `{peer}` in place of {}: with guards there is room for {room} rules of the {exact} exact ones; security groups stay exact",
            parts.join(", ")
        ));
    }
    widened
}

/// Puts one rule in the place of all that it covers, and returns what those matched.
fn widen(wanted: &mut Vec<Want>, whom: Whom, wider: Traffic, exact: usize) -> Vec<String> {
    let inside = |want: &Want| want.whom == whom && wider.covers(want.traffic);
    let at = wanted.iter().position(inside).unwrap_or(wanted.len());
    let (old, rest): (Vec<Want>, Vec<Want>) = std::mem::take(wanted).into_iter().partition(inside);
    let mut reasons: Vec<String> = Vec::new();
    for reason in old.iter().flat_map(|want| &want.reasons).filter(|reason| !reason.starts_with("wider")) {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    reasons.push(format!("wider than declared, since {exact} exact rules do not fit"));
    *wanted = rest;
    wanted.insert(at.min(wanted.len()), Want { whom, traffic: wider, reasons });
    old.iter().map(|want| want.traffic.to_string()).collect()
}

/// Returns how many rules there will be: one for each part of a tier's cover.
fn cost(network: &Network, wanted: &[Want]) -> usize {
    wanted.iter().map(|want| parts(network, want.whom)).sum()
}

fn parts(network: &Network, whom: Whom) -> usize {
    match whom {
        Whom::Tier(tier) => network.tiers[tier].cover.len(),
        Whom::Place(place) => network.places[place].ranges.len(),
        Whom::Internet => 1,
    }
}

/// Makes one of port ranges that touch or overlap, toward the same peer; each is by its first port where it stands.
fn join(wanted: &mut Vec<Want>) {
    let mut joined: Vec<Want> = Vec::new();
    for want in std::mem::take(wanted) {
        let same = joined
            .iter_mut()
            .filter(|other| other.whom == want.whom)
            .find_map(|other| Some((union(other.traffic, want.traffic)?, other)));
        match same {
            Some((traffic, other)) => {
                other.traffic = traffic;
                other.reasons.extend(
                    want.reasons
                        .into_iter()
                        .filter(|reason| !other.reasons.contains(reason))
                        .collect::<Vec<_>>(),
                );
            }
            None => joined.push(want),
        }
    }
    *wanted = joined;
}

/// Returns the traffic that is exactly these two, if there is one.
fn union(a: Traffic, b: Traffic) -> Option<Traffic> {
    let both = |a: PortRange, b: PortRange| {
        let touch = u32::from(a.from) <= u32::from(b.to) + 1 && u32::from(b.from) <= u32::from(a.to) + 1;
        touch.then(|| PortRange { from: a.from.min(b.from), to: a.to.max(b.to) })
    };
    match (a, b) {
        (Traffic::Tcp(a), Traffic::Tcp(b)) => both(a, b).map(Traffic::Tcp),
        (Traffic::Udp(a), Traffic::Udp(b)) => both(a, b).map(Traffic::Udp),
        _ => None,
    }
}

/// Returns the widening that saves most rules: all ports of a protocol if any such saves one, or else every protocol.
fn best(network: &Network, tier: usize, direction: Direction, wanted: &[Want]) -> Option<(Whom, Traffic)> {
    let saves = |whom: Whom, wider: Traffic| {
        let inside = wanted.iter().filter(|want| want.whom == whom && wider.covers(want.traffic)).count();
        inside.saturating_sub(1) * parts(network, whom)
    };
    let ports: &[Traffic] = &[Traffic::Tcp(PortRange::ALL), Traffic::Udp(PortRange::ALL)];
    [ports, &[Traffic::Any]].into_iter().find_map(|level| {
        wanted
            .iter()
            .map(|want| want.whom)
            .filter(|whom| may_widen(network, tier, direction, *whom))
            .flat_map(|whom| level.iter().map(move |wider| (whom, *wider)))
            .filter(|(whom, wider)| saves(*whom, *wider) > 0)
            .max_by_key(|(whom, wider)| (saves(*whom, *wider), Reverse((*whom, *wider))))
    })
}

/// Returns whether the rules of a tier's ACL about a peer may be wider than what is declared:
/// something is declared in this direction, and no isolation of the tier rests on them.
fn may_widen(network: &Network, tier: usize, direction: Direction, whom: Whom) -> bool {
    let Whom::Tier(peer) = whom else { return false };
    let declared = |from: usize, to: usize| {
        network.flows.iter().any(|flow| flow.from == Peer::Tier(from) && flow.to == Peer::Tier(to))
    };
    let relayed = || {
        let mut flows = network.flows.iter().filter(|flow| flow.from == Peer::Tier(peer));
        flows.any(|flow| features::relays(network, flow).any(|relay| relay.tier == tier))
    };
    let asked = match direction {
        Direction::Ingress => declared(peer, tier) || relayed(),
        Direction::Egress => declared(tier, peer),
    };
    let public = |tier: usize| network.tiers[tier].access == Access::Public;
    let isolates = public(peer) && !public(tier) && !declared(peer, tier);
    asked && !isolates
}

#[cfg(test)]
mod tests {
    use crate::diagnostics::{Code, Diagnostics};
    use crate::ledger::Ledger;
    use crate::network::Direction;
    use crate::proof::{Finding, Property, Status};
    use crate::topology::{Egress, Flow, Tier, Topology};
    use crate::{Compilation, compile};

    fn reference() -> Topology {
        Topology::new("budget")
            .base("10.0.0.0/16")
            .zones(["a", "b"])
            .tier(Tier::public("pub").prefix_length(24))
            .tier(Tier::private("app").prefix_length(24))
            .tier(Tier::private("db").prefix_length(24))
            .egress(Egress::nat_per_zone())
            .flow(Flow::tcp([443]).from("app").to("internet"))
    }

    fn compiled(flows: impl IntoIterator<Item = Flow>) -> Result<Compilation, Diagnostics> {
        let topology = flows.into_iter().fold(reference(), Topology::flow);
        compile(&topology, &Ledger::default(), &semver::Version::new(0, 1, 0))
    }

    fn to_db(ports: impl IntoIterator<Item = i64>) -> impl Iterator<Item = Flow> {
        ports.into_iter().map(|port| Flow::tcp([port]).from("app").to("db"))
    }

    fn odd(n: i64) -> impl Iterator<Item = i64> {
        (0..n).map(|idx| 2 * idx + 1)
    }

    fn traffic(compilation: &Compilation, tier: usize, direction: Direction) -> Vec<String> {
        let rules = compilation.network.acls[tier].rules.iter();
        let own = rules.filter(|rule| rule.direction == direction && rule.allow);
        own.map(|rule| rule.traffic.to_string()).collect()
    }

    fn about<'a>(compilation: &'a Compilation, property: Property, subject: &str) -> &'a Finding {
        let mut findings = compilation.proof.findings.iter();
        let found = findings.find(|finding| finding.property == property && finding.subject == subject);
        found.unwrap_or_else(|| panic!("nothing about {subject}:\n{}", compilation.proof))
    }

    #[test]
    fn ports_that_touch_become_one_rule_and_lose_nothing() {
        let compilation = compiled(to_db(1..=20)).unwrap();
        assert_eq!(traffic(&compilation, 2, Direction::Ingress), ["tcp 1-20"]);
        assert!(compilation.network.acls.iter().all(|acl| acl.widened.is_empty()));
        assert!(compilation.warnings.is_empty(), "{}", compilation.warnings);
    }

    #[test]
    fn what_fits_stays_as_it_is_declared() {
        let compilation = compiled(to_db(1..=12)).unwrap();
        assert_eq!(traffic(&compilation, 2, Direction::Ingress).len(), 12);
    }

    #[test]
    fn many_ports_between_tiers_become_their_protocol_and_the_proof_says_so() {
        let compilation = compiled(to_db(odd(20))).unwrap();
        assert_eq!(traffic(&compilation, 2, Direction::Ingress), ["tcp"]);
        // The other side has guards, and so less room.
        assert_eq!(traffic(&compilation, 1, Direction::Egress), ["tcp", "tcp 443"]);
        let warned: Vec<_> = compilation.warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(warned, ["acl-widened", "acl-widened"]);
        let budget = about(&compilation, Property::P9, "rules of the network ACL of db");
        assert_eq!(budget.status, Status::Residual);
        assert!(budget.detail.contains("in place of tcp 1, tcp 3, tcp 5"), "{budget}");
        let wide = about(&compilation, Property::P3, "app \u{2192} db");
        assert_eq!(wide.status, Status::Residual);
        assert!(wide.residuals[0].contains("closed by security group app and db"), "{wide}");
        let isolated = about(&compilation, Property::P1, "pub \u{219b} db");
        assert!(
            isolated.status == Status::Proved && isolated.held_by.contains(&"network ACLs"),
            "{isolated}"
        );
        assert_eq!(compilation.network.security_groups[2].rules.len(), 20);
    }

    #[test]
    fn one_protocol_is_widened_before_all_are() {
        let both = |port| [Flow::tcp([port]).from("app").to("db"), Flow::udp([port]).from("app").to("db")];
        let flows = odd(10).flat_map(both).chain([Flow::icmp().from("app").to("db")]);
        let compilation = compiled(flows).unwrap();
        let ingress = traffic(&compilation, 2, Direction::Ingress);
        assert_eq!(ingress.iter().filter(|traffic| traffic.starts_with("udp ")).count(), 10, "{ingress:?}");
        assert!(
            ["tcp", "icmp"].iter().all(|traffic| ingress.contains(&(*traffic).to_owned())),
            "{ingress:?}"
        );
    }

    #[test]
    fn what_keeps_a_private_tier_apart_is_never_widened_but_refused() {
        let problems =
            compiled(odd(20).map(|port| Flow::tcp([port]).from("db").to("pub"))).map(|_| ()).unwrap_err();
        let found: Vec<_> =
            problems.iter().map(|problem| (problem.code, problem.message.contains("`db`"))).collect();
        assert_eq!(found, [(Code::ACL_RULE_BUDGET, true)], "{problems}");
    }

    #[test]
    fn guards_of_many_ranges_alone_can_be_more_than_fit() {
        let topology = (0..15).fold(reference(), |topology, idx| {
            topology.secondary(&format!("more-{idx}"), &format!("100.64.{idx}.0/24"))
        });
        let problems =
            compile(&topology, &Ledger::default(), &semver::Version::new(0, 1, 0)).map(|_| ()).unwrap_err();
        assert!(problems.iter().any(|problem| problem.code == "acl-rule-budget"), "{problems}");
    }

    #[test]
    fn what_the_internet_may_do_is_never_widened_however_much_it_is() {
        let problems = compiled(odd(200).map(|port| Flow::tcp([port]).from("internet").to("pub")))
            .map(|_| ())
            .unwrap_err();
        let refused = problems.iter().find(|problem| problem.code == "acl-rule-budget");
        assert!(
            refused.is_some_and(|problem| problem.message.contains("`pub` needs 208 ingress")),
            "{problems}"
        );
    }
}
