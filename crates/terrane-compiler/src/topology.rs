//! Declare: the network as its author writes it down.
//!
//! A [`Topology`] holds the author's own words, right or wrong, each with the place where it was declared;
//! [`crate::declaration`] reads it and reports everything that cannot be.
//! It goes to TOML and JSON and back without loss.
//!
//! ```
//! use terrane_compiler::topology::{Egress, Flow, SubnetGroup, Tier, Topology};
//!
//! let topology = Topology::new("shop")
//!     .base("10.0.0.0/16")
//!     .zones(["a", "b", "c"])
//!     .tier(Tier::public("pub").prefix_length(24))
//!     .tier(Tier::private("app").prefix_length(20))
//!     .tier(Tier::private("db").prefix_length(24))
//!     .egress(Egress::nat_per_zone())
//!     .flow(Flow::tcp([443]).from("internet").to("pub"))
//!     .flow(Flow::tcp([8080]).from("pub").to("app"))
//!     .flow(Flow::tcp([5432]).from("app").to("db"))
//!     .flow(Flow::tcp([443]).from("app").to("internet"))
//!     .subnet_group(SubnetGroup::new("rds", "db"));
//! assert_eq!(topology.tiers.len(), 3);
//! ```

mod builder;
mod tables;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnostics::{Origin, Places};
pub use crate::features::Keys;
pub use crate::features::words::*;
use crate::keys::is_no;

pub(crate) use self::tables::table;

/// The name that flows use for everything outside the network.
pub const INTERNET: &str = "internet";

/// A network as it is declared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topology {
    /// The module's name, and the prefix of the names of what it creates.
    pub name: String,
    /// What the network is for, in a sentence or two.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The oldest Terraform version that must be able to use the module, such as `1.5`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terraform: Option<String>,
    /// The base range: the VPC's primary IPv4 range, and the default of `var.cidr_block`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub base: String,
    /// Zone letters.
    #[serde(default)]
    pub zones: Vec<String>,
    /// DNS settings of the VPC.
    #[serde(default)]
    pub dns: Dns,
    /// Tags on everything that takes tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Ranges beside the base range.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondary: Vec<SecondaryRange>,
    /// Tiers, in the order of declaration.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// What may talk to what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<Flow>,
    /// Ranges elsewhere that this network must never overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keep_clear: Vec<KeepClear>,
    /// Names that tiers once had and nobody may use again before the next major version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<String>,
    /// Tiers, once removed or grown into a later generation, whose reserved blocks are free again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reclaim: Vec<String>,
    /// What its features have keys for.
    #[serde(flatten)]
    pub features: Keys,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
    /// Where those of its values were declared that are no parts with an origin of their own.
    #[serde(skip)]
    pub places: Places,
}

/// A range beside the base range.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondaryRange {
    /// The name that tiers use for it; its variable is `<name>_cidr_block`.
    pub name: String,
    /// The range, and the default of its variable.
    pub cidr: String,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

/// Who can reach a tier from outside, and what it can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Access {
    /// Its default route leads to the internet gateway.
    Public,
    /// Its default route leads to a NAT gateway, if the network has one.
    Private,
    /// It has no default route, and there is no way to give it one.
    Isolated,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Access::Public => "public",
            Access::Private => "private",
            Access::Isolated => "isolated",
        })
    }
}

/// A logical subnet over all zones, or some of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// Its name, such as `db`.
    pub name: String,
    /// Who can reach it, and what it can reach.
    pub access: Access,
    /// The zone letters that it has subnets in; every zone if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zones: Option<Vec<String>>,
    /// Where its subnets are, if not in the region's availability zones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// The name of its route table, which it shares with the tiers that name the same; that of its access if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_table: Option<String>,
    /// Whether its route table is one for each zone; if absent, only that of private tiers is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_zone: Option<bool>,
    /// The name of the range its addresses come from; the base range if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<String>,
    /// The prefix length of each of its subnets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_length: Option<u8>,
    /// The generation of its block: 2 and more after it has outgrown the one before.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub generation: u32,
    /// Names it had before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub renamed_from: Vec<String>,
    /// The range of each of its subnets by zone letter, inside the range it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ranges: Option<BTreeMap<String, String>>,
    /// What its subnets must have room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub need: Option<Need>,
    /// Whether the caller may name security groups whose members may do what other tiers' members may do to it.
    #[serde(default, skip_serializing_if = "is_no")]
    pub client_security_groups: bool,
    /// Whether instances that start in it get public addresses unless they say otherwise; for public tiers alone.
    #[serde(default, skip_serializing_if = "is_no")]
    pub public_ips: bool,
    /// Tags on its subnets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

/// A place of AWS outside a region's availability zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Site {
    /// Local Zones: the caller maps the tier's letters to them.
    LocalZone,
    /// An Outpost, which the caller names.
    Outpost,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Site::LocalZone => "Local Zone",
            Site::Outpost => "Outpost",
        })
    }
}

/// What the subnets of a tier must have room for: the input of the sizing model.
///
/// Counts are of the whole network at its peak; [`crate::sizing`] turns them into addresses per zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Need {
    /// Kubernetes nodes over all zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// Expected growth over the plan's horizon, in percent; 100 doubles the nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub growth_percent: Option<u32>,
    /// Pods per node; the most the node can hold if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods_per_node: Option<u32>,
    /// How pods get their addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cni: Option<CniMode>,
    /// Network interfaces that the node's instance type can have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interfaces_per_node: Option<u32>,
    /// IPv4 addresses per network interface of the node's instance type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses_per_interface: Option<u32>,
    /// Whether this tier holds the pods of nodes that live in another tier.
    #[serde(skip_serializing_if = "is_no")]
    pub pods_only: bool,
    /// Instances (databases, caches, proxies, machines) per zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// Application load balancers; each needs 8 free addresses per zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancers: Option<u32>,
    /// Interface endpoints; each takes one address per zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<u32>,
}

/// How the VPC CNI gives addresses to pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CniMode {
    /// One secondary address of the node's subnet per pod.
    SecondaryIp,
    /// A /28 of the node's subnet per sixteen pods.
    PrefixDelegation,
    /// Pods in a tier of their own, one secondary address per pod.
    CustomSecondaryIp,
    /// Pods in a tier of their own, a /28 per sixteen pods.
    CustomPrefixDelegation,
}

/// A declared permission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// A tier, or `internet`.
    #[serde(default)]
    pub from: String,
    /// A tier, `internet`, or the name of a gateway endpoint (`s3`, `dynamodb`).
    #[serde(default)]
    pub to: String,
    /// The protocol.
    #[serde(default)]
    pub protocol: FlowProtocol,
    /// Destination ports and port ranges, for tcp and udp: `5432` or `30000-32767`; empty means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Ports>,
    /// Whether load balancers in `from` pass on the addresses of their clients on the internet, as Network Load Balancers
    /// do, so that network ACLs of `to` see those.
    #[serde(default, skip_serializing_if = "is_no")]
    pub client_addresses: bool,
    /// What it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub purpose: String,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

/// The protocol of a flow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, all types.
    Icmp,
    /// Every protocol.
    Any,
}

/// A port or a range of ports, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ports {
    /// One port.
    One(i64),
    /// `from-to`.
    Range(String),
}

impl From<i64> for Ports {
    fn from(port: i64) -> Ports {
        Ports::One(port)
    }
}

impl From<i32> for Ports {
    fn from(port: i32) -> Ports {
        Ports::One(port.into())
    }
}

impl From<&str> for Ports {
    fn from(range: &str) -> Ports {
        Ports::Range(range.to_owned())
    }
}

impl From<std::ops::RangeInclusive<i32>> for Ports {
    fn from(range: std::ops::RangeInclusive<i32>) -> Ports {
        Ports::Range(format!("{}-{}", range.start(), range.end()))
    }
}

/// A range elsewhere that this network must never overlap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeepClear {
    /// Whose range it is.
    pub name: String,
    /// The range.
    pub cidr: String,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

/// DNS settings of the VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dns {
    /// Whether the Amazon DNS server answers.
    pub support: bool,
    /// Whether instances get DNS names.
    pub hostnames: bool,
}

impl Default for Dns {
    fn default() -> Dns {
        Dns { support: true, hostnames: true }
    }
}

fn first() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_first(value: &u32) -> bool {
    *value == 1
}
