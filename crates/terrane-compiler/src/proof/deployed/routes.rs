//! Route tables, NAT gateways, and gateway endpoints of a document.

use serde_json::Value;

use super::closed_world::ClosedWorld;
use super::document::{Document, Target};
use crate::names::Cidr;
use crate::proof::facts::{Facts, Hop, NatFacts, OpenRoute, Route, Span, Table, Unmodelled};

const TABLES: [&str; 2] = ["aws_route_table", "aws_default_route_table"];

/// What a route may lead to beside the internet and NAT gateways, none of which is modelled.
/// Some may lead addresses of the VPC elsewhere:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html#route-table-priority>.
const OTHER_TARGETS: [(&str, bool); 9] = [
    ("network_interface_id", true),
    ("vpc_endpoint_id", true),
    ("transit_gateway_id", false),
    ("vpc_peering_connection_id", false),
    ("egress_only_gateway_id", false),
    ("carrier_gateway_id", false),
    ("local_gateway_id", false),
    ("core_network_arn", false),
    ("instance_id", true),
];

/// Resources that let a gateway write routes into a table: what attribute names the table.
const PROPAGATIONS: [&str; 2] = ["aws_vpn_gateway_route_propagation", "aws_vpc_route_server_propagation"];

/// Resources of other services that write routes to their own interfaces into the tables that they name.
const WRITERS: [&str; 2] = ["aws_fsx_ontap_file_system", "aws_fsx_openzfs_file_system"];

/// Reads the tables of a VPC's subnets, given as instances in the order of [`Facts::subnets`].
pub(super) fn read(document: &Document<'_>, vpc: usize, subnets: &[usize], facts: &mut Facts) {
    let nats = nats_of(document, vpc, subnets);
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
    for table in &tables {
        let mut reading = Reading {
            document,
            table: *table,
            nats: &nats,
            unmodelled: std::mem::take(&mut facts.unmodelled),
            ranges: &facts.ranges,
            rows: Vec::new(),
            open: Vec::new(),
            v6: None,
        };
        reading.read();
        let (table, unmodelled) = reading.finish();
        facts.tables.push(table);
        facts.unmodelled = unmodelled;
    }
    endpoints(document, &tables, facts);
    used_nats(facts);
}

/// Keeps why something about a subnet is not known.
pub(super) fn unresolved(facts: &mut Facts, subnet: usize, why: String) {
    let name = facts.subnets[subnet].name.clone();
    facts.unresolved.entry(name).or_default().push(why);
}

/// Returns the NAT gateways that may be in this VPC or be meant by its routes.
fn nats_of(document: &Document<'_>, vpc: usize, subnets: &[usize]) -> Vec<usize> {
    let elsewhere = |nat: &usize| match document.target(*nat, "subnet_id", &["aws_subnet"]) {
        Target::One(subnet) => {
            !subnets.contains(&subnet) && matches!(document.vpc_of(subnet), Target::One(own) if own != vpc)
        }
        Target::Absent | Target::Unknown(_) => false,
    };
    document.of("aws_nat_gateway").iter().copied().filter(|nat| !elsewhere(nat)).collect()
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
        let leads = |table: &Table| {
            table.routes.iter().any(|route| route.hop == Hop::Nat(nat))
                || table.open.iter().any(|route| route.hop == Hop::Nat(nat))
        };
        facts.nats[nat].subnet.is_some() || facts.tables.iter().any(leads)
    };
    let kept: Vec<usize> = (0..facts.nats.len()).filter(|nat| used(*nat)).collect();
    facts.nats = kept.iter().map(|nat| facts.nats[*nat].clone()).collect();
    let renumber = |hop: &mut Hop| {
        if let Hop::Nat(nat) = hop {
            *nat = kept.iter().position(|old| old == nat).unwrap_or_default();
        }
    };
    for table in &mut facts.tables {
        table.routes.iter_mut().for_each(|route| renumber(&mut route.hop));
        table.open.iter_mut().for_each(|route| renumber(&mut route.hop));
    }
}

/// Returns the table of a subnet, or why it is not known.
fn table_of(document: &Document<'_>, vpc: usize, subnet: usize) -> Result<usize, String> {
    let associations = document.rows("aws_route_table_association", "subnet_id", &["aws_subnet"]);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for association in associations.of(subnet) {
        let table = match document.target(*association, "route_table_id", &TABLES) {
            Target::One(table) => table,
            Target::Absent => return Err(format!("{} names none", document.address(*association))),
            Target::Unknown(why) => return Err(format!("{}: {why}", document.address(*association))),
        };
        found.push((*association, table));
    }
    if let [(first, table), rest @ ..] = found.as_slice() {
        return match rest.iter().find(|(_, other)| other != table) {
            Some((second, _)) => Err(contradiction(document, *first, *second)),
            None => Ok(*table),
        };
    }
    if let Some((association, why)) = associations.maybe(subnet).next() {
        return Err(format!("{} may be about it: {why}", document.address(*association)));
    }
    let main = document.of("aws_main_route_table_association");
    if main.iter().any(|main| {
        matches!(document.vpc_of(*main), Target::One(own) if own == vpc)
            || document.may_be_in(*main, vpc).is_some()
    }) {
        return Err("no association names it, and another table is made the main one".to_owned());
    }
    let mains: Vec<usize> = document
        .of("aws_default_route_table")
        .iter()
        .copied()
        .filter(|table| document.vpc_of(*table) == Target::One(vpc))
        .collect();
    match mains.as_slice() {
        [one] => Ok(*one),
        [first, second, ..] => Err(contradiction(document, *first, *second)),
        [] => Err("no association in the document names it, nor is the VPC's main table there".to_owned()),
    }
}

/// Returns the words for two resources that cannot both be true.
pub(super) fn contradiction(document: &Document<'_>, first: usize, second: usize) -> String {
    format!("the document contradicts itself: {} and {}", document.address(first), document.address(second))
}

/// A route as it is read: its destination, `None` if that is not known, and where it leads.
struct Row {
    destination: Option<Cidr>,
    hop: Hop,
    what: String,
    inside: bool,
    /// Whether it is known to be of this table.
    sure: bool,
}

/// A route table while it is read.
struct Reading<'a, 'd> {
    document: &'a Document<'d>,
    table: usize,
    nats: &'a [usize],
    unmodelled: Vec<Unmodelled>,
    ranges: &'a [Span],
    rows: Vec<Row>,
    open: Vec<OpenRoute>,
    v6: Option<Unmodelled>,
}

/// Where a route leads, or what of it is not modelled.
enum Lead {
    To(Hop),
    /// Not modelled, and whether it may be an internet gateway and may lead addresses of the VPC elsewhere.
    Beyond(String, bool, bool),
}

impl Reading<'_, '_> {
    fn read(&mut self) {
        self.separate();
        self.inline();
        self.propagated();
    }

    fn unmodelled(&mut self, name: String, internet: bool) -> usize {
        self.unmodelled.push(Unmodelled { name, internet });
        self.unmodelled.len() - 1
    }

    fn hop(&mut self, lead: Lead) -> (Hop, bool) {
        match lead {
            Lead::To(hop) => (hop, matches!(hop, Hop::Nat(_))),
            Lead::Beyond(name, internet, inside) => {
                (Hop::Unmodelled(self.unmodelled(name, internet)), inside)
            }
        }
    }

    fn separate(&mut self) {
        let document = self.document;
        let rows = document.rows("aws_route", "route_table_id", &TABLES);
        let own = rows.of(self.table).iter().map(|row| (*row, None));
        let maybe = rows.maybe(self.table).map(|(row, why)| (*row, Some(why.clone())));
        for (route, maybe) in own.chain(maybe) {
            let address = document.address(route);
            let v6 = document.is_set(route, "destination_ipv6_cidr_block")
                && !document.is_set(route, "destination_cidr_block");
            let lead = lead(document, route, self.nats);
            let sure = maybe.is_none();
            let lead = match maybe {
                Some(why) => {
                    let internet = !matches!(lead, Lead::To(Hop::Nat(_) | Hop::Local | Hop::Blackhole));
                    Lead::Beyond(format!("{address}, whose table is not known: {why}"), internet, true)
                }
                None => lead,
            };
            if v6 {
                self.version_6(&lead, &address);
                continue;
            }
            // Where a route names a list beside a range, what it is for is not known.
            let is_list = document.is_set(route, "destination_prefix_list_id");
            let destination = document.cidr(route, "destination_cidr_block").filter(|_| !is_list);
            if destination.is_none() && self.is_gateway_endpoint(route) {
                continue;
            }
            let (hop, inside) = self.hop(lead);
            self.rows.push(Row { destination, hop, what: address, inside, sure });
        }
    }

    /// Keeps a route of IPv6 that leads, or may lead, to the internet gateway.
    fn version_6(&mut self, lead: &Lead, address: &str) {
        let known = matches!(self.v6, Some(Unmodelled { internet: true, .. }));
        match lead {
            Lead::To(Hop::Internet) if !known => {
                self.v6 = Some(Unmodelled { name: address.to_owned(), internet: true });
            }
            Lead::Beyond(name, true, _) if self.v6.is_none() => {
                self.v6 = Some(Unmodelled { name: name.clone(), internet: false });
            }
            Lead::To(_) | Lead::Beyond(..) => {}
        }
    }

    /// Returns whether a route to a prefix list is that of a gateway endpoint, which is read with the endpoint.
    fn is_gateway_endpoint(&self, route: usize) -> bool {
        let document = self.document;
        let endpoint = ["vpc_endpoint_id", "gateway_id"].into_iter().find_map(|attribute| {
            match document.target(route, attribute, &["aws_vpc_endpoint"]) {
                Target::One(endpoint) => Some(endpoint),
                Target::Absent | Target::Unknown(_) => None,
            }
        });
        document.is_set(route, "destination_prefix_list_id")
            && endpoint.is_some_and(|endpoint| is_gateway(document, endpoint))
    }

    fn inline(&mut self) {
        let document = self.document;
        let address = document.address(self.table);
        let separate = !self.rows.is_empty();
        if document.is_open(self.table, "route") {
            let what = format!("inline routes of {address} that are not known");
            let (hop, _) = self.hop(Lead::Beyond(what.clone(), true, true));
            self.rows.push(Row { destination: None, hop, what, inside: true, sure: true });
        }
        let superseded = document.superseded("aws_route");
        for row in document.values(self.table)["route"].as_array().into_iter().flatten() {
            let is_list = row["destination_prefix_list_id"].as_str().is_some_and(|id| !id.is_empty());
            let destination =
                row["cidr_block"].as_str().filter(|_| !is_list).and_then(|text| Cidr::parse(text).ok());
            let lead = inline_lead(document, row, self.nats, &address);
            if row["ipv6_cidr_block"].as_str().is_some_and(|cidr| !cidr.is_empty()) {
                self.version_6(&lead, &format!("an inline route of {address}"));
                if destination.is_none() && !is_list {
                    continue;
                }
            }
            if is_list && is_inline_gateway_endpoint(document, row) {
                continue;
            }
            if superseded.iter().any(|before| is_before(row, before)) {
                continue;
            }
            let (hop, inside) = self.hop(lead);
            let what = format!("an inline route of {address}");
            let beside = |other: &Row| other.destination == destination && destination.is_some();
            if let Some(other) = self.rows.iter().find(|other| beside(other)) {
                if other.hop != hop {
                    let what = format!("the document contradicts itself: {} and {what}", other.what);
                    let (hop, inside) = self.hop(Lead::Beyond(what.clone(), true, inside));
                    self.rows.push(Row { destination, hop, what, inside, sure: true });
                }
            } else if separate && destination.is_some() && !document.is_given(self.table, "route") {
                // What a table was read with, before or beside the resources that make its routes.
                let hop = match hop {
                    Hop::Internet | Hop::Unmodelled(_) => hop,
                    _ => {
                        self.hop(Lead::Beyond(
                            format!("{what}, which no route of the document makes"),
                            false,
                            inside,
                        ))
                        .0
                    }
                };
                self.rows.push(Row { destination, hop, what, inside, sure: true });
            } else {
                self.rows.push(Row { destination, hop, what, inside, sure: true });
            }
        }
    }

    /// Adds what gateways and other services write into the table by themselves.
    fn propagated(&mut self) {
        let document = self.document;
        let mut found: Vec<(String, bool)> = Vec::new();
        if document.is_set(self.table, "propagating_vgws") {
            let address = document.address(self.table);
            found.push((format!("routes that gateways propagate to {address} (by propagating_vgws)"), false));
        }
        for ty in PROPAGATIONS {
            let rows = document.rows(ty, "route_table_id", &TABLES);
            let may = rows.maybe(self.table).map(|(row, _)| row);
            let routes = |row: &usize| (format!("routes of {}", document.address(*row)), false);
            found.extend(rows.of(self.table).iter().chain(may).map(routes));
        }
        for ty in WRITERS {
            let rows = document.rows(ty, "route_table_ids", &TABLES);
            let may = rows.maybe(self.table).map(|(row, _)| row);
            let routes = |row: &usize| (format!("routes of {}", document.address(*row)), true);
            found.extend(rows.of(self.table).iter().chain(may).map(routes));
        }
        for address in ClosedWorld::get().unknown_of(document, self.table) {
            found.push((address, true));
        }
        for (name, inside) in found {
            let what = self.unmodelled(name, false);
            self.open.push(OpenRoute { hop: Hop::Unmodelled(what), what, inside });
        }
    }

    fn finish(mut self) -> (Table, Vec<Unmodelled>) {
        let mut routes: Vec<Route> = Vec::new();
        for row in std::mem::take(&mut self.rows) {
            let Some(destination) = row.destination else {
                let what = match row.hop {
                    Hop::Unmodelled(what) => what,
                    _ => self.unmodelled(
                        format!("{}, whose destination is not known", row.what),
                        row.hop == Hop::Internet,
                    ),
                };
                self.open.push(OpenRoute { hop: row.hop, what, inside: row.inside });
                continue;
            };
            let same = routes.iter().position(|route| route.destination == destination);
            match same {
                Some(same) if routes[same].hop == row.hop => {}
                Some(same) => {
                    let maybe = |hop: Hop| match hop {
                        Hop::Unmodelled(what) => self.unmodelled[what].internet,
                        hop => hop == Hop::Internet,
                    };
                    let internet = maybe(routes[same].hop) || maybe(row.hop);
                    let name = match row.hop {
                        Hop::Unmodelled(what) if !row.sure => self.unmodelled[what].name.clone(),
                        _ => format!("{destination}, where the document contradicts itself: {}", row.what),
                    };
                    routes[same].hop = Hop::Unmodelled(self.unmodelled(name, internet));
                }
                None => routes.push(Route { destination, hop: row.hop }),
            }
        }
        // A route to a whole range of the VPC stands for the implicit one; its halves are more specific than that.
        let is_range = |route: &Route| self.ranges.contains(&Span::from(route.destination));
        let (whole, mut routes): (Vec<Route>, Vec<Route>) =
            routes.into_iter().partition(|route| route.hop != Hop::Local && is_range(route));
        for route in whole {
            let halves = [0, 1].into_iter().filter_map(|half| {
                route.destination.subnet(crate::names::Block { newbits: 1, netnum: half })
            });
            routes.extend(halves.map(|destination| Route { destination, ..route }));
        }
        let table = Table {
            name: self.document.address(self.table),
            routes,
            open: self.open,
            v6: self.v6,
            endpoints: Vec::new(),
        };
        (table, self.unmodelled)
    }
}

/// Returns whether an inline route is what a separate one was before a plan changed or removed it.
fn is_before(row: &Value, before: &Value) -> bool {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    text(&row["cidr_block"]) == text(&before["destination_cidr_block"])
        && text(&row["destination_prefix_list_id"]) == text(&before["destination_prefix_list_id"])
        && ["gateway_id", "nat_gateway_id", "transit_gateway_id", "vpc_endpoint_id", "network_interface_id"]
            .iter()
            .all(|attribute| text(&row[attribute]) == text(&before[attribute]))
}

/// Returns where a route leads, or what is not modelled.
fn lead(document: &Document<'_>, route: usize, nats: &[usize]) -> Lead {
    let address = document.address(route);
    let unknown = |why: String| Lead::Beyond(format!("{address}{why}"), true, true);
    if let Some(attribute) = ClosedWorld::get().unknown_attribute(document, route) {
        return unknown(format!(" (by {attribute})"));
    }
    let is_set = |attribute: &str| document.is_set(route, attribute);
    let others = OTHER_TARGETS.iter().any(|(attribute, _)| is_set(attribute));
    if [is_set("nat_gateway_id"), is_set("gateway_id"), others].into_iter().filter(|set| *set).count() > 1 {
        return unknown(", which leads to two things at once".to_owned());
    }
    match document.target(route, "nat_gateway_id", &["aws_nat_gateway"]) {
        Target::One(nat) => {
            return nats.iter().position(|idx| *idx == nat).map_or_else(
                || unknown(", whose NAT gateway is in another VPC".to_owned()),
                |nat| Lead::To(Hop::Nat(nat)),
            );
        }
        Target::Unknown(why) => {
            return Lead::Beyond(format!("{address}, whose NAT gateway is not known: {why}"), false, true);
        }
        Target::Absent => {}
    }
    if let Some(id) = document.text(route, "gateway_id") {
        return gateway(id).map_or_else(
            || Lead::Beyond(format!("{address} to `{id}`"), !is_other_gateway(id), id.starts_with("vpce-")),
            Lead::To,
        );
    }
    let gateways = ["aws_internet_gateway", "aws_internet_gateway_attachment", "aws_vpn_gateway"];
    match document.target(route, "gateway_id", &gateways) {
        Target::One(gateway) if document.ty(gateway) == "aws_vpn_gateway" => {
            return Lead::Beyond(format!("{address} to {}", document.address(gateway)), false, false);
        }
        Target::One(_) => return Lead::To(Hop::Internet),
        Target::Unknown(why) => return unknown(format!(", whose gateway is not known: {why}")),
        Target::Absent => {}
    }
    match OTHER_TARGETS.into_iter().find(|(attribute, _)| document.is_set(route, attribute)) {
        Some((attribute, inside)) => Lead::Beyond(format!("{address} (by {attribute})"), false, inside),
        None => Lead::To(Hop::Blackhole),
    }
}

fn gateway(id: &str) -> Option<Hop> {
    match id {
        "local" => Some(Hop::Local),
        id if id.starts_with("igw-") => Some(Hop::Internet),
        _ => None,
    }
}

/// Returns whether an id is that of a gateway that is not an internet gateway.
fn is_other_gateway(id: &str) -> bool {
    ["vgw-", "vpce-", "tgw-", "pcx-", "nat-", "eni-", "eigw-", "cagw-", "lgw-"]
        .iter()
        .any(|prefix| id.starts_with(prefix))
}

/// Returns where an inline route leads, by id.
fn inline_lead(document: &Document<'_>, row: &Value, nats: &[usize], table: &str) -> Lead {
    let id = |attribute: &str| row[attribute].as_str().filter(|id| !id.is_empty());
    let of = format!("an inline route of {table}");
    if let Some(id) = id("gateway_id") {
        return gateway(id).map_or_else(
            || Lead::Beyond(format!("{of} to `{id}`"), !is_other_gateway(id), id.starts_with("vpce-")),
            Lead::To,
        );
    }
    if let Some(id) = id("nat_gateway_id") {
        let nat = match document.with_id(id, &["aws_nat_gateway"]) {
            Target::One(nat) => nats.iter().position(|idx| *idx == nat),
            Target::Absent | Target::Unknown(_) => None,
        };
        return nat.map_or_else(
            || Lead::Beyond(format!("{of} to `{id}`, which is not in the document"), false, true),
            |nat| Lead::To(Hop::Nat(nat)),
        );
    }
    let known = OTHER_TARGETS.into_iter().find_map(|(attribute, inside)| Some((id(attribute)?, inside)));
    let open = ["gateway_id", "nat_gateway_id"].iter().any(|attribute| row.get(attribute).is_none());
    match known {
        Some((id, inside)) => Lead::Beyond(format!("{of} to `{id}`"), false, inside),
        None => Lead::Beyond(format!("{of} whose target is not known"), open || !is_complete(row), true),
    }
}

/// Returns whether every target that an inline route could have is told to be absent.
fn is_complete(row: &Value) -> bool {
    let told = |attribute: &str| row.get(attribute).is_some();
    told("gateway_id") && told("nat_gateway_id")
}

fn is_inline_gateway_endpoint(document: &Document<'_>, row: &Value) -> bool {
    ["gateway_id", "vpc_endpoint_id"].iter().any(|attribute| {
        let id = row[*attribute].as_str().unwrap_or_default();
        matches!(document.with_id(id, &["aws_vpc_endpoint"]), Target::One(endpoint) if is_gateway(document, endpoint))
    })
}

/// Returns whether an endpoint is known to be a gateway endpoint, as it is where nothing else is said.
fn is_gateway(document: &Document<'_>, endpoint: usize) -> bool {
    match document.values(endpoint).get("vpc_endpoint_type") {
        Some(Value::String(ty)) => ty == "Gateway",
        Some(Value::Null) => true,
        Some(_) => false,
        None => !document.is_given(endpoint, "vpc_endpoint_type"),
    }
}

/// Adds the services with a gateway endpoint to their tables.
fn endpoints(document: &Document<'_>, tables: &[usize], facts: &mut Facts) {
    let by_endpoint = document.rows("aws_vpc_endpoint", "route_table_ids", &TABLES);
    let by_table = document.rows("aws_vpc_endpoint_route_table_association", "route_table_id", &TABLES);
    for (position, table) in tables.iter().enumerate() {
        let mut found: Vec<usize> = by_endpoint.of(*table).to_vec();
        for association in by_table.of(*table) {
            let endpoint = document.target(*association, "vpc_endpoint_id", &["aws_vpc_endpoint"]);
            if let Target::One(endpoint) = endpoint {
                found.push(endpoint);
            }
        }
        let services = &mut facts.tables[position].endpoints;
        services.extend(found.into_iter().filter_map(|endpoint| service(document, endpoint)));
        services.sort();
        services.dedup();
    }
}

/// Returns the last part of the name of an endpoint's service, such as `s3`.
///
/// A compiled module calls the endpoint as the service, whose name has the region in it, which a plan may not know.
pub(super) fn service(document: &Document<'_>, endpoint: usize) -> Option<String> {
    if document.is_compiled() && document.is_open(endpoint, "service_name") {
        return Some(document.name(endpoint).to_owned());
    }
    document.text(endpoint, "service_name")?.rsplit('.').next().map(str::to_owned)
}
