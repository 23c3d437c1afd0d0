//! Tiers: one subnet in each of their zones, at the place that the ledger records.

use terrane_contract::Holds;

use super::common::{self, table_of};
use super::{Feature, Resolution};
use crate::address_plan::{AddressPlan, Layout};
use crate::declaration::{Declaration, Size};
use crate::emit::Picture;
use crate::module::syntax::{Body, Expr, by_letter, call, each, each_key, equal, interpolated, local, object, reference, string, var};
use crate::module::{Condition, File, Local, Module, Moved, Output, Resource};
use crate::names::{Block, Name};
use crate::network::{Access, Network, Site, Tier};

pub(super) const FEATURE: Feature = Feature {
    resolve,
    lower,
    types: || vec!["aws_subnet"],
    named_after_tiers: &["aws_subnet"],
    draw,
    ..Feature::NONE
};

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, plan, network, .. } = resolution;
    network.slots.clone_from(&plan.slots);
    network.slot_bits = plan.slot_bits;
    for (idx, tier) in declaration.tiers.iter().enumerate() {
        if let (Layout::Pinned(blocks), None) = (&plan.tiers[idx], &tier.zones) {
            network.slots.retain(|letter, _| blocks.contains_key(letter));
        }
        network.tiers.push(Tier {
            name: tier.name.clone(),
            access: tier.access,
            zones: tier.zones.clone(),
            site: tier.site,
            range: tier.range,
            layout: plan.tiers[idx].clone(),
            cover: cover(resolution.declaration, plan, idx),
            need: match &tier.size {
                Size::PrefixLength { need, .. } => need.clone(),
                Size::Pinned(_) => None,
            },
            route_table: 0,
            tags: tier.tags.clone(),
            tag_sets: Vec::new(),
            renamed_from: tier.renamed_from.clone(),
            client_groups: tier.client_groups,
            public_ips: tier.public_ips,
            origin: tier.origin.clone(),
        });
    }
}

/// Returns the fewest blocks that hold a tier's subnets and touch no other tier.
fn cover(declaration: &Declaration, plan: &AddressPlan, tier: usize) -> Vec<Block> {
    let blocks = plan.tiers[tier].blocks();
    let others: Vec<Block> = (0..plan.tiers.len())
        .filter(|other| *other != tier && declaration.tiers[*other].range == declaration.tiers[tier].range)
        .flat_map(|other| plan.tiers[other].blocks())
        .collect();
    match blocks.iter().copied().reduce(Block::join) {
        Some(smallest) if !others.iter().any(|other| other.overlaps(smallest)) => vec![smallest],
        _ => blocks,
    }
}

fn lower(network: &Network, module: &mut Module) {
    locals(network, module);
    for (idx, tier) in network.tiers.iter().enumerate() {
        module.resources.push(subnet(network, idx, tier));
        module.moved.extend(tier.renames().flat_map(|(old, new)| moved(old, new)));
    }
    outputs(network, module);
}

fn locals(network: &Network, module: &mut Module) {
    let mut add = |name: &str, comment: &str, value: Expr| {
        module.locals.push(Local {
            file: File::Vpc,
            name: name.to_owned(),
            comment: comment.to_owned(),
            value,
        });
    };
    add(
        "slots",
        "Zone letter to slot in the block of each tier; slots of letters not in use are spare.",
        object(network.slots.iter().map(|(letter, slot)| (letter.to_string(), Expr::Number((*slot).into())))),
    );
    let blocks = network.tiers.iter().map(|tier| {
        let mut parts: Vec<Expr> =
            tier.cover.iter().map(|block| place(network, tier.range, *block)).collect();
        let value = if parts.len() == 1 { parts.remove(0) } else { Expr::Array(parts) };
        (tier.name.identifier(), value)
    });
    add(
        "blocks",
        "The block of each tier, as the ledger records it. Network ACLs are written over these.",
        object(blocks),
    );
    for tier in &network.tiers {
        if let Some(letters) = &tier.zones {
            add(
                &format!("{}_zones", tier.name.identifier()),
                &format!("The zones of `{}`, which keeps its slots in the others.", tier.name),
                common::those(letters),
            );
        }
        if let Layout::Pinned(blocks) = &tier.layout {
            let ranges =
                blocks.iter().map(|(letter, block)| (letter.to_string(), place(network, tier.range, *block)));
            add(
                &format!("{}_ranges", tier.name.identifier()),
                &format!("The ranges of `{}` by zone letter.", tier.name),
                object(ranges),
            );
        }
    }
}

fn place(network: &Network, range: usize, block: Block) -> Expr {
    let variable = &network.ranges[range].variable;
    if block.newbits == 0 {
        var(variable)
    } else {
        call("cidrsubnet", [var(variable), block.newbits.into(), block.netnum.into()])
    }
}

fn subnet(network: &Network, idx: usize, tier: &Tier) -> Resource {
    let id = tier.name.identifier();
    let vpc_id = match tier.range {
        0 => common::vpc_id(),
        range => {
            reference("aws_vpc_ipv4_cidr_block_association", &network.ranges[range].name.identifier()).attr("vpc_id")
        }
    };
    let cidr_block = match &tier.layout {
        Layout::Block(_) => {
            let slot = local("slots").at(each_key());
            call("cidrsubnet", [common::block(network, idx, 0), network.slot_bits.into(), slot])
        }
        Layout::Pinned(_) => local(&format!("{id}_ranges")).at(each_key()),
    };
    let mut body = Body::new()
        .arg("vpc_id", vpc_id)
        .arg("cidr_block", cidr_block)
        .arg("availability_zone", local("zone_names").at(each_key()));
    body = common::site(tier, body);
    if tier.public_ips {
        body = body.arg("map_public_ip_on_launch", Expr::Bool(true));
    }
    let mut subnet = Resource::new(File::Vpc, "aws_subnet", &id, body.blank().arg("tags", tags(network, tier)))
        .for_each(common::zones(tier))
        .ignore_changes(["availability_zone", "availability_zone_id"])
        .comment(&description(tier));
    subnet.postconditions.push(stays_in_its_zone());
    subnet
}

/// Returns the check that a letter keeps its availability zone: a change of that is left alone, so that no look-up of
/// zones ever replaces a subnet.
fn stays_in_its_zone() -> Condition {
    let (stands, given) = (|| reference("self", "availability_zone"), || local("zone_names").at(each_key()));
    Condition {
        condition: equal(stands(), given()),
        error_message: interpolated([
            "zones gives the letter ".into(),
            each_key(),
            " to ".into(),
            given(),
            ", but its subnet stands in ".into(),
            stands(),
            "; take another letter for that zone.".into(),
        ]),
    }
}

fn description(tier: &Tier) -> String {
    let way = match tier.access {
        Access::Public => "public, with a route to the internet gateway",
        Access::Private => "private",
        Access::Isolated => "isolated, with no way out of the VPC",
    };
    let way = match tier.site {
        Some(Site::LocalZone) => format!("{way}; in a Local Zone"),
        Some(Site::Outpost) => format!("{way}; on an Outpost"),
        None => way.to_owned(),
    };
    match &tier.need {
        Some(room) => {
            format!(
                "`{}`: {way}. Each subnet needs {} addresses: {}.",
                tier.name, room.addresses, room.reason
            )
        }
        None => format!("`{}`: {way}.", tier.name),
    }
}

fn tags(network: &Network, tier: &Tier) -> Expr {
    let name = common::named([string(&format!("{}-", tier.name)), each_key()]);
    let declared = tier.tags.iter().map(|(key, value)| (key.as_str(), string(value)));
    let own = table_of([("Name", name)].into_iter().chain(declared));
    let mut arguments = vec![common::common_tags(network), own];
    arguments.extend(tier.tag_sets.iter().map(|set| local(set)));
    call("merge", arguments)
}

/// Returns the moves of everything that has a tier's name.
fn moved(old: &Name, new: &Name) -> impl Iterator<Item = Moved> {
    let (old, new) = (old.identifier(), new.identifier());
    let types = super::ALL.iter().flat_map(|feature| feature.named_after_tiers);
    types.map(move |ty| Moved { from: format!("{ty}.{old}"), to: format!("{ty}.{new}") })
}

fn draw(network: &Network, picture: &mut Picture) {
    for (idx, tier) in network.tiers.iter().enumerate() {
        for zone in &network.zones {
            if let Some(block) = network.subnet(idx, *zone) {
                let range = network.place(tier.range, block);
                let node = format!("{}_{zone}[\"{}-{zone}<br/>{range}\"]", tier.name.identifier(), tier.name);
                picture.zone(*zone).nodes.push(node);
            }
        }
    }
}

fn outputs(network: &Network, module: &mut Module) {
    let mut output = |name: &str, description: &str, holds, value: Expr| {
        let (name, description) = (name.to_owned(), description.to_owned());
        module.outputs.push(Output { name, description, holds: Some(holds), value });
    };
    output(
        "availability_zones",
        "Name of the availability zone by zone letter.",
        Holds::AvailabilityZone,
        call("tomap", [availability_zones(network)]),
    );
    output(
        "subnet_ids",
        "Ids of subnets by tier and zone letter.",
        Holds::SubnetId,
        by_tier_and_letter(network, "id"),
    );
    output(
        "subnet_cidr_blocks",
        "IPv4 ranges of subnets by tier and zone letter.",
        Holds::Ipv4Range,
        by_tier_and_letter(network, "cidr_block"),
    );
    for tier in &network.tiers {
        for name in tier.names() {
            let earlier =
                if *name == tier.name { String::new() } else { format!(", under the earlier name `{name}`") };
            output(
                &format!("{}_subnet_ids", name.identifier()),
                &format!("Ids of the `{}` subnets, in the order of their zone letters{earlier}.", tier.name),
                Holds::SubnetId,
                call("tolist", [each("subnet", common::subnets(tier), "id")]),
            );
        }
    }
}

/// Returns the names of the availability zones, as a tier has them that is in every zone, or all tiers together.
fn availability_zones(network: &Network) -> Expr {
    let of = |tier| by_letter("subnet", common::subnets(tier), "availability_zone");
    match network.tiers.iter().find(|tier| tier.zones.is_none()) {
        Some(tier) => of(tier),
        None => call("merge", network.tiers.iter().map(of)),
    }
}

fn by_tier_and_letter(network: &Network, attribute: &str) -> Expr {
    let tiers = network.tiers.iter().flat_map(|tier| {
        let map = call("tomap", [by_letter("subnet", common::subnets(tier), attribute)]);
        tier.names().map(move |name| (name.identifier(), map.clone()))
    });
    call("tomap", [object(tiers)])
}
