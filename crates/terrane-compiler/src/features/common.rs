//! How features lower what several of them have: tags, references to what tiers have, tables.

use std::fmt::Write as _;

use terrane_contract::Holds;

use crate::module::Output;
use crate::module::syntax::{Body, Expr, call, expr, object, reference, table};
use crate::names::Zone;
use crate::network::{Gateways, Nat, Network, Site, Tier, Traffic};

/// Returns the tags of something with this name.
pub(super) fn tags(network: &Network, name: Expr) -> Expr {
    call("merge", [expr(common_tags(network)), object([("Name", name)])])
}

/// Returns the tags that everything carries: the caller's, and those of the topology where it has some.
pub(super) fn common_tags(network: &Network) -> &'static str {
    if network.tags.is_empty() { "var.tags" } else { "local.tags" }
}

/// Returns an object, whose keys are quoted where one of them must be.
pub(super) fn table_of<'a>(entries: impl IntoIterator<Item = (&'a str, Expr)>) -> Expr {
    let is_identifier = |key: &str| {
        key.starts_with(|c: char| c.is_ascii_alphabetic())
            && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let entries: Vec<_> = entries.into_iter().collect();
    if entries.iter().all(|(key, _)| is_identifier(key)) {
        object(entries)
    } else {
        table(entries.into_iter().map(|(key, value)| (key.to_owned(), value)))
    }
}

/// Writes a list of string literals; the strings must need no escapes.
pub(super) fn list(items: &[String]) -> String {
    let mut text = String::from("[");
    for (idx, item) in items.iter().enumerate() {
        let _ = write!(text, "{}\"{item}\"", if idx == 0 { "" } else { ", " });
    }
    text.push(']');
    text
}

/// Returns an output that holds an id for each tier.
pub(super) fn by_tier(network: &Network, name: &str, description: &str, ty: &str, holds: Holds) -> Output {
    let ids = network.tiers.iter().flat_map(|tier| {
        let id = expr(&format!("{ty}.{}.id", tier.name.identifier()));
        tier.names().map(move |name| (name.identifier(), id.clone()))
    });
    Output {
        name: name.to_owned(),
        description: description.to_owned(),
        holds: Some(holds),
        value: call("tomap", [object(ids)]),
    }
}

/// Returns the reference to one part of a tier's cover.
pub(super) fn block(network: &Network, tier: usize, part: usize) -> String {
    let name = network.tiers[tier].name.identifier();
    let index = if network.tiers[tier].cover.len() == 1 { String::new() } else { format!("[{part}]") };
    format!("local.blocks.{name}{index}")
}

/// Returns the reference to the subnets of a tier, which are a map by zone letter.
pub(super) fn subnets(tier: &Tier) -> Expr {
    reference("aws_subnet", &tier.name.identifier())
}

/// Returns protocol and ports, or ICMP type and code, as Terraform's arguments take them.
pub(super) fn columns(traffic: Traffic) -> (&'static str, Expr, Expr) {
    let number = |value: i32| Expr::Number(value.into());
    match traffic {
        Traffic::Tcp(ports) => ("tcp", number(ports.from.into()), number(ports.to.into())),
        Traffic::Udp(ports) => ("udp", number(ports.from.into()), number(ports.to.into())),
        Traffic::Icmp => ("icmp", number(-1), number(-1)),
        Traffic::FragmentationNeeded => ("icmp", number(3), number(4)),
        Traffic::Any => ("-1", Expr::Null, Expr::Null),
    }
}

/// The names of the availability zones of the region.
pub(super) const ZONE_NAMES: &str = "data.aws_availability_zones.region.names";

/// Their ids, in the same order.
pub(super) const ZONE_IDS: &str = "data.aws_availability_zones.region.zone_ids";

/// The region, as the VPC's ARN has it: a data source could be deferred, and replace what takes it.
pub(super) const REGION: &str = r#"split(":", aws_vpc.this.arn)[3]"#;

const ALL_ZONES: &str = "local.zones";

/// Returns the zones with these letters, as far as the caller passes them.
pub(super) fn those(letters: &[Zone]) -> String {
    let letters: Vec<String> = letters.iter().map(Zone::to_string).collect();
    let letters = list(&letters);
    format!("{{ for letter, zone in local.zones : letter => zone if contains({letters}, letter) }}")
}

/// Returns the map whose letters a tier has subnets in.
pub(super) fn zones(tier: &Tier) -> String {
    match tier.zones {
        None => ALL_ZONES.to_owned(),
        Some(_) => format!("local.{}_zones", tier.name.identifier()),
    }
}

/// Returns the map whose letters have a route table of their own: those of the table's tiers.
pub(super) fn table_zones(network: &Network, table: usize) -> String {
    let tiers = network.tiers.iter().filter(|tier| tier.route_table == table);
    let mut maps: Vec<String> = tiers.map(zones).collect();
    maps.sort();
    maps.dedup();
    match maps.as_slice() {
        [one] => one.clone(),
        maps if maps.iter().any(|map| map == ALL_ZONES) => ALL_ZONES.to_owned(),
        maps => format!("merge({})", maps.join(", ")),
    }
}

/// Returns the map whose letters have a NAT gateway.
pub(super) fn nat_zones(nat: &Nat) -> String {
    match &nat.gateways {
        Gateways::EachZone => ALL_ZONES.to_owned(),
        Gateways::Home(home) => {
            format!("{{ for letter, zone in local.zones : letter => zone if letter == \"{home}\" }}")
        }
        Gateways::Zones { own, .. } => those(own),
    }
}

/// Returns the NAT gateway that the zone of `each.key` leaves through.
pub(super) fn nat_of_zone(network: &Network) -> String {
    let homes = format!("local.{}[each.key]", super::NAT_HOMES);
    let index = if network.nat_fallbacks().is_empty() { "each.key" } else { homes.as_str() };
    format!("aws_nat_gateway.this[{index}].id")
}

/// Returns the maps of zones, with the letters that each can have.
pub(super) fn zone_maps(network: &Network) -> Vec<(String, Vec<Zone>)> {
    let letters = |is_in: &dyn Fn(Zone) -> bool| -> Vec<Zone> {
        network.slots.keys().copied().filter(|zone| is_in(*zone)).collect()
    };
    let mut maps = vec![(ALL_ZONES.to_owned(), letters(&|_| true))];
    maps.extend(network.tiers.iter().map(|tier| (zones(tier), letters(&|zone| tier.is_in(zone)))));
    let tables = 0..network.route_tables.len();
    maps.extend(tables.map(|table| (table_zones(network, table), network.table_zones(table))));
    maps.extend(network.nat.iter().map(|nat| (nat_zones(nat), letters(&|zone| network.has_nat(zone)))));
    maps
}

/// Adds where a subnet on an Outpost is to its arguments, and whose addresses instances get if the caller names a pool.
pub(super) fn site(tier: &Tier, body: Body) -> Body {
    if tier.site != Some(Site::Outpost) {
        return body;
    }
    let name = &tier.name;
    body.hcl("outpost_arn", &format!("var.outpost_arns[\"{name}\"]"))
        .hcl("customer_owned_ipv4_pool", &format!("lookup(var.outpost_ipv4_pools, \"{name}\", null)"))
        .hcl(
            "map_customer_owned_ip_on_launch",
            &format!("contains(keys(var.outpost_ipv4_pools), \"{name}\") ? true : null"),
        )
}
