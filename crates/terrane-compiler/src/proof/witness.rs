//! The rules that decide a claim, and the smallest packet that shows one to be false.

use std::net::SocketAddr;

use crate::family::Address;
use crate::network::Direction;
use crate::proof::engine::{End, Engine, Path, Via};
use crate::proof::facts::{AclFacts, Facts, GroupPeerFacts, Hop, Rule, Span};
use crate::proof::headers::{HeaderSet, Headers};
use crate::proof::placement::rules_of;
use crate::proof::{Step, Witness};

/// AWS reserves the first four addresses of each subnet:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>.
const RESERVED_FIRST: u32 = 4;

/// Returns the name of an end.
pub(crate) fn end_name<A: Address>(facts: &Facts<A>, end: End) -> &str {
    match end {
        End::Subnet(subnet) => &facts.subnets[subnet].name,
        End::Internet => crate::topology::INTERNET,
        End::Place(place) => &facts.places[place].name,
    }
}

/// Returns the packet that opens `forward`, one of the headers of a path, and what it passes or what stops it.
///
/// `prefer` are ports that somebody listens on; the lowest of them is taken if it is among the headers.
pub(crate) fn witness<A: Address>(
    engine: &mut Engine<'_, A>,
    from: End,
    to: End,
    path: &Path,
    wanted: &HeaderSet,
    prefer: &HeaderSet,
    groups: bool,
) -> Witness {
    let header = wanted.meet(prefer).lowest().or(wanted.lowest()).unwrap_or_default();
    let reply = reply_header::<A>(header, engine.set(path.reply));
    let (source, destination) = (address(engine, path.from, from), address(engine, path.to, to));
    let socket = |address: A, header: u32| match Headers::port(header) {
        Some(port) => SocketAddr::new(address.ip(), port).to_string(),
        None => address.ip().to_string(),
    };
    let protocol = if header >= Headers::ICMP.first {
        Headers { first: header, last: header }.to_string()
    } else {
        Headers::protocol_name(header).to_owned()
    };
    let facts = engine.facts();
    Witness {
        family: None,
        packet: format!("{protocol} {} \u{2192} {}", socket(source, reply), socket(destination, header)),
        ends: format!("{} \u{2192} {}", end_name(facts, from), end_name(facts, to)),
        forward: steps(engine, from, to, path, header, false, groups),
        reply: steps(engine, from, to, path, reply, true, groups),
    }
}

/// Returns what the lowest of these headers passes on a path, there and back.
pub(crate) fn passed<A: Address>(
    engine: &Engine<'_, A>,
    from: End,
    to: End,
    path: &Path,
    headers: &HeaderSet,
) -> Vec<Step> {
    let header = headers.lowest().unwrap_or_default();
    let reply = reply_header::<A>(header, engine.set(path.reply));
    let mut passed = steps(engine, from, to, path, header, false, true);
    passed.extend(steps(engine, from, to, path, reply, true, true));
    passed
}

/// Returns the answer's header: port 443 or 80 of a server if it may come back, else the lowest client port.
fn reply_header<A: Address>(header: u32, replies: &HeaderSet) -> u32 {
    let class = [Headers::TCP, Headers::UDP, Headers::ICMP, Headers::OTHER]
        .into_iter()
        .find(|class| class.contains(header))
        .unwrap_or(Headers::OTHER);
    if class == Headers::OTHER {
        return header;
    }
    if class == Headers::ICMP {
        let asked = (header - class.first) >> 8;
        let answer = A::ANSWERS.iter().find(|(request, _)| u32::from(*request) == asked);
        let ty = answer.map_or(asked + 1, |(_, reply)| u32::from(*reply));
        return class.first + (ty << 8);
    }
    let possible = replies.meet(&HeaderSet::of([class]));
    let well_known = class.first + 443;
    if possible.contains(well_known) {
        well_known
    } else {
        possible.lowest().unwrap_or(class.first + u32::from(crate::names::PortRange::EPHEMERAL.from))
    }
}

/// Returns the lowest address of an atom that a host can have.
fn address<A: Address>(engine: &Engine<'_, A>, atom: usize, end: End) -> A {
    let start = engine.start(atom);
    match end {
        End::Internet if engine.atom(A::FIRST_PUBLIC) == atom => start.max(A::FIRST_PUBLIC),
        End::Internet | End::Place(_) => start,
        End::Subnet(subnet) => {
            let first = engine.facts().subnets[subnet].span.first.after(RESERVED_FIRST);
            first.filter(|first| engine.atom(*first) == atom).map_or(start, |first| start.max(first))
        }
    }
}

fn steps<A: Address>(
    engine: &Engine<'_, A>,
    from: End,
    to: End,
    path: &Path,
    header: u32,
    reply: bool,
    groups: bool,
) -> Vec<Step> {
    let facts = engine.facts();
    let (source, destination) = (engine.start(path.from), engine.start(path.to));
    let mut steps = Vec::new();
    let same = from == to;
    let (out, into, near, far) =
        if reply { (to, from, destination, source) } else { (from, to, source, destination) };
    if let End::Subnet(subnet) = out {
        if groups && !reply {
            steps.extend(group_step(facts, subnet, Direction::Egress, header, destination, to));
        }
        if !same {
            let atom = if reply { path.from } else { path.to };
            steps.extend(route_step(engine, subnet, atom));
            steps.extend(acl_step(facts, subnet, Direction::Egress, header, far));
        }
    }
    if let Via::Nat(nat) = path.via {
        steps.extend(nat_steps(engine, nat, path, header, reply));
    }
    if let End::Subnet(subnet) = into {
        if !same {
            steps.extend(acl_step(facts, subnet, Direction::Ingress, header, near));
        }
        if groups && !reply {
            steps.extend(group_step(facts, subnet, Direction::Ingress, header, source, from));
        }
    }
    steps
}

fn nat_steps<A: Address>(
    engine: &Engine<'_, A>,
    nat: usize,
    path: &Path,
    header: u32,
    reply: bool,
) -> Vec<Step> {
    let facts = engine.facts();
    let gateway = &facts.nats[nat];
    let Some(home) = gateway.subnet else { return Vec::new() };
    let (inside, outside) = (engine.start(path.from), engine.start(path.to));
    let through = Step {
        layer: "NAT gateway",
        name: gateway.name.clone(),
        rule: "translates the source".to_owned(),
        why: String::new(),
    };
    if reply {
        let mut steps: Vec<Step> =
            acl_step(facts, home, Direction::Ingress, 1024, outside).into_iter().collect();
        steps.push(through);
        steps.extend(acl_step(facts, home, Direction::Egress, header, inside));
        steps
    } else {
        let mut steps: Vec<Step> =
            acl_step(facts, home, Direction::Ingress, header, inside).into_iter().collect();
        steps.push(through);
        steps.extend(route_step(engine, home, path.to));
        steps.extend(acl_step(facts, home, Direction::Egress, header, outside));
        steps
    }
}

/// Returns the route by which a subnet's packets to an atom go.
pub(crate) fn route_step<A: Address>(engine: &Engine<'_, A>, subnet: usize, atom: usize) -> Option<Step> {
    let facts = engine.facts();
    let table = facts.subnets[subnet].table?;
    let address = engine.start(atom);
    let rule = match engine.hop(table, atom) {
        Hop::None => "no route".to_owned(),
        Hop::Local => {
            let range = facts.ranges.iter().find(|range| range.contains(address));
            format!("{} local", range.map(ToString::to_string).unwrap_or_default())
        }
        hop => {
            let destination = facts.tables[table]
                .routes
                .iter()
                .filter(|route| Span::from(route.destination).contains(address))
                .max_by_key(|route| route.destination.prefix_length())
                .map(|route| route.destination.to_string())
                .unwrap_or_default();
            format!("{destination} {}", hop_name(facts, hop))
        }
    };
    Some(Step { layer: "route", name: facts.tables[table].name.clone(), rule, why: String::new() })
}

/// Returns the words for where a route leads.
pub(crate) fn hop_name<A: Address>(facts: &Facts<A>, hop: Hop) -> String {
    match hop {
        Hop::None => "nowhere".to_owned(),
        Hop::Blackhole => "blackhole".to_owned(),
        Hop::Local => "local".to_owned(),
        Hop::Internet => "internet gateway".to_owned(),
        Hop::Nat(nat) => format!("NAT gateway {}", facts.nats[nat].name),
        Hop::Attachment(attachment) => format!("attachment {}", facts.attachments[attachment]),
        Hop::Unmodelled(idx) => facts
            .unmodelled
            .get(idx)
            .map_or_else(|| "something unknown".to_owned(), |beyond| beyond.name.clone()),
    }
}

/// Returns the ACL rule of a subnet that decides one packet.
pub(crate) fn acl_step<A: Address>(
    facts: &Facts<A>,
    subnet: usize,
    direction: Direction,
    header: u32,
    address: A,
) -> Option<Step> {
    let acl = &facts.acls[facts.subnets[subnet].acl?];
    let rule =
        rules_of(acl, direction).find(|rule| rule.headers.contains(header) && rule.peer.contains(address));
    Some(match rule {
        Some(rule) => rule_step(acl, rule),
        None => default_step(acl, direction),
    })
}

fn rule_step<A: Address>(acl: &AclFacts<A>, rule: &Rule<A>) -> Step {
    let (verb, way) = (
        if rule.allow { "allow" } else { "deny" },
        match rule.direction {
            Direction::Ingress => "from",
            Direction::Egress => "to",
        },
    );
    Step {
        layer: "network ACL",
        name: acl.name.clone(),
        rule: format!("{} #{} {verb} {} {way} {}", rule.direction, rule.number, rule.headers, rule.peer_name),
        why: rule.why.clone(),
    }
}

fn default_step<A: Address>(acl: &AclFacts<A>, direction: Direction) -> Step {
    Step {
        layer: "network ACL",
        name: acl.name.clone(),
        rule: format!("{direction} * deny: no rule matches"),
        why: String::new(),
    }
}

fn group_step<A: Address>(
    facts: &Facts<A>,
    subnet: usize,
    direction: Direction,
    header: u32,
    address: A,
    other: End,
) -> Option<Step> {
    let group = &facts.groups[facts.subnets[subnet].group?];
    let member = match other {
        End::Subnet(other) => facts.subnets[other].group,
        End::Internet | End::Place(_) => None,
    };
    let rule = group.rules.iter().find(|rule| {
        rule.direction == direction
            && rule.headers.contains(header)
            && match &rule.peer {
                GroupPeerFacts::Span(span) => span.contains(address),
                GroupPeerFacts::Group(group) => member == Some(*group),
                GroupPeerFacts::Service(_) => other == End::Internet,
                GroupPeerFacts::Clients => false,
                GroupPeerFacts::Anybody => true,
            }
    });
    Some(Step {
        layer: "security group",
        name: group.name.clone(),
        rule: match rule {
            Some(rule) => format!("{direction} {}", rule.headers),
            None => format!("{direction} no rule matches"),
        },
        why: rule.map(|rule| rule.why.clone()).unwrap_or_default(),
    })
}

/// Returns the ACL rules that leave nothing of what an ACL could let through between two atoms.
pub(crate) fn denials<A: Address>(
    facts: &Facts<A>,
    subnet: usize,
    direction: Direction,
    address: A,
    asked: &HeaderSet,
) -> Vec<Step> {
    let Some(acl) = facts.subnets[subnet].acl.map(|acl| &facts.acls[acl]) else { return Vec::new() };
    let (mut left, mut steps) = (asked.clone(), Vec::new());
    for rule in rules_of(acl, direction).filter(|rule| rule.peer.contains(address)) {
        let matched = HeaderSet::of([rule.headers]);
        if left.meet(&matched).is_empty() {
            continue;
        }
        left = left.minus(&matched);
        if !rule.allow {
            steps.push(rule_step(acl, rule));
        }
    }
    if !left.is_empty() {
        steps.push(default_step(acl, direction));
    }
    steps
}
