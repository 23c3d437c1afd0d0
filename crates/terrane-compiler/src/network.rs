//! Resolve: the network as AWS will see it, as data, every default made explicit.
//!
//! A [`Network`] is symbolic in its ranges: blocks are parts of `var.cidr_block`, wherever the caller puts it.
//! Proofs, diagrams, and the lowering to Terraform all read this one type.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;
use terrane_contract::Admitted;

use crate::address_plan::Layout;
pub use crate::declaration::{Access, Attachment, Dns, Flow, FlowProtocol, KeepClear, Peer, Place, Site};
use crate::diagnostics::Origin;
use crate::features::Declared;
use crate::names::{Block, Cidr, Name, PortRange, Zone};
use crate::sizing::Room;

/// A network, resolved.
///
/// - `tiers`, `acls`, and `security_groups` stand in the order of declaration, one of each per tier.
/// - An index names an element of the list that the field's documentation says.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// The module's name, and the default of `var.name`.
    pub name: Name,
    /// What the network is for.
    pub description: String,
    /// The VPC's ranges; the first is the base range.
    pub ranges: Vec<Range>,
    /// The zone letters used unless the caller passes others.
    pub zones: Vec<Zone>,
    /// Letter → slot, spare letters included: the letters that a caller may pass.
    pub slots: BTreeMap<Zone, u32>,
    /// The bits of a slot number.
    pub slot_bits: u8,
    /// How many zones the caller must pass at least.
    pub min_zones: MinZones,
    /// Zone letters that the caller must pass.
    pub homes: Vec<Zone>,
    /// The tiers.
    pub tiers: Vec<Tier>,
    /// Whether the VPC has an internet gateway.
    pub internet_gateway: bool,
    /// Its NAT gateways.
    pub nat: Option<Nat>,
    /// Named ranges outside the VPC.
    pub places: Vec<Place>,
    /// What leads to places.
    pub attachments: Vec<Attachment>,
    /// Its route tables.
    pub route_tables: Vec<RouteTable>,
    /// One network ACL per tier.
    pub acls: Vec<Acl>,
    /// Tiers that are gone and whose network ACLs stay until their blocks are reclaimed, by the last name they had.
    pub removed_tiers: Vec<Name>,
    /// One security group per tier.
    pub security_groups: Vec<SecurityGroup>,
    /// Groups of subnets.
    pub subnet_groups: Vec<SubnetGroup>,
    /// Gateway endpoints by service.
    pub endpoints: Vec<String>,
    /// What features have for themselves.
    pub features: Declared,
    /// The declared flows, for proofs and documents.
    pub flows: Vec<Flow>,
    /// Ranges elsewhere that no range may overlap.
    pub keep_clear: Vec<KeepClear>,
    /// DNS settings.
    pub dns: Dns,
    /// Tags on everything.
    pub tags: BTreeMap<String, String>,
    /// Whether the defaults of the VPC are adopted and emptied.
    pub close_defaults: bool,
    /// Where it was declared; for diagnostics only.
    pub origin: Origin,
}

/// How many zones a network needs at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinZones {
    /// The number, 1 or more.
    pub count: usize,
    /// Why there must be so many.
    pub reason: &'static str,
}

/// How many of its own zones a tier needs at least that is not in all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierZones {
    /// The tier, an index of [`Network::tiers`].
    pub tier: usize,
    /// The number, 1 or more.
    pub count: usize,
    /// Why there must be so many.
    pub reason: String,
}

/// A range of the VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its name: `base`, or the one declared.
    pub name: Name,
    /// The variable that holds it.
    pub variable: String,
    /// Where it lies unless the caller says otherwise.
    pub default: Cidr,
    /// Where the caller may put it.
    pub admitted: Admitted,
}

/// A tier of subnets, one in each of its zones.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Its name.
    pub name: Name,
    /// Who can reach it.
    pub access: Access,
    /// The letters that it has subnets in; `None` for all that a caller may pass.
    pub zones: Option<Vec<Zone>>,
    /// Where its subnets are, if not in the region's availability zones.
    pub site: Option<Site>,
    /// Its range, an index of [`Network::ranges`].
    pub range: usize,
    /// Where it lies in its range.
    pub layout: Layout,
    /// The fewest parts of the range that hold all of its subnets and touch no other tier.
    pub cover: Vec<Block>,
    /// What each subnet must have room for.
    pub need: Option<Room>,
    /// Its route table, an index of [`Network::route_tables`].
    pub route_table: usize,
    /// Tags of its subnets, beside name and [`Network::tags`].
    pub tags: BTreeMap<String, String>,
    /// Names of the sets of tags that the caller chooses and its subnets carry, too.
    pub tag_sets: Vec<&'static str>,
    /// Names it had before, oldest first.
    pub renamed_from: Vec<Name>,
    /// Whether the caller may name security groups whose members may do what other tiers' members may do to it.
    pub client_groups: bool,
    /// Whether instances that start in it get public addresses.
    pub public_ips: bool,
    /// Where it was declared; for diagnostics only.
    pub origin: Origin,
}

impl Range {
    /// Returns the sizes of range that are admitted, in words.
    pub fn sizes(&self) -> String {
        let Admitted { min_prefix_length: min, max_prefix_length: max, .. } = &self.admitted;
        if min == max { format!("a /{min}") } else { format!("a /{min} to a /{max}") }
    }
}

impl Tier {
    /// Returns the variable with the security groups of its clients outside of every tier.
    pub fn clients_variable(&self) -> String {
        format!("{}_client_security_group_ids", self.first_name().identifier())
    }

    /// Returns whether it has a subnet in a zone that the caller passes.
    pub fn is_in(&self, zone: Zone) -> bool {
        self.zones.as_ref().is_none_or(|zones| zones.contains(&zone))
    }

    /// Returns the name it was first declared with, which names of AWS keep, since a changed name means a new object.
    pub fn first_name(&self) -> &Name {
        self.renamed_from.first().unwrap_or(&self.name)
    }

    /// Returns each rename, oldest first: a chain, since Terraform refuses two moves to one address.
    pub fn renames(&self) -> impl Iterator<Item = (&Name, &Name)> {
        let next = self.renamed_from.iter().skip(1).chain([&self.name]);
        self.renamed_from.iter().zip(next)
    }

    /// Returns every name under which outputs hold it: callers keep the ones they know.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.name).chain(&self.renamed_from)
    }
}

/// NAT gateways.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nat {
    /// The public tier whose subnets hold them, an index of [`Network::tiers`].
    pub tier: usize,
    /// Which zones have one, and which leave through that of another.
    pub gateways: Gateways,
    /// Whether the caller brings the elastic IPs.
    pub bring_elastic_ips: bool,
}

/// Which zones have a NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gateways {
    /// One, which every other zone leaves through.
    Home(Zone),
    /// All, the spare letters included.
    EachZone,
    /// Some.
    Zones {
        /// Those with a gateway, one or more, sorted.
        own: Vec<Zone>,
        /// For the other zones, the one whose gateway they leave through; a spare letter, which nobody has declared, leaves
        /// through the first.
        fallback: BTreeMap<Zone, Zone>,
    },
}

impl Gateways {
    /// Returns whether a zone has a gateway.
    pub fn has(&self, zone: Zone) -> bool {
        self.of(zone) == zone
    }

    /// Returns the zone of the gateway that the private subnets of a zone leave through.
    pub fn of(&self, zone: Zone) -> Zone {
        match self {
            Gateways::Home(home) => *home,
            Gateways::EachZone => zone,
            Gateways::Zones { own, .. } if own.contains(&zone) => zone,
            Gateways::Zones { own, fallback } => fallback.get(&zone).copied().unwrap_or(own[0]),
        }
    }
}

/// A route table, or one for each zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// Its name: `public`, `private`, or `isolated`, after the access of its tiers, or the one declared.
    pub name: Name,
    /// Whether there is one for each zone.
    pub per_zone: bool,
    /// Its routes, of which the most specific decides. Those inside the VPC are implicit.
    pub routes: Vec<Route>,
    /// Services whose gateway endpoint adds a route.
    pub endpoints: Vec<String>,
}

/// A route of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The addresses that it is about.
    pub destination: Destination,
    /// Where it leads.
    pub target: Target,
}

/// The addresses that a route is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// One range.
    Range(Cidr),
    /// Every range of a place, an index of [`Network::places`].
    Place(usize),
}

impl RouteTable {
    /// Returns whether its name is the one that tiers of an access share unless they name another.
    pub fn is_usual(&self) -> bool {
        [Access::Public, Access::Private, Access::Isolated]
            .iter()
            .any(|access| access.to_string() == self.name.as_str())
    }

    /// Returns whether a route of its own says where every address leads that no other route is about.
    pub fn leads_everywhere(&self) -> bool {
        self.routes.iter().any(|route| route.destination == Destination::Range(Cidr::EVERYWHERE))
    }
}

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The internet gateway.
    InternetGateway,
    /// The NAT gateway that the route table's own zone leaves through.
    NatOfZone,
    /// The NAT gateway of its home zone.
    NatOfHome(Zone),
    /// What leads to places, an index of [`Network::attachments`].
    Attachment(usize),
}

/// The direction of a rule, seen from the subnet or the interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Into it.
    Ingress,
    /// Out of it.
    Egress,
}

impl Direction {
    /// Returns `ingress` or `egress`.
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a rule matches beside addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Traffic {
    /// TCP to these destination ports.
    Tcp(PortRange),
    /// UDP to these destination ports.
    Udp(PortRange),
    /// ICMP of every type.
    Icmp,
    /// ICMP type 3 code 4, fragmentation needed: without it, path MTU discovery fails silently.
    FragmentationNeeded,
    /// Every protocol.
    Any,
}

impl Traffic {
    /// Returns whether everything that `other` matches is matched by this.
    pub fn covers(self, other: Traffic) -> bool {
        let within = |outer: PortRange, inner: PortRange| outer.from <= inner.from && inner.to <= outer.to;
        match (self, other) {
            (Traffic::Any, _) | (Traffic::Icmp, Traffic::Icmp | Traffic::FragmentationNeeded) => true,
            (Traffic::Tcp(outer), Traffic::Tcp(inner)) | (Traffic::Udp(outer), Traffic::Udp(inner)) => {
                within(outer, inner)
            }
            (Traffic::FragmentationNeeded, Traffic::FragmentationNeeded) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Traffic::Tcp(ports) if *ports == PortRange::ALL => f.write_str("tcp"),
            Traffic::Udp(ports) if *ports == PortRange::ALL => f.write_str("udp"),
            Traffic::Tcp(ports) => write!(f, "tcp {ports}"),
            Traffic::Udp(ports) => write!(f, "udp {ports}"),
            Traffic::Icmp => f.write_str("icmp"),
            Traffic::FragmentationNeeded => f.write_str("icmp 3/4"),
            Traffic::Any => f.write_str("all"),
        }
    }
}

/// The network ACL of a tier's subnets: the first rule that matches decides, and what none matches is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acl {
    /// Its tier, an index of [`Network::tiers`].
    pub tier: usize,
    /// Its rules, ingress first, each direction by ascending number.
    pub rules: Vec<AclRule>,
    /// Which rules are wider than what is declared, and why: the ends of sentences that begin with the ACL.
    pub widened: Vec<String>,
}

/// One rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclRule {
    /// Its direction.
    pub direction: Direction,
    /// Its number, 1 to 32766; unique in its ACL and direction.
    pub number: u16,
    /// Whether it allows or denies.
    pub allow: bool,
    /// What it matches.
    pub traffic: Traffic,
    /// The source of ingress, the destination of egress.
    pub peer: AclPeer,
    /// The declarations it follows from, in words.
    pub why: String,
}

/// The addresses that a network ACL rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AclPeer {
    /// One part of the cover of a tier: indices of [`Network::tiers`] and [`Tier::cover`].
    Tier(usize, usize),
    /// A whole range of the VPC, an index of [`Network::ranges`].
    Range(usize),
    /// A range that does not move with the VPC.
    Cidr(Cidr),
    /// One range of a place: indices of [`Network::places`] and [`Place::ranges`].
    Place(usize, usize),
}

/// A security group: what any rule allows is allowed, and replies need no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    /// Its tier, an index of [`Network::tiers`].
    pub tier: usize,
    /// Its rules.
    pub rules: Vec<GroupRule>,
}

/// One rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// Its direction.
    pub direction: Direction,
    /// Its key among the rules of its group and direction.
    pub key: String,
    /// What it matches.
    pub traffic: Traffic,
    /// The source of ingress, the destination of egress.
    pub peer: GroupPeer,
    /// The declaration it follows from, in words.
    pub why: String,
}

/// The other side of a security group rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupPeer {
    /// Members of the security group of a tier, an index of [`Network::tiers`].
    Group(usize),
    /// Every address.
    Everywhere,
    /// The addresses of a service with a gateway endpoint.
    Endpoint(String),
    /// The ranges of a place, an index of [`Network::places`].
    Place(usize),
    /// Members of the security groups that the caller names for the group's own tier.
    Clients,
}

/// A group of subnets for databases or caches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetGroup {
    /// The name of its kind; see [`crate::topology::SUBNET_GROUP_KINDS`].
    pub kind: String,
    /// Its tier, an index of [`Network::tiers`].
    pub tier: usize,
}

impl Flow {
    /// Returns the traffic it permits, one for each of its port ranges.
    pub fn traffic(&self) -> Vec<Traffic> {
        match self.protocol {
            FlowProtocol::Tcp => self.ports.iter().copied().map(Traffic::Tcp).collect(),
            FlowProtocol::Udp => self.ports.iter().copied().map(Traffic::Udp).collect(),
            FlowProtocol::Icmp => vec![Traffic::Icmp],
            FlowProtocol::Any => vec![Traffic::Any],
        }
    }
}

/// A use of a tier that needs subnets in several zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Its name, such as `EKS`.
    pub name: String,
    /// Its tier, an index of [`Network::tiers`].
    pub tier: usize,
    /// How many zones it needs, 2 or more.
    pub zones: usize,
    /// The consequence of fewer, as the end of a sentence.
    pub otherwise: &'static str,
}

impl Network {
    /// Returns a flow in words: its ends, and its purpose.
    pub fn describe(&self, flow: &Flow) -> String {
        let ends = self.ends(flow);
        if flow.purpose.is_empty() { ends } else { format!("{ends}, {}", flow.purpose) }
    }

    /// Returns the ends of a flow in words.
    pub fn ends(&self, flow: &Flow) -> String {
        format!("{} to {}", self.peer_name(&flow.from), self.peer_name(&flow.to))
    }

    /// Returns where a part of a range lies by default.
    ///
    /// # Panics
    ///
    /// Panics if the block is not inside the range; the allocator's invariant says that it is.
    pub fn place(&self, range: usize, block: Block) -> Cidr {
        self.ranges[range].default.subnet(block).expect("allocated blocks lie inside their range")
    }

    /// Returns the block of a tier's subnet in a zone; `None` where the tier has none there.
    pub fn subnet(&self, tier: usize, zone: Zone) -> Option<Block> {
        let own = &self.tiers[tier];
        own.layout.subnet(&self.slots, self.slot_bits, zone).filter(|_| own.is_in(zone))
    }

    /// Returns the letters, the spare ones included, for which there is a route table of its own.
    pub fn table_zones(&self, table: usize) -> Vec<Zone> {
        let users = || self.tiers.iter().filter(|tier| tier.route_table == table);
        self.slots.keys().copied().filter(|zone| users().any(|tier| tier.is_in(*zone))).collect()
    }

    /// Returns the name of a flow's end.
    pub fn peer_name<'a>(&'a self, peer: &'a Peer) -> &'a str {
        match peer {
            Peer::Tier(tier) => self.tiers[*tier].name.as_str(),
            Peer::Internet => crate::topology::INTERNET,
            Peer::Endpoint(service) => service,
            Peer::Place(place) => self.places[*place].name.as_str(),
        }
    }

    /// Returns the letters of Local Zones, whose names only a caller knows.
    pub fn local_zones(&self) -> Vec<Zone> {
        let local = self.tiers.iter().filter(|tier| tier.site == Some(Site::LocalZone));
        let letters: BTreeSet<Zone> = local.flat_map(|tier| tier.zones.iter().flatten().copied()).collect();
        letters.into_iter().collect()
    }

    /// Returns whether a zone has a NAT gateway.
    pub fn has_nat(&self, zone: Zone) -> bool {
        self.nat.as_ref().is_some_and(|nat| nat.gateways.has(zone) && self.tiers[nat.tier].is_in(zone))
    }

    /// Returns the letters of which each needs another, that of its NAT gateway, beside it.
    pub fn nat_fallbacks(&self) -> BTreeMap<Zone, Zone> {
        let Some(Nat { gateways: gateways @ Gateways::Zones { .. }, .. }) = &self.nat else {
            return BTreeMap::new();
        };
        let private =
            |zone: &Zone| self.tiers.iter().any(|tier| tier.access == Access::Private && tier.is_in(*zone));
        let letters = self.slots.keys().copied().filter(private);
        letters.map(|zone| (zone, gateways.of(zone))).filter(|(zone, home)| zone != home).collect()
    }

    /// Returns the ranges that a route is about.
    pub fn destinations(&self, destination: Destination) -> Vec<Cidr> {
        match destination {
            Destination::Range(range) => vec![range],
            Destination::Place(place) => self.places[place].ranges.clone(),
        }
    }
}
