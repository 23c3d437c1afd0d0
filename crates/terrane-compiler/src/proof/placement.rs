//! From [`Network`] to [`Facts`], for every way in which the caller of the module may place its ranges.
//!
//! Blocks of one range nest and lie apart wherever the range starts. What can differ is how a range lies to the absolute
//! ranges that rules name, such as `0.0.0.0/0` or private space. [`placements`] gives one placement for each way to lie,
//! over every admitted class and length, so what holds for all of them holds for every admitted base.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use crate::address_plan::Layout;
use crate::family::{Address, V4};
use crate::names::{Block, Cidr, PortRange, Zone};
use crate::network::{
    Acl, AclPeer, AclRule, Direction, Flow, FlowProtocol, Gateways, GroupPeer, Network, Peer, Place, Range,
    Target,
};
use crate::proof::facts::{
    AclFacts, Facts, GroupFacts, GroupPeerFacts, GroupRuleFacts, Hop, NatFacts, PlaceFacts, Route, Rule,
    Span, Subnet, Table, TierFacts,
};
use crate::proof::headers::{HeaderSet, Headers};

/// The most placements that are examined; more than this many means rules over many absolute ranges.
const MOST: usize = 256;

/// Where the ranges of a network lie, in the order of [`Network::ranges`].
pub type Placement<A = V4> = Vec<Cidr<A>>;

/// Where one range may lie.
pub(crate) struct Room<A: Address> {
    /// Where it lies unless a caller says otherwise.
    pub(crate) default: Cidr<A>,
    /// The admitted prefix lengths, from the shortest to the longest.
    pub(crate) lengths: RangeInclusive<u8>,
    /// The admitted spaces.
    pub(crate) within: Vec<Cidr<A>>,
    /// Ranges that it may share no address with.
    pub(crate) clear_of: Vec<Cidr<A>>,
}

/// The placements that stand for all admitted ones, the default first, and what could not be covered.
pub(crate) fn placements(network: &Network) -> (Vec<Placement>, Vec<String>) {
    let room = |range: &Range| Room {
        default: range.default,
        lengths: range.admitted.min_prefix_length..=range.admitted.max_prefix_length,
        within: range.admitted.within.iter().copied().filter_map(Cidr::of_net).collect(),
        clear_of: network.places.iter().flat_map(|place| place.ranges.iter().copied()).collect(),
    };
    let rooms: Vec<Room<V4>> = network.ranges.iter().map(room).collect();
    representatives(&rooms, &absolute_ranges(network))
}

/// The placements that stand for all that these rooms admit, by how they lie to absolute ranges; the default first.
pub(crate) fn representatives<A: Address>(
    rooms: &[Room<A>],
    absolute: &[Cidr<A>],
) -> (Vec<Placement<A>>, Vec<String>) {
    let mut missing = Vec::new();
    let default: Placement<A> = rooms.iter().map(|room| room.default).collect();
    let mut found: BTreeMap<Vec<Lie<A>>, Placement<A>> = BTreeMap::new();
    found.insert(signature(&default, absolute), default.clone());
    let mut partial: Vec<Placement<A>> = vec![Vec::new()];
    for room in rooms {
        let mut candidates = candidates(room, absolute);
        candidates.retain(|range| !room.clear_of.iter().any(|other| other.overlaps(*range)));
        let extended: Vec<Placement<A>> = partial
            .iter()
            .flat_map(|so_far| {
                candidates.iter().filter(|next| !so_far.iter().any(|cidr| cidr.overlaps(**next))).map(
                    |next| {
                        let mut placement = so_far.clone();
                        placement.push(*next);
                        placement
                    },
                )
            })
            .collect();
        let mut distinct: BTreeMap<Vec<Lie<A>>, Vec<Placement<A>>> = BTreeMap::new();
        for placement in extended {
            let same = distinct.entry(signature(&placement, absolute)).or_default();
            if same.len() < 4 {
                same.push(placement);
            }
        }
        partial = distinct.into_values().flatten().collect();
        if partial.len() > MOST * 4 {
            partial.truncate(MOST * 4);
            missing.push(format!(
                "rules over {} absolute ranges give more than {MOST} ways to place the VPC's",
                absolute.len()
            ));
        }
    }
    for placement in partial {
        found.entry(signature(&placement, absolute)).or_insert(placement);
    }
    let mut all: Vec<Placement<A>> = vec![default.clone()];
    all.extend(found.into_values().filter(|placement| *placement != default));
    (all, missing)
}

/// How a range of the VPC lies to an absolute range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Lie<A> {
    Apart,
    Inside,
    Around { newbits: u8, offset: A },
}

fn signature<A: Address>(placement: &[Cidr<A>], absolute: &[Cidr<A>]) -> Vec<Lie<A>> {
    placement
        .iter()
        .flat_map(|range| {
            absolute.iter().map(|other| {
                if other.contains(*range) {
                    Lie::Inside
                } else if range.contains(*other) {
                    let newbits = other.prefix_length() - range.prefix_length();
                    Lie::Around { newbits, offset: other.first() - range.first() }
                } else {
                    Lie::Apart
                }
            })
        })
        .collect()
}

fn absolute_ranges(network: &Network) -> Vec<Cidr> {
    let mut ranges: Vec<Cidr> = network
        .acls
        .iter()
        .flat_map(|acl| &acl.rules)
        .filter_map(|rule| match rule.peer {
            AclPeer::Cidr(cidr) => Some(cidr),
            AclPeer::Place(place, range) => Some(network.places[place].ranges[range]),
            AclPeer::Tier(..) | AclPeer::Range(_) => None,
        })
        .collect();
    let routes = network.route_tables.iter().flat_map(|table| &table.routes);
    ranges.extend(routes.flat_map(|route| network.destinations(route.destination)));
    ranges.extend(network.places.iter().flat_map(|place| &place.ranges));
    ranges.sort_unstable();
    ranges.dedup();
    ranges
}

/// Returns ranges that lie to the absolute ones in every way that an admitted range can.
///
/// Take any admitted range and the smallest of the spaces and absolute ranges around it. Either it holds an absolute
/// range, and is then the only aligned range of its length there; or it lies like any other range of that
/// surrounding that touches no smaller one.
fn candidates<A: Address>(room: &Room<A>, absolute: &[Cidr<A>]) -> Vec<Cidr<A>> {
    let mut found = Vec::new();
    for space in &room.within {
        let inner: Vec<Cidr<A>> = absolute.iter().copied().filter(|cidr| space.contains(*cidr)).collect();
        for length in room.lengths.clone() {
            if length < space.prefix_length() {
                continue;
            }
            for around in inner.iter().chain([space]) {
                if around.prefix_length() >= length {
                    found.extend(Cidr::around(around.first(), length));
                    continue;
                }
                let smaller: Vec<Cidr<A>> =
                    inner.iter().copied().filter(|cidr| cidr != around && around.contains(*cidr)).collect();
                found.extend(free(*around, length, &smaller, false));
                found.extend(free(*around, length, &smaller, true));
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns the first or last range of a length in `around` that touches none of `taken`.
fn free<A: Address>(around: Cidr<A>, length: u8, taken: &[Cidr<A>], from_end: bool) -> Option<Cidr<A>> {
    let start = if from_end { around.last() } else { around.first() };
    let mut candidate = Cidr::around(start, length)?;
    while around.contains(candidate) {
        let Some(hit) = taken.iter().find(|cidr| cidr.overlaps(candidate)) else { return Some(candidate) };
        let next = if from_end {
            hit.first().min(candidate.first()).before()
        } else {
            hit.last().max(candidate.last()).after(1)
        };
        candidate = Cidr::around(next?, length)?;
    }
    None
}

/// Returns what the verifier knows of a network whose ranges lie here, the spare zones included.
pub fn facts(network: &Network, placement: &[Cidr]) -> Facts {
    let (tables, index) = tables(network);
    let mut facts = Facts {
        tiers: network
            .tiers
            .iter()
            .map(|tier| TierFacts {
                name: tier.name.to_string(),
                access: tier.access,
                origin: tier.origin.clone(),
            })
            .collect(),
        tables,
        acls: acls(network),
        groups: groups(network),
        places: places(network),
        attachments: network.attachments.iter().map(|attachment| attachment.name.to_string()).collect(),
        defaults_closed: Some(network.close_defaults),
        ..Facts::default()
    };
    for (tier, zone, _) in subnets(network) {
        let own = &network.tiers[tier];
        facts.subnets.push(Subnet {
            name: format!("{}-{zone}", own.name),
            tier,
            zone: zone.to_string(),
            spare: !network.zones.contains(&zone),
            span: UNPLACED,
            table: index.get(&(own.route_table, network.table_zone(own.route_table, zone))).copied(),
            acl: network.acls.iter().position(|acl| acl.tier == tier),
            group: network.security_groups.iter().position(|group| group.tier == tier),
        });
    }
    nats(network, &mut facts);
    place(network, placement, &mut facts);
    facts
}

/// What stands for addresses until [`place`] says where they lie.
const UNPLACED: Span = Span::ALL;

/// Lets the ranges of a network, whose facts these are, lie here: everything else is the same wherever they lie.
pub(crate) fn place(network: &Network, placement: &[Cidr], facts: &mut Facts) {
    let part = |tier: usize, block| {
        let range = placement[network.tiers[tier].range];
        Span::from(range.subnet(block).unwrap_or(range))
    };
    facts.ranges = placement.iter().map(|cidr| Span::from(*cidr)).collect();
    for (subnet, (tier, _, block)) in facts.subnets.iter_mut().zip(subnets(network)) {
        subnet.span = part(tier, block);
    }
    for (acl, own) in facts.acls.iter_mut().zip(&network.acls) {
        for (rule, own) in acl.rules.iter_mut().zip(&own.rules) {
            rule.peer = match own.peer {
                AclPeer::Tier(tier, idx) => part(tier, network.tiers[tier].cover[idx]),
                AclPeer::Range(range) => placement[range].into(),
                AclPeer::Cidr(cidr) => cidr.into(),
                AclPeer::Place(place, range) => network.places[place].ranges[range].into(),
            };
        }
    }
}

/// Returns the tier, the zone, and the block of each subnet, the spare zones included.
fn subnets(network: &Network) -> impl Iterator<Item = (usize, Zone, Block)> {
    network.tiers.iter().enumerate().flat_map(move |(idx, tier)| {
        let zones: Vec<Zone> = match &tier.layout {
            Layout::Block(_) => network.slots.keys().copied().collect(),
            Layout::Pinned(blocks) => blocks.keys().copied().collect(),
        };
        zones.into_iter().filter_map(move |zone| Some((idx, zone, network.subnet(idx, zone)?)))
    })
}

impl Network {
    /// Returns the zone of a subnet's own table; `None` where all zones share one.
    fn table_zone(&self, table: usize, zone: Zone) -> Option<Zone> {
        self.route_tables[table].per_zone.then_some(zone)
    }
}

type TableIndex = BTreeMap<(usize, Option<Zone>), usize>;

/// Returns the route tables, with NAT gateways numbered as [`nats`] lists them.
fn tables(network: &Network) -> (Vec<Table>, TableIndex) {
    let homes = nat_zones(network);
    let nat = |zone: Zone| homes.iter().position(|home| *home == zone).map_or(Hop::Blackhole, Hop::Nat);
    let serving = |zone: Zone| network.nat.as_ref().map_or(zone, |nat| nat.gateways.of(zone));
    let (mut tables, mut index) = (Vec::new(), BTreeMap::new());
    for (idx, table) in network.route_tables.iter().enumerate() {
        let zones: Vec<Option<_>> = if table.per_zone {
            network.table_zones(idx).into_iter().map(Some).collect()
        } else {
            vec![None]
        };
        for zone in zones {
            let hop = |target| match (target, zone) {
                (Target::InternetGateway, _) if network.internet_gateway => Hop::Internet,
                (Target::InternetGateway, _) | (Target::NatOfZone, None) => Hop::Blackhole,
                (Target::NatOfZone, Some(zone)) => nat(serving(zone)),
                (Target::NatOfHome(home), _) => nat(home),
                (Target::Attachment(attachment), _) => Hop::Attachment(attachment),
            };
            let routes = table.routes.iter().flat_map(|route| {
                let hop = hop(route.target);
                let destinations = network.destinations(route.destination).into_iter();
                destinations.map(move |destination| Route { destination, hop })
            });
            index.insert((idx, zone), tables.len());
            tables.push(Table {
                name: zone.map_or_else(|| table.name.to_string(), |zone| format!("{}-{zone}", table.name)),
                routes: routes.collect(),
                endpoints: table.endpoints.clone(),
                open: Vec::new(),
                v6: None,
            });
        }
    }
    (tables, index)
}

fn nat_zones(network: &Network) -> Vec<Zone> {
    network.slots.keys().copied().filter(|zone| network.has_nat(*zone)).collect()
}

fn nats(network: &Network, facts: &mut Facts) {
    let Some(nat) = &network.nat else { return };
    for zone in nat_zones(network) {
        let letter = zone.to_string();
        facts.nats.push(NatFacts {
            name: format!("nat-{zone}"),
            subnet: facts.subnets.iter().position(|subnet| subnet.tier == nat.tier && subnet.zone == letter),
            public: true,
        });
    }
}

/// Returns what the verifier knows of a network's places.
pub(crate) fn places(network: &Network) -> Vec<PlaceFacts> {
    let place = |place: &Place| PlaceFacts {
        name: place.name.to_string(),
        spans: place.ranges.iter().map(|range| Span::from(*range)).collect(),
        on_internet: place.via.is_none(),
    };
    network.places.iter().map(place).collect()
}

fn acls(network: &Network) -> Vec<AclFacts> {
    let rule = |rule: &AclRule| Rule {
        direction: rule.direction,
        number: rule.number,
        allow: rule.allow,
        headers: Headers::of::<V4>(rule.traffic),
        peer: UNPLACED,
        peer_name: match rule.peer {
            AclPeer::Tier(tier, _) => network.tiers[tier].name.to_string(),
            AclPeer::Range(range) => format!("range {}", network.ranges[range].name),
            AclPeer::Cidr(cidr) => cidr.to_string(),
            AclPeer::Place(place, range) => {
                let place = &network.places[place];
                format!("{} ({})", place.name, place.ranges[range])
            }
        },
        why: rule.why.clone(),
    };
    let acl = |acl: &Acl| AclFacts {
        name: network.tiers[acl.tier].name.to_string(),
        rules: acl.rules.iter().map(rule).collect(),
    };
    network.acls.iter().map(acl).collect()
}

fn groups(network: &Network) -> Vec<GroupFacts> {
    let group_of = |tier: usize| network.security_groups.iter().position(|group| group.tier == tier);
    network
        .security_groups
        .iter()
        .map(|group| GroupFacts {
            known: true,
            name: network.tiers[group.tier].name.to_string(),
            rules: group
                .rules
                .iter()
                .flat_map(|rule| {
                    let peers = match &rule.peer {
                        // The proof names them as what callers can add.
                        GroupPeer::Clients => vec![GroupPeerFacts::Clients],
                        GroupPeer::Group(tier) => {
                            group_of(*tier).map(GroupPeerFacts::Group).into_iter().collect()
                        }
                        GroupPeer::Everywhere => vec![GroupPeerFacts::Span(Span::ALL)],
                        GroupPeer::Endpoint(service) => vec![GroupPeerFacts::Service(service.clone())],
                        GroupPeer::Place(place) => {
                            let ranges = network.places[*place].ranges.iter();
                            ranges.map(|range| GroupPeerFacts::Span(Span::from(*range))).collect()
                        }
                    };
                    peers.into_iter().map(|peer| GroupRuleFacts {
                        direction: rule.direction,
                        headers: Headers::of::<V4>(rule.traffic),
                        peer,
                        why: format!("{}: {}", rule.key, rule.why),
                    })
                })
                .collect(),
        })
        .collect()
}

/// What is declared about a network: what verdicts measure it against.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Intent {
    /// What may talk to what; `None` where nobody has declared it.
    pub flows: Option<Vec<IntentFlow>>,
    /// Whether each zone that has a NAT gateway leaves through its own.
    pub nat_per_zone: bool,
    /// Whether zones without a NAT gateway leave through that of another.
    pub nat_fallback: bool,
    /// Tiers that must neither reach the internet nor be reached from it or from public tiers, where flows are not declared.
    pub isolated: BTreeSet<usize>,
}

/// A declared flow.
#[derive(Clone, Debug, PartialEq)]
pub struct IntentFlow {
    /// Who opens connections.
    pub from: IntentEnd,
    /// Who accepts them.
    pub to: IntentEnd,
    /// Headers of the packets that open and carry them.
    pub headers: HeaderSet,
    /// Headers of the answers, with the client's port as destination port.
    pub replies: HeaderSet,
    /// Headers that a filter without memory lets back for the sake of the answers; `replies` and what it cannot tell from them.
    pub let_back: HeaderSet,
    /// Whether network ACLs of the target see the addresses of clients on the internet, which load balancers pass on.
    pub client_addresses: bool,
    /// The flow in words.
    pub words: String,
    /// Where it was declared.
    pub origin: crate::diagnostics::Origin,
}

/// One end of a declared flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IntentEnd {
    /// An index of [`Facts::tiers`].
    Tier(usize),
    /// Everything outside, without the places.
    Internet,
    /// An index of [`Facts::places`].
    Place(usize),
    /// A service with a gateway endpoint, somewhere in the internet's addresses.
    Service(String),
}

impl Intent {
    /// Returns what is declared of a network's IPv4 traffic.
    pub fn of(network: &Network) -> Intent {
        Intent::in_family::<V4>(network)
    }

    /// Returns what is declared of a network's traffic in one address family.
    pub fn in_family<A: Address>(network: &Network) -> Intent {
        let gateways = network.nat.as_ref().map(|nat| &nat.gateways);
        Intent {
            flows: Some(network.flows.iter().map(|flow| intent_flow::<A>(network, flow)).collect()),
            nat_per_zone: gateways.is_some_and(|gateways| !matches!(gateways, Gateways::Home(_))),
            nat_fallback: !network.nat_fallbacks().is_empty(),
            isolated: BTreeSet::new(),
        }
    }

    /// Returns whether somebody has said what an end may do, so that more than that is wrong.
    pub(crate) fn claims(&self, end: &IntentEnd) -> bool {
        self.flows.is_some() || matches!(end, IntentEnd::Tier(tier) if self.isolated.contains(tier))
    }
}

fn intent_flow<A: Address>(network: &Network, flow: &Flow) -> IntentFlow {
    let end = |peer: &Peer| match peer {
        Peer::Tier(tier) => IntentEnd::Tier(*tier),
        Peer::Internet => IntentEnd::Internet,
        Peer::Endpoint(service) => IntentEnd::Service(service.clone()),
        Peer::Place(place) => IntentEnd::Place(*place),
    };
    let (_, echo_reply) = A::ANSWERS[0];
    let echo_reply = Headers::icmp(Some(echo_reply), Some(0));
    let (headers, replies, let_back) = match flow.protocol {
        FlowProtocol::Tcp => {
            (flow.ports.iter().copied().map(Headers::tcp).collect(), vec![client_tcp()], client_tcp())
        }
        FlowProtocol::Udp => {
            (flow.ports.iter().copied().map(Headers::udp).collect(), vec![client_udp()], client_udp())
        }
        FlowProtocol::Icmp => (vec![Headers::ICMP], vec![echo_reply], Headers::ICMP),
        FlowProtocol::Any => {
            (vec![Headers::ALL], vec![client_tcp(), client_udp(), echo_reply, Headers::OTHER], Headers::ALL)
        }
    };
    let headers = HeaderSet::of(headers);
    let words =
        format!("{} \u{2192} {} {headers}", network.peer_name(&flow.from), network.peer_name(&flow.to));
    IntentFlow {
        from: end(&flow.from),
        to: end(&flow.to),
        headers,
        replies: HeaderSet::of(replies),
        let_back: HeaderSet::of([let_back]),
        client_addresses: flow.client_addresses,
        words,
        origin: flow.origin.clone(),
    }
}

/// Returns the ports on which TCP clients get answers.
fn client_tcp() -> Headers {
    Headers::tcp(PortRange::EPHEMERAL)
}

/// Returns the ports on which UDP clients get answers.
fn client_udp() -> Headers {
    Headers::udp(PortRange::EPHEMERAL)
}

/// Returns the rules of one direction of an ACL.
pub(crate) fn rules_of<A: Address>(
    acl: &AclFacts<A>,
    direction: Direction,
) -> impl Iterator<Item = &Rule<A>> {
    acl.rules.iter().filter(move |rule| rule.direction == direction)
}
