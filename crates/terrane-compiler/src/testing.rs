//! Random topologies that are valid, for tests of everything that takes one.

use crate::topology::{
    Access, Egress, Eks, Flow, NatMode, Need, SUBNET_GROUP_KINDS, SubnetGroup, Tier, Topology,
};

/// Returns a valid topology that depends on nothing but the seed.
pub fn topology(seed: u64) -> Topology {
    let mut dice = Dice(seed);
    // Dice of its own, so that the rest of a topology does not depend on it.
    let mut spread = Dice(seed ^ 0x0020_9e5f);
    let zones = zones(&mut dice);
    let mut topology = Topology::new(&format!("net-{}", dice.below(1000)))
        .base(dice.one_of(&["10.32.0.0/16", "172.20.0.0/16", "192.168.0.0/16"]))
        .description("A random network.");
    topology.zones = zones.clone();
    if dice.half() {
        topology = topology.secondary("pods", "100.64.0.0/16");
    }
    for idx in 0..1 + dice.below(8) {
        let tier = tier(&mut dice, &mut spread, &topology, idx, &zones);
        topology = topology.tier(tier);
    }
    topology = egress(&mut dice, &mut spread, topology);
    topology = flows(&mut dice, topology);
    topology = extras(&mut dice, topology);
    if zones.len() > 1 { consumers(&mut dice, topology) } else { topology }
}

/// One edit of a network's flows.
#[derive(Clone, Debug)]
pub struct FlowEdit {
    /// The topology with the edit; it need not be valid.
    pub topology: Topology,
    /// The ends of the flow that came or went.
    pub ends: [String; 2],
}

/// Returns a topology with one flow more, somewhere among the others, or one less.
pub fn flow_edit(topology: &Topology, seed: u64) -> FlowEdit {
    let mut dice = Dice(seed ^ 0x5eed_f10e);
    let mut topology = topology.clone();
    let at =
        |dice: &mut Dice, bound: usize| usize::try_from(dice.below(bound as u64)).expect("an index is small");
    // Rather more than fewer, so that budgets come into play.
    if dice.below(3) == 0 && !topology.flows.is_empty() {
        let gone = at(&mut dice, topology.flows.len());
        let flow = topology.flows.remove(gone);
        return FlowEdit { topology, ends: [flow.from, flow.to] };
    }
    let tiers: Vec<String> = topology.tiers.iter().map(|tier| tier.name.clone()).collect();
    let tiers: Vec<&str> = tiers.iter().map(String::as_str).collect();
    let port = 6000 + 2 * i64::try_from(dice.below(2000)).expect("small");
    let flow = match dice.below(5) {
        0 => Flow::udp([port]),
        1 => Flow::tcp([port, port + 7]),
        2 if dice.below(4) == 0 => Flow::any(),
        _ => Flow::tcp([port]),
    };
    let ends = match dice.below(6) {
        0 => ["internet", dice.one_of(&tiers)],
        1 => [dice.one_of(&tiers), "internet"],
        // The same pair again and again, until it has too many ports.
        2 | 3 => [tiers[0], tiers[tiers.len() - 1]],
        _ => [dice.one_of(&tiers), dice.one_of(&tiers)],
    };
    let ends = ends.map(str::to_owned);
    let place = at(&mut dice, topology.flows.len() + 1);
    topology.flows.insert(place, flow.from(&ends[0]).to(&ends[1]));
    FlowEdit { topology, ends }
}

/// Splitmix64: <https://prng.di.unimi.it/splitmix64.c>.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn half(&mut self) -> bool {
        self.below(2) == 0
    }

    fn one_of<'a>(&mut self, values: &[&'a str]) -> &'a str {
        let idx = self.below(values.len() as u64);
        values[usize::try_from(idx).expect("an index is small")]
    }
}

/// One to five letters, with gaps.
fn zones(dice: &mut Dice) -> Vec<String> {
    let count = 1 + dice.below(5);
    let mut letters: Vec<&str> = vec!["a", "b", "c", "d", "e", "f"];
    while letters.len() as u64 > count {
        let drop = dice.one_of(&letters);
        letters.retain(|letter| *letter != drop);
    }
    letters.into_iter().map(str::to_owned).collect()
}

fn tier(dice: &mut Dice, spread: &mut Dice, topology: &Topology, idx: u64, zones: &[String]) -> Tier {
    let stem = dice.one_of(&["app", "db", "edge", "web-tier", "cache"]);
    let name = format!("{stem}-{idx}");
    let tier = match dice.below(3) {
        0 => Tier::public(&name),
        1 => Tier::private(&name),
        _ => Tier::isolated(&name),
    };
    let tier = if dice.half() { tier.tag("team", dice.one_of(&["a", "b"])) } else { tier };
    let tier = placed(spread, tier, zones);
    let zones = &tier.zones.clone().unwrap_or_else(|| zones.to_vec());
    match dice.below(6) {
        0 => tier.need(Need::instances(1 + u32::try_from(dice.below(100)).expect("small"))),
        1 => {
            let stem = topology.base.trim_end_matches(".0.0/16");
            let ranges: Vec<(String, String)> = zones
                .iter()
                .zip(0..)
                .map(|(zone, slot)| (zone.clone(), format!("{stem}.{}.{}/27", 240 + idx, slot * 32)))
                .collect();
            tier.ranges(ranges.iter().map(|(zone, range)| (zone.as_str(), range.as_str())))
        }
        2 if !topology.secondary.is_empty() => {
            tier.in_range("pods").prefix_length(22 + u8::try_from(dice.below(6)).expect("small"))
        }
        _ => tier.prefix_length(23 + u8::try_from(dice.below(5)).expect("small")),
    }
}

/// Now and then some zones alone, or a route table of its own.
fn placed(dice: &mut Dice, mut tier: Tier, zones: &[String]) -> Tier {
    if dice.below(4) == 0 {
        let mut own = zones.to_vec();
        own.retain(|_| dice.half());
        tier.zones = Some(own).filter(|own| !own.is_empty());
    }
    match dice.below(6) {
        0 => {
            let name = tier.name.clone();
            tier.route_table(&name)
        }
        // A name for each access, so that tiers share it.
        1 => {
            let name = format!("more-{}", tier.access);
            tier.route_table(&name)
        }
        2 if tier.access != Access::Private => {
            let name = format!("zonal-{}", tier.access);
            tier.per_zone(true).route_table(&name)
        }
        _ => tier,
    }
}

fn names(topology: &Topology, access: Access) -> Vec<String> {
    let tiers = topology.tiers.iter().filter(|tier| tier.access == access);
    tiers.map(|tier| tier.name.clone()).collect()
}

fn egress(dice: &mut Dice, spread: &mut Dice, topology: Topology) -> Topology {
    let public = names(&topology, Access::Public);
    let Some(tier) = public.first() else { return topology };
    let named = |name: &String| topology.tiers.iter().find(|tier| tier.name == *name);
    let held = named(tier).and_then(|tier| tier.zones.clone()).unwrap_or_else(|| topology.zones.clone());
    let has_private = |zone: &String| {
        let mut private = topology.tiers.iter().filter(|tier| tier.access == Access::Private);
        private.any(|tier| tier.zones.as_ref().is_none_or(|own| own.contains(zone)))
    };
    let egress = match dice.below(3) {
        0 => return topology,
        1 => Egress::single_nat(&held[0]),
        _ if spread.half() => Egress::nat_per_zone(),
        _ => Egress::nat_in_zones([held[0].as_str()]),
    };
    let own = match egress.nat {
        NatMode::PerZone if named(tier).is_some_and(|tier| tier.zones.is_none()) => topology.zones.clone(),
        NatMode::PerZone => held,
        NatMode::None | NatMode::Single => topology.zones.clone(),
        NatMode::Zones => egress.zones.clone(),
    };
    let lacking = topology.zones.iter().filter(|zone| !own.contains(zone) && has_private(zone));
    let egress = lacking.fold(egress, |egress, zone| egress.fallback(zone, &own[0]));
    let egress = if dice.half() { egress.bring_elastic_ips() } else { egress };
    topology.egress(egress.in_tier(tier))
}

/// Few flows, so that every network ACL stays within its budget.
fn flows(dice: &mut Dice, mut topology: Topology) -> Topology {
    let tiers: Vec<String> = topology.tiers.iter().map(|tier| tier.name.clone()).collect();
    let tiers: Vec<&str> = tiers.iter().map(String::as_str).collect();
    for port in 0..dice.below(4) {
        let (from, to) = (dice.one_of(&tiers), dice.one_of(&tiers));
        let port = 5000 + 10 * i64::try_from(port).expect("small");
        let flow = if dice.half() { Flow::tcp([port]) } else { Flow::udp([port]) };
        topology = topology.flow(flow.from(from).to(to).purpose("random"));
    }
    if dice.half() {
        let flow = if dice.half() { Flow::icmp() } else { Flow::any() };
        topology = topology.flow(flow.from(dice.one_of(&tiers)).to(dice.one_of(&tiers)));
    }
    if let Some(public) = names(&topology, Access::Public).first() {
        topology = topology.flow(Flow::tcp([443]).from("internet").to(public));
    }
    let private = names(&topology, Access::Private);
    if let Some(client) = private.first().filter(|_| topology.features.egress.nat != NatMode::None) {
        topology = topology.flow(Flow::tcp([80, 443]).from(client).to("internet"));
    }
    topology
}

/// Tiers that reach a service by its gateway endpoint: those with no flow to the internet would not otherwise.
fn clients(topology: &Topology) -> Vec<String> {
    let mut clients = names(topology, Access::Private);
    clients.reverse();
    clients.extend(names(topology, Access::Isolated));
    clients
}

fn extras(dice: &mut Dice, mut topology: Topology) -> Topology {
    if dice.half() {
        topology = topology.endpoints(["s3"]);
        if let Some(client) = clients(&topology).first() {
            topology = topology.flow(Flow::tcp([443]).from(client).to("s3"));
        }
    }
    if dice.half() {
        topology = topology.tag("owner", "team: a/b").keep_clear("office", "10.200.0.0/16");
    }
    if dice.half() {
        topology = topology.leave_defaults_open();
    }
    topology
}

/// What needs two zones.
fn consumers(dice: &mut Dice, mut topology: Topology) -> Topology {
    let in_two = |topology: &Topology, name: &str| {
        let tier = topology.tiers.iter().find(|tier| tier.name == name);
        tier.is_some_and(|tier| tier.zones.as_ref().is_none_or(|zones| zones.len() > 1))
    };
    let isolated = names(&topology, Access::Isolated);
    if let Some(tier) = isolated.first().filter(|name| in_two(&topology, name)) {
        let kinds: Vec<&str> = SUBNET_GROUP_KINDS.iter().map(|kind| kind.name).collect();
        let kind = dice.one_of(&kinds);
        topology = topology.subnet_group(SubnetGroup::new(kind, tier));
    }
    let nodes = topology
        .tiers
        .iter()
        .find(|tier| tier.access == Access::Private && tier.prefix_length.is_some_and(|length| length <= 27))
        .filter(|tier| in_two(&topology, &tier.name));
    if let Some(name) = nodes.filter(|_| dice.half()).map(|tier| tier.name.clone()) {
        let eks = Eks::nodes(&name).cluster("main").cluster("blue").karpenter("main");
        let eks = if dice.half() { eks.karpenter("blue") } else { eks };
        topology.flows.retain(|flow| flow.from != name || flow.to != name);
        topology = topology.eks(eks).flow(Flow::any().within(&name));
    }
    topology
}
