//! The claims P1 to P8, P10, and P11, each decided from the tables of the [`Engine`].

mod isolation;
mod reachability;
mod routes;

use crate::diagnostics::Origin;
use crate::family::Address;
use crate::names::PortRange;
use crate::network::Access;
use crate::proof::engine::{End, Engine};
use crate::proof::facts::{Doubt, Facts};
use crate::proof::headers::{HeaderSet, Headers};
use crate::proof::placement::{Intent, IntentEnd};
use crate::proof::{Finding, Property, Status};

/// Examines every claim.
pub(crate) fn examine<A: Address>(engine: &mut Engine<'_, A>, intent: &Intent) -> Vec<Finding> {
    let mut findings = Vec::new();
    isolation::isolation(engine, intent, &mut findings);
    reachability::reachability(engine, intent, &mut findings);
    isolation::least_privilege(engine, intent, &mut findings);
    routes::internet_routes(engine, &mut findings);
    routes::zone_independence(engine, intent, &mut findings);
    routes::blackholes(engine, &mut findings);
    routes::symmetry(engine, &mut findings);
    closed_defaults(engine.facts(), &mut findings);
    rules_without_effect(engine, &mut findings);
    growth(engine.facts(), intent, &mut findings);
    findings
}

/// Takes back what was found where the source holds something that may touch it and that is not modelled.
pub(crate) fn doubt<A: Address>(facts: &Facts<A>, findings: &mut [Finding]) {
    for finding in findings.iter_mut().filter(|finding| finding.status < Status::Unknown) {
        let touched = |doubt: &&Doubt| {
            let concerns = match finding.property {
                Property::P1 | Property::P3 => true,
                Property::P2 | Property::P4 | Property::P5 | Property::P6 | Property::P7 | Property::P10 => {
                    doubt.whole
                }
                Property::P8 | Property::P9 | Property::P11 => false,
            };
            concerns && touches(facts, doubt, &finding.tiers)
        };
        let mut why: Vec<&str> =
            facts.doubts.iter().filter(touched).map(|doubt| doubt.why.as_str()).collect();
        why.dedup();
        let more = why.len().saturating_sub(MOST_DOUBTS);
        why.truncate(MOST_DOUBTS);
        if !why.is_empty() {
            finding.status = Status::Unknown;
            finding.detail = why.join("; ");
            if more > 0 {
                finding.detail.push_str(&format!("; and {more} more"));
            }
            finding.held_by.clear();
            finding.decided_by.clear();
            finding.residuals.clear();
        }
    }
}

/// As many reasons as a reader can take in at once.
const MOST_DOUBTS: usize = 3;

fn touches<A: Address>(facts: &Facts<A>, doubt: &Doubt, tiers: &[usize]) -> bool {
    let Some(subnets) = &doubt.subnets else { return true };
    let of_claim = |subnet: &usize| tiers.is_empty() || tiers.contains(&facts.subnets[*subnet].tier);
    subnets.iter().any(of_claim)
}

/// Returns the tiers among two ends.
fn tiers_of<'a>(ends: impl IntoIterator<Item = &'a IntentEnd>) -> Vec<usize> {
    let tier = |end: &IntentEnd| match end {
        IntentEnd::Tier(tier) => Some(*tier),
        IntentEnd::Internet | IntentEnd::Service(_) | IntentEnd::Place(_) => None,
    };
    ends.into_iter().filter_map(tier).collect()
}

/// Returns the ends of a tier or of the internet.
fn ends<A: Address>(engine: &Engine<'_, A>, end: &IntentEnd) -> Vec<End> {
    match end {
        IntentEnd::Tier(tier) => engine.members(*tier).to_vec(),
        IntentEnd::Internet | IntentEnd::Service(_) => vec![End::Internet],
        IntentEnd::Place(place) => vec![End::Place(*place)],
    }
}

fn name<'a, A: Address>(facts: &'a Facts<A>, end: &'a IntentEnd) -> &'a str {
    match end {
        IntentEnd::Tier(tier) => &facts.tiers[*tier].name,
        IntentEnd::Internet => crate::topology::INTERNET,
        IntentEnd::Service(service) => service,
        IntentEnd::Place(place) => &facts.places[*place].name,
    }
}

/// Returns where the flow between two ends was declared, or the one whose answers these are, or else a tier of them.
fn origin<A: Address>(facts: &Facts<A>, intent: &Intent, from: &IntentEnd, to: &IntentEnd) -> Origin {
    let flow = |from: &IntentEnd, to: &IntentEnd| {
        let mut flows = intent.flows.iter().flatten();
        flows.find(|flow| flow.from == *from && flow.to == *to).map(|flow| flow.origin.clone())
    };
    flow(from, to).or_else(|| flow(to, from)).unwrap_or_else(|| tier_origin(facts, to, from))
}

/// Returns where the first of two ends that is a tier was declared.
fn tier_origin<A: Address>(facts: &Facts<A>, first: &IntentEnd, second: &IntentEnd) -> Origin {
    let tier = |end: &IntentEnd| match end {
        IntentEnd::Tier(tier) => Some(facts.tiers[*tier].origin.clone()),
        IntentEnd::Internet | IntentEnd::Service(_) | IntentEnd::Place(_) => None,
    };
    tier(first).or_else(|| tier(second)).unwrap_or_default()
}

/// Returns the headers that are declared between two ends; a service's addresses are the internet's, and the internet's
/// are those of a place on it, too.
fn declared<A: Address>(facts: &Facts<A>, intent: &Intent, from: &IntentEnd, to: &IntentEnd) -> HeaderSet {
    let same = |a: &IntentEnd, b: &IntentEnd| match (a, b) {
        (IntentEnd::Service(_), IntentEnd::Internet) => true,
        (IntentEnd::Service(_) | IntentEnd::Internet, IntentEnd::Place(place)) => {
            facts.places[*place].on_internet
        }
        (a, b) => a == b,
    };
    let flows = intent.flows.iter().flatten();
    let between = flows.filter(|flow| same(&flow.from, from) && same(&flow.to, to));
    HeaderSet::union(between.map(|flow| &flow.headers))
}

/// Returns the headers on which a tier is declared to accept connections; where nobody declares, port 22.
fn listens(intent: &Intent, to: &IntentEnd) -> HeaderSet {
    let Some(flows) = &intent.flows else {
        return HeaderSet::of([Headers::tcp(PortRange::one(22))]);
    };
    let everything = HeaderSet::of([Headers::ALL]);
    let named = flows.iter().filter(|flow| flow.to == *to && flow.headers != everything);
    HeaderSet::union(named.map(|flow| &flow.headers))
}

/// Returns whether a tier is private, or may be.
fn is_private<A: Address>(facts: &Facts<A>, tier: usize) -> bool {
    facts.tiers[tier].access != Access::Public || facts.unsettled.contains(&tier)
}

/// Returns whether a tier is public, or may be.
fn is_public<A: Address>(facts: &Facts<A>, tier: usize) -> bool {
    facts.tiers[tier].access == Access::Public || facts.unsettled.contains(&tier)
}

fn closed_defaults<A: Address>(facts: &Facts<A>, findings: &mut Vec<Finding>) {
    let subject = "default security group, network ACL, and main route table";
    let mut implicit: Vec<&str> = facts
        .subnets
        .iter()
        .filter(|subnet| subnet.table.is_none() || subnet.acl.is_none())
        .map(|subnet| subnet.name.as_str())
        .collect();
    implicit.sort_unstable();
    if !implicit.is_empty() {
        findings.push(Finding::new(
            Property::P8,
            Status::Unknown,
            "every subnet has a table and an ACL of its own",
            format!("which table or ACL these subnets have is not known: {}", implicit.join(", ")),
        ));
    }
    let (status, detail) = match facts.defaults_closed {
        Some(true) => (
            Status::Proved,
            "adopted and emptied: what names no table, ACL, or group of its own gets nothing",
        ),
        Some(false) => (Status::Residual, "left as AWS makes them: what names no group or ACL is open"),
        None => (Status::Unknown, "not told whether they are closed"),
    };
    findings.push(Finding::new(Property::P8, status, subject, detail));
}

fn rules_without_effect<A: Address>(engine: &Engine<'_, A>, findings: &mut Vec<Finding>) {
    for (acl, rule) in engine.unused_rules() {
        let facts = engine.facts();
        let tier = facts.subnets.iter().find(|subnet| subnet.acl == Some(*acl)).map(|subnet| subnet.tier);
        let origin = tier.map(|tier| facts.tiers[tier].origin.clone()).unwrap_or_default();
        let acl = &facts.acls[*acl];
        let rule = &acl.rules[*rule];
        let finding = Finding::new(
            Property::P10,
            Status::Residual,
            format!("{} {} #{}", acl.name, rule.direction, rule.number),
            format!(
                "decides nothing: rules before it match all of {} with {} ({})",
                rule.headers, rule.peer_name, rule.why
            ),
        );
        findings.push(finding.at(&origin));
    }
    let unknown = engine.facts().subnets.iter().filter(|subnet| subnet.acl.is_none()).count();
    if unknown > 0 {
        let detail = format!("the network ACLs of {unknown} subnets are not known");
        findings.push(Finding::new(Property::P10, Status::Unknown, "network ACLs", detail));
    } else if engine.unused_rules().is_empty() {
        findings.push(every_rule_decides());
    }
}

/// Returns the finding that no rule is without effect.
pub(crate) fn every_rule_decides() -> Finding {
    Finding::new(
        Property::P10,
        Status::Proved,
        "network ACLs",
        "every rule decides some packet that an admitted base can have",
    )
}

fn growth<A: Address>(facts: &Facts<A>, intent: &Intent, findings: &mut Vec<Finding>) {
    if intent.flows.is_none() {
        return;
    }
    let mut spare: Vec<&str> =
        facts.subnets.iter().filter(|subnet| subnet.spare).map(|subnet| subnet.zone.as_str()).collect();
    spare.sort_unstable();
    spare.dedup();
    if spare.is_empty() {
        return;
    }
    let letters = spare.join(", ");
    let failed = findings.iter().any(|finding| {
        finding.status >= Status::Unknown
            && matches!(finding.property, Property::P1 | Property::P2 | Property::P3)
    });
    findings.push(if failed {
        Finding::new(
            Property::P11,
            Status::Unknown,
            format!("spare zones {letters}"),
            "P1 to P3 are not all decided, with the spare zones in use",
        )
    } else {
        Finding::new(
            Property::P11,
            Status::Proved,
            format!("spare zones {letters}"),
            "P1 to P3 were examined with them in use",
        )
    });
}
