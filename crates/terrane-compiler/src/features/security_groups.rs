//! Security groups, derived from the declared flows: the exact policy of each tier.
//!
//! A security group remembers connections, so that replies need no rule, and names other groups
//! rather than addresses, so that it holds wherever a workload runs.

use terrane_contract::{Holds, Type};

use super::common::{self, columns};
use super::{Feature, Resolution};
use crate::declaration::Peer;
use crate::diagnostics::{Code, codes, report};
use crate::module::syntax::{Body, Expr, Object, call, each_in, each_key, each_value, interpolated, local, matches, name, object, pairs_in, reference, string, table, values, var};
use crate::module::{Condition, File, Local, Module, Resource, Variable};
use crate::names::Cidr;
use crate::network::{Direction, GroupPeer, GroupRule, Network, SecurityGroup, Traffic};

pub(super) const FEATURE: Feature = Feature {
    codes: CODES,
    resolve,
    lower,
    types: || {
        vec![
            "aws_security_group",
            "aws_vpc_security_group_egress_rule",
            "aws_vpc_security_group_ingress_rule",
        ]
    },
    named_after_tiers: &["aws_security_group"],
    ..Feature::NONE
};

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, network, diagnostics, .. } = resolution;
    let mut groups: Vec<SecurityGroup> =
        (0..network.tiers.len()).map(|tier| SecurityGroup { tier, rules: Vec::new() }).collect();
    for flow in &declaration.flows {
        for traffic in flow.traffic() {
            let why = network.describe(flow);
            let mut add = |tier: usize, direction, peer: GroupPeer| {
                add(network, &mut groups[tier].rules, direction, traffic, peer, &why);
            };
            let other = |peer: &Peer| match peer {
                Peer::Tier(tier) => GroupPeer::Group(*tier),
                Peer::Internet => GroupPeer::Everywhere,
                Peer::Endpoint(service) => GroupPeer::Endpoint(service.clone()),
                Peer::Place(place) => GroupPeer::Place(*place),
            };
            if let Peer::Tier(client) = flow.from {
                add(client, Direction::Egress, other(&flow.to));
            }
            if let Peer::Tier(server) = flow.to {
                add(server, Direction::Ingress, other(&flow.from));
                let from_tier = matches!(flow.from, Peer::Tier(client) if client != server);
                if network.tiers[server].client_groups && from_tier {
                    add(server, Direction::Ingress, GroupPeer::Clients);
                }
            }
        }
    }
    for (group, tier) in groups.iter().zip(&declaration.tiers).filter(|(_, tier)| tier.client_groups) {
        if !group.rules.iter().any(|rule| rule.peer == GroupPeer::Clients) {
            report!(
                diagnostics, Code::NO_CLIENTS, &tier.origin.at("client_security_groups"),
                "tier `{}` takes client security groups, but no flow from another tier leads to it", tier.name;
                "declare what its clients may do, as flows from the tier they are in, or drop `client_security_groups`"
            );
        }
    }
    network.security_groups = groups;
}

codes! {
    /// The problems that this feature reports.
    const CODES;

    NO_CLIENTS = "no-clients", Error:
        "A tier takes client security groups, but no tier is its client",
        "`client_security_groups` lets callers name security groups whose members may do the same as the members of client tiers. No flow from another tier leads to this tier, so they could do nothing. Declare a flow from the tier of the clients, or drop the key.";
}

fn add(
    network: &Network,
    rules: &mut Vec<GroupRule>,
    direction: Direction,
    traffic: Traffic,
    peer: GroupPeer,
    why: &str,
) {
    let covers = |rule: &GroupRule, other: Traffic| {
        rule.direction == direction && rule.peer == peer && rule.traffic.covers(other)
    };
    if rules.iter().any(|rule| covers(rule, traffic)) {
        return;
    }
    rules.retain(|rule| !(rule.direction == direction && rule.peer == peer && traffic.covers(rule.traffic)));
    let key = format!("{}-{}", peer_name(network, &peer), traffic.to_string().replace(' ', "-"));
    rules.push(GroupRule { direction, key, traffic, peer, why: why.to_owned() });
}

fn lower(network: &Network, module: &mut Module) {
    for group in &network.security_groups {
        let tier = &network.tiers[group.tier];
        let id = tier.name.identifier();
        let name = common::named([string(tier.first_name().as_str())]);
        module.resources.push(
            Resource::new(
                File::Security,
                "aws_security_group",
                &id,
                Body::new()
                    .arg("name", name.clone())
                    .arg("description", string(&format!("Members of the {} tier", tier.first_name())))
                    .arg("vpc_id", common::vpc_id())
                    .blank()
                    .arg("tags", common::tags(network, name)),
            )
            .ignore_changes(["name", "description"])
            .comment(&comment(network, group)),
        );
        for direction in [Direction::Ingress, Direction::Egress] {
            let mut peers: Vec<&GroupPeer> = Vec::new();
            for rule in group.rules.iter().filter(|rule| rule.direction == direction) {
                if !peers.contains(&&rule.peer) {
                    peers.push(&rule.peer);
                }
            }
            for peer in peers {
                let rules =
                    group.rules.iter().filter(|rule| rule.direction == direction && rule.peer == *peer);
                if *peer == GroupPeer::Clients {
                    client_rules(network, group.tier, rules, module);
                } else {
                    module.resources.push(rules_resource(network, group.tier, direction, peer, rules));
                }
            }
        }
    }
    module.outputs.push(common::by_tier(
        network,
        "security_group_ids",
        "Ids of the security groups by tier.",
        "aws_security_group",
        Holds::SecurityGroupId,
    ));
}

/// Says in words what a group permits.
fn comment(network: &Network, group: &SecurityGroup) -> String {
    let mut lines = vec![format!("What members of `{}` may do:", network.tiers[group.tier].name)];
    let own = group.rules.iter().filter(|rule| rule.peer != GroupPeer::Clients);
    lines.extend(own.map(|rule| format!("  {} {}: {}", rule.direction, rule.traffic, rule.why)));
    let tier = &network.tiers[group.tier];
    if tier.client_groups {
        lines.push(format!(
            "Members of the groups in `{}` may do to them what other tiers may.",
            tier.clients_variable()
        ));
    }
    if group.rules.is_empty() {
        lines.push("  nothing; no flow is declared".to_owned());
    }
    lines.join("\n")
}

/// Adds the variable by which a caller names security groups of a tier's clients, and the rules that let those in.
fn client_rules<'a>(
    network: &Network,
    tier: usize,
    rules: impl Iterator<Item = &'a GroupRule>,
    module: &mut Module,
) {
    let tier = &network.tiers[tier];
    let (id, variable) = (tier.name.identifier(), tier.clients_variable());
    module.variables.push(Variable {
        name: variable.clone(),
        ty: Type::map(Type::String),
        description: format!(
            "Security groups whose members may reach `{}` as members of other tiers do, such as that of an EKS cluster: a name of your choice to the group's id.",
            tier.name
        ),
        default: Some(Expr::Object(Object::new())),
        nullable: false,
        validations: vec![Condition {
            condition: call(
                "alltrue",
                [each_in("id", values(var(&variable))).list(matches("^sg-[0-9a-f]+$", name("id")))],
            ),
            error_message: string(&format!("{variable} must map names to ids of security groups, such as sg-0123456789abcdef0.")),
        }],
    });
    let local_rules = format!("{}_client_rules", tier.first_name().identifier());
    module.locals.push(Local {
        file: File::Security,
        name: local_rules.clone(),
        comment: format!("What clients of `{}` that are no members of a tier may do.", tier.name),
        value: table(rules.map(|rule| (rule.traffic.to_string().replace(' ', "-"), row(rule)))),
    });
    let body = Body::new()
        .arg("security_group_id", reference("aws_security_group", &id).attr("id"))
        .arg("referenced_security_group_id", each_value().attr("client"))
        .arg("ip_protocol", each_value().attr("protocol"))
        .arg("from_port", each_value().attr("from"))
        .arg("to_port", each_value().attr("to"))
        .blank()
        .arg("tags", common::tags(network, each_key()));
    // No name of a tier holds two underscores, so that this meets no other name.
    let label = format!("{}__clients", tier.first_name().identifier());
    module.resources.push(
        Resource::new(File::Security, "aws_vpc_security_group_ingress_rule", &label, body)
            .for_each(rules_of_clients(&variable, &local_rules)),
    );
}

/// Returns each rule for each group of clients.
fn rules_of_clients(variable: &str, local_rules: &str) -> Expr {
    let of_rule = |part: &str| name("rule").attr(part);
    let one = object([
        ("key", interpolated([name("name"), "-".into(), name("key")])),
        ("client", name("client")),
        ("protocol", of_rule("protocol")),
        ("from", of_rule("from")),
        ("to", of_rule("to")),
    ]);
    let of_client = pairs_in("key", "rule", local(local_rules)).list(one);
    let all = call("flatten", [pairs_in("name", "client", var(variable)).list(of_client)]);
    each_in("rule", all).object(of_rule("key"), name("rule"))
}

/// Returns the rules of one group toward one peer: a block of its own, so that a plan tells which group each rule names
/// before any id is known.
fn rules_resource<'a>(
    network: &Network,
    tier: usize,
    direction: Direction,
    peer: &GroupPeer,
    rules: impl Iterator<Item = &'a GroupRule>,
) -> Resource {
    let group = |tier: usize| reference("aws_security_group", &network.tiers[tier].name.identifier()).attr("id");
    let body = Body::new().arg("security_group_id", group(tier));
    let body = match peer {
        GroupPeer::Group(other) => body.arg("referenced_security_group_id", group(*other)),
        GroupPeer::Everywhere => body.arg("cidr_ipv4", string("0.0.0.0/0")),
        GroupPeer::Endpoint(service) => {
            body.arg("prefix_list_id", reference("aws_vpc_endpoint", service).attr("prefix_list_id"))
        }
        GroupPeer::Place(_) => body.arg("cidr_ipv4", each_value().attr("cidr_ipv4")),
        GroupPeer::Clients => body,
    };
    let body = body
        .arg("ip_protocol", each_value().attr("protocol"))
        .arg("from_port", each_value().attr("from"))
        .arg("to_port", each_value().attr("to"))
        .blank()
        .arg("tags", common::tags(network, each_key()));
    let ty = format!("aws_vpc_security_group_{direction}_rule");
    let mut resource = Resource::new(File::Security, &ty, &label(network, tier, direction, peer), body);
    resource.for_each = Some(match peer {
        GroupPeer::Place(place) => table(rules.flat_map(|rule| {
            let ranges = network.places[*place].ranges.iter();
            ranges.map(|range| (format!("{}-{range}", rule.key), ranged_row(rule, *range)))
        })),
        _ => table(rules.map(|rule| (rule.key.clone(), row(rule)))),
    });
    resource
}

/// Returns the name of a block of rules, such as `db_from_app`, which outlives a change of a tier's name.
///
/// A tier whose own name holds the word between gets two underscores, which no name holds, so that no two names meet.
fn label(network: &Network, tier: usize, direction: Direction, peer: &GroupPeer) -> String {
    let between = match direction {
        Direction::Ingress => "from",
        Direction::Egress => "to",
    };
    let own = network.tiers[tier].first_name().as_str();
    let peer = peer_name(network, peer);
    let is_ambiguous = [own, peer].into_iter().any(|name| name.split('-').any(|word| word == between));
    let separator = if is_ambiguous { "__" } else { "_" };
    format!("{own}{separator}{between}{separator}{peer}").replace('-', "_")
}

fn peer_name<'a>(network: &'a Network, peer: &'a GroupPeer) -> &'a str {
    match peer {
        GroupPeer::Group(tier) => network.tiers[*tier].first_name().as_str(),
        GroupPeer::Everywhere => crate::topology::INTERNET,
        GroupPeer::Endpoint(service) => service,
        GroupPeer::Place(place) => network.places[*place].name.as_str(),
        GroupPeer::Clients => "clients",
    }
}

fn ranged_row(rule: &GroupRule, range: Cidr) -> Expr {
    let (protocol, from, to) = columns(rule.traffic);
    let range = string(&range.to_string());
    object([("protocol", string(protocol)), ("from", from), ("to", to), ("cidr_ipv4", range)])
}

fn row(rule: &GroupRule) -> Expr {
    let (protocol, from, to) = columns(rule.traffic);
    object([("protocol", string(protocol)), ("from", from), ("to", to)])
}
