//! What the verifier knows of a network: subnets, routes, filters, and gateways, whoever made them.
//!
//! A [`crate::network::Network`] becomes [`Facts`] once for each placement of its ranges;
//! a plan or a state becomes [`Facts`] as it stands.
//! What a source does not tell is `None`, or [`Hop::Unmodelled`], and leads to `UNKNOWN`, never to a guess.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::diagnostics::Origin;
use crate::names::Cidr;
use crate::network::{Access, Direction};
use crate::proof::headers::Headers;

/// An interval of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first address.
    pub first: u32,
    /// The last address, not below the first.
    pub last: u32,
}

impl Span {
    /// Every address.
    pub const ALL: Span = Span { first: 0, last: u32::MAX };

    /// Returns whether it holds an address.
    pub fn contains(self, address: u32) -> bool {
        self.first <= address && address <= self.last
    }

    /// Returns whether the two share an address.
    pub fn overlaps(self, other: Span) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl From<Cidr> for Span {
    fn from(cidr: Cidr) -> Span {
        Span { first: cidr.first(), last: u32::from(cidr.net().broadcast()) }
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let size = u64::from(self.last) - u64::from(self.first) + 1;
        if size.is_power_of_two() && u64::from(self.first).is_multiple_of(size) {
            write!(f, "{}/{}", Ipv4Addr::from(self.first), 32 - size.trailing_zeros())
        } else {
            write!(f, "{}-{}", Ipv4Addr::from(self.first), Ipv4Addr::from(self.last))
        }
    }
}

/// A network as the verifier sees it.
///
/// - An index names an element of the list of the same name.
/// - Subnets do not overlap, and lie inside `ranges`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The VPC's ranges: every route table leads to them implicitly.
    pub ranges: Vec<Span>,
    /// Kinds of subnets, which verdicts are about.
    pub tiers: Vec<TierFacts>,
    /// Subnets.
    pub subnets: Vec<Subnet>,
    /// Route tables.
    pub tables: Vec<Table>,
    /// Network ACLs.
    pub acls: Vec<AclFacts>,
    /// Security groups.
    pub groups: Vec<GroupFacts>,
    /// NAT gateways.
    pub nats: Vec<NatFacts>,
    /// What routes lead to and the verifier does not model.
    pub unmodelled: Vec<String>,
    /// Why something about a subnet is not known, by the subnet's name.
    pub unresolved: BTreeMap<String, Vec<String>>,
    /// What the source holds and could not be read, so that no claim about the whole can be proved.
    pub unread: Vec<String>,
    /// Whether the VPC's default security group, network ACL, and main route table are closed; `None` if not told.
    pub defaults_closed: Option<bool>,
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
pub struct Subnet {
    /// Its name.
    pub name: String,
    /// Its tier.
    pub tier: usize,
    /// Its zone; empty if that is not known.
    pub zone: String,
    /// Whether the zone is a spare one, not in use unless the caller asks for it.
    pub spare: bool,
    /// Its addresses.
    pub span: Span,
    /// Its route table; `None` if that is not known.
    pub table: Option<usize>,
    /// Its network ACL; `None` if that is not known.
    pub acl: Option<usize>,
    /// The security group of its interfaces; `None` if that is not known.
    pub group: Option<usize>,
}

/// A route table. The longest prefix that holds an address decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its routes, without those to the VPC's own ranges.
    pub routes: Vec<Route>,
    /// Services with a gateway endpoint in it, whose addresses are not known.
    pub endpoints: Vec<String>,
}

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destination.
    pub destination: Cidr,
    /// Where it leads.
    pub hop: Hop,
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

/// A network ACL: in each direction the first rule that matches decides, and what none matches is denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclFacts {
    /// Its name.
    pub name: String,
    /// Its rules, each direction by ascending number.
    pub rules: Vec<Rule>,
}

/// A rule of a network ACL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its direction, seen from the subnet.
    pub direction: Direction,
    /// Its number.
    pub number: u16,
    /// Whether it allows or denies.
    pub allow: bool,
    /// What it matches.
    pub headers: Headers,
    /// The sources of ingress, the destinations of egress.
    pub peer: Span,
    /// The words for `peer`.
    pub peer_name: String,
    /// What it follows from, in words.
    pub why: String,
}

/// A security group: what any rule allows is allowed, and replies need no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupFacts {
    /// Its name.
    pub name: String,
    /// Its rules.
    pub rules: Vec<GroupRuleFacts>,
    /// Whether these are all of them; otherwise no subnet may name it.
    pub known: bool,
}

/// A rule of a security group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRuleFacts {
    /// Its direction, seen from the interface.
    pub direction: Direction,
    /// What it matches.
    pub headers: Headers,
    /// The other side.
    pub peer: GroupPeerFacts,
    /// Its name and what it follows from, in words.
    pub why: String,
}

/// The other side of a security group rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupPeerFacts {
    /// These addresses.
    Span(Span),
    /// Members of this group.
    Group(usize),
    /// The addresses of this service, which are public and not known.
    Service(String),
    /// Members of a group that somebody else manages: none of the subnets' interfaces, as far as is known.
    Elsewhere,
}

/// Ranges that the internet does not route: what a must-reach check leaves out.
///
/// <https://www.iana.org/assignments/iana-ipv4-special-registry>
pub(crate) const NOT_INTERNET: [(u32, u8); 10] = [
    (0x0000_0000, 8),
    (0x0a00_0000, 8),
    (0x6440_0000, 10),
    (0x7f00_0000, 8),
    (0xa9fe_0000, 16),
    (0xac10_0000, 12),
    (0xc0a8_0000, 16),
    (0xc612_0000, 15),
    (0xe000_0000, 4),
    (0xf000_0000, 4),
];
