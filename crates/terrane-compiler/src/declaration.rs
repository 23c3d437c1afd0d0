//! A topology that has been read: every value is of its type, and every rule of its own holds.
//!
//! The allocator and the resolver take a [`Declaration`] and never check again.

mod flows;
mod limits;
pub(crate) mod names;
pub(crate) mod ranges;
mod read;
mod tags;
mod tiers;

use std::collections::BTreeMap;

use crate::diagnostics::{Diagnostics, Origin};
use crate::features::Declared;
use crate::names::{Cidr, Name, PortRange, PrefixLength, Zone};
use crate::sizing::Room;
use crate::topology::Topology;
pub use crate::topology::{Access, Dns, FlowProtocol, Site};

/// A topology that has been read.
///
/// - `ranges[0]` is the base range.
/// - `zones` are sorted and distinct; there are as many as the features need.
/// - Names of tiers are distinct, also as Terraform identifiers, and none is `internet` or that of an endpoint.
/// - Every name that refers to a tier, range, or endpoint refers to one that exists.
#[derive(Clone, Debug, PartialEq)]
pub struct Declaration {
    /// The module's name.
    pub name: Name,
    /// What the network is for.
    pub description: String,
    /// The oldest Terraform version that must be able to use the module, as major and minor.
    pub terraform: Option<(u64, u64)>,
    /// The base range and the secondary ones.
    pub ranges: Vec<Range>,
    /// Zone letters.
    pub zones: Vec<Zone>,
    /// Tiers in the order of declaration.
    pub tiers: Vec<Tier>,
    /// Named ranges outside the VPC.
    pub places: Vec<Place>,
    /// What leads to places.
    pub attachments: Vec<Attachment>,
    /// What may talk to what.
    pub flows: Vec<Flow>,
    /// What its features read.
    pub features: Declared,
    /// Ranges elsewhere that no range may overlap, the service range of EKS among them.
    pub keep_clear: Vec<KeepClear>,
    /// DNS settings.
    pub dns: Dns,
    /// Tags on everything.
    pub tags: BTreeMap<String, String>,
    /// Tiers whose reserved blocks are free again.
    pub reclaim: Vec<Name>,
    /// Where it was declared.
    pub origin: Origin,
    /// What its author should know although it stops nothing.
    pub warnings: Diagnostics,
}

/// What a feature reads its keys with.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    /// The topology.
    pub(crate) topology: &'a Topology,
    /// Its zones, those that are zones.
    pub(crate) zones: &'a [Zone],
    /// Its ranges, the base range first; `None` in the place of each that is wrong.
    pub(crate) ranges: &'a [Option<Range>],
    /// Its tiers; `None` in the place of each that is wrong.
    pub(crate) tiers: &'a [Option<Tier>],
}

/// A range of the VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its name: `base`, or the one declared.
    pub name: Name,
    /// Where it lies by default.
    pub cidr: Cidr,
    /// Where it was declared.
    pub origin: Origin,
}

/// A tier.
#[derive(Clone, Debug, PartialEq)]
pub struct Tier {
    /// Its name.
    pub name: Name,
    /// Who can reach it.
    pub access: Access,
    /// The zones that it has subnets in, sorted and distinct; `None` for every zone, the spare letters included.
    pub zones: Option<Vec<Zone>>,
    /// Where its subnets are, if not in the region's availability zones.
    pub site: Option<Site>,
    /// Its route table; tiers of one access share tables by name.
    pub route_table: RouteTable,
    /// The index of its range in [`Declaration::ranges`].
    pub range: usize,
    /// How large its subnets are.
    pub size: Size,
    /// Whether the need alone sets the size, so that a block with more room serves as well.
    pub sized_by_need: bool,
    /// The longest prefix length that has room for the need; 28 without one.
    pub max_length: PrefixLength,
    /// The generation of its block.
    pub generation: u32,
    /// Names it had before, oldest first.
    pub renamed_from: Vec<Name>,
    /// Whether the caller may name security groups whose members may do what other tiers' members may do to it.
    pub client_groups: bool,
    /// Whether instances that start in it get public addresses.
    pub public_ips: bool,
    /// Tags on its subnets.
    pub tags: BTreeMap<String, String>,
    /// Where it was declared.
    pub origin: Origin,
}

impl Tier {
    /// Returns those of these zones that it has subnets in.
    pub fn zones_of<'a>(&'a self, all: &'a [Zone]) -> impl Iterator<Item = Zone> + 'a {
        all.iter().copied().filter(|zone| self.zones.as_ref().is_none_or(|own| own.contains(zone)))
    }
}

/// The route table of a tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteTable {
    /// Its name: `public`, `private`, or `isolated`, after the access of its tiers, or the one declared.
    pub name: Name,
    /// Whether there is one for each zone.
    pub per_zone: bool,
}

/// How large the subnets of a tier are.
#[derive(Clone, Debug, PartialEq)]
pub enum Size {
    /// Each has this prefix length when the range is as declared.
    PrefixLength {
        /// That length.
        length: PrefixLength,
        /// What each must have room for; none if not declared.
        need: Option<Room>,
    },
    /// Each has its own range, inside the tier's range.
    Pinned(BTreeMap<Zone, Cidr>),
}

/// One end of a flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The index of a tier in [`Declaration::tiers`].
    Tier(usize),
    /// Everything outside the network.
    Internet,
    /// A gateway endpoint by service.
    Endpoint(String),
    /// The index of a place in [`Declaration::places`].
    Place(usize),
}

/// Named ranges outside the VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub name: Name,
    /// Its ranges, one or more; they overlap neither a range of the VPC nor another place.
    pub ranges: Vec<Cidr>,
    /// What leads to it, an index of [`Declaration::attachments`]; the internet if absent.
    pub via: Option<usize>,
    /// Where it was declared.
    pub origin: Origin,
}

/// What leads to places: a transit gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: Name,
}

/// A declared permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Who opens connections; never an endpoint.
    pub from: Peer,
    /// Who accepts them.
    pub to: Peer,
    /// The protocol.
    pub protocol: FlowProtocol,
    /// Destination ports, sorted, disjoint, and not adjacent; `ALL` where the protocol has none.
    pub ports: Vec<PortRange>,
    /// Whether load balancers in a public tier pass on the addresses of their clients to a tier that is not.
    pub client_addresses: bool,
    /// What it is for; may be empty.
    pub purpose: String,
    /// Where it was declared.
    pub origin: Origin,
}

/// A range elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeepClear {
    /// Whose range it is.
    pub name: String,
    /// The range.
    pub cidr: Cidr,
}
