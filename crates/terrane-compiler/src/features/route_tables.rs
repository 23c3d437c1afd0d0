//! Route tables: one for public tiers, one per zone for private tiers, one for isolated tiers.

use terrane_contract::Holds;

use super::{Feature, Resolution, common};
use crate::emit::Picture;
use crate::module::syntax::{Body, by_letter, call, expr, reference, string, template};
use crate::module::{File, Module, Output, Resource};
use crate::names::Cidr;
use crate::network::{Access, Destination, Network, Peer, Route, RouteTable, Target};

pub(super) const FEATURE: Feature = Feature {
    resolve,
    lower,
    types: || vec!["aws_route", "aws_route_table", "aws_route_table_association"],
    named_after_tiers: &["aws_route_table_association"],
    draw,
    ..Feature::NONE
};

fn resolve(resolution: &mut Resolution<'_>) {
    let network = &mut resolution.network;
    let out = super::way_out(network);
    for (access, name, per_zone, way_out) in [
        (Access::Public, "public", false, Some(Target::InternetGateway)),
        (Access::Private, "private", true, out),
        (Access::Isolated, "isolated", false, None),
    ] {
        let table = network.route_tables.len();
        let mut used = false;
        for tier in network.tiers.iter_mut().filter(|tier| tier.access == access) {
            tier.route_table = table;
            used = true;
        }
        if used {
            let everywhere = |target| Route { destination: Destination::Range(Cidr::EVERYWHERE), target };
            network.route_tables.push(RouteTable {
                name,
                per_zone,
                routes: way_out.map(everywhere).into_iter().collect(),
                endpoints: Vec::new(),
            });
        }
    }
    to_places(network);
}

/// Adds the routes to places: each table leads to those that its tiers talk to or answer.
fn to_places(network: &mut Network) {
    for flow in &network.flows {
        let (tier, place) = match (&flow.from, &flow.to) {
            (Peer::Tier(tier), Peer::Place(place)) | (Peer::Place(place), Peer::Tier(tier)) => {
                (*tier, *place)
            }
            _ => continue,
        };
        let Some(via) = network.places[place].via else { continue };
        let route = Route { destination: Destination::Place(place), target: Target::Attachment(via) };
        let routes = &mut network.route_tables[network.tiers[tier].route_table].routes;
        if !routes.contains(&route) {
            routes.push(route);
        }
    }
}

fn lower(network: &Network, module: &mut Module) {
    for table in &network.route_tables {
        module.resources.push(route_table(network, table));
        module.resources.extend(table.routes.iter().map(|own| route(network, table, own)));
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
            .arg("tags", common::tags(network, template(format!("${{var.name}}-{}{zone}", table.name)))),
    );
    let each = if table.per_zone { "In each zone, routes of " } else { "Routes of " };
    let resource = resource.comment(&format!("{each}{}.", tiers.join(" and ")));
    if table.per_zone { resource.for_each("local.zones") } else { resource }
}

fn route(network: &Network, table: &RouteTable, route: &Route) -> Resource {
    match route.destination {
        Destination::Range(range) => route_to_range(network, table, range, route.target),
        Destination::Place(place) => routes_to_place(network, table, place, route.target),
    }
}

fn route_to_range(network: &Network, table: &RouteTable, range: Cidr, target: Target) -> Resource {
    let instance = if table.per_zone { "[each.key]" } else { "" };
    let body = Body::new()
        .hcl("route_table_id", &format!("aws_route_table.{}{instance}.id", table.name))
        .arg("destination_cidr_block", string(&range.to_string()));
    let (name, argument, value) = leads_to(network, target);
    let route = Resource::new(
        File::Routes,
        "aws_route",
        &format!("{}_{name}", table.name),
        body.hcl(argument, &value),
    );
    if table.per_zone { route.for_each("local.zones") } else { route }
}

/// Returns the routes to each range of a place, by range and zone letter, so that another one touches none of them.
fn routes_to_place(network: &Network, table: &RouteTable, place: usize, target: Target) -> Resource {
    let place = &network.places[place];
    let ranges: Vec<String> = place.ranges.iter().map(|range| format!("\"{range}\"")).collect();
    let ranges = ranges.join(", ");
    let (each, instance) = if table.per_zone {
        let pair = "\"${letter} ${range}\" => { letter = letter, range = range }";
        (
            format!("merge([for letter in keys(local.zones) : {{ for range in [{ranges}] : {pair} }}]...)"),
            "[each.value.letter]",
        )
    } else {
        (format!("{{ for range in [{ranges}] : range => {{ range = range }} }}"), "")
    };
    let (_, argument, value) = leads_to(network, target);
    let body = Body::new()
        .hcl("route_table_id", &format!("aws_route_table.{}{instance}.id", table.name))
        .hcl("destination_cidr_block", "each.value.range")
        .hcl(argument, &value);
    let name = format!("{}_{}", table.name, place.name.identifier());
    Resource::new(File::Routes, "aws_route", &name, body).for_each(&each)
}

/// Returns the words for a target in names, the argument that takes it, and what it takes.
fn leads_to(network: &Network, target: Target) -> (&'static str, &'static str, String) {
    match target {
        Target::InternetGateway => ("internet", "gateway_id", "aws_internet_gateway.this.id".to_owned()),
        Target::NatOfZone => ("nat", "nat_gateway_id", "aws_nat_gateway.this[each.key].id".to_owned()),
        Target::NatOfHome(home) => ("nat", "nat_gateway_id", format!("aws_nat_gateway.this[\"{home}\"].id")),
        Target::Attachment(attachment) => {
            let name = &network.attachments[attachment].name;
            ("attachment", "transit_gateway_id", format!("var.transit_gateway_ids[\"{name}\"]"))
        }
    }
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

fn draw(network: &Network, picture: &mut Picture) {
    for (idx, attachment) in network.attachments.iter().enumerate() {
        let id = attachment.name.identifier();
        picture.beyond.push(format!("{id}_attachment{{{{{}}}}}", attachment.name));
        for place in network.places.iter().filter(|place| place.via == Some(idx)) {
            let ranges: Vec<String> = place.ranges.iter().map(ToString::to_string).collect();
            let own = place.name.identifier();
            picture.beyond.push(format!("{own}_place[[\"{}<br/>{}\"]]", place.name, ranges.join("<br/>")));
            picture.beyond.push(format!("{id}_attachment <--> {own}_place"));
        }
    }
    for zone in &network.zones {
        for tier in &network.tiers {
            let id = tier.name.identifier();
            let edge = |target: Target| match target {
                Target::InternetGateway => format!("{id}_{zone} <--> igw"),
                Target::NatOfZone => format!("{id}_{zone} --> nat_{zone}"),
                Target::NatOfHome(home) => format!("{id}_{zone} --> nat_{home}"),
                Target::Attachment(attachment) => {
                    format!("{id}_{zone} <--> {}_attachment", network.attachments[attachment].name.identifier())
                }
            };
            let routes = &network.route_tables[tier.route_table].routes;
            picture.zone(*zone).edges.extend(routes.iter().map(|route| edge(route.target)));
        }
    }
}
