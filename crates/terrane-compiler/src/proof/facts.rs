//! What the verifier knows of a network: subnets, routes, filters, and gateways, whoever made them.
//!
//! A [`crate::network::Network`] becomes [`Facts`] once for each placement of its ranges;
//! a plan or a state becomes [`Facts`] as it stands.
//! Facts are of one address family; a network of both has facts of each.
//! What a source does not tell is `None`, or [`Hop::Unmodelled`], and leads to `UNKNOWN`, never to a guess.

use std::collections::{BTreeMap, BTreeSet};

use crate::diagnostics::Origin;
use crate::family::{Address, V4};
use crate::names::Cidr;
use crate::network::{Access, Direction};
use crate::proof::headers::Headers;

/// An interval of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span<A: Address = V4> {
    /// The first address.
    pub first: A,
    /// The last address, not below the first.
    pub last: A,
}

impl<A: Address> Span<A> {
    /// Every address.
    pub const ALL: Span<A> = Span { first: A::FIRST, last: A::LAST };

    /// Returns whether it holds an address.
    pub fn contains(self, address: A) -> bool {
        self.first <= address && address <= self.last
    }

    /// Returns whether the two share an address.
    pub fn overlaps(self, other: Span<A>) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl<A: Address> From<Cidr<A>> for Span<A> {
    fn from(cidr: Cidr<A>) -> Span<A> {
        Span { first: cidr.first(), last: cidr.last() }
    }
}

impl<A: Address> std::fmt::Display for Span<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Cidr::around(self.first, self.first.common_prefix(self.last)) {
            Some(cidr) if Span::from(cidr) == *self => cidr.fmt(f),
            _ => write!(f, "{}-{}", self.first.ip(), self.last.ip()),
        }
    }
}

/// A network as the verifier sees it.
///
/// - An index names an element of the list of the same name.
/// - Subnets do not overlap, and lie inside `ranges`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts<A: Address = V4> {
    /// The VPC's ranges: every route table leads to them implicitly.
    pub ranges: Vec<Span<A>>,
    /// Kinds of subnets, which verdicts are about.
    pub tiers: Vec<TierFacts>,
    /// Subnets.
    pub subnets: Vec<Subnet<A>>,
    /// Route tables.
    pub tables: Vec<Table<A>>,
    /// Network ACLs.
    pub acls: Vec<AclFacts<A>>,
    /// Security groups.
    pub groups: Vec<GroupFacts<A>>,
    /// NAT gateways.
    pub nats: Vec<NatFacts>,
    /// Named ranges outside the VPC, which share no address.
    pub places: Vec<PlaceFacts<A>>,
    /// Names of what leads to places; what lies behind is not known.
    pub attachments: Vec<String>,
    /// What routes lead to and the verifier does not model.
    pub unmodelled: Vec<Unmodelled>,
    /// Why something about a subnet is not known, by the subnet's name.
    pub unresolved: BTreeMap<String, Vec<String>>,
    /// Tiers of which it is not known whether they are public, as indices of `tiers`.
    pub unsettled: BTreeSet<usize>,
    /// What the source holds and the verifier does not know enough of.
    pub doubts: Vec<Doubt>,
    /// Whether the VPC's default security group, network ACL, and main route table are closed; `None` if not told.
    pub defaults_closed: Option<bool>,
}

/// Something that leaves claims undecided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// What it is, in words: a resource, an attribute, and why it matters.
    pub why: String,
    /// The subnets that it can touch, as indices of [`Facts::subnets`]; `None` for all.
    pub subnets: Option<BTreeSet<usize>>,
    /// Whether routes, filters, and addresses themselves are in doubt, so that no claim about these subnets is sure;
    /// otherwise something may lead packets past them, and claims about what gets through are not.
    pub whole: bool,
}

/// Something that routes lead to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmodelled {
    /// What it is, in words.
    pub name: String,
    /// Whether it may be an internet gateway.
    pub internet: bool,
}

/// A kind of subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierFacts {
    /// Its name.
    pub name: String,
    /// Who should be able to reach it.
    pub access: Access,
    /// Where it was declared.
    pub origin: Origin,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet<A: Address = V4> {
    /// Its name.
    pub name: String,
    /// Its tier.
    pub tier: usize,
    /// Its zone; empty if that is not known.
    pub zone: String,
    /// Whether the zone is a spare one, not in use unless the caller asks for it.
    pub spare: bool,
    /// Its addresses.
    pub span: Span<A>,
    /// Its route table; `None` if that is not known.
    pub table: Option<usize>,
    /// Its network ACL; `None` if that is not known.
    pub acl: Option<usize>,
    /// The security group of its interfaces; `None` if that is not known.
    pub group: Option<usize>,
}

/// A route table. The longest prefix that holds an address decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table<A: Address = V4> {
    /// Its name.
    pub name: String,
    /// Its routes, without those to the VPC's own ranges.
    pub routes: Vec<Route<A>>,
    /// Services with a gateway endpoint in it, whose addresses are not known.
    pub endpoints: Vec<String>,
    /// Routes whose destination is not known.
    pub open: Vec<OpenRoute>,
    /// A route of IPv6 to an internet gateway, or to what may be one.
    pub v6: Option<Unmodelled>,
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<A: Address = V4> {
    /// The destination.
    pub destination: Cidr<A>,
    /// Where it leads.
    pub hop: Hop,
}

/// A route whose destination is not known: it may decide for any address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenRoute {
    /// Where it leads.
    pub hop: Hop,
    /// What it is, an index of [`Facts::unmodelled`].
    pub what: usize,
    /// Whether it may lead addresses of the VPC elsewhere.
    pub inside: bool,
}

/// Where packets go next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hop {
    /// Nowhere: no route.
    None,
    /// Nowhere: a route to something that is not there.
    Blackhole,
    /// To the subnet that has the address.
    Local,
    /// To the internet gateway.
    Internet,
    /// To a NAT gateway.
    Nat(usize),
    /// To an attachment, which passes packets on as they are, both ways.
    Attachment(usize),
    /// To something the verifier does not model, an index of [`Facts::unmodelled`].
    Unmodelled(usize),
}

/// A NAT gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatFacts {
    /// Its name.
    pub name: String,
    /// The subnet that holds it; `None` if that is not known.
    pub subnet: Option<usize>,
    /// Whether it has a public address.
    pub public: bool,
}

/// Named ranges outside the VPC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceFacts<A: Address = V4> {
    /// Its name.
    pub name: String,
    /// Its ranges.
    pub spans: Vec<Span<A>>,
    /// Whether it is a part of the internet, so that what is declared of the internet is declared of it.
    pub on_internet: bool,
}

impl<A: Address> PlaceFacts<A> {
    /// Returns whether an address is in one of its ranges.
    pub fn contains(&self, address: A) -> bool {
        self.spans.iter().any(|span| span.contains(address))
    }
}

/// A network ACL: in each direction the first rule that matches decides, and what none matches is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclFacts<A: Address = V4> {
    /// Its name.
    pub name: String,
    /// Its rules, each direction by ascending number.
    pub rules: Vec<Rule<A>>,
}

/// A rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule<A: Address = V4> {
    /// Its direction, seen from the subnet.
    pub direction: Direction,
    /// Its number.
    pub number: u16,
    /// Whether it allows or denies.
    pub allow: bool,
    /// What it matches.
    pub headers: Headers,
    /// The sources of ingress, the destinations of egress.
    pub peer: Span<A>,
    /// The words for `peer`.
    pub peer_name: String,
    /// What it follows from, in words.
    pub why: String,
}

/// A security group: what any rule allows is allowed, and replies need no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFacts<A: Address = V4> {
    /// Its name.
    pub name: String,
    /// Its rules.
    pub rules: Vec<GroupRuleFacts<A>>,
    /// Whether these are all of them; otherwise no subnet may name it.
    pub known: bool,
}

/// A rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRuleFacts<A: Address = V4> {
    /// Its direction, seen from the interface.
    pub direction: Direction,
    /// What it matches.
    pub headers: Headers,
    /// The other side.
    pub peer: GroupPeerFacts<A>,
    /// Its name and what it follows from, in words.
    pub why: String,
}

/// The other side of a security group rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupPeerFacts<A: Address = V4> {
    /// These addresses.
    Span(Span<A>),
    /// Members of this group.
    Group(usize),
    /// The addresses of this service, which are public and not known.
    Service(String),
    /// Members of groups that a caller names, who are none of the subnets' interfaces: a residual says so.
    Clients,
    /// Somebody who is not known: anybody, by upper bound.
    Anybody,
}
