//! Security groups, derived from the declared flows: the exact policy of each tier.
//!
//! A security group remembers connections, so that replies need no rule, and names other groups
//! rather than addresses, so that it holds wherever a workload runs.

use terrane_contract::Holds;

use super::network_acls::{columns, describe, traffic};
use super::{Feature, Resolution};
use crate::declaration::Peer;
use crate::module::syntax::{Body, Expr, expr, object, string, table};
use crate::module::{File, Module, Output, Resource};
use crate::network::{Direction, GroupPeer, GroupRule, Network, SecurityGroup, Traffic};

pub(super) const FEATURE: Feature = Feature { resolve, lower };

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, network, .. } = resolution;
    let mut groups: Vec<SecurityGroup> =
        (0..network.tiers.len()).map(|tier| SecurityGroup { tier, rules: Vec::new() }).collect();
    for flow in &declaration.flows {
        for traffic in traffic(flow) {
            let why = describe(network, flow);
            let mut add = |tier: usize, direction, peer: GroupPeer| {
                add(network, &mut groups[tier].rules, direction, traffic, peer, &why);
            };
            let other = |peer: &Peer| match peer {
                Peer::Tier(tier) => GroupPeer::Group(*tier),
                Peer::Internet => GroupPeer::Everywhere,
                Peer::Endpoint(service) => GroupPeer::Endpoint(service.clone()),
            };
            if let Peer::Tier(client) = flow.from {
                add(client, Direction::Egress, other(&flow.to));
            }
            if let Peer::Tier(server) = flow.to {
                add(server, Direction::Ingress, other(&flow.from));
            }
        }
    }
    network.security_groups = groups;
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
    let name = match &peer {
        GroupPeer::Group(tier) => network.tiers[*tier].first_name().as_str(),
        GroupPeer::Everywhere => crate::topology::INTERNET,
        GroupPeer::Endpoint(service) => service,
    };
    let key = format!("{name}-{}", traffic.to_string().replace(' ', "-"));
    rules.push(GroupRule { direction, key, traffic, peer, why: why.to_owned() });
}

fn lower(network: &Network, module: &mut Module) {
    for group in &network.security_groups {
        let tier = &network.tiers[group.tier];
        let id = tier.name.identifier();
        let name = format!("${{var.name}}-{}", tier.first_name());
        module.resources.push(
            Resource::new(
                File::Security,
                "aws_security_group",
                &id,
                Body::new()
                    .arg("name", Expr::from(hcl::TemplateExpr::from(name.clone())))
                    .arg("description", string(&format!("Members of the {} tier", tier.first_name())))
                    .hcl("vpc_id", "aws_vpc.this.id")
                    .blank()
                    .hcl("tags", &format!("merge(local.tags, {{ Name = \"{name}\" }})")),
            )
            .comment(&comment(network, group)),
        );
        for direction in [Direction::Ingress, Direction::Egress] {
            let rules: Vec<&GroupRule> =
                group.rules.iter().filter(|rule| rule.direction == direction).collect();
            if !rules.is_empty() {
                module.resources.push(rules_resource(network, &id, direction, &rules));
            }
        }
    }
    module.outputs.push(by_tier(
        network,
        "security_group_ids",
        "Ids of the security groups by tier.",
        "aws_security_group",
        Holds::SecurityGroupId,
    ));
}

/// Returns an output that holds an id for each tier.
pub(super) fn by_tier(network: &Network, name: &str, description: &str, ty: &str, holds: Holds) -> Output {
    let ids: Vec<String> = network.tiers.iter().map(|tier| tier.name.identifier()).collect();
    let ids = object(ids.iter().map(|id| (id.as_str(), expr(&format!("{ty}.{id}.id")))));
    Output {
        name: name.to_owned(),
        description: description.to_owned(),
        holds: Some(holds),
        value: super::vpc::call("tomap", [ids]),
    }
}

/// Says in words what a group permits.
fn comment(network: &Network, group: &SecurityGroup) -> String {
    let mut lines = vec![format!("What members of `{}` may do:", network.tiers[group.tier].name)];
    lines.extend(
        group.rules.iter().map(|rule| format!("  {} {}: {}", rule.direction, rule.traffic, rule.why)),
    );
    if group.rules.is_empty() {
        lines.push("  nothing; no flow is declared".to_owned());
    }
    lines.join("\n")
}

fn rules_resource(network: &Network, id: &str, direction: Direction, rules: &[&GroupRule]) -> Resource {
    let has = |wanted: fn(&GroupPeer) -> bool| rules.iter().any(|rule| wanted(&rule.peer));
    let columns_used = Columns {
        group: has(|peer| matches!(peer, GroupPeer::Group(_))),
        cidr: has(|peer| matches!(peer, GroupPeer::Everywhere)),
        prefix_list: has(|peer| matches!(peer, GroupPeer::Endpoint(_))),
    };
    let mut body = Body::new()
        .hcl("security_group_id", &format!("aws_security_group.{id}.id"))
        .hcl("ip_protocol", "each.value.protocol")
        .hcl("from_port", "each.value.from")
        .hcl("to_port", "each.value.to");
    if columns_used.group {
        body = body.hcl("referenced_security_group_id", "each.value.group");
    }
    if columns_used.cidr {
        body = body.hcl("cidr_ipv4", "each.value.cidr");
    }
    if columns_used.prefix_list {
        body = body.hcl("prefix_list_id", "each.value.prefix_list");
    }
    let ty = format!("aws_vpc_security_group_{direction}_rule");
    let mut resource = Resource::new(
        File::Security,
        &ty,
        id,
        body.blank().hcl("tags", "merge(local.tags, { Name = each.key })"),
    );
    resource.for_each =
        Some(table(rules.iter().map(|rule| (rule.key.clone(), row(network, rule, &columns_used)))));
    resource
}

/// The columns that a table of rules needs.
struct Columns {
    group: bool,
    cidr: bool,
    prefix_list: bool,
}

fn row(network: &Network, rule: &GroupRule, used: &Columns) -> Expr {
    let (protocol, from, to) = columns(rule.traffic);
    let mut row = vec![("protocol", string(protocol)), ("from", from), ("to", to)];
    if used.group {
        row.push((
            "group",
            match &rule.peer {
                GroupPeer::Group(tier) => {
                    expr(&format!("aws_security_group.{}.id", network.tiers[*tier].name.identifier()))
                }
                GroupPeer::Everywhere | GroupPeer::Endpoint(_) => Expr::Null,
            },
        ));
    }
    if used.cidr {
        let everywhere = rule.peer == GroupPeer::Everywhere;
        row.push(("cidr", if everywhere { string("0.0.0.0/0") } else { Expr::Null }));
    }
    if used.prefix_list {
        row.push((
            "prefix_list",
            match &rule.peer {
                GroupPeer::Endpoint(service) => expr(&format!("aws_vpc_endpoint.{service}.prefix_list_id")),
                GroupPeer::Group(_) | GroupPeer::Everywhere => Expr::Null,
            },
        ));
    }
    object(row)
}
