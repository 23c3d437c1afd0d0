//! What AWS refuses or needs and neither Terraform nor the emulator checks, as rules over a module.
//!
//! A rule is one function and one line in [`RULES`]. Rules see literals, tables of `for_each`, and references;
//! what depends on the values of variables is checked by the module's own validations.

mod graph;
mod rows;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use self::graph::Graph;
use self::rows::{Row, elements, rows};
use super::fault::Fault;
use super::syntax::Expr;
use super::{Module, Resource};
use crate::names::Cidr;
use crate::vpc_ranges::comes_first;

/// A rule reports each place that breaks it.
type Rule = fn(&Graph<'_>, &mut Vec<Fault>);

/// Every rule.
const RULES: &[Rule] = &[
    one_internet_gateway,
    gateway_before_elastic_ips,
    gateway_before_nat_gateways,
    gateway_before_default_routes,
    acls_own_what_they_have,
    defaults_are_emptied_last,
    secondary_ranges_before_subnets,
    secondary_ranges_in_order,
    acl_rule_numbers,
    acl_rules_in_budget,
    ports,
    nat_gateways_in_public_subnets,
    subnet_groups_over_two_subnets,
    no_route_to_the_gateway_inside_the_vpc,
    one_route_table_per_subnet,
    literal_ranges,
];

/// Rules of one direction that a network ACL may have besides the default one:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-nacls>.
const ACL_RULES: usize = 19;

/// Returns what AWS would refuse, or accept and not do.
pub fn check(module: &Module) -> Vec<Fault> {
    let graph = Graph::new(module);
    let mut faults = Vec::new();
    for rule in RULES {
        rule(&graph, &mut faults);
    }
    faults
}

fn fault(resource: &Resource, argument: &str, message: String, hint: &str) -> Fault {
    Fault { address: resource.address(), argument: argument.to_owned(), message, hint: hint.to_owned() }
}

fn one_internet_gateway(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for (idx, gateway) in graph.of("aws_internet_gateway").enumerate() {
        if idx > 0 || gateway.for_each.is_some() {
            let message = "a VPC has one internet gateway at most".to_owned();
            faults.push(fault(gateway, "", message, "use the first one everywhere"));
        }
    }
}

fn gateway_before(graph: &Graph<'_>, resource: &Resource, faults: &mut Vec<Fault>) {
    if !graph.waits_for_type(resource, "aws_internet_gateway") {
        let message = "nothing makes it wait for the internet gateway".to_owned();
        faults.push(fault(resource, "depends_on", message, "add the internet gateway to `depends_on`"));
    }
}

fn gateway_before_elastic_ips(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    graph.of("aws_eip").for_each(|address| gateway_before(graph, address, faults));
}

fn gateway_before_nat_gateways(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for gateway in public_nat_gateways(graph) {
        gateway_before(graph, gateway, faults);
    }
}

fn public_nat_gateways<'g>(graph: &'g Graph<'_>) -> impl Iterator<Item = &'g Resource> {
    let is_private = |gateway: &Resource| {
        gateway.body.get("connectivity_type") == Some(&Expr::String("private".to_owned()))
    };
    graph.of("aws_nat_gateway").filter(move |gateway| !is_private(gateway))
}

fn gateway_before_default_routes(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for route in graph.of("aws_route") {
        let leads_out =
            ["gateway_id", "nat_gateway_id"].iter().any(|target| route.body.get(target).is_some());
        if leads_out && is_default(route) {
            gateway_before(graph, route, faults);
        }
    }
}

fn is_default(route: &Resource) -> bool {
    route.body.get("destination_cidr_block") == Some(&Expr::String("0.0.0.0/0".to_owned()))
}

/// The directions of a network ACL, each an argument of it.
const DIRECTIONS: [&str; 2] = ["ingress", "egress"];

/// A direction that is not said keeps what it has, and rules and subnets from elsewhere are taken away by the ACL's own.
fn acls_own_what_they_have(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for acl in graph.of("aws_network_acl") {
        let owned = DIRECTIONS.into_iter().chain(["subnet_ids"]);
        let open = owned.filter(|argument| acl.body.get(argument).is_none());
        for argument in open.filter(|argument| !acl.ignore_changes.iter().any(|ignored| ignored == argument))
        {
            let message = "it is not said, so that whatever is there stays".to_owned();
            faults.push(fault(acl, argument, message, "say all that it has, or that it has nothing"));
        }
    }
    for ty in ["aws_network_acl_rule", "aws_network_acl_association"] {
        for other in graph.of(ty) {
            let message = "the ACL has its rules and subnets itself, and takes this away".to_owned();
            faults.push(fault(other, "network_acl_id", message, "give it to the ACL"));
        }
    }
}

/// Subnets that stand use the defaults until they have their own.
fn defaults_are_emptied_last(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    let own = [
        ("aws_default_network_acl", "aws_network_acl"),
        ("aws_default_route_table", "aws_route_table_association"),
    ];
    for (default, first) in own.into_iter().flat_map(|(ty, own)| {
        graph.of(ty).flat_map(move |default| graph.of(own).map(move |first| (default, first)))
    }) {
        let gives_subnets = first.body.get("subnet_ids").is_some() || first.body.get("subnet_id").is_some();
        if gives_subnets && !graph.waits_for(default, &first.address()) {
            let message = format!("it may be emptied before {} takes subnets off it", first.address());
            faults.push(fault(default, "depends_on", message, "add that to `depends_on`"));
        }
    }
}

fn secondary_ranges_before_subnets(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    let primary: Vec<String> =
        graph.of("aws_vpc").flat_map(|vpc| graph.variables(vpc, "cidr_block")).collect();
    for range in graph.of("aws_vpc_ipv4_cidr_block_association") {
        let variables = graph.variables(range, "cidr_block");
        for subnet in graph.of("aws_subnet") {
            let lies_in_range = graph
                .variables(subnet, "cidr_block")
                .iter()
                .any(|variable| variables.contains(variable) && !primary.contains(variable));
            if lies_in_range && !graph.waits_for(subnet, &range.address()) {
                let message = format!("nothing makes it wait for its range {}", range.address());
                faults.push(fault(subnet, "vpc_id", message, "take `vpc_id` from the range's association"));
            }
        }
    }
}

/// Holds the ranges that variables have by default: those of callers are of the same spaces.
fn secondary_ranges_in_order(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    let default = |range: &Resource| match graph.default(graph.variables(range, "cidr_block").first()?)? {
        Expr::String(text) => Cidr::parse(text).ok(),
        _ => None,
    };
    let ranges: Vec<_> = graph
        .of("aws_vpc_ipv4_cidr_block_association")
        .filter_map(|range| Some((range, default(range)?)))
        .collect();
    for (first, cidr) in &ranges {
        for (second, added) in &ranges {
            if comes_first(*cidr, *added) && !graph.waits_for(second, &first.address()) {
                let message = format!("AWS refuses {} ({cidr}) once {added} is there", first.address());
                faults.push(fault(second, "depends_on", message, "add that range to `depends_on`"));
            }
        }
    }
}

fn acl_rule_numbers(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for acl in graph.of("aws_network_acl") {
        for direction in DIRECTIONS {
            let mut seen: BTreeMap<i64, Row<'_>> = BTreeMap::new();
            for row in elements(graph, acl, direction) {
                let Some(number) = row.number("rule_no") else { continue };
                let path = row.path("rule_no");
                if !(1..=32766).contains(&number) {
                    let message = format!("the rule number is {number}, not within 1 to 32766");
                    faults.push(fault(acl, &path, message, "choose another number"));
                }
                if let Some(other) = seen.insert(number, row) {
                    let other = other.path("rule_no");
                    let message = format!("the rule number {number} is also that of {other}");
                    faults.push(fault(acl, &path, message, "choose another number"));
                }
            }
        }
    }
}

fn acl_rules_in_budget(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for acl in graph.of("aws_network_acl") {
        for direction in DIRECTIONS {
            let count = elements(graph, acl, direction).len();
            if count > ACL_RULES {
                let message = format!("the ACL has {count} {direction} rules, but AWS takes {ACL_RULES}");
                faults.push(fault(acl, direction, message, "merge rules"));
            }
        }
    }
}

fn ports(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for ty in ["aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"] {
        for rule in graph.of(ty) {
            rows(rule).iter().for_each(|row| check_ports(rule, row, faults));
        }
    }
    for acl in graph.of("aws_network_acl") {
        for row in DIRECTIONS.into_iter().flat_map(|direction| elements(graph, acl, direction)) {
            check_ports(acl, &row, faults);
            check_icmp(acl, &row, faults);
        }
    }
}

/// The numbers of ICMP types and codes, where -1 is all.
const ICMP_BOUNDS: RangeInclusive<i64> = -1..=255;

fn check_icmp(acl: &Resource, row: &Row<'_>, faults: &mut Vec<Fault>) {
    for name in ["icmp_type", "icmp_code"] {
        if let Some(number) = row.number(name).filter(|number| !ICMP_BOUNDS.contains(number)) {
            let message = format!("the ICMP type or code is {number}, not within -1 to 255");
            faults.push(fault(acl, &row.path(name), message, "choose one within the bounds"));
        }
    }
}

fn check_ports(rule: &Resource, row: &Row<'_>, faults: &mut Vec<Fault>) {
    let is_icmp =
        matches!(row.get("ip_protocol"), Some(Expr::String(protocol)) if protocol.starts_with("icmp"));
    // For ICMP the arguments hold type and code, where -1 is all.
    let (bounds, what) = if is_icmp { (ICMP_BOUNDS, "ICMP type or code") } else { (0..=65535, "port") };
    let (from, to) = (row.number("from_port"), row.number("to_port"));
    for (name, number) in [("from_port", from), ("to_port", to)] {
        if let Some(number) = number.filter(|number| !bounds.contains(number)) {
            let message =
                format!("the {what} is {number}, not within {} to {}", bounds.start(), bounds.end());
            faults.push(fault(rule, &row.path(name), message, "choose one within the bounds"));
        }
    }
    if let (Some(from), Some(to), false) = (from, to, is_icmp)
        && from > to
    {
        let message = format!("the ports go from {from} down to {to}");
        faults.push(fault(rule, &row.path("from_port"), message, "swap the two"));
    }
}

fn nat_gateways_in_public_subnets(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for gateway in public_nat_gateways(graph) {
        for subnet in graph.referred(gateway, "subnet_id", "aws_subnet") {
            if !has_route_to_gateway(graph, &subnet) {
                let message = format!("{subnet} has no route to the internet gateway");
                faults.push(fault(gateway, "subnet_id", message, "place it in a public subnet"));
            }
        }
    }
}

fn has_route_to_gateway(graph: &Graph<'_>, subnet: &String) -> bool {
    let tables: Vec<String> = graph
        .of("aws_route_table_association")
        .filter(|association| graph.referred(association, "subnet_id", "aws_subnet").contains(subnet))
        .flat_map(|association| graph.referred(association, "route_table_id", "aws_route_table"))
        .collect();
    graph.of("aws_route").any(|route| {
        is_default(route)
            && !graph.referred(route, "gateway_id", "aws_internet_gateway").is_empty()
            && graph
                .referred(route, "route_table_id", "aws_route_table")
                .iter()
                .any(|table| tables.contains(table))
    })
}

/// Groups of databases need subnets in two availability zones.
fn subnet_groups_over_two_subnets(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for group in graph.module.resources.iter().filter(|resource| resource.ty.ends_with("_subnet_group")) {
        let n_subnets = match group.body.get("subnet_ids") {
            Some(Expr::Array(ids)) => Some(ids.len()),
            // Otherwise they are the instances of one resource, which a table may count.
            Some(_) => graph
                .referred(group, "subnet_ids", "aws_subnet")
                .iter()
                .filter_map(|address| graph.get(address))
                .map(|subnet| match &subnet.for_each {
                    Some(Expr::Object(entries)) => Some(entries.len()),
                    Some(_) => None,
                    None => Some(1),
                })
                .sum(),
            None => None,
        };
        if let Some(n_subnets) = n_subnets.filter(|n_subnets| *n_subnets < 2) {
            let message = format!("the group has {n_subnets} subnets, but needs 2 in different zones");
            faults.push(fault(group, "subnet_ids", message, "give it subnets of a second zone"));
        }
    }
}

fn no_route_to_the_gateway_inside_the_vpc(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    for route in graph.of("aws_route").filter(|route| route.body.get("gateway_id").is_some()) {
        if let Some(variable) = graph.variables(route, "destination_cidr_block").first() {
            let message =
                format!("it leads addresses of the VPC itself (var.{variable}) to the internet gateway");
            faults.push(fault(route, "destination_cidr_block", message, "route what lies outside the VPC"));
        }
    }
}

fn one_route_table_per_subnet(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    let mut seen: BTreeMap<String, String> = BTreeMap::new();
    for association in graph.of("aws_route_table_association") {
        for subnet in graph.referred(association, "subnet_id", "aws_subnet") {
            if let Some(first) = seen.insert(subnet.clone(), association.address()) {
                let message = format!("{subnet} already has the route table of {first}");
                faults.push(fault(association, "subnet_id", message, "associate each subnet once"));
            }
        }
    }
}

/// Ranges that no VPC may have: <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>.
const UNUSABLE: [&str; 4] = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"];

fn literal_ranges(graph: &Graph<'_>, faults: &mut Vec<Fault>) {
    let types = ["aws_vpc", "aws_vpc_ipv4_cidr_block_association", "aws_subnet"];
    for resource in types.iter().flat_map(|ty| graph.of(ty)) {
        for row in rows(resource) {
            let Some(Expr::String(text)) = row.get("cidr_block") else { continue };
            if let Some(message) = fault_of_range(text) {
                faults.push(fault(resource, &row.path("cidr_block"), message, "choose another range"));
            }
        }
    }
}

fn fault_of_range(text: &str) -> Option<String> {
    let Ok(range) = text.parse::<Ipv4Net>() else { return Some(format!("`{text}` is no IPv4 range")) };
    if range.trunc() != range {
        return Some(format!("`{text}` has host bits, which AWS clears: {}", range.trunc()));
    }
    if !(16..=28).contains(&range.prefix_len()) {
        return Some(format!("`{text}` has the prefix length {}, not within 16 to 28", range.prefix_len()));
    }
    let unusable =
        UNUSABLE.iter().find(|space| space.parse::<Ipv4Net>().is_ok_and(|space| space.contains(&range)));
    unusable.map(|space| format!("`{text}` lies in {space}, which no VPC can use"))
}

#[cfg(test)]
mod tests;
