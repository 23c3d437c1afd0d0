//! Groups of subnets for databases and caches.
//!
//! A new kind is one file with a [`SubnetGroupKind`] and one line in [`SUBNET_GROUP_KINDS`].

mod dax;
mod dms;
mod docdb;
mod elasticache;
mod memorydb;
mod neptune;
mod rds;
mod redshift;

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use terrane_contract::Holds;

use super::{Feature, Resolution, common};
use crate::declaration::{Declaration, Reading, names};
use crate::module::syntax::{Body, call, each, object, reference, string};
use crate::module::{File, Module, Moved, Output, Resource};
use crate::diagnostics::{Code, Diagnostics, Origin, codes, report};
use crate::keys::{self, Key, Table, located};
use crate::network::{self, MinZones, Network, Spread};
use crate::suggest;
use crate::topology::Topology;

pub(super) const FEATURE: Feature = Feature {
    keys: KEYS,
    codes: CODES,
    resolve,
    lower,
    types: || SUBNET_GROUP_KINDS.iter().map(|kind| kind.resource_type).collect(),
    min_zones,
    spreads,
    ..Feature::NONE
};

/// Every kind of subnet group, by name.
pub const SUBNET_GROUP_KINDS: &[SubnetGroupKind] = &[
    dax::KIND,
    dms::KIND,
    docdb::KIND,
    elasticache::KIND,
    memorydb::KIND,
    neptune::KIND,
    rds::KIND,
    redshift::KIND,
];

/// A kind of subnet group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubnetGroupKind {
    /// The name in a topology.
    pub name: &'static str,
    /// What people call the service.
    pub title: &'static str,
    /// The Terraform resource type.
    pub resource_type: &'static str,
    /// The argument that takes the group's name.
    pub name_argument: &'static str,
    /// The argument that takes a description.
    pub description_argument: &'static str,
    /// What follows the tier in the group's name, where several kinds share one name space.
    pub suffix: &'static str,
    /// Whether the group takes tags.
    pub tags: bool,
}

/// The usual shape of a kind, for the files of this directory to start from.
const USUAL: SubnetGroupKind = SubnetGroupKind {
    name: "",
    title: "",
    resource_type: "",
    name_argument: "name",
    description_argument: "description",
    suffix: "",
    tags: true,
};

/// Returns the kind with this name.
fn kind(name: &str) -> Option<&'static SubnetGroupKind> {
    SUBNET_GROUP_KINDS.iter().find(|kind| kind.name == name)
}

/// A group of subnets for databases or caches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubnetGroup {
    /// The kind, such as `rds`: a name in [`SUBNET_GROUP_KINDS`].
    pub kind: String,
    /// The tier whose subnets it holds.
    pub tier: String,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

located!(SubnetGroup);

const KEYS: &[Key] = &[Key::new(
    "subnet_groups",
    "`kind`, such as `rds` or `elasticache` ([all of them](../crates/terrane-compiler/src/features/subnet_groups)), and `tier`",
    "none",
)
.many(&SUBNET_GROUP)];

static SUBNET_GROUP: Table = Table {
    title: "",
    about: "",
    keys: Cow::Borrowed(&[Key::required("kind", "the kind of group"), Key::required("tier", "the tier whose subnets it holds")]),
    read: keys::read::<SubnetGroup>,
};

/// What a topology says of it.
pub(super) type Keys = Vec<SubnetGroup>;

/// The same, each of a known kind and over a tier that exists.
pub(super) type Declared = Vec<network::SubnetGroup>;

pub(super) fn unsaid() -> Keys {
    Vec::new()
}

impl Topology {
    /// Adds a group of subnets.
    #[must_use]
    pub fn subnet_group(mut self, group: SubnetGroup) -> Topology {
        self.features.subnet_groups.push(group);
        self
    }
}

impl SubnetGroup {
    /// Returns a group of this kind over the subnets of a tier.
    #[track_caller]
    pub fn new(kind: &str, tier: &str) -> SubnetGroup {
        SubnetGroup { kind: kind.to_owned(), tier: tier.to_owned(), origin: Origin::caller() }
    }
}

codes! {
    /// The problems that this feature reports.
    const CODES;

    UNKNOWN_SUBNET_GROUP = "unknown-subnet-group", Error, ByItself:
        "There are no subnet groups of a kind",
        "A subnet group is a list of subnets for one service of AWS, such as `rds` or `elasticache`. The hint names the closest kind, or all of them. Correct the kind.";
    SUBNET_GROUP_ZONES = "subnet-group-zones", Error:
        "A subnet group has subnets in fewer than two zones",
        "Services of AWS that take a subnet group place a standby in another availability zone, so a group needs subnets in two: <https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_VPC.WorkingWithRDSInstanceinaVPC.html>. Declare a second zone, or add a letter to the zones of the tier.";
    DUPLICATE_SUBNET_GROUP = "duplicate-subnet-group", Error, ByItself:
        "A subnet group is declared twice",
        "A group of a kind over a tier has the subnets of that tier, so a second one would be the same and have the same name. Declare it once.";
}

pub(super) fn read(reading: &Reading<'_>, found: &mut Diagnostics) -> Option<Declared> {
    let Reading { topology, zones, .. } = *reading;
    topology.features.subnet_groups.iter().enumerate().map(|(idx, group)| {
        let kind = kind(&group.kind).is_some();
        if !kind {
            report!(
                found, Code::UNKNOWN_SUBNET_GROUP, &group.origin.at("kind"),
                "there are no subnet groups of kind `{}`", group.kind;
                "{}", suggest::hint(&group.kind, SUBNET_GROUP_KINDS.iter().map(|kind| kind.name))
            );
        }
        let user = format!("the {} subnet group", group.kind);
        let tier = names::tier(topology, &group.tier, &user, &group.origin.at("tier"), found)?;
        let (owner, count) = names::zones_of(topology, tier);
        if count < 2 {
            let hint = if zones.len() < 2 { "declare a second zone" } else { "add a second letter to the tier's `zones`" };
            report!(
                found, Code::SUBNET_GROUP_ZONES, &group.origin.at("tier"),
                "the {} subnet group of tier `{}` needs subnets in 2 zones, but {owner} has {count}", group.kind, group.tier;
                "{hint}"
            );
        }
        let same = |other: &&SubnetGroup| (&other.kind, &other.tier) == (&group.kind, &group.tier);
        if topology.features.subnet_groups[..idx].iter().any(|other| same(&other)) {
            report!(
                found, Code::DUPLICATE_SUBNET_GROUP, &group.origin,
                "the {} subnet group of tier `{}` is declared twice", group.kind, group.tier;
                "declare it once"
            );
        }
        Some(network::SubnetGroup { kind: kind.then(|| group.kind.clone())?, tier })
    }).collect()
}

fn min_zones(declaration: &Declaration) -> Option<MinZones> {
    declaration.features.subnet_groups.first()?;
    Some(MinZones { count: 2, reason: "a subnet group needs subnets in two availability zones" })
}

fn spreads(network: &Network) -> Vec<Spread> {
    let spread = |group: &network::SubnetGroup| Spread {
        name: format!("subnet group {} of {}", group.kind, network.tiers[group.tier].name),
        tier: group.tier,
        zones: 2,
        otherwise: "it takes no new instance with a standby in another zone, and cannot be made anew",
    };
    network.subnet_groups.iter().map(spread).collect()
}

fn resolve(resolution: &mut Resolution<'_>) {
    resolution.network.subnet_groups.clone_from(&resolution.declaration.features.subnet_groups);
}

fn lower(network: &Network, module: &mut Module) {
    for kind in SUBNET_GROUP_KINDS {
        let groups: Vec<&network::SubnetGroup> =
            network.subnet_groups.iter().filter(|group| group.kind == kind.name).collect();
        if groups.is_empty() {
            continue;
        }
        for group in &groups {
            let tier = &network.tiers[group.tier];
            module.resources.push(subnet_group(network, kind, group));
            module.moved.extend(tier.renames().map(|(old, new)| Moved {
                from: format!("{}.{}", kind.resource_type, old.identifier()),
                to: format!("{}.{}", kind.resource_type, new.identifier()),
            }));
        }
        module.outputs.push(output(network, kind, &groups));
    }
}

fn subnet_group(network: &Network, kind: &SubnetGroupKind, group: &network::SubnetGroup) -> Resource {
    let tier = &network.tiers[group.tier];
    let id = tier.name.identifier();
    let name = common::named([string(&format!("{}{}", tier.first_name(), kind.suffix))]);
    let mut body = Body::new()
        .arg(kind.name_argument, name.clone())
        .arg(kind.description_argument, string(&format!("{} in the {} subnets", kind.title, tier.name)))
        .arg("subnet_ids", each("subnet", common::subnets(tier), "id"));
    if kind.tags {
        body = body.blank().arg("tags", common::tags(network, name));
    }
    // Another name or description would replace the group, which databases hold on to.
    Resource::new(File::SubnetGroups, kind.resource_type, &id, body)
        .ignore_changes([kind.name_argument, kind.description_argument])
}

fn output(network: &Network, kind: &SubnetGroupKind, groups: &[&network::SubnetGroup]) -> Output {
    let names = groups.iter().flat_map(|group| {
        let tier = &network.tiers[group.tier];
        let id = tier.name.identifier();
        let name = reference(kind.resource_type, &id).attr(kind.name_argument);
        tier.names().map(move |key| (key.identifier(), name.clone()))
    });
    Output {
        name: format!("{}_subnet_group_names", kind.name),
        description: format!("Names of the subnet groups of {} by tier.", kind.title),
        holds: Some(Holds::SubnetGroupName),
        value: call("tomap", [object(names)]),
    }
}
