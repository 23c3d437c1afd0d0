//! Route tables: one for public tiers, one per zone for private tiers, one for isolated tiers.

use terrane_contract::Holds;

use super::{Feature, Resolution};
use crate::module::syntax::{Body, by_letter, call, expr, reference, string, template};
use crate::module::{File, Module, Output, Resource};
use crate::network::{Access, Network, RouteTable, Target};

pub(super) const FEATURE: Feature = Feature { resolve, lower };

fn resolve(resolution: &mut Resolution<'_>) {
    let network = &mut resolution.network;
    let nat = network.nat.as_ref().map(|nat| nat.home.map_or(Target::NatOfZone, Target::NatOfHome));
    for (access, name, per_zone, default_route) in [
        (Access::Public, "public", false, Some(Target::InternetGateway)),
        (Access::Private, "private", true, nat),
        (Access::Isolated, "isolated", false, None),
    ] {
        let table = network.route_tables.len();
        let mut used = false;
        for tier in network.tiers.iter_mut().filter(|tier| tier.access == access) {
            tier.route_table = table;
            used = true;
        }
        if used {
            network.route_tables.push(RouteTable { name, per_zone, default_route, endpoints: Vec::new() });
        }
    }
}

fn lower(network: &Network, module: &mut Module) {
    for table in &network.route_tables {
        module.resources.push(route_table(network, table));
        module.resources.extend(default_route(table));
        module.outputs.push(output(table));
    }
    for tier in &network.tiers {
        let table = &network.route_tables[tier.route_table];
        let id = tier.name.identifier();
        let instance = if table.per_zone { "[each.key]" } else { "" };
        module.resources.push(
            Resource::new(
                File::Routes,
                "aws_route_table_association",
                &id,
                Body::new()
                    .hcl("subnet_id", &format!("aws_subnet.{id}[each.key].id"))
                    .hcl("route_table_id", &format!("aws_route_table.{}{instance}.id", table.name)),
            )
            .for_each("local.zones"),
        );
    }
}

fn route_table(network: &Network, table: &RouteTable) -> Resource {
    let tiers: Vec<String> = network
        .tiers
        .iter()
        .filter(|tier| network.route_tables[tier.route_table].name == table.name)
        .map(|tier| format!("`{}`", tier.name))
        .collect();
    let zone = if table.per_zone { "-${each.key}" } else { "" };
    let resource = Resource::new(
        File::Routes,
        "aws_route_table",
        table.name,
        Body::new()
            .hcl("vpc_id", "aws_vpc.this.id")
            .blank()
            .arg("tags", super::vpc::tags(network, template(format!("${{var.name}}-{}{zone}", table.name)))),
    );
    let each = if table.per_zone { "In each zone, routes of " } else { "Routes of " };
    let resource = resource.comment(&format!("{each}{}.", tiers.join(" and ")));
    if table.per_zone { resource.for_each("local.zones") } else { resource }
}

fn default_route(table: &RouteTable) -> Option<Resource> {
    let instance = if table.per_zone { "[each.key]" } else { "" };
    let body = Body::new()
        .hcl("route_table_id", &format!("aws_route_table.{}{instance}.id", table.name))
        .arg("destination_cidr_block", string("0.0.0.0/0"));
    let (name, body) = match table.default_route? {
        Target::InternetGateway => ("internet", body.hcl("gateway_id", "aws_internet_gateway.this.id")),
        Target::NatOfZone => ("nat", body.hcl("nat_gateway_id", "aws_nat_gateway.this[each.key].id")),
        Target::NatOfHome(home) => {
            ("nat", body.hcl("nat_gateway_id", &format!("aws_nat_gateway.this[\"{home}\"].id")))
        }
    };
    let route = Resource::new(File::Routes, "aws_route", &format!("{}_{name}", table.name), body);
    Some(if table.per_zone { route.for_each("local.zones") } else { route })
}

fn output(table: &RouteTable) -> Output {
    let name = table.name;
    if table.per_zone {
        Output {
            name: format!("{name}_route_table_ids"),
            description: format!("Ids of the {name} route tables by zone letter."),
            holds: Some(Holds::RouteTableId),
            value: call("tomap", [by_letter("table", reference("aws_route_table", name), "id")]),
        }
    } else {
        Output {
            name: format!("{name}_route_table_id"),
            description: format!("Id of the {name} route table."),
            holds: Some(Holds::RouteTableId),
            value: expr(&format!("aws_route_table.{name}.id")),
        }
    }
}
