//! An independent evaluator: one packet at a time, rule by rule, as AWS describes it. Slow, obvious, and compared with the engine.

use crate::family::{Address, V4, V6};
use crate::names::{Block, Cidr};
use crate::network::{Access, Direction};
use crate::proof::engine::{End, Engine, Layers};
use crate::proof::facts::{
    AclFacts, Facts, GroupFacts, GroupPeerFacts, GroupRuleFacts, Hop, NatFacts, PlaceFacts, Route, Rule,
    Span, Subnet, Table, TierFacts,
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
struct Packet<A> {
    source: A,
    destination: A,
    kind: Kind,
}

impl<A: Sample> Packet<A> {
    fn number(self) -> u32 {
        match self.kind {
            Kind::Tcp { to, .. } => u32::from(to),
            Kind::Udp { to, .. } => 65_536 + u32::from(to),
            Kind::Icmp { ty } => 131_072 + 256 * u32::from(ty),
            Kind::Other(protocol) => 196_608 + u32::from(protocol),
        }
    }

    fn answer(self) -> Option<Packet<A>> {
        let kind = match self.kind {
            Kind::Tcp { from, to } => Kind::Tcp { from: to, to: from },
            Kind::Udp { from, to } => Kind::Udp { from: to, to: from },
            Kind::Icmp { ty } => Kind::Icmp { ty: A::icmp_answer(ty)? },
            Kind::Other(protocol) => Kind::Other(protocol),
        };
        Some(Packet { source: self.destination, destination: self.source, kind })
    }
}

fn subnet_of<A: Sample>(facts: &Facts<A>, address: A) -> Option<usize> {
    facts.subnets.iter().position(|subnet| address >= subnet.span.first && address <= subnet.span.last)
}

fn in_vpc<A: Sample>(facts: &Facts<A>, address: A) -> bool {
    facts.ranges.iter().any(|range| address >= range.first && address <= range.last)
}

fn route<A: Sample>(facts: &Facts<A>, subnet: usize, address: A) -> Hop {
    let table = &facts.tables[facts.subnets[subnet].table.unwrap()];
    let mut best: Option<(u8, Hop)> = None;
    for entry in &table.routes {
        let net = entry.destination.net();
        let length = net.prefix_len();
        if net.contains(&address.ip()) && best.is_none_or(|(longest, _)| length >= longest) {
            best = Some((length, entry.hop));
        }
    }
    if in_vpc(facts, address) && best.is_none_or(|(longest, _)| longest <= A::RANGE.1) {
        return Hop::Local;
    }
    best.map_or(Hop::None, |(_, hop)| hop)
}

fn acl_passes<A: Sample>(facts: &Facts<A>, subnet: usize, direction: Direction, packet: Packet<A>) -> bool {
    let peer = if direction == Direction::Ingress { packet.source } else { packet.destination };
    let mut rules: Vec<&Rule<A>> = facts.acls[facts.subnets[subnet].acl.unwrap()].rules.iter().collect();
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

fn group_passes<A: Sample>(facts: &Facts<A>, subnet: usize, direction: Direction, packet: Packet<A>) -> bool {
    let other = if direction == Direction::Ingress { packet.source } else { packet.destination };
    let member = subnet_of(facts, other).and_then(|subnet| facts.subnets[subnet].group);
    facts.groups[facts.subnets[subnet].group.unwrap()].rules.iter().any(|rule| {
        rule.direction == direction
            && packet.number() >= rule.headers.first
            && packet.number() <= rule.headers.last
            && match &rule.peer {
                GroupPeerFacts::Span(span) => other >= span.first && other <= span.last,
                GroupPeerFacts::Group(group) => member == Some(*group),
                GroupPeerFacts::Service(_) | GroupPeerFacts::Clients => false,
                GroupPeerFacts::Anybody => true,
            }
    })
}

/// Returns whether what is behind a hop gets packets with the addresses that they have, and can send some.
fn passes_as_it_is(hop: Hop) -> bool {
    matches!(hop, Hop::Internet | Hop::Attachment(_))
}

/// Returns whether a packet arrives; `groups` is false for answers, which security groups let through.
/// `entry` is the NAT gateway that an answer from outside belongs to.
fn arrives<A: Sample>(
    facts: &Facts<A>,
    packet: Packet<A>,
    groups: bool,
    entry: Option<(usize, u16)>,
) -> bool {
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
                Hop::Internet | Hop::Attachment(_) => leaves,
                Hop::Nat(nat) => {
                    let home = facts.nats[nat].subnet.unwrap();
                    let enters = home == from || acl_passes(facts, home, Direction::Ingress, packet);
                    leaves
                        && enters
                        && !matches!(packet.kind, Kind::Other(_))
                        // The engine does not follow a chain of gateways, and counts it as open.
                        && matches!(route(facts, home, packet.destination), Hop::Internet | Hop::Nat(_))
                        && acl_passes(facts, home, Direction::Egress, packet)
                }
                _ => false,
            }
        }
        (None, Some(to)) if !in_vpc(facts, packet.source) => {
            let reaches = acl_passes(facts, to, Direction::Ingress, packet)
                && (!groups || group_passes(facts, to, Direction::Ingress, packet));
            match entry {
                None => reaches && passes_as_it_is(route(facts, to, packet.source)),
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
fn connects<A: Sample>(facts: &Facts<A>, packet: Packet<A>, outer: &[u16]) -> bool {
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
            to.is_some_and(|to| passes_as_it_is(route(facts, to, packet.source)))
                && arrives(facts, answer, false, None)
        }
        (None, Some(_)) => arrives(facts, answer, false, None),
    }
}

/// Returns which of a fixed set of packets, between one host of each subnet and one outside, open a connection.
pub(super) fn opened<A: Sample>(facts: &Facts<A>) -> Vec<bool> {
    let host = |subnet: &Subnet<A>| subnet.span.first.after(5);
    let mut hosts: Vec<A> = facts.subnets.iter().filter_map(host).collect();
    hosts.push(A::HOSTS[6]);
    let mut kinds =
        vec![Kind::Udp { from: 50_000, to: 123 }, Kind::Icmp { ty: A::TYPES[2] }, Kind::Other(50)];
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
/// Addresses of a family to make networks of.
pub(super) trait Sample: Address {
    /// The first address and the prefix length of the VPC's range.
    const RANGE: (Self, u8);
    /// The prefix length of subnets.
    const SUBNET: u8;
    /// What rules and routes name: everything, the range, three subnets, the half of one, a space around all,
    /// a range outside, one host in it, and one host inside.
    const PEERS: [&str; 11];
    /// Hosts in subnets, at their bounds, in none, outside, and outside next to the range.
    const HOSTS: [Self; 9];
    /// Some ICMP types: two answers or errors, then a request, then another request.
    const TYPES: [u8; 4];

    /// The protocol number of the other family's ICMP.
    const OTHER_ICMP: u8;

    /// Returns the ICMP type that answers another, as the RFCs of the family have it.
    fn icmp_answer(ty: u8) -> Option<u8>;
}

impl Sample for V4 {
    const RANGE: (u32, u8) = (0x0a00_0000, 16);
    const SUBNET: u8 = 24;
    const PEERS: [&str; 11] = [
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
        "10.9.0.0/16",
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
    const TYPES: [u8; 4] = [0, 3, 8, 13];
    const OTHER_ICMP: u8 = 58;

    fn icmp_answer(ty: u8) -> Option<u8> {
        match ty {
            8 => Some(0),
            13 | 15 | 17 => Some(ty + 1),
            _ => None,
        }
    }
}

/// Like those of IPv4, with what tells them apart above, across, and below the bounds of 32 and 64 bits.
impl Sample for V6 {
    const RANGE: (u128, u8) = (0x2600_1f00_0000_0100 << 64, 56);
    const SUBNET: u8 = 64;
    const PEERS: [&str; 11] = [
        "::/0",
        "2600:1f00:0:100::/56",
        "2600:1f00:0:100::/64",
        "2600:1f00:0:101::/64",
        "2600:1f00:0:102::/64",
        "2600:1f00:0:101::/65",
        "2600:1f00::/40",
        "2001:4860:4860::/48",
        "2001:4860:4860::8888/128",
        "2600:1f00:0:102::a/128",
        "2600:1f00:9::/48",
    ];
    const HOSTS: [u128; 9] = [
        0x2600_1f00_0000_0100_0000_0000_0000_0005, // 2600:1f00:0:100::5
        0x2600_1f00_0000_0101_0000_0000_0000_0005, // 2600:1f00:0:101::5
        0x2600_1f00_0000_0101_8000_0000_0000_0005, // 2600:1f00:0:101:8000::5
        0x2600_1f00_0000_0102_0000_0000_0000_000a, // 2600:1f00:0:102::a
        0x2600_1f00_0000_0102_0000_0001_0000_000a, // 2600:1f00:0:102:0:1:0:a
        0x2600_1f00_0000_0103_0000_0000_0000_0005, // 2600:1f00:0:103::5
        0x2001_4860_4860_0000_0000_0000_0000_8888, // 2001:4860:4860::8888
        0x2001_4860_4860_0000_0000_0000_0000_8889, // 2001:4860:4860::8889
        0x2600_1f00_0009_0100_0000_0000_0000_0005, // 2600:1f00:9:100::5
    ];
    const TYPES: [u8; 4] = [129, 2, 128, 139];
    const OTHER_ICMP: u8 = 1;

    fn icmp_answer(ty: u8) -> Option<u8> {
        match ty {
            128 | 139 => Some(ty + 1),
            _ => None,
        }
    }
}

fn headers<A: Sample>(dice: &mut Dice) -> Headers {
    use crate::names::PortRange;
    let (a, b) = (dice.pick(&PORTS), dice.pick(&PORTS));
    let ports = PortRange { from: a.min(b), to: a.max(b) };
    match dice.roll(8) {
        0 => Headers::ALL,
        1 => Headers::ICMP,
        2 => Headers::icmp(Some(dice.pick(&A::TYPES)), None),
        3 => Headers::protocol::<A>(dice.pick(&[47, 50, 1, 58])),
        4 | 5 => Headers::udp(ports),
        _ => Headers::tcp(ports),
    }
}

fn span<A: Sample>(dice: &mut Dice) -> Span<A> {
    Span::from(dice.pick(&A::PEERS).parse::<Cidr<A>>().unwrap())
}

/// Returns up to two places: one that rules also name, and one that routes lead to.
fn places<A: Sample>(dice: &mut Dice) -> Vec<PlaceFacts<A>> {
    let place = |(idx, range): (usize, usize)| PlaceFacts {
        name: format!("place-{idx}"),
        spans: vec![Span::from(A::PEERS[range].parse::<Cidr<A>>().unwrap())],
        on_internet: false,
    };
    let ranges = [8, 10];
    ranges.into_iter().take(dice.roll(3) as usize).enumerate().map(place).collect()
}

fn random_facts<A: Sample>(seed: u64) -> Facts<A> {
    let dice = &mut Dice(seed);
    let count = 2 + dice.roll(3) as usize;
    let route = |peer: usize, hop| Route { destination: A::PEERS[peer].parse().unwrap(), hop };
    let tables = (0..count).map(|idx| {
        let hop = match dice.roll(5) {
            0 | 1 => Hop::Internet,
            2 | 3 => Hop::Nat(dice.roll(2) as usize),
            _ => Hop::None,
        };
        let mut routes = vec![route(0, hop)];
        if dice.roll(4) == 0 {
            let hops = [Hop::Internet, Hop::Blackhole, Hop::Nat(0), Hop::Attachment(0)];
            routes.push(route(7, dice.pick(&hops)));
        }
        if dice.roll(3) == 0 {
            let hop = dice.pick(&[Hop::Attachment(1), Hop::Attachment(0)]);
            routes.push(route(10, hop));
        }
        if dice.roll(6) == 0 {
            routes.push(route(3, Hop::Blackhole));
        }
        Table { name: format!("table-{idx}"), routes, endpoints: Vec::new(), open: Vec::new(), v6: None }
    });
    let tables = tables.collect();
    let acls = (0..count).map(|idx| {
        let mut rules: Vec<Rule<A>> = (0..dice.roll(9))
            .map(|number| Rule {
                direction: dice.pick(&[Direction::Ingress, Direction::Egress]),
                number: number as u16 + 1,
                allow: dice.roll(3) > 0,
                headers: headers::<A>(dice),
                peer: span(dice),
                peer_name: String::new(),
                why: String::new(),
            })
            .collect();
        rules.sort_by_key(|rule| (rule.direction, rule.number));
        AclFacts { name: format!("acl-{idx}"), rules }
    });
    let acls: Vec<AclFacts<A>> = acls.collect();
    let groups = (0..count).map(|idx| {
        let rules = (0..2 + dice.roll(4))
            .map(|number| GroupRuleFacts {
                direction: if number % 2 == 0 { Direction::Ingress } else { Direction::Egress },
                headers: if dice.roll(2) == 0 { Headers::ALL } else { headers::<A>(dice) },
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
    let range = Cidr::around(A::RANGE.0, A::RANGE.1).unwrap();
    let newbits = A::SUBNET - A::RANGE.1;
    let subnet = |netnum: usize| range.subnet(Block { newbits, netnum: netnum as u32 }).unwrap();
    Facts {
        ranges: vec![range.into()],
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
                span: subnet(idx).into(),
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
        places: places(dice),
        attachments: vec!["first".to_owned(), "second".to_owned()],
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
fn compare_pairs<A: Sample>(facts: &Facts<A>) {
    let mut engine = Engine::new(facts);
    let mut ends: Vec<End> = (0..facts.subnets.len()).map(End::Subnet).collect();
    ends.push(End::Internet);
    ends.extend((0..facts.places.len()).map(End::Place));
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
fn compare<A: Sample>(facts: &Facts<A>) -> u64 {
    let mut compared = 0;
    compare_pairs(facts);
    let mut engine = Engine::new(facts);
    let ports = interesting_ports();
    let outer: Vec<u16> = ports.iter().copied().filter(|port| *port >= 1024).collect();
    for source in A::HOSTS {
        for destination in A::HOSTS.into_iter().filter(|destination| *destination != source) {
            let open = engine.open_between(source, destination, Layers::EVERY);
            let opens = |kind: Kind| connects(facts, Packet { source, destination, kind }, &outer);
            let mut check = |number: u32, naive: bool, what: &str| {
                compared += 1;
                assert_eq!(
                    open.contains(number),
                    naive,
                    "{what} from {} to {}\n{facts:#?}",
                    source.ip(),
                    destination.ip()
                );
            };
            for to in &ports {
                let tcp = ports.iter().any(|from| opens(Kind::Tcp { from: *from, to: *to }));
                check(u32::from(*to), tcp, &format!("tcp {to}"));
                let udp = ports.iter().any(|from| opens(Kind::Udp { from: *from, to: *to }));
                check(65_536 + u32::from(*to), udp, &format!("udp {to}"));
            }
            for ty in A::TYPES {
                check(131_072 + 256 * u32::from(ty), opens(Kind::Icmp { ty }), &format!("icmp {ty}"));
            }
            for protocol in [47, 50, 132, A::OTHER_ICMP] {
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

/// Returns whether tests are asked for their long form.
#[expect(clippy::disallowed_methods, reason = "a test's size may come from outside")]
pub(super) fn is_long() -> bool {
    std::env::var("TERRANE_LONG").is_ok_and(|value| value != "0")
}

fn cases() -> u64 {
    if is_long() { 20_000 } else { 150 }
}

#[expect(clippy::disallowed_macros, reason = "how far it is, is for people")]
fn agrees<A: Sample>() {
    let mut packets = 0;
    for seed in 0..cases() {
        packets += compare(&random_facts::<A>(seed));
        if seed % 500 == 499 {
            println!(
                "{} random {} networks, {packets} headers compared, no disagreement",
                seed + 1,
                A::FAMILY
            );
        }
    }
    assert!(packets > 1_000 * cases(), "{packets}");
}

#[test]
fn the_engine_agrees_with_one_packet_at_a_time() {
    agrees::<V4>();
}

#[test]
fn the_engine_agrees_with_one_packet_at_a_time_over_ipv6() {
    agrees::<V6>();
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
