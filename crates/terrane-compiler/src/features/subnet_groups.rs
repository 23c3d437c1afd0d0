//! Groups of subnets for databases and caches.
//!
//! A new kind is one file with a [`Kind`] and one line in [`KINDS`].

mod dax;
mod dms;
mod docdb;
mod elasticache;
mod memorydb;
mod neptune;
mod rds;
mod redshift;

use terrane_contract::Holds;

use super::{Feature, Resolution};
use crate::module::syntax::{Body, call, each, expr, object, string, template};
use crate::module::{File, Module, Moved, Output, Resource};
use crate::network::{Network, SubnetGroup};

pub(super) const FEATURE: Feature = Feature { resolve, lower };

/// Every kind of subnet group, by name.
pub const KINDS: &[Kind] = &[
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
pub struct Kind {
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
const USUAL: Kind = Kind {
    name: "",
    title: "",
    resource_type: "",
    name_argument: "name",
    description_argument: "description",
    suffix: "",
    tags: true,
};

/// Returns the kind with this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

fn resolve(resolution: &mut Resolution<'_>) {
    resolution.network.subnet_groups = resolution
        .declaration
        .subnet_groups
        .iter()
        .map(|group| SubnetGroup { kind: group.kind.clone(), tier: group.tier })
        .collect();
}

fn lower(network: &Network, module: &mut Module) {
    for kind in KINDS {
        let groups: Vec<&SubnetGroup> =
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

fn subnet_group(network: &Network, kind: &Kind, group: &SubnetGroup) -> Resource {
    let tier = &network.tiers[group.tier];
    let id = tier.name.identifier();
    let name = format!("${{var.name}}-{}{}", tier.first_name(), kind.suffix);
    let mut body = Body::new()
        .arg(kind.name_argument, template(name.clone()))
        .arg(kind.description_argument, string(&format!("{} in the {} subnets", kind.title, tier.name)))
        .arg("subnet_ids", each("subnet", super::tiers::subnets(tier), "id"));
    if kind.tags {
        body = body.blank().arg("tags", super::vpc::tags(network, template(name)));
    }
    Resource::new(File::SubnetGroups, kind.resource_type, &id, body)
}

fn output(network: &Network, kind: &Kind, groups: &[&SubnetGroup]) -> Output {
    let names = groups.iter().flat_map(|group| {
        let tier = &network.tiers[group.tier];
        let id = tier.name.identifier();
        let name = expr(&format!("{}.{id}.{}", kind.resource_type, kind.name_argument));
        tier.names().map(move |key| (key.identifier(), name.clone()))
    });
    Output {
        name: format!("{}_subnet_group_names", kind.name),
        description: format!("Names of the subnet groups of {} by tier.", kind.title),
        holds: Some(Holds::SubnetGroupName),
        value: call("tomap", [object(names)]),
    }
}
