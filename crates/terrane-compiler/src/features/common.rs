//! How features lower what several of them have: tags, references to what tiers have, tables.

use terrane_contract::Holds;

use crate::module::Output;
use crate::module::syntax::{
    Body, Expr, call, conditional, contains, each_key, equal, interpolated, keys, local, name, object,
    pairs_in, reference, string, strings, table, var,
};
use crate::names::Zone;
use crate::network::{Gateways, Nat, Network, Site, Tier, Traffic};

/// Returns the tags of something with this name.
pub(super) fn tags(network: &Network, name: Expr) -> Expr {
    call("merge", [common_tags(network), object([("Name", name)])])
}

/// Returns the tags that everything carries: the caller's, and those of the topology where it has some.
pub(super) fn common_tags(network: &Network) -> Expr {
    if network.tags.is_empty() { var("tags") } else { local("tags") }
}

/// Returns the id of the VPC.
pub(super) fn vpc_id() -> Expr {
    reference("aws_vpc", "this").attr("id")
}

/// Returns the caller's name for the network, `-`, and what follows.
pub(super) fn named(rest: impl IntoIterator<Item = Expr>) -> Expr {
    interpolated([var("name"), "-".into()].into_iter().chain(rest))
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

/// Returns an output that holds an id for each tier.
pub(super) fn by_tier(network: &Network, name: &str, description: &str, ty: &str, holds: Holds) -> Output {
    let ids = network.tiers.iter().flat_map(|tier| {
        let id = reference(ty, &tier.name.identifier()).attr("id");
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
pub(super) fn block(network: &Network, tier: usize, part: usize) -> Expr {
    let tier = &network.tiers[tier];
    let cover = local("blocks").attr(&tier.name.identifier());
    if tier.cover.len() == 1 { cover } else { cover.at(u64::try_from(part).unwrap_or(u64::MAX)) }
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

/// Returns the names of the availability zones of the region.
pub(super) fn zone_names() -> Expr {
    reference("data", "aws_availability_zones").attr("region").attr("names")
}

/// Returns their ids, in the same order.
pub(super) fn zone_ids() -> Expr {
    reference("data", "aws_availability_zones").attr("region").attr("zone_ids")
}

/// Returns the region, as the VPC's ARN has it: a data source could be deferred, and replace what takes it.
pub(super) fn region() -> Expr {
    call("split", [":".into(), reference("aws_vpc", "this").attr("arn")]).at(3)
}

/// Returns the map of all zones that the caller passes.
fn all_zones() -> Expr {
    local("zones")
}

/// Returns the zones with these letters, as far as the caller passes them.
pub(super) fn those(letters: &[Zone]) -> Expr {
    zones_where(contains(strings(letters), name("letter")))
}

/// Returns the zones for whose `letter` a condition holds.
fn zones_where(condition: Expr) -> Expr {
    pairs_in("letter", "zone", all_zones()).filter(condition).object(name("letter"), name("zone"))
}

/// Returns the map whose letters a tier has subnets in.
pub(super) fn zones(tier: &Tier) -> Expr {
    match tier.zones {
        None => all_zones(),
        Some(_) => local(&format!("{}_zones", tier.name.identifier())),
    }
}

/// Returns the map whose letters have a route table of their own: those of the table's tiers.
pub(super) fn table_zones(network: &Network, table: usize) -> Expr {
    let tiers = network.tiers.iter().filter(|tier| tier.route_table == table);
    let mut maps: Vec<Expr> = tiers.map(zones).collect();
    maps.sort_by_key(Expr::to_string);
    maps.dedup();
    match maps.as_slice() {
        [one] => one.clone(),
        some if some.contains(&all_zones()) => all_zones(),
        _ => call("merge", maps),
    }
}

/// Returns the map whose letters have a NAT gateway.
pub(super) fn nat_zones(nat: &Nat) -> Expr {
    match &nat.gateways {
        Gateways::EachZone => all_zones(),
        Gateways::Home(home) => zones_where(equal(name("letter"), string(&home.to_string()))),
        Gateways::Zones { own, .. } => those(own),
    }
}

/// Returns the NAT gateway that the zone of `each.key` leaves through.
pub(super) fn nat_of_zone(network: &Network) -> Expr {
    let has_fallbacks = !network.nat_fallbacks().is_empty();
    let home = if has_fallbacks { local(super::NAT_HOMES).at(each_key()) } else { each_key() };
    reference("aws_nat_gateway", "this").at(home).attr("id")
}

/// Returns the maps of zones, with the letters that each can have.
pub(super) fn zone_maps(network: &Network) -> Vec<(Expr, Vec<Zone>)> {
    let letters = |is_in: &dyn Fn(Zone) -> bool| -> Vec<Zone> {
        network.slots.keys().copied().filter(|zone| is_in(*zone)).collect()
    };
    let mut maps = vec![(all_zones(), letters(&|_| true))];
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
    let (own, pools) = (|| string(tier.name.as_str()), || var("outpost_ipv4_pools"));
    let has_pool = contains(keys(pools()), own());
    body.arg("outpost_arn", var("outpost_arns").at(own()))
        .arg("customer_owned_ipv4_pool", call("lookup", [pools(), own(), Expr::Null]))
        .arg("map_customer_owned_ip_on_launch", conditional(has_pool, true.into(), Expr::Null))
}
