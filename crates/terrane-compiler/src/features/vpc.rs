//! The VPC, its ranges, and the zones it spans.

use terrane_contract::{Admitted, Holds, Type};

use super::common::{self, list, table_of};
use super::{Feature, Resolution};
use crate::family::Address;
use crate::module::syntax::{Body, Expr, Object, call, expr, object, string, template};
use crate::module::{Condition, File, Local, Module, Output, Resource, Variable};
use crate::names::{Cidr, Zone};
use crate::network::{MinZones, Network, Range, TierZones};
use crate::vpc_ranges::comes_first;

pub(super) const FEATURE: Feature = Feature {
    resolve,
    lower,
    types: || vec!["aws_vpc", "aws_vpc_ipv4_cidr_block_association"],
    test_values,
    ..Feature::NONE
};

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, plan, network, .. } = resolution;
    network.ranges = declaration
        .ranges
        .iter()
        .enumerate()
        .map(|(idx, range)| Range {
            name: range.name.clone(),
            variable: if idx == 0 {
                "cidr_block".to_owned()
            } else {
                format!("{}_cidr_block", range.name.identifier())
            },
            default: range.cidr,
            admitted: plan.admitted[idx].clone(),
        })
        .collect();
}

fn lower(network: &Network, module: &mut Module) {
    variables(network, module);
    locals(network, module);
    module.data.push(availability_zones(network));
    module.resources.push(vpc(network));
    module.resources.extend((1..network.ranges.len()).map(|idx| association(network, idx)));
    outputs(network, module);
}

/// Returns the zones of the region, which feed creation and checks alone: nothing that stands depends on them.
fn availability_zones(network: &Network) -> Resource {
    let body = if network.local_zones().is_empty() {
        let of_type = Body::new()
            .arg("name", string("zone-type"))
            .arg("values", Expr::Array(vec![string("availability-zone")]));
        Body::new().block("filter", of_type)
    } else {
        // Names of Local Zones are looked up, too.
        Body::new()
    };
    Resource::new(File::Vpc, "aws_availability_zones", "region", body)
}

/// Returns the association of a secondary range, after those that AWS would refuse to add to it.
fn association(network: &Network, idx: usize) -> Resource {
    let ty = "aws_vpc_ipv4_cidr_block_association";
    let range = &network.ranges[idx];
    let resource = Resource::new(
        File::Vpc,
        ty,
        &range.name.identifier(),
        Body::new().hcl("vpc_id", "aws_vpc.this.id").hcl("cidr_block", &format!("var.{}", range.variable)),
    )
    .comment(&format!("The VPC's secondary range `{}`.", range.name));
    network.ranges[1..idx]
        .iter()
        .filter(|before| comes_first(before.default, range.default))
        .fold(resource, |resource, before| resource.depends_on(&format!("{ty}.{}", before.name.identifier())))
}

fn variables(network: &Network, module: &mut Module) {
    module.variables.push(Variable {
        name: "name".to_owned(),
        ty: Type::String,
        description: "Prefix of the name of everything that the module creates. Security groups and subnet groups keep the one that they were made with; their Name tags follow.".to_owned(),
        default: Some(string(network.name.as_str())),
        nullable: false,
        validations: vec![
            Condition {
                condition: expr(r#"can(regex("^[a-z]([a-z0-9]|-[a-z0-9]){0,47}$", var.name))"#),
                error_message: template(
                    r#"name is "${var.name}" but must be 1 to 48 lower-case letters, digits, and single hyphens, must start with a letter, and must not end with a hyphen."#,
                ),
            },
            Condition {
                condition: expr(r#"!can(regex("^sg-", var.name))"#),
                error_message: template(
                    r#"name is "${var.name}" but must not begin with sg-, which AWS refuses in names of security groups."#,
                ),
            },
        ],
    });
    for (idx, range) in network.ranges.iter().enumerate() {
        module.variables.push(range_variable(network, range, idx == 0));
    }
    module.variables.push(zones_variable(network));
    module.variables.push(Variable {
        name: "tags".to_owned(),
        ty: Type::map(Type::String),
        description: "Tags of everything that the module creates.".to_owned(),
        default: Some(Expr::Object(Object::new())),
        nullable: false,
        validations: Vec::new(),
    });
}

fn range_variable(network: &Network, range: &Range, base: bool) -> Variable {
    let (name, admitted) = (&range.variable, &range.admitted);
    let spaces: Vec<String> = admitted.within.iter().map(ToString::to_string).collect();
    let what = if base {
        "IPv4 range of the VPC".to_owned()
    } else {
        format!("Secondary IPv4 range `{}` of the VPC", range.name)
    };
    let tiers: Vec<&str> = network
        .tiers
        .iter()
        .filter(|tier| network.ranges[tier.range].name == range.name)
        .map(|tier| tier.name.as_str())
        .collect();
    let found = format!(r#"{name} is "${{var.{name}}}""#);
    Variable {
        name: name.clone(),
        ty: Type::String,
        description: format!(
            "{what}, which holds {}: {} in {}. Changing it replaces the whole network.",
            tiers.join(", "),
            range.sizes(),
            spaces.join(", "),
        ),
        default: Some(string(&range.default.to_string())),
        nullable: false,
        validations: vec![
            Condition {
                condition: expr(&format!("try(cidrsubnet(var.{name}, 0, 0) == var.{name}, false)")),
                error_message: template(format!(
                    "{found} but must be an IPv4 range whose address is the first of the range, such as {}.",
                    range.default
                )),
            },
            Condition {
                condition: expr(&format!("try({}, false)", lengths(name, admitted))),
                error_message: template(format!(
                    "{found} but must be {}, so that every subnet has room for what it was declared for.",
                    range.sizes()
                )),
            },
            Condition {
                condition: expr(&format!(
                    r#"try(anytrue([for space in {} : cidrsubnet("${{cidrhost(var.{name}, 0)}}/${{split("/", space)[1]}}", 0, 0) == space]), false)"#,
                    list(&spaces)
                )),
                error_message: template(format!("{found} but must lie in {}.", spaces.join(" or "))),
            },
        ],
    }
}

/// Returns the condition that the range in a variable has an admitted prefix length.
fn lengths(variable: &str, admitted: &Admitted) -> String {
    let (min, max) = (admitted.min_prefix_length, admitted.max_prefix_length);
    let length = format!(r#"tonumber(split("/", var.{variable})[1])"#);
    if min == max { format!("{length} == {min}") } else { format!("{length} >= {min} && {length} <= {max}") }
}

fn zones_variable(network: &Network) -> Variable {
    let letters: Vec<String> = network.slots.keys().map(ToString::to_string).collect();
    let MinZones { count, reason } = &network.min_zones;
    let mut validations = vec![
        Condition {
            condition: expr(&format!(
                "var.zones == null ? true : alltrue([for letter in keys(var.zones) : contains({}, letter)])",
                list(&letters)
            )),
            error_message: string(&format!(
                "zones may have the letters {} only: the address plan has a slot for each of them.",
                letters.join(", ")
            )),
        },
        Condition {
            condition: expr(
                "var.zones == null ? true : length(distinct(values(var.zones))) == length(var.zones)",
            ),
            error_message: string(
                "zones has two letters on one availability zone; each letter needs its own.",
            ),
        },
        Condition {
            condition: expr(&format!("var.zones == null ? true : length(var.zones) >= {count}")),
            error_message: string(&format!("zones must have at least {count}: {reason}.")),
        },
    ];
    validations.extend(super::tier_zones(network).iter().map(|need| tier_zones(network, need)));
    let local: Vec<String> = network.local_zones().iter().map(Zone::to_string).collect();
    let or_else = if local.is_empty() {
        let used: Vec<String> = network.zones.iter().map(Zone::to_string).collect();
        format!("By default the letters {} of the provider's region.", used.join(", "))
    } else {
        format!("Names of Local Zones, such as us-west-2-lax-1a, belong to {}.", local.join(", "))
    };
    Variable {
        name: "zones".to_owned(),
        ty: Type::map(Type::String),
        description: format!(
            "Zone letter to availability zone, by name or id, such as {{ a = \"eu-west-1a\", b = \"euw1-az2\" }}. Letters: {}. {or_else} A letter keeps its addresses, so never give it to another availability zone.",
            letters.join(", "),
        ),
        default: local.is_empty().then_some(Expr::Null),
        nullable: local.is_empty(),
        validations,
    }
}

/// Returns the check that a tier gets as many of its own zones as it needs.
fn tier_zones(network: &Network, need: &TierZones) -> Condition {
    let tier = &network.tiers[need.tier];
    let letters: Vec<String> = tier.zones.iter().flatten().map(ToString::to_string).collect();
    let own = list(&letters);
    Condition {
        condition: expr(&format!(
            "var.zones == null ? true : length([for letter in keys(var.zones) : letter if contains({own}, letter)]) >= {}",
            need.count
        )),
        error_message: string(&format!(
            "zones must have at least {} of the letters {}, the zones of {}: {}.",
            need.count,
            letters.join(", "),
            tier.name,
            need.reason
        )),
    }
}

/// Names the availability zones of a network whose Local Zones nobody but its caller knows.
fn test_values(network: &Network) -> Vec<(&'static str, Expr)> {
    if network.local_zones().is_empty() {
        return Vec::new();
    }
    let zones = network.zones.iter().map(|zone| (zone.to_string(), string(&format!("eu-west-1{zone}"))));
    vec![("zones", object(zones))]
}

fn locals(network: &Network, module: &mut Module) {
    let mut local = |name: &str, comment: &str, value: Expr| {
        module.locals.push(Local {
            file: File::Vpc,
            name: name.to_owned(),
            comment: comment.to_owned(),
            value,
        });
    };
    let letters: Vec<String> = network.zones.iter().map(ToString::to_string).collect();
    local(
        "zones",
        "Zone letter to availability zone, by name or id; a letter alone is the one whose name ends in it. What a letter names never moves, whichever letters come and go.",
        expr(&format!(
            "var.zones != null ? var.zones : {{ for letter in {} : letter => letter }}",
            list(&letters)
        )),
    );
    let by_letter = if network.local_zones().is_empty() { ", substr(name, -1, 1)" } else { "" };
    let (names, ids) = (common::ZONE_NAMES, common::ZONE_IDS);
    local(
        "zone_names",
        "The name of the availability zone of each letter; null where the region has none.",
        expr(&format!(
            "{{ for letter, zone in local.zones : letter => one([for idx, name in {names} : name if contains([name, {ids}[idx]{by_letter}], zone)]) }}"
        )),
    );
    if !network.tags.is_empty() {
        let declared = table_of(network.tags.iter().map(|(key, value)| (key.as_str(), string(value))));
        local("tags", "", call("merge", [declared, expr("var.tags")]));
    }
}

/// Returns the VPC, which carries the checks that need more than one variable.
fn vpc(network: &Network) -> Resource {
    let mut vpc = Resource::new(
        File::Vpc,
        "aws_vpc",
        "this",
        Body::new()
            .hcl("cidr_block", "var.cidr_block")
            .arg("enable_dns_support", Expr::Bool(network.dns.support))
            .arg("enable_dns_hostnames", Expr::Bool(network.dns.hostnames))
            .blank()
            .arg("tags", common::tags(network, expr("var.name"))),
    );
    vpc.preconditions.extend(zones_exist());
    for range in &network.ranges {
        for clear in &network.keep_clear {
            if range.admitted.within.iter().any(|space| overlap(*space, clear.cidr)) {
                vpc.preconditions.push(Condition {
                    condition: disjoint(&range.variable, RangeText::Literal(clear.cidr)),
                    error_message: string(&format!(
                        "{} overlaps {}, the range of {}; choose another.",
                        range.variable, clear.cidr, clear.name
                    )),
                });
            }
        }
    }
    for (idx, first) in network.ranges.iter().enumerate() {
        for second in &network.ranges[idx + 1..] {
            let meet = |space: &ipnet::IpNet| {
                second.admitted.within.iter().any(|other| other.contains(space) || space.contains(other))
            };
            if first.admitted.within.iter().any(meet) {
                vpc.preconditions.push(Condition {
                    condition: disjoint(&first.variable, RangeText::Variable(&second.variable)),
                    error_message: string(&format!("{} overlaps {}.", first.variable, second.variable)),
                });
            }
        }
    }
    vpc
}

/// Returns the checks that each letter has an availability zone of its own: at plan, and before anything is made.
fn zones_exist() -> [Condition; 2] {
    let names = common::ZONE_NAMES;
    [
        Condition {
            condition: expr("alltrue([for name in values(local.zone_names) : name != null])"),
            error_message: template(format!(
                r#"zones has what the region lacks: ${{join(", ", [for letter, name in local.zone_names : "${{letter}} = ${{local.zones[letter]}}" if name == null])}}. It has ${{join(", ", {names})}}; pass zones with these, by name or id."#
            )),
        },
        Condition {
            condition: expr(
                "length(distinct(compact(values(local.zone_names)))) == length(compact(values(local.zone_names)))",
            ),
            error_message: string(
                "zones has two letters on one availability zone, by name and by id; each letter needs its own.",
            ),
        },
    ]
}

fn overlap(space: ipnet::IpNet, range: Cidr) -> bool {
    space.contains(&range.net()) || range.net().contains(&space)
}

/// Returns the condition that the range in a variable and another one share no address: cut to the shorter prefix, they
/// differ.
fn disjoint(first: &str, second: RangeText<'_>) -> Expr {
    let (address, length) = match second {
        RangeText::Variable(name) => {
            (format!("${{cidrhost(var.{name}, 0)}}"), format!("tonumber(split(\"/\", var.{name})[1])"))
        }
        RangeText::Literal(range) => (range.first().ip().to_string(), range.prefix_length().to_string()),
    };
    let shorter = format!("${{min(tonumber(split(\"/\", var.{first})[1]), {length})}}");
    expr(&format!(
        "cidrsubnet(\"${{cidrhost(var.{first}, 0)}}/{shorter}\", 0, 0) != cidrsubnet(\"{address}/{shorter}\", 0, 0)"
    ))
}

/// How a range stands in an expression.
enum RangeText<'a> {
    Variable(&'a str),
    Literal(Cidr),
}

fn outputs(network: &Network, module: &mut Module) {
    let mut output = |name: &str, description: &str, holds, value: &str| {
        module.outputs.push(Output {
            name: name.to_owned(),
            description: description.to_owned(),
            holds: Some(holds),
            value: expr(value),
        });
    };
    output("vpc_id", "Id of the VPC.", Holds::VpcId, "aws_vpc.this.id");
    output("vpc_arn", "ARN of the VPC.", Holds::Arn, "aws_vpc.this.arn");
    output("vpc_cidr_block", "IPv4 range of the VPC.", Holds::Ipv4Range, "aws_vpc.this.cidr_block");
    for range in &network.ranges[1..] {
        output(
            &range.variable,
            &format!("Secondary IPv4 range `{}` of the VPC.", range.name),
            Holds::Ipv4Range,
            &format!("aws_vpc_ipv4_cidr_block_association.{}.cidr_block", range.name.identifier()),
        );
    }
}
