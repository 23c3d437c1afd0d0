//! Route tables, NAT gateways, and gateway endpoints of a document.

use serde_json::Value;

use super::document::{Document, Target};
use crate::names::Cidr;
use crate::proof::facts::{Facts, Hop, NatFacts, Route, Table};

const TABLES: [&str; 2] = ["aws_route_table", "aws_default_route_table"];

/// What a route may lead to beside the internet and NAT gateways, none of which is modelled.
const OTHER_TARGETS: [&str; 9] = [
    "network_interface_id",
    "vpc_endpoint_id",
    "transit_gateway_id",
    "vpc_peering_connection_id",
    "egress_only_gateway_id",
    "carrier_gateway_id",
    "local_gateway_id",
    "core_network_arn",
    "instance_id",
];

/// Reads the tables of a VPC's subnets, given as instances in the order of [`Facts::subnets`].
pub(super) fn read(document: &Document<'_>, vpc: usize, subnets: &[usize], facts: &mut Facts) {
    let nats = document.of("aws_nat_gateway");
    facts.nats = nats.iter().map(|nat| nat_gateway(document, *nat, subnets)).collect();
    let mut tables: Vec<usize> = Vec::new();
    for (idx, subnet) in subnets.iter().enumerate() {
        match table_of(document, vpc, *subnet) {
            Ok(table) => {
                let position = tables.iter().position(|other| *other == table).unwrap_or_else(|| {
                    tables.push(table);
                    tables.len() - 1
                });
                facts.subnets[idx].table = Some(position);
            }
            Err(why) => unresolved(facts, idx, format!("its route table: {why}")),
        }
    }
    facts.tables =
        tables.iter().map(|table| read_table(document, *table, &nats, &mut facts.unmodelled)).collect();
    endpoints(document, &tables, facts);
    used_nats(facts);
}

/// Keeps why something about a subnet is not known.
pub(super) fn unresolved(facts: &mut Facts, subnet: usize, why: String) {
    let name = facts.subnets[subnet].name.clone();
    facts.unresolved.entry(name).or_default().push(why);
}

fn nat_gateway(document: &Document<'_>, nat: usize, subnets: &[usize]) -> NatFacts {
    let target = document.target(nat, "subnet_id", &["aws_subnet"]);
    let (subnet, why) = match target {
        Target::One(target) => (subnets.iter().position(|subnet| *subnet == target), String::new()),
        Target::Absent => (None, " (in no subnet)".to_owned()),
        Target::Unknown(why) => (None, format!(" (its subnet: {why})")),
    };
    NatFacts {
        name: format!("{}{why}", document.address(nat)),
        subnet,
        public: document.values(nat)["connectivity_type"] != "private",
    }
}

/// Leaves out NAT gateways that nothing in the VPC leads to.
fn used_nats(facts: &mut Facts) {
    let used = |nat: usize| {
        let leads = |table: &Table| table.routes.iter().any(|route| route.hop == Hop::Nat(nat));
        facts.nats[nat].subnet.is_some() || facts.tables.iter().any(leads)
    };
    let kept: Vec<usize> = (0..facts.nats.len()).filter(|nat| used(*nat)).collect();
    facts.nats = kept.iter().map(|nat| facts.nats[*nat].clone()).collect();
    for route in facts.tables.iter_mut().flat_map(|table| &mut table.routes) {
        if let Hop::Nat(nat) = &mut route.hop {
            *nat = kept.iter().position(|old| old == nat).unwrap_or_default();
        }
    }
}

/// Returns the table of a subnet, or why it is not known.
fn table_of(document: &Document<'_>, vpc: usize, subnet: usize) -> Result<usize, String> {
    let mut maybe = None;
    for association in document.of("aws_route_table_association") {
        match document.target(association, "subnet_id", &["aws_subnet"]) {
            Target::One(own) if own == subnet => {
                return match document.target(association, "route_table_id", &TABLES) {
                    Target::One(table) => Ok(table),
                    Target::Absent => Err(format!("{} names none", document.address(association))),
                    Target::Unknown(why) => Err(format!("{}: {why}", document.address(association))),
                };
            }
            Target::One(_) | Target::Absent => {}
            Target::Unknown(_) if document.excludes(association, "subnet_id", &["aws_subnet"], subnet) => {}
            Target::Unknown(why) => {
                maybe.get_or_insert_with(|| {
                    format!("{} may be about it: {why}", document.address(association))
                });
            }
        }
    }
    if let Some(why) = maybe {
        return Err(why);
    }
    if !document.of("aws_main_route_table_association").is_empty() {
        return Err("no association names it, and another table is made the main one".to_owned());
    }
    let main = |table: &usize| document.vpc_of(*table) == Target::One(vpc);
    let main = document.of("aws_default_route_table").into_iter().find(main);
    main.ok_or_else(|| {
        "no association in the document names it, nor is the VPC's main table there".to_owned()
    })
}

fn read_table(document: &Document<'_>, table: usize, nats: &[usize], unmodelled: &mut Vec<String>) -> Table {
    let mut routes: Vec<Route> = Vec::new();
    let mut unknown = |what: String| {
        unmodelled.push(what);
        Hop::Unmodelled(unmodelled.len() - 1)
    };
    for route in document.of("aws_route") {
        let address = document.address(route);
        let own = match document.target(route, "route_table_id", &TABLES) {
            Target::One(own) if own != table => continue,
            Target::One(_) => None,
            Target::Absent => continue,
            Target::Unknown(_) if document.excludes(route, "route_table_id", &TABLES, table) => continue,
            Target::Unknown(why) => Some(why),
        };
        if document.text(route, "destination_ipv6_cidr_block").is_some() {
            continue;
        }
        let known = document.cidr(route, "destination_cidr_block");
        let hop = match own {
            Some(why) => unknown(format!("{address}, whose table is not known: {why}")),
            None if known.is_none() => unknown(format!("{address}, whose destination is not known")),
            None => hop(document, route, nats).unwrap_or_else(&mut unknown),
        };
        match known {
            Some(destination) => routes.push(Route { destination, hop }),
            None => routes.extend(halves().map(|destination| Route { destination, hop })),
        }
    }
    if document.is_open(table, "route") {
        let hop = unknown(format!("inline routes of {} that are not known", document.address(table)));
        routes.extend(halves().map(|destination| Route { destination, hop }));
    }
    for row in document.values(table)["route"].as_array().into_iter().flatten() {
        if row["ipv6_cidr_block"].as_str().is_some_and(|cidr| !cidr.is_empty()) {
            continue;
        }
        let destination = row["cidr_block"].as_str().and_then(|text| Cidr::parse(text).ok());
        if destination.is_some_and(|new| routes.iter().any(|route| route.destination == new)) {
            continue;
        }
        if row["destination_prefix_list_id"].as_str().is_some_and(|id| id.starts_with("pl-"))
            && ["gateway_id", "vpc_endpoint_id"]
                .iter()
                .any(|to| row[*to].as_str().is_some_and(|id| id.starts_with("vpce-")))
        {
            continue;
        }
        let hop = inline_hop(document, row, nats).unwrap_or_else(|| {
            unknown(format!("an inline route of {} whose target is not known", document.address(table)))
        });
        match destination {
            Some(destination) => routes.push(Route { destination, hop }),
            None => routes.extend(halves().map(|destination| Route { destination, hop })),
        }
    }
    Table { name: document.address(table), routes, endpoints: Vec::new() }
}

/// Both halves of IPv4: a destination that is not known may be more specific than any default route.
fn halves() -> impl Iterator<Item = Cidr> {
    [std::net::Ipv4Addr::UNSPECIFIED, std::net::Ipv4Addr::new(128, 0, 0, 0)]
        .into_iter()
        .filter_map(|first| Cidr::new(first, 1))
}

/// Returns where a route leads, or what is not modelled.
fn hop(document: &Document<'_>, route: usize, nats: &[usize]) -> Result<Hop, String> {
    let address = document.address(route);
    match document.target(route, "nat_gateway_id", &["aws_nat_gateway"]) {
        Target::One(nat) => {
            return nats.iter().position(|idx| *idx == nat).map(Hop::Nat).ok_or(address);
        }
        Target::Unknown(why) => return Err(format!("{address}, whose NAT gateway is not known: {why}")),
        Target::Absent => {}
    }
    if let Some(id) = document.text(route, "gateway_id") {
        return gateway(id).ok_or_else(|| format!("{address} to `{id}`"));
    }
    match document.target(route, "gateway_id", &["aws_internet_gateway"]) {
        Target::One(_) => return Ok(Hop::Internet),
        Target::Unknown(why) => return Err(format!("{address}, whose gateway is not known: {why}")),
        Target::Absent => {}
    }
    let set = OTHER_TARGETS
        .into_iter()
        .find(|attribute| document.text(route, attribute).is_some() || document.is_open(route, attribute));
    match set {
        Some(attribute) => Err(format!("{address} (by {attribute})")),
        None => Ok(Hop::Blackhole),
    }
}

fn gateway(id: &str) -> Option<Hop> {
    match id {
        "local" => Some(Hop::Local),
        id if id.starts_with("igw-") => Some(Hop::Internet),
        _ => None,
    }
}

/// Returns where an inline route leads, by id.
fn inline_hop(document: &Document<'_>, row: &Value, nats: &[usize]) -> Option<Hop> {
    let id = |attribute: &str| row[attribute].as_str().filter(|id| !id.is_empty());
    if let Some(id) = id("gateway_id") {
        return gateway(id);
    }
    match document.with_id(id("nat_gateway_id")?, &["aws_nat_gateway"]) {
        Target::One(nat) => nats.iter().position(|idx| *idx == nat).map(Hop::Nat),
        Target::Absent | Target::Unknown(_) => None,
    }
}

/// Adds the services with a gateway endpoint to their tables.
fn endpoints(document: &Document<'_>, tables: &[usize], facts: &mut Facts) {
    let mut add = |table: &Target, endpoint: usize| {
        let Target::One(table) = table else { return };
        let Some(position) = tables.iter().position(|other| other == table) else { return };
        facts.tables[position].endpoints.extend(service(document, endpoint));
    };
    for endpoint in document.of("aws_vpc_endpoint") {
        for table in document.targets(endpoint, "route_table_ids", &TABLES) {
            add(&table, endpoint);
        }
    }
    for association in document.of("aws_vpc_endpoint_route_table_association") {
        if let Target::One(endpoint) = document.target(association, "vpc_endpoint_id", &["aws_vpc_endpoint"])
        {
            add(&document.target(association, "route_table_id", &TABLES), endpoint);
        }
    }
    for table in &mut facts.tables {
        table.endpoints.sort();
        table.endpoints.dedup();
    }
}

/// Returns the last part of the name of an endpoint's service, such as `s3`.
pub(super) fn service(document: &Document<'_>, endpoint: usize) -> Option<String> {
    document.text(endpoint, "service_name")?.rsplit('.').next().map(str::to_owned)
}
