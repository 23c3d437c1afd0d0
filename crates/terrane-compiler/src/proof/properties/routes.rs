//! P4 to P7: where routes lead.

use super::is_private;
use crate::family::Address;
use crate::proof::engine::Engine;
use crate::proof::facts::{Facts, Hop};
use crate::proof::placement::Intent;
use crate::proof::witness::{hop_name, route_step};
use crate::proof::{Finding, Property, Status, Step};

/// P4: no private tier's table leads any address to the internet gateway.
pub(super) fn internet_routes<A: Address>(engine: &Engine<'_, A>, findings: &mut Vec<Finding>) {
    let facts = engine.facts();
    for tier in (0..facts.tiers.len()).filter(|tier| is_private(facts, *tier)) {
        let (mut unknown, mut wrong) = (Vec::new(), None);
        for subnet in subnets_of(facts, tier) {
            let Some(table) = facts.subnets[subnet].table else {
                unknown.push(format!("the route table of {} is not known", facts.subnets[subnet].name));
                continue;
            };
            if let Some(step) = internet_route(engine, subnet, table) {
                wrong.get_or_insert((subnet, step));
            } else if let Some(why) = maybe_internet(engine, table) {
                unknown.push(format!("{}: {why}", facts.subnets[subnet].name));
            }
        }
        unknown.dedup();
        let subject = &facts.tiers[tier].name;
        let finding = match wrong {
            Some((subnet, step)) => {
                let mut finding = Finding::new(
                    Property::P4,
                    Status::Refuted,
                    subject,
                    format!("{} has a route to the internet gateway", facts.subnets[subnet].name),
                );
                finding.decided_by.push(step);
                finding
            }
            None if !unknown.is_empty() => {
                Finding::new(Property::P4, Status::Unknown, subject, unknown.join("; "))
            }
            None if subnets_of(facts, tier).next().is_none() => {
                Finding::new(Property::P4, Status::Unknown, subject, "no subnet of it is known")
            }
            None => Finding::new(
                Property::P4,
                Status::Proved,
                subject,
                format!("no address, over all of {}, is routed to the internet gateway", A::FAMILY),
            ),
        };
        findings.push(finding.at(&facts.tiers[tier].origin).about([tier]));
    }
}

/// Returns the route of a table that leads to an internet gateway, whatever its destination.
fn internet_route<A: Address>(engine: &Engine<'_, A>, subnet: usize, table: usize) -> Option<Step> {
    let facts = engine.facts();
    if let Some(atom) = engine.hops(table).iter().position(|hop| *hop == Hop::Internet) {
        return route_step(engine, subnet, atom);
    }
    let table = &facts.tables[table];
    let listed = table.routes.iter().find(|route| route.hop == Hop::Internet);
    let open = table.open.iter().find(|route| route.hop == Hop::Internet);
    let v6 = table.v6.iter().find(|route| route.internet);
    let rule = match (listed, open, v6) {
        (Some(route), _, _) => format!("{} {}", route.destination, hop_name(facts, route.hop)),
        (None, Some(route), _) => {
            format!("{} {}", facts.unmodelled[route.what].name, hop_name(facts, route.hop))
        }
        (None, None, Some(route)) => format!("{} (IPv6) {}", route.name, hop_name(facts, Hop::Internet)),
        (None, None, None) => return None,
    };
    Some(Step { layer: "route", name: table.name.clone(), rule, why: String::new() })
}

/// Returns why a table may lead to an internet gateway.
fn maybe_internet<A: Address>(engine: &Engine<'_, A>, table: usize) -> Option<String> {
    let facts = engine.facts();
    let hops = engine.hops(table).iter().copied();
    let open = facts.tables[table].open.iter().map(|route| Hop::Unmodelled(route.what));
    let beyond = hops.chain(open).find_map(|hop| match hop {
        Hop::Unmodelled(what) => Some(&facts.unmodelled[what]).filter(|beyond| beyond.internet),
        _ => None,
    });
    let beyond = beyond.or(facts.tables[table].v6.as_ref());
    beyond.map(|beyond| format!("{} may lead to an internet gateway", beyond.name))
}

/// P5: the way out of each private subnet stays in its zone.
pub(super) fn zone_independence<A: Address>(
    engine: &Engine<'_, A>,
    intent: &Intent,
    findings: &mut Vec<Finding>,
) {
    let facts = engine.facts();
    if facts.nats.is_empty() {
        return;
    }
    let has_nat = |zone: &str| {
        let homes = facts.nats.iter().filter_map(|nat| nat.subnet);
        homes.into_iter().any(|home| facts.subnets[home].zone == zone)
    };
    let several = intent.nat_per_zone || (intent.flows.is_none() && facts.nats.len() > 1);
    for tier in (0..facts.tiers.len()).filter(|tier| is_private(facts, *tier)) {
        let (mut declared, mut crossing, mut broken, mut unknown, mut used) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new(), false);
        for subnet in subnets_of(facts, tier) {
            let own = &facts.subnets[subnet];
            let Some(table) = own.table else {
                unknown.push(format!("the route table of {}", own.name));
                continue;
            };
            for nat in nats_of(engine, table) {
                used = true;
                let Some(home) = facts.nats[nat].subnet else {
                    unknown.push(format!("the subnet of {}", facts.nats[nat].name));
                    continue;
                };
                if own.zone.is_empty() || facts.subnets[home].zone.is_empty() {
                    unknown.push(format!("the zone of {} or {}", own.name, facts.subnets[home].name));
                } else if facts.subnets[home].zone != own.zone {
                    let fallback = intent.nat_fallback && !has_nat(&own.zone);
                    let list = if fallback { &mut declared } else { &mut crossing };
                    list.push(format!("{} \u{2192} {}", own.name, facts.subnets[home].name));
                }
                let leads = |table: usize| {
                    let atoms = engine.public_atoms();
                    atoms
                        .iter()
                        .all(|atom| matches!(engine.hop(table, *atom), Hop::Internet | Hop::Unmodelled(_)))
                };
                if facts.nats[nat].public && !facts.subnets[home].table.is_none_or(leads) {
                    broken.push(format!(
                        "{} is in {}, which has no route to the internet gateway",
                        facts.nats[nat].name, facts.subnets[home].name
                    ));
                }
            }
        }
        if !used && unknown.is_empty() {
            continue;
        }
        broken.dedup();
        let (status, detail) = if !broken.is_empty() {
            (Status::Refuted, broken.join("; "))
        } else if !crossing.is_empty() && several {
            (Status::Refuted, format!("the way out crosses zones: {}", crossing.join(", ")))
        } else if !unknown.is_empty() {
            (Status::Unknown, format!("not known: {}", unknown.join(", ")))
        } else if !declared.is_empty() {
            let detail = format!(
                "zones without a NAT gateway leave through that of another, as declared: {}",
                declared.join(", ")
            );
            (Status::Residual, detail)
        } else if !crossing.is_empty() {
            let detail = format!(
                "{}; these depend on another zone: {}",
                if intent.flows.is_some() { "one NAT gateway is declared" } else { "nothing is declared" },
                crossing.join(", ")
            );
            (Status::Residual, detail)
        } else {
            (Status::Proved, "each subnet leaves through the NAT gateway of its own zone".to_owned())
        };
        let idx = tier;
        let tier = &facts.tiers[idx];
        findings.push(Finding::new(Property::P5, status, &tier.name, detail).at(&tier.origin).about([idx]));
    }
}

fn nats_of<A: Address>(engine: &Engine<'_, A>, table: usize) -> Vec<usize> {
    let runs = engine.hops(table).chunk_by(|hop, next| hop == next);
    let mut nats: Vec<usize> = runs
        .filter_map(|run| match run[0] {
            Hop::Nat(nat) => Some(nat),
            _ => None,
        })
        .collect();
    nats.sort_unstable();
    nats.dedup();
    nats
}

/// P6: every route leads somewhere, and every address of the VPC stays in it.
pub(super) fn blackholes<A: Address>(engine: &Engine<'_, A>, findings: &mut Vec<Finding>) {
    let facts = engine.facts();
    let mut found = false;
    for (idx, table) in facts.tables.iter().enumerate() {
        for route in table.routes.iter().filter(|route| route.hop == Hop::Blackhole) {
            found = true;
            let users: Vec<&str> = facts
                .subnets
                .iter()
                .filter(|subnet| subnet.table == Some(idx))
                .map(|subnet| subnet.name.as_str())
                .collect();
            findings.push(Finding::new(
                Property::P6,
                Status::Refuted,
                format!("table {} {}", table.name, route.destination),
                format!("leads to nothing; subnets that use it: {}", users.join(", ")),
            ));
        }
        let inside = (0..facts.subnets.len()).flat_map(|subnet| engine.home(subnet));
        let mut away: Vec<Hop> =
            inside.map(|atom| engine.hop(idx, atom)).filter(|hop| *hop != Hop::Local).collect();
        away.sort_unstable();
        away.dedup();
        for hop in away {
            found = true;
            let status = if matches!(hop, Hop::Unmodelled(_)) { Status::Unknown } else { Status::Refuted };
            findings.push(Finding::new(
                Property::P6,
                status,
                format!("table {}", table.name),
                format!("leads addresses of the VPC to {}", hop_name(facts, hop)),
            ));
        }
    }
    let unknown = facts.subnets.iter().filter(|subnet| subnet.table.is_none()).count();
    let (status, detail) = match (unknown, facts.tables.len()) {
        _ if found => return,
        (0, tables) => (
            Status::Proved,
            format!("{tables} tables: every route leads somewhere, every address of the VPC is local"),
        ),
        (unknown, _) => (Status::Unknown, format!("the route tables of {unknown} subnets are not known")),
    };
    findings.push(Finding::new(Property::P6, status, "route tables", detail));
}

/// P7: what a NAT gateway has translated comes back through the same one.
pub(super) fn symmetry<A: Address>(engine: &Engine<'_, A>, findings: &mut Vec<Finding>) {
    let facts = engine.facts();
    let mut wrong = Vec::new();
    let mut unknown = Vec::new();
    for subnet in &facts.subnets {
        let Some(table) = subnet.table else {
            unknown.push(subnet.name.clone());
            continue;
        };
        for nat in nats_of(engine, table) {
            let Some(home) = facts.nats[nat].subnet else { continue };
            match facts.subnets[home].table.map(|table| engine.hop(table, engine.atom(subnet.span.first))) {
                Some(Hop::Local) => {}
                Some(hop) => wrong.push(format!(
                    "answers to {} leave {} for {}",
                    subnet.name,
                    facts.nats[nat].name,
                    hop_name(facts, hop)
                )),
                None => unknown.push(facts.subnets[home].name.clone()),
            }
        }
    }
    let (status, detail) = if !wrong.is_empty() {
        (Status::Refuted, wrong.join("; "))
    } else if !unknown.is_empty() {
        (Status::Unknown, format!("the route tables of {} are not known", unknown.join(", ")))
    } else {
        (Status::Proved, "answers cross the gateways that questions crossed".to_owned())
    };
    findings.push(Finding::new(Property::P7, status, "gateways", detail));
}

fn subnets_of<A: Address>(facts: &Facts<A>, tier: usize) -> impl Iterator<Item = usize> {
    (0..facts.subnets.len()).filter(move |subnet| facts.subnets[*subnet].tier == tier)
}
