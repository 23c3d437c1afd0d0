//! Network ACLs, derived from the declared flows: the coarse guard of each tier.
//!
//! Rules stand in three bands, so that the order inside a band never matters:
//!
//! | numbers | rules |
//! |---|---|
//! | 100–799 | allow what is declared between tiers and to and from places, its replies, and the transit through NAT gateways |
//! | 800–899 | deny the rest of the network's own ranges, of places, and of private space |
//! | 900–999 | allow what is declared to and from the internet, and its replies |
//!
//! The guards of the second band are what makes the third safe:
//! an ACL has no memory, so replies from the internet must be let in from everywhere,
//! and without the guards "everywhere" would include the tiers next door.
//! Each ACL owns its rules and its subnets: what is added by hand shows in the next plan, and a subnet keeps its ACL
//! until it is gone. The ACL of a tier that is removed stays until the tier's block is reclaimed, for the same reason.
//!
//! Where an ACL would have more rules than AWS allows, [`budget`] says which become one, or why none may.

mod budget;
mod guards;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use terrane_contract::Holds;

use super::{Feature, Relay, Resolution, common};
use crate::declaration::{Flow, Peer};
use crate::diagnostics::{Code, Diagnostic, Diagnostics, Origin, codes, report};
use crate::ledger::RuleNumbers;
use crate::module::syntax::{Body, Expr, conditional, each, equal, local, name, object, pairs_in, string, table, var};
use crate::module::{File, Local, Module, Resource};
use crate::names::{Cidr, Name, PortRange};
use crate::network::{Acl, AclPeer, AclRule, Direction, Network, Traffic};

pub(super) const FEATURE: Feature = Feature {
    codes: CODES,
    resolve,
    lower,
    types: || vec!["aws_network_acl"],
    named_after_tiers: &["aws_network_acl"],
    warnings,
    ..Feature::NONE
};

codes! {
    /// The problems that this feature reports.
    const CODES;

    ACL_RULE_BUDGET = "acl-rule-budget", Error:
        "A network ACL needs more rules than AWS allows",
        "AWS allows 20 rules in each direction of a network ACL, the default rule counted: <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls>. Beside that one there is room for 19. Rules between tiers were merged already as far as isolation permits: combine flows of the internet or tiers, or drop explicit ranges, so that a tier is one block.";
    ACL_WIDENED = "acl-widened", Warning:
        "A network ACL permits more between two tiers than is declared",
        "The exact rules do not fit in the 19 that a network ACL can have here, so one rule stands for several and admits ports or protocols between these tiers that no flow declares. Security groups stay exact, so nothing else is reachable while they are in place. Declare fewer ports, or port ranges that touch, to have exact rules.";
}

/// Rules of one direction that a network ACL may have, the default `*` rule not counted:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls> (20 with it).
const BUDGET: usize = 19;

/// The part of an ACL that a rule stands in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Band {
    Declared,
    Guard,
    Internet,
}

impl Band {
    fn numbers(self) -> RangeInclusive<u16> {
        match self {
            Band::Declared => 100..=799,
            Band::Guard => 800..=899,
            Band::Internet => 900..=999,
        }
    }
}

/// Whom a rule is about, before tiers become address blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whom {
    Tier(usize),
    Internet,
    Place(usize),
}

impl Whom {
    /// Returns whom rules about what is no tier name: an endpoint's addresses are somewhere in the internet's.
    fn outside(peer: &Peer) -> Whom {
        match peer {
            Peer::Place(place) => Whom::Place(*place),
            Peer::Tier(_) | Peer::Internet | Peer::Endpoint(_) => Whom::Internet,
        }
    }
}

/// What the ACL of one tier must let through, by direction, peer, and traffic, with the reason.
type Wants = BTreeMap<(Direction, Whom, Traffic), Vec<String>>;

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, plan, network, numbers, diagnostics } = resolution;
    network.removed_tiers.clone_from(&plan.removed);
    let mut wants = vec![Wants::new(); network.tiers.len()];
    for flow in &declaration.flows {
        for traffic in flow.traffic() {
            want(network, &mut wants, flow, traffic);
        }
    }
    for (tier, wants) in wants.into_iter().enumerate() {
        let mut acl = Acl { tier, rules: Vec::new(), widened: Vec::new() };
        for direction in [Direction::Ingress, Direction::Egress] {
            let mut wanted = wanted(direction, &wants);
            let guards: Vec<Draft> = guards(network, &wanted).collect();
            let room = BUDGET.saturating_sub(guards.len());
            acl.widened.extend(budget::fit(network, tier, direction, room, &mut wanted));
            let mut drafts = allowed(network, wanted);
            drafts.extend(guards);
            if drafts.len() > BUDGET {
                let origin = &declaration.tiers[tier].origin;
                diagnostics.push(over_budget(network, tier, direction, drafts.len(), origin));
                continue;
            }
            acl.rules.extend(numbered(network, tier, direction, drafts, numbers));
        }
        acl.rules.sort_by_key(|rule| (rule.direction, rule.number));
        network.acls.push(acl);
    }
}

/// Returns what carries the replies to some traffic.
fn reply(traffic: Traffic) -> Traffic {
    match traffic {
        Traffic::Tcp(_) => Traffic::Tcp(PortRange::EPHEMERAL),
        Traffic::Udp(_) => Traffic::Udp(PortRange::EPHEMERAL),
        Traffic::Icmp | Traffic::FragmentationNeeded => Traffic::Icmp,
        Traffic::Any => Traffic::Any,
    }
}

/// Adds what one flow needs to the ACLs of every tier it crosses, both ways.
fn want(network: &Network, wants: &mut [Wants], flow: &Flow, traffic: Traffic) {
    let why = network.ends(flow);
    let mut add = |tier: usize, direction, whom, traffic, note: &str| {
        let reasons: &mut Vec<String> = wants[tier].entry((direction, whom, traffic)).or_default();
        let reason = format!("{note}{why}");
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    };
    let replies = reply(traffic);
    match (&flow.from, &flow.to) {
        (Peer::Tier(client), Peer::Tier(server)) => {
            add(*client, Direction::Egress, Whom::Tier(*server), traffic, "");
            add(*server, Direction::Ingress, Whom::Tier(*client), traffic, "");
            add(*server, Direction::Egress, Whom::Tier(*client), replies, "replies: ");
            add(*client, Direction::Ingress, Whom::Tier(*server), replies, "replies: ");
            if flow.client_addresses {
                let note = "clients' addresses: ";
                add(*server, Direction::Ingress, Whom::Internet, traffic, note);
                add(*server, Direction::Egress, Whom::Internet, replies, "clients' addresses, replies: ");
                add(*server, Direction::Ingress, Whom::Internet, Traffic::FragmentationNeeded, "path MTU: ");
            }
        }
        (outside @ (Peer::Internet | Peer::Place(_)), Peer::Tier(server)) => {
            let whom = Whom::outside(outside);
            add(*server, Direction::Ingress, whom, traffic, "");
            add(*server, Direction::Egress, whom, replies, "replies: ");
            add(*server, Direction::Ingress, whom, Traffic::FragmentationNeeded, "path MTU: ");
        }
        (Peer::Tier(client), outside @ (Peer::Internet | Peer::Endpoint(_) | Peer::Place(_))) => {
            let whom = Whom::outside(outside);
            add(*client, Direction::Egress, whom, traffic, "");
            add(*client, Direction::Ingress, whom, replies, "replies: ");
            add(*client, Direction::Ingress, whom, Traffic::FragmentationNeeded, "path MTU: ");
            let client = Whom::Tier(*client);
            for Relay { tier, name } in super::relays(network, flow) {
                let note = |of: &str| format!("{name}{of}: ");
                add(tier, Direction::Ingress, client, traffic, &note(""));
                add(tier, Direction::Egress, client, replies, &note(", replies"));
                add(tier, Direction::Egress, client, Traffic::FragmentationNeeded, &note(", path MTU"));
                add(tier, Direction::Egress, whom, traffic, &note(""));
                add(tier, Direction::Ingress, whom, replies, &note(", replies"));
                add(tier, Direction::Ingress, whom, Traffic::FragmentationNeeded, &note(", path MTU"));
            }
        }
        // No flow starts at an endpoint or leads from outside to what is not a tier.
        (Peer::Internet | Peer::Place(_), Peer::Internet | Peer::Endpoint(_) | Peer::Place(_))
        | (Peer::Endpoint(_), _) => {}
    }
}

/// A rule without its number.
struct Draft {
    band: Band,
    allow: bool,
    traffic: Traffic,
    peer: AclPeer,
    why: String,
}

/// What an ACL must let through in one direction.
struct Want {
    whom: Whom,
    traffic: Traffic,
    reasons: Vec<String>,
}

/// Returns what an ACL must let through in one direction, without what something wider lets through anyway.
fn wanted(direction: Direction, wants: &Wants) -> Vec<Want> {
    let own = || wants.iter().filter(|((towards, ..), _)| *towards == direction);
    let covered = |whom: Whom, traffic: Traffic| {
        own().any(|((_, other, wider), _)| *other == whom && *wider != traffic && wider.covers(traffic))
    };
    own()
        .filter(|((_, whom, traffic), _)| !covered(*whom, *traffic))
        .map(|((_, whom, traffic), reasons)| Want {
            whom: *whom,
            traffic: *traffic,
            reasons: reasons.clone(),
        })
        .collect()
}

/// Returns the rules that let through what is wanted, those toward tiers first.
fn allowed(network: &Network, wanted: Vec<Want>) -> Vec<Draft> {
    let mut drafts = Vec::new();
    for want in wanted {
        let why = want.reasons.join("; ");
        let draft = |band, peer| Draft { band, allow: true, traffic: want.traffic, peer, why: why.clone() };
        match want.whom {
            Whom::Tier(tier) => {
                let parts = 0..network.tiers[tier].cover.len();
                drafts.extend(parts.map(|part| draft(Band::Declared, AclPeer::Tier(tier, part))));
            }
            Whom::Place(place) => {
                let ranges = 0..network.places[place].ranges.len();
                drafts.extend(ranges.map(|range| draft(Band::Declared, AclPeer::Place(place, range))));
            }
            Whom::Internet => drafts.push(draft(Band::Internet, AclPeer::Cidr(Cidr::EVERYWHERE))),
        }
    }
    drafts
}

/// Returns the rules that keep the rules for the internet from matching anything nearer.
fn guards(network: &Network, wanted: &[Want]) -> impl Iterator<Item = Draft> {
    let needed = wanted.iter().any(|want| want.whom == Whom::Internet);
    let guard = |peer, why: &str| Draft {
        band: Band::Guard,
        allow: false,
        traffic: Traffic::Any,
        peer,
        why: why.to_owned(),
    };
    let all = guards::guards(network.ranges.len(), &network.places);
    all.into_iter().filter(move |_| needed).map(move |(peer, why)| guard(peer, why))
}

impl Draft {
    /// Returns what the rule says: the name by which the ledger knows its number.
    fn key(&self, network: &Network) -> String {
        let action = if self.allow { "allow" } else { "deny" };
        let peer = match self.peer {
            AclPeer::Tier(tier, part) => {
                let tier = &network.tiers[tier];
                match tier.cover.as_slice() {
                    [_] => tier.first_name().to_string(),
                    parts => format!("{}[{}/{}]", tier.first_name(), parts[part].newbits, parts[part].netnum),
                }
            }
            AclPeer::Range(range) => format!("range {}", network.ranges[range].name),
            AclPeer::Cidr(cidr) => cidr.to_string(),
            AclPeer::Place(place, range) => {
                let place = &network.places[place];
                format!("{} {}", place.name, place.ranges[range])
            }
        };
        format!("{action} {} {peer}", self.traffic)
    }
}

/// Gives the rules of one direction their numbers: the recorded ones, and free ones to what is new.
fn numbered(
    network: &Network,
    tier: usize,
    direction: Direction,
    drafts: Vec<Draft>,
    numbers: &mut RuleNumbers,
) -> impl Iterator<Item = AclRule> {
    let keys: Vec<_> = drafts.iter().map(|draft| (draft.band.numbers(), draft.key(network))).collect();
    let numbers = numbers
        .assign(network.tiers[tier].first_name().as_str(), direction.as_str(), &keys)
        .expect("a band holds more numbers than an ACL may have rules");
    drafts.into_iter().zip(numbers).map(move |(draft, number)| AclRule {
        direction,
        number,
        allow: draft.allow,
        traffic: draft.traffic,
        peer: draft.peer,
        why: draft.why,
    })
}

fn over_budget(
    network: &Network,
    tier: usize,
    direction: Direction,
    found: usize,
    origin: &Origin,
) -> Diagnostic {
    let name = &network.tiers[tier].name;
    let message = format!("tier `{name}` needs {found} {direction} rules in its network ACL, but AWS allows 20 with the default rule, which leaves {BUDGET}");
    Diagnostic::new(Code::ACL_RULE_BUDGET, origin, message)
        .hint("rules between tiers are already merged as far as isolation permits: combine flows of the internet, combine tiers, or drop explicit ranges, so that each tier is one block")
}

/// Returns what the author of a network should know of rules that became wider than what is declared.
fn warnings(network: &Network) -> Diagnostics {
    let mut found = Diagnostics::default();
    for acl in &network.acls {
        let tier = &network.tiers[acl.tier];
        for words in &acl.widened {
            let message = format!("the network ACL of tier `{}` {words}", tier.name);
            report!(
                found, Code::ACL_WIDENED, &tier.origin,
                "{message}";
                "nothing is lost while the security groups are in place; declare fewer ports or port ranges that touch to have it exact"
            );
        }
    }
    found
}

fn lower(network: &Network, module: &mut Module) {
    for acl in &network.acls {
        let id = network.tiers[acl.tier].name.identifier();
        for direction in [Direction::Ingress, Direction::Egress] {
            module.locals.extend(rows(network, acl, direction));
        }
        module.resources.push(resource(network, acl, &id));
    }
    module.resources.extend(network.removed_tiers.iter().map(|name| left_behind(network, name)));
    module.outputs.push(common::by_tier(
        network,
        "network_acl_ids",
        "Ids of the network ACLs by tier.",
        "aws_network_acl",
        Holds::NetworkAclId,
    ));
}

fn resource(network: &Network, acl: &Acl, id: &str) -> Resource {
    let tier = &network.tiers[acl.tier];
    let body = Body::new()
        .arg("vpc_id", common::vpc_id())
        .arg("subnet_ids", each("subnet", common::subnets(tier), "id"))
        .blank()
        .arg("ingress", entries(acl, Direction::Ingress, id))
        .blank()
        .arg("egress", entries(acl, Direction::Egress, id))
        .blank()
        .arg("tags", common::tags(network, common::named([string(tier.first_name().as_str())])));
    Resource::new(File::Security, "aws_network_acl", id, body).comment(&format!(
        "The network ACL of `{}`, which has these rules and these subnets and no others.",
        tier.name
    ))
}

/// Returns the ACL that a tier leaves behind: with the rules it had, until no subnet can be in it.
fn left_behind(network: &Network, name: &Name) -> Resource {
    let body = Body::new()
        .arg("vpc_id", common::vpc_id())
        .blank()
        .arg("tags", common::tags(network, common::named([string(name.as_str())])));
    Resource::new(File::Security, "aws_network_acl", &name.identifier(), body)
        .ignore_changes(["subnet_ids", "ingress", "egress"])
        .comment(&format!("`{name}` is gone; its subnets keep this until the last one is, and it goes when its block is reclaimed."))
}

fn of(acl: &Acl, direction: Direction) -> impl Iterator<Item = &AclRule> {
    acl.rules.iter().filter(move |rule| rule.direction == direction)
}

/// Returns the name of the local with the rules of one direction.
fn rows_name(id: &str, direction: Direction) -> String {
    format!("{id}_{direction}")
}

/// Returns the rules of one direction as a table by number, below the reasons for those that allow something.
fn rows(network: &Network, acl: &Acl, direction: Direction) -> Option<Local> {
    let tier = &network.tiers[acl.tier].name;
    let crosses = if direction == Direction::Ingress { "enter" } else { "leave" };
    let mut lines = vec![format!("What may {crosses} the `{tier}` subnets:")];
    let allowed = of(acl, direction).filter(|rule| rule.allow);
    lines.extend(allowed.map(|rule| format!("  {}  {}: {}", rule.number, rule.traffic, rule.why)));
    of(acl, direction).next()?;
    Some(Local {
        file: File::Security,
        name: rows_name(&tier.identifier(), direction),
        comment: lines.join("\n"),
        value: table(of(acl, direction).map(|rule| (rule.number.to_string(), row(network, rule)))),
    })
}

/// Returns the rules of one direction as the ACL takes them: with every attribute, and as an empty list where there are
/// none, since a direction that is not said keeps whatever it has.
fn entries(acl: &Acl, direction: Direction, id: &str) -> Expr {
    if of(acl, direction).next().is_none() {
        return Expr::Array(Vec::new());
    }
    let is_icmp = |rule: &AclRule| matches!(rule.traffic, Traffic::Icmp | Traffic::FragmentationNeeded);
    let has_icmp = of(acl, direction).any(is_icmp);
    let column = |name: &str| self::name("rule").attr(name);
    let of_icmp = |yes: Expr, no: Expr| match has_icmp {
        true => conditional(equal(column("protocol"), string(ICMP)), yes, no),
        false => no,
    };
    let port = |name: &str| of_icmp(0.into(), column(name));
    let code = |name: &str| of_icmp(column(name), 0.into());
    let entry = object([
        ("rule_no", name("number")),
        ("action", column("action")),
        ("protocol", column("protocol")),
        ("from_port", port("from")),
        ("to_port", port("to")),
        ("icmp_type", code("from")),
        ("icmp_code", code("to")),
        ("cidr_block", column("cidr_block")),
        ("ipv6_cidr_block", Expr::Null),
    ]);
    pairs_in("number", "rule", local(&rows_name(id, direction))).list(entry)
}

/// The number of ICMP among protocols: <https://www.iana.org/assignments/protocol-numbers>.
const ICMP: &str = "1";

fn row(network: &Network, rule: &AclRule) -> Expr {
    let cidr_block = match rule.peer {
        AclPeer::Tier(tier, part) => common::block(network, tier, part),
        AclPeer::Range(range) => var(&network.ranges[range].variable),
        AclPeer::Cidr(cidr) => string(&cidr.to_string()),
        AclPeer::Place(place, range) => string(&network.places[place].ranges[range].to_string()),
    };
    let (protocol, from, to) = columns(rule.traffic);
    object([
        ("action", string(if rule.allow { "allow" } else { "deny" })),
        ("protocol", string(protocol)),
        ("from", Expr::from(from)),
        ("to", Expr::from(to)),
        ("cidr_block", cidr_block),
    ])
}

/// Returns the number of a protocol with its ports, or the type and code of ICMP, as AWS keeps them.
fn columns(traffic: Traffic) -> (&'static str, i32, i32) {
    match traffic {
        Traffic::Tcp(ports) => ("6", ports.from.into(), ports.to.into()),
        Traffic::Udp(ports) => ("17", ports.from.into(), ports.to.into()),
        Traffic::Icmp => (ICMP, -1, -1),
        Traffic::FragmentationNeeded => (ICMP, 3, 4),
        Traffic::Any => ("-1", 0, 0),
    }
}
