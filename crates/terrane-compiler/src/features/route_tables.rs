//! Route tables: one for public tiers, one per zone for private tiers, one for isolated tiers, and those that tiers name.

use terrane_contract::Holds;

use super::{Feature, Resolution, common};
use crate::declaration;
use crate::emit::Picture;
use crate::module::syntax::{Body, Expr, by_letter, call, call_with_each, each_in, each_key, each_value, interpolated, keys, name, object, reference, string, strings, var};
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
    let Resolution { declaration, network, .. } = resolution;
    let out = super::way_out(network);
    for access in [Access::Public, Access::Private, Access::Isolated] {
        let way_out = match access {
            Access::Public => Some(Target::InternetGateway),
            Access::Private => out,
            Access::Isolated => None,
        };
        let everywhere = |target| Route { destination: Destination::Range(Cidr::EVERYWHERE), target };
        for (tier, declared) in network.tiers.iter_mut().zip(&declaration.tiers) {
            if tier.access != access {
                continue;
            }
            let declaration::RouteTable { name, per_zone } = &declared.route_table;
            let tables = &mut network.route_tables;
            tier.route_table = tables.iter().position(|table| table.name == *name).unwrap_or_else(|| {
                tables.push(RouteTable {
                    name: name.clone(),
                    per_zone: *per_zone,
                    routes: way_out.map(everywhere).into_iter().collect(),
                    endpoints: Vec::new(),
                });
                tables.len() - 1
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
    for (idx, table) in network.route_tables.iter().enumerate() {
        let zones = common::table_zones(network, idx);
        module.resources.push(route_table(network, table, &zones));
        module.resources.extend(table.routes.iter().map(|own| route(network, table, &zones, own)));
        module.outputs.push(output(table));
    }
    for tier in &network.tiers {
        let table = &network.route_tables[tier.route_table];
        let id = tier.name.identifier();
        let association = Resource::new(
            File::Routes,
            "aws_route_table_association",
            &id,
            Body::new()
                .arg("subnet_id", common::subnets(tier).at(each_key()).attr("id"))
                .arg("route_table_id", table_id(table, each_key())),
        );
        let association = association.for_each(common::zones(tier));
        // A tier that stands may move to a table with a name of its own, and has no way out until that has its routes.
        let first = if table.is_usual() { &[] } else { table.routes.as_slice() };
        module.resources.push(first.iter().fold(association, |association, own| {
            let Resource { ty, name, .. } = route(network, table, &common::zones(tier), own);
            association.depends_on(&ty, &name)
        }));
    }
}

fn route_table(network: &Network, table: &RouteTable, zones: &Expr) -> Resource {
    let tiers: Vec<String> = network
        .tiers
        .iter()
        .filter(|tier| network.route_tables[tier.route_table].name == table.name)
        .map(|tier| format!("`{}`", tier.name))
        .collect();
    let zone = table.per_zone.then(|| ["-".into(), each_key()]);
    let name = [string(table.name.as_str())].into_iter().chain(zone.into_iter().flatten());
    let resource = Resource::new(
        File::Routes,
        "aws_route_table",
        &table.name.identifier(),
        Body::new()
            .arg("vpc_id", common::vpc_id())
            .blank()
            .arg("tags", common::tags(network, common::named(name))),
    );
    let each = if table.per_zone { "In each zone, routes of " } else { "Routes of " };
    let resource = resource.comment(&format!("{each}{}.", tiers.join(" and ")));
    if table.per_zone { resource.for_each(zones.clone()) } else { resource }
}

fn route(network: &Network, table: &RouteTable, zones: &Expr, route: &Route) -> Resource {
    match route.destination {
        Destination::Range(range) => route_to_range(network, table, zones, range, route.target),
        Destination::Place(place) => routes_to_place(network, table, zones, place, route.target),
    }
}

fn route_to_range(
    network: &Network,
    table: &RouteTable,
    zones: &Expr,
    range: Cidr,
    target: Target,
) -> Resource {
    let body = Body::new()
        .arg("route_table_id", table_id(table, each_key()))
        .arg("destination_cidr_block", string(&range.to_string()));
    let (name, argument, value) = leads_to(network, target);
    let route =
        Resource::new(File::Routes, "aws_route", &route_name(table, name), body.arg(argument, value));
    if table.per_zone { route.for_each(zones.clone()) } else { route }
}

/// Returns the routes to each range of a place, by range and zone letter, so that another one touches none of them.
fn routes_to_place(
    network: &Network,
    table: &RouteTable,
    zones: &Expr,
    place: usize,
    target: Target,
) -> Resource {
    let place = &network.places[place];
    let ranges = each_in("range", strings(&place.ranges));
    let (letter, range) = (|| name("letter"), || name("range"));
    let each = if table.per_zone {
        let key = interpolated([letter(), " ".into(), range()]);
        let of_zone = ranges.object(key, object([("letter", letter()), ("range", range())]));
        call_with_each("merge", [each_in("letter", keys(zones.clone())).list(of_zone)])
    } else {
        ranges.object(range(), object([("range", range())]))
    };
    let (_, argument, value) = leads_to(network, target);
    let body = Body::new()
        .arg("route_table_id", table_id(table, each_value().attr("letter")))
        .arg("destination_cidr_block", each_value().attr("range"))
        .arg(argument, value);
    // No name holds two underscores, so that this meets no other name.
    let label = format!("{}__{}", table.name.identifier(), place.name.identifier());
    Resource::new(File::Routes, "aws_route", &label, body).for_each(each)
}

/// Returns the id of a route table, which may have an instance for each zone letter.
fn table_id(table: &RouteTable, letter: Expr) -> Expr {
    let tables = reference("aws_route_table", &table.name.identifier());
    if table.per_zone { tables.at(letter).attr("id") } else { tables.attr("id") }
}

/// Returns the name of a table's route to a gateway.
fn route_name(table: &RouteTable, gateway: &str) -> String {
    format!("{}_{gateway}", table.name.identifier())
}

/// Returns the words for a target in names, the argument that takes it, and what it takes.
fn leads_to(network: &Network, target: Target) -> (&'static str, &'static str, Expr) {
    match target {
        Target::InternetGateway => ("internet", "gateway_id", reference("aws_internet_gateway", "this").attr("id")),
        Target::NatOfZone => ("nat", "nat_gateway_id", common::nat_of_zone(network)),
        Target::NatOfHome(home) => {
            let gateway = reference("aws_nat_gateway", "this").at(string(&home.to_string()));
            ("nat", "nat_gateway_id", gateway.attr("id"))
        }
        Target::Attachment(attachment) => {
            let name = &network.attachments[attachment].name;
            ("attachment", "transit_gateway_id", var("transit_gateway_ids").at(string(name.as_str())))
        }
    }
}

fn output(table: &RouteTable) -> Output {
    let (name, id) = (&table.name, table.name.identifier());
    if table.per_zone {
        Output {
            name: format!("{id}_route_table_ids"),
            description: format!("Ids of the {name} route tables by zone letter."),
            holds: Some(Holds::RouteTableId),
            value: call("tomap", [by_letter("table", reference("aws_route_table", &id), "id")]),
        }
    } else {
        Output {
            name: format!("{id}_route_table_id"),
            description: format!("Id of the {name} route table."),
            holds: Some(Holds::RouteTableId),
            value: reference("aws_route_table", &id).attr("id"),
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
        for tier in network.tiers.iter().filter(|tier| tier.is_in(*zone)) {
            let id = tier.name.identifier();
            let home = network.nat.as_ref().map_or(*zone, |nat| nat.gateways.of(*zone));
            let edge = |target: Target| match target {
                Target::InternetGateway => format!("{id}_{zone} <--> igw"),
                Target::NatOfZone => format!("{id}_{zone} --> nat_{home}"),
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
