//! An independent evaluator: one packet at a time, rule by rule, as AWS describes it. Slow, obvious, and compared with the engine.

use crate::names::Cidr;
use crate::network::{Access, Direction};
use crate::proof::engine::{End, Engine, Layers};
use crate::proof::facts::{
    AclFacts, Facts, GroupFacts, GroupPeerFacts, GroupRuleFacts, Hop, NatFacts, Route, Rule, Span, Subnet,
    Table, TierFacts,
};
use crate::proof::headers::{HeaderSet, Headers};

#[derive(Clone, Copy, Debug)]
enum Kind {
    Tcp { from: u16, to: u16 },
    Udp { from: u16, to: u16 },
    Icmp { ty: u8 },
    Other(u8),
}

#[derive(Clone, Copy, Debug)]
struct Packet {
    source: u32,
    destination: u32,
    kind: Kind,
}

impl Packet {
    fn number(self) -> u32 {
        match self.kind {
            Kind::Tcp { to, .. } => u32::from(to),
            Kind::Udp { to, .. } => 65_536 + u32::from(to),
            Kind::Icmp { ty } => 131_072 + 256 * u32::from(ty),
            Kind::Other(protocol) => 196_608 + u32::from(protocol),
        }
    }

    fn answer(self) -> Option<Packet> {
        let kind = match self.kind {
            Kind::Tcp { from, to } => Kind::Tcp { from: to, to: from },
            Kind::Udp { from, to } => Kind::Udp { from: to, to: from },
            Kind::Icmp { ty: 8 } => Kind::Icmp { ty: 0 },
            Kind::Icmp { ty: ty @ (13 | 15 | 17) } => Kind::Icmp { ty: ty + 1 },
            Kind::Icmp { .. } => return None,
            Kind::Other(protocol) => Kind::Other(protocol),
        };
        Some(Packet { source: self.destination, destination: self.source, kind })
    }
}

fn subnet_of(facts: &Facts, address: u32) -> Option<usize> {
    facts.subnets.iter().position(|subnet| address >= subnet.span.first && address <= subnet.span.last)
}

fn in_vpc(facts: &Facts, address: u32) -> bool {
    facts.ranges.iter().any(|range| address >= range.first && address <= range.last)
}

fn route(facts: &Facts, subnet: usize, address: u32) -> Hop {
    let table = &facts.tables[facts.subnets[subnet].table.unwrap()];
    let mut best: Option<(u8, Hop)> = None;
    for entry in &table.routes {
        let net = entry.destination.net();
        let length = net.prefix_len();
        if net.contains(&std::net::Ipv4Addr::from(address))
            && best.is_none_or(|(longest, _)| length >= longest)
        {
            best = Some((length, entry.hop));
        }
    }
    // The VPC's own range in these networks is a /16.
    if in_vpc(facts, address) && best.is_none_or(|(longest, _)| longest <= 16) {
        return Hop::Local;
    }
    best.map_or(Hop::None, |(_, hop)| hop)
}

fn acl_passes(facts: &Facts, subnet: usize, direction: Direction, packet: Packet) -> bool {
    let peer = if direction == Direction::Ingress { packet.source } else { packet.destination };
    let mut rules: Vec<&Rule> = facts.acls[facts.subnets[subnet].acl.unwrap()].rules.iter().collect();
    rules.sort_by_key(|rule| rule.number);
    for rule in rules {
        let hit = rule.direction == direction
            && peer >= rule.peer.first
            && peer <= rule.peer.last
            && packet.number() >= rule.headers.first
            && packet.number() <= rule.headers.last;
        if hit {
            return rule.allow;
        }
    }
    false
}

fn group_passes(facts: &Facts, subnet: usize, direction: Direction, packet: Packet) -> bool {
    let other = if direction == Direction::Ingress { packet.source } else { packet.destination };
    let member = subnet_of(facts, other).and_then(|subnet| facts.subnets[subnet].group);
    facts.groups[facts.subnets[subnet].group.unwrap()].rules.iter().any(|rule| {
        rule.direction == direction
            && packet.number() >= rule.headers.first
            && packet.number() <= rule.headers.last
            && match &rule.peer {
                GroupPeerFacts::Span(span) => other >= span.first && other <= span.last,
                GroupPeerFacts::Group(group) => member == Some(*group),
                GroupPeerFacts::Service(_) | GroupPeerFacts::Elsewhere => false,
            }
    })
}

/// Returns whether a packet arrives; `groups` is false for answers, which security groups let through.
/// `entry` is the NAT gateway that an answer from outside belongs to.
fn arrives(facts: &Facts, packet: Packet, groups: bool, entry: Option<(usize, u16)>) -> bool {
    let (from, to) = (subnet_of(facts, packet.source), subnet_of(facts, packet.destination));
    match (from, to) {
        (Some(from), Some(to)) => {
            let groups_pass = !groups
                || group_passes(facts, from, Direction::Egress, packet)
                    && group_passes(facts, to, Direction::Ingress, packet);
            if from == to {
                return groups_pass;
            }
            groups_pass
                && route(facts, from, packet.destination) == Hop::Local
                && acl_passes(facts, from, Direction::Egress, packet)
                && acl_passes(facts, to, Direction::Ingress, packet)
        }
        (Some(from), None) if !in_vpc(facts, packet.destination) => {
            let leaves = acl_passes(facts, from, Direction::Egress, packet)
                && (!groups || group_passes(facts, from, Direction::Egress, packet));
            match route(facts, from, packet.destination) {
                Hop::Internet => leaves,
                Hop::Nat(nat) => {
                    let home = facts.nats[nat].subnet.unwrap();
                    let enters = home == from || acl_passes(facts, home, Direction::Ingress, packet);
                    leaves
                        && enters
                        && !matches!(packet.kind, Kind::Other(_))
                        && route(facts, home, packet.destination) == Hop::Internet
                        && acl_passes(facts, home, Direction::Egress, packet)
                }
                _ => false,
            }
        }
        (None, Some(to)) if !in_vpc(facts, packet.source) => {
            let reaches = acl_passes(facts, to, Direction::Ingress, packet)
                && (!groups || group_passes(facts, to, Direction::Ingress, packet));
            match entry {
                None => reaches && route(facts, to, packet.source) == Hop::Internet,
                Some((nat, outer_port)) => {
                    let home = facts.nats[nat].subnet.unwrap();
                    let kind = match packet.kind {
                        Kind::Tcp { from, .. } => Kind::Tcp { from, to: outer_port },
                        Kind::Udp { from, .. } => Kind::Udp { from, to: outer_port },
                        other => other,
                    };
                    reaches
                        && acl_passes(facts, home, Direction::Ingress, Packet { kind, ..packet })
                        && (home == to || acl_passes(facts, home, Direction::Egress, packet))
                        && (home == to || route(facts, home, packet.destination) == Hop::Local)
                }
            }
        }
        _ => false,
    }
}

/// Returns whether a connection opens; `outer` are ports that a NAT gateway may choose.
fn connects(facts: &Facts, packet: Packet, outer: &[u16]) -> bool {
    if !arrives(facts, packet, true, None) {
        return false;
    }
    let Some(answer) = packet.answer() else { return false };
    let nat =
        subnet_of(facts, packet.source).filter(|_| !in_vpc(facts, packet.destination)).and_then(|from| {
            match route(facts, from, packet.destination) {
                Hop::Nat(nat) => Some(nat),
                _ => None,
            }
        });
    match (nat, subnet_of(facts, packet.source)) {
        (Some(nat), _) => outer.iter().any(|port| arrives(facts, answer, false, Some((nat, *port)))),
        (None, None) => {
            // The answer leaves through the gateway that the question came by, or not at all.
            let to = subnet_of(facts, packet.destination);
            to.is_some_and(|to| route(facts, to, packet.source) == Hop::Internet)
                && arrives(facts, answer, false, None)
        }
        (None, Some(_)) => arrives(facts, answer, false, None),
    }
}

/// Returns which of a fixed set of packets, between one host of each subnet and one outside, open a connection.
pub(super) fn opened(facts: &Facts) -> Vec<bool> {
    let mut hosts: Vec<u32> = facts.subnets.iter().map(|subnet| subnet.span.first + 5).collect();
    hosts.push(0x0808_0808);
    let mut kinds = vec![Kind::Udp { from: 50_000, to: 123 }, Kind::Icmp { ty: 8 }, Kind::Other(50)];
    for from in [443, 50_000] {
        kinds.extend([22, 443, 5432, 8080, 50_000].map(|to| Kind::Tcp { from, to }));
    }
    let mut all = Vec::new();
    for source in &hosts {
        for destination in hosts.iter().filter(|host| *host != source) {
            for kind in &kinds {
                let packet = Packet { source: *source, destination: *destination, kind: *kind };
                all.push(connects(facts, packet, &[1024, 65_535]));
            }
        }
    }
    all
}

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.roll(items.len() as u64) as usize]
    }
}

const PORTS: [u16; 8] = [0, 80, 443, 1023, 1024, 5432, 32_768, 65_535];
const PEERS: [&str; 10] = [
    "0.0.0.0/0",
    "10.0.0.0/16",
    "10.0.0.0/24",
    "10.0.1.0/24",
    "10.0.2.0/24",
    "10.0.1.0/25",
    "10.0.0.0/8",
    "8.8.8.0/24",
    "8.8.8.8/32",
    "10.0.2.10/32",
];
const HOSTS: [u32; 9] = [
    0x0a00_0005, // 10.0.0.5
    0x0a00_0105, // 10.0.1.5
    0x0a00_01c8, // 10.0.1.200
    0x0a00_020a, // 10.0.2.10
    0x0a00_02fa, // 10.0.2.250
    0x0a00_0305, // 10.0.3.5
    0x0808_0808, // 8.8.8.8
    0x0808_0809, // 8.8.8.9
    0x0a09_0001, // 10.9.0.1
];

fn headers(dice: &mut Dice) -> Headers {
    use crate::names::PortRange;
    let (a, b) = (dice.pick(&PORTS), dice.pick(&PORTS));
    let ports = PortRange { from: a.min(b), to: a.max(b) };
    match dice.roll(8) {
        0 => Headers::ALL,
        1 => Headers::ICMP,
        2 => Headers::icmp(Some(dice.pick(&[0, 3, 8])), None),
        3 => Headers::protocol(dice.pick(&[47, 50])),
        4 | 5 => Headers::udp(ports),
        _ => Headers::tcp(ports),
    }
}

fn span(dice: &mut Dice) -> Span {
    Span::from(Cidr::parse(dice.pick(&PEERS)).unwrap())
}

fn random_facts(seed: u64) -> Facts {
    let dice = &mut Dice(seed);
    let count = 2 + dice.roll(3) as usize;
    let route = |destination: &str, hop| Route { destination: Cidr::parse(destination).unwrap(), hop };
    let tables = (0..count).map(|idx| {
        let hop = match dice.roll(5) {
            0 | 1 => Hop::Internet,
            2 | 3 => Hop::Nat(dice.roll(2) as usize),
            _ => Hop::None,
        };
        let mut routes = vec![route("0.0.0.0/0", hop)];
        if dice.roll(4) == 0 {
            routes.push(route("8.8.8.0/24", dice.pick(&[Hop::Internet, Hop::Blackhole, Hop::Nat(0)])));
        }
        if dice.roll(6) == 0 {
            routes.push(route("10.0.1.0/24", Hop::Blackhole));
        }
        Table { name: format!("table-{idx}"), routes, endpoints: Vec::new() }
    });
    let tables = tables.collect();
    let acls = (0..count).map(|idx| {
        let mut rules: Vec<Rule> = (0..dice.roll(9))
            .map(|number| Rule {
                direction: dice.pick(&[Direction::Ingress, Direction::Egress]),
                number: number as u16 + 1,
                allow: dice.roll(3) > 0,
                headers: headers(dice),
                peer: span(dice),
                peer_name: String::new(),
                why: String::new(),
            })
            .collect();
        rules.sort_by_key(|rule| (rule.direction, rule.number));
        AclFacts { name: format!("acl-{idx}"), rules }
    });
    let acls: Vec<AclFacts> = acls.collect();
    let groups = (0..count).map(|idx| {
        let rules = (0..2 + dice.roll(4))
            .map(|number| GroupRuleFacts {
                direction: if number % 2 == 0 { Direction::Ingress } else { Direction::Egress },
                headers: if dice.roll(2) == 0 { Headers::ALL } else { headers(dice) },
                peer: if dice.roll(2) == 0 {
                    GroupPeerFacts::Group(dice.roll(count as u64) as usize)
                } else {
                    GroupPeerFacts::Span(span(dice))
                },
                why: String::new(),
            })
            .collect();
        GroupFacts { name: format!("group-{idx}"), rules, known: true }
    });
    let groups = groups.collect();
    Facts {
        ranges: vec![Span { first: 0x0a00_0000, last: 0x0a00_ffff }],
        tiers: vec![TierFacts {
            name: "tier".to_owned(),
            access: Access::Private,
            origin: crate::diagnostics::Origin::Unknown,
        }],
        subnets: (0..count)
            .map(|idx| Subnet {
                name: format!("subnet-{idx}"),
                tier: 0,
                zone: "a".to_owned(),
                spare: false,
                span: Span {
                    first: 0x0a00_0000 + ((idx as u32) << 8),
                    last: 0x0a00_00ff + ((idx as u32) << 8),
                },
                table: Some(idx),
                acl: Some(dice.roll(count as u64) as usize),
                group: Some(idx),
            })
            .collect(),
        tables,
        acls,
        groups,
        nats: (0..2)
            .map(|idx| NatFacts { name: format!("nat-{idx}"), subnet: Some(idx), public: true })
            .collect(),
        unmodelled: Vec::new(),
        defaults_closed: Some(true),
        ..Facts::default()
    }
}

/// Every port at which some rule can change its mind: those that rules use, and their neighbours.
fn interesting_ports() -> Vec<u16> {
    let mut ports: Vec<u16> =
        PORTS.iter().flat_map(|port| [port.saturating_sub(1), *port, port.saturating_add(1)]).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

/// Checks that the pairs that stand for all open as much as all do.
fn compare_pairs(facts: &Facts) {
    let mut engine = Engine::new(facts);
    let mut ends: Vec<End> = (0..facts.subnets.len()).map(End::Subnet).collect();
    ends.push(End::Internet);
    for layers in [Layers::NETWORK, Layers::EVERY, Layers::ROUTES, Layers::ACLS, Layers::GROUPS] {
        let chosen = engine.pairs(&ends, &ends);
        let mut join = |pairs: &[(End, End)]| {
            let open = pairs.iter().map(|(from, to)| engine.open(*from, *to, layers));
            open.fold(HeaderSet::default(), |all, more| all.join(&more))
        };
        let every: Vec<_> = ends.iter().flat_map(|from| ends.iter().map(|to| (*from, *to))).collect();
        assert!(
            join(&chosen) == join(&every),
            "{layers:?}: {} of {} pairs\n{facts:#?}",
            chosen.len(),
            every.len()
        );
    }
}

/// Compares the engine with single packets between hosts, and returns how many headers were compared.
fn compare(facts: &Facts) -> u64 {
    let mut compared = 0;
    compare_pairs(facts);
    let mut engine = Engine::new(facts);
    let ports = interesting_ports();
    let outer: Vec<u16> = ports.iter().copied().filter(|port| *port >= 1024).collect();
    for source in HOSTS {
        for destination in HOSTS.into_iter().filter(|destination| *destination != source) {
            let open = engine.open_between(source, destination, Layers::EVERY);
            let opens = |kind: Kind| connects(facts, Packet { source, destination, kind }, &outer);
            let mut check = |number: u32, naive: bool, what: &str| {
                compared += 1;
                assert_eq!(
                    open.contains(number),
                    naive,
                    "{what} from {} to {}\n{facts:#?}",
                    std::net::Ipv4Addr::from(source),
                    std::net::Ipv4Addr::from(destination)
                );
            };
            for to in &ports {
                let tcp = ports.iter().any(|from| opens(Kind::Tcp { from: *from, to: *to }));
                check(u32::from(*to), tcp, &format!("tcp {to}"));
                let udp = ports.iter().any(|from| opens(Kind::Udp { from: *from, to: *to }));
                check(65_536 + u32::from(*to), udp, &format!("udp {to}"));
            }
            for ty in [0, 3, 8, 13] {
                check(131_072 + 256 * u32::from(ty), opens(Kind::Icmp { ty }), &format!("icmp {ty}"));
            }
            for protocol in [47, 50, 132] {
                check(
                    196_608 + u32::from(protocol),
                    opens(Kind::Other(protocol)),
                    &format!("protocol {protocol}"),
                );
            }
        }
    }
    compared
}

#[expect(clippy::disallowed_methods, reason = "a test's size may come from outside")]
fn cases() -> u64 {
    if std::env::var("TERRANE_LONG").is_ok_and(|value| value != "0") { 20_000 } else { 150 }
}

#[test]
#[expect(clippy::disallowed_macros, reason = "how far it is, is for people")]
fn the_engine_agrees_with_one_packet_at_a_time() {
    let mut packets = 0;
    for seed in 0..cases() {
        packets += compare(&random_facts(seed));
        if seed % 500 == 499 {
            println!("{} random networks, {packets} headers compared, no disagreement", seed + 1);
        }
    }
    assert!(packets > 1_000 * cases(), "{packets}");
}

#[test]
fn the_engine_agrees_on_the_reference_network() {
    let network = super::reference();
    let facts = crate::proof::placement::facts(&network, &[network.ranges[0].default]);
    compare_pairs(&facts);
    let mut engine = Engine::new(&facts);
    let ports = interesting_ports();
    for from in &facts.subnets {
        for to in facts.subnets.iter().filter(|to| to.name != from.name) {
            let (source, destination) = (from.span.first + 9, to.span.first + 7);
            let open = engine.open_between(source, destination, Layers::EVERY);
            for port in &ports {
                let naive = ports.iter().any(|client| {
                    let kind = Kind::Tcp { from: *client, to: *port };
                    connects(&facts, Packet { source, destination, kind }, &ports)
                });
                assert_eq!(open.contains(u32::from(*port)), naive, "{} {} {port}", from.name, to.name);
            }
        }
    }
}
