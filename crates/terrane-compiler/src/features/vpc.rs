//! The VPC, its ranges, and the zones it spans.

use terrane_contract::{Admitted, Holds, Type};

use super::common::{self, table_of};
use super::{Feature, Resolution};
use crate::family::Address;
use crate::module::syntax::{Body, Expr, Object, call, conditional, contains, each_in, equal, interpolated, keys, length, local, matches, name, object, pairs_in, reference, string, strings, values, var};
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
        Body::new().arg("vpc_id", common::vpc_id()).arg("cidr_block", var(&range.variable)),
    )
    .comment(&format!("The VPC's secondary range `{}`.", range.name));
    network.ranges[1..idx]
        .iter()
        .filter(|before| comes_first(before.default, range.default))
        .fold(resource, |resource, before| resource.depends_on(ty, &before.name.identifier()))
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
                condition: matches("^[a-z]([a-z0-9]|-[a-z0-9]){0,47}$", var("name")),
                error_message: found(
                    "name",
                    " but must be 1 to 48 lower-case letters, digits, and single hyphens, must start with a letter, and must not end with a hyphen.",
                ),
            },
            Condition {
                condition: !matches("^sg-", var("name")),
                error_message: found(
                    "name",
                    " but must not begin with sg-, which AWS refuses in names of security groups.",
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
                condition: or_false(equal(call("cidrsubnet", [var(name), 0.into(), 0.into()]), var(name))),
                error_message: found(
                    name,
                    &format!(
                        " but must be an IPv4 range whose address is the first of the range, such as {}.",
                        range.default
                    ),
                ),
            },
            Condition {
                condition: or_false(lengths(name, admitted)),
                error_message: found(
                    name,
                    &format!(
                        " but must be {}, so that every subnet has room for what it was declared for.",
                        range.sizes()
                    ),
                ),
            },
            Condition {
                condition: or_false(lies_in(name, &spaces)),
                error_message: found(name, &format!(" but must lie in {}.", spaces.join(" or "))),
            },
        ],
    }
}

/// Returns the condition that the range in a variable has an admitted prefix length.
fn lengths(variable: &str, admitted: &Admitted) -> Expr {
    let (min, max) = (admitted.min_prefix_length, admitted.max_prefix_length);
    let own = || prefix_length(var(variable));
    if min == max { equal(own(), min.into()) } else { own().at_least(min).and(own().at_most(max)) }
}

/// Returns the condition that the range in a variable lies in one of these.
fn lies_in(variable: &str, spaces: &[String]) -> Expr {
    let parts = call("split", ["/".into(), name("space")]);
    let widened = cut_to(address(var(variable)), parts.at(1));
    call("anytrue", [each_in("space", strings(spaces)).list(equal(widened, name("space")))])
}

/// Returns a message that begins with a variable and its value.
fn found(variable: &str, rest: &str) -> Expr {
    interpolated([string(&format!("{variable} is \"")), var(variable), string(&format!("\"{rest}"))])
}

/// Returns a condition that does not hold where it cannot be computed.
fn or_false(condition: Expr) -> Expr {
    call("try", [condition, false.into()])
}

/// Returns the first address of a range.
fn address(range: Expr) -> Expr {
    call("cidrhost", [range, 0.into()])
}

/// Returns the prefix length of a range, as a number.
fn prefix_length(range: Expr) -> Expr {
    call("tonumber", [call("split", ["/".into(), range]).at(1)])
}

/// Returns the range of a prefix length that holds an address.
fn cut_to(address: Expr, length: Expr) -> Expr {
    call("cidrsubnet", [interpolated([address, "/".into(), length]), 0.into(), 0.into()])
}

fn zones_variable(network: &Network) -> Variable {
    let letters: Vec<String> = network.slots.keys().map(ToString::to_string).collect();
    let MinZones { count, reason } = &network.min_zones;
    let mut validations = vec![
        Condition {
            condition: var("zones").is_null_or(call(
                "alltrue",
                [each_in("letter", keys(var("zones"))).list(contains(strings(&letters), name("letter")))],
            )),
            error_message: string(&format!(
                "zones may have the letters {} only: the address plan has a slot for each of them.",
                letters.join(", ")
            )),
        },
        Condition {
            condition: var("zones")
                .is_null_or(equal(length(call("distinct", [values(var("zones"))])), length(var("zones")))),
            error_message: string(
                "zones has two letters on one availability zone; each letter needs its own.",
            ),
        },
        Condition {
            condition: var("zones").is_null_or(length(var("zones")).at_least(u64::try_from(*count).unwrap_or(u64::MAX))),
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
    let own = each_in("letter", keys(var("zones")))
        .filter(contains(strings(&letters), name("letter")))
        .list(name("letter"));
    Condition {
        condition: var("zones").is_null_or(length(own).at_least(u64::try_from(need.count).unwrap_or(u64::MAX))),
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
    let mut add = |name: &str, comment: &str, value: Expr| {
        module.locals.push(Local {
            file: File::Vpc,
            name: name.to_owned(),
            comment: comment.to_owned(),
            value,
        });
    };
    let letters: Vec<String> = network.zones.iter().map(ToString::to_string).collect();
    add(
        "zones",
        "Zone letter to availability zone, by name or id; a letter alone is the one whose name ends in it. What a letter names never moves, whichever letters come and go.",
        conditional(
            var("zones").differs(Expr::Null),
            var("zones"),
            each_in("letter", strings(&letters)).object(name("letter"), name("letter")),
        ),
    );
    let last = call("substr", [name("name"), (-1).into(), 1.into()]);
    let mut ways = vec![name("name"), common::zone_ids().at(name("idx"))];
    ways.extend(network.local_zones().is_empty().then_some(last));
    let found = pairs_in("idx", "name", common::zone_names())
        .filter(contains(Expr::Array(ways), name("zone")))
        .list(name("name"));
    add(
        "zone_names",
        "The name of the availability zone of each letter; null where the region has none.",
        pairs_in("letter", "zone", local("zones")).object(name("letter"), call("one", [found])),
    );
    if !network.tags.is_empty() {
        let declared = table_of(network.tags.iter().map(|(key, value)| (key.as_str(), string(value))));
        add("tags", "", call("merge", [declared, var("tags")]));
    }
}

/// Returns the VPC, which carries the checks that need more than one variable.
fn vpc(network: &Network) -> Resource {
    let mut vpc = Resource::new(
        File::Vpc,
        "aws_vpc",
        "this",
        Body::new()
            .arg("cidr_block", var("cidr_block"))
            .arg("enable_dns_support", Expr::Bool(network.dns.support))
            .arg("enable_dns_hostnames", Expr::Bool(network.dns.hostnames))
            .blank()
            .arg("tags", common::tags(network, var("name"))),
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
    let names = || values(local("zone_names"));
    let lacking = pairs_in("letter", "name", local("zone_names"))
        .filter(name("name").is_null())
        .list(interpolated([name("letter"), " = ".into(), local("zones").at(name("letter"))]));
    let listed = |list: Expr| call("join", [", ".into(), list]);
    [
        Condition {
            condition: call("alltrue", [each_in("name", names()).list(name("name").differs(Expr::Null))]),
            error_message: interpolated([
                "zones has what the region lacks: ".into(),
                listed(lacking),
                ". It has ".into(),
                listed(common::zone_names()),
                "; pass zones with these, by name or id.".into(),
            ]),
        },
        Condition {
            condition: equal(
                length(call("distinct", [call("compact", [names()])])),
                length(call("compact", [names()])),
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
    let (other, length) = match second {
        RangeText::Variable(name) => (address(var(name)), prefix_length(var(name))),
        RangeText::Literal(range) => (string(&range.first().ip().to_string()), range.prefix_length().into()),
    };
    let shorter = || call("min", [prefix_length(var(first)), length.clone()]);
    cut_to(address(var(first)), shorter()).differs(cut_to(other, shorter()))
}

/// How a range stands in an expression.
enum RangeText<'a> {
    Variable(&'a str),
    Literal(Cidr),
}

fn outputs(network: &Network, module: &mut Module) {
    let mut output = |name: &str, description: &str, holds, value: Expr| {
        module.outputs.push(Output {
            name: name.to_owned(),
            description: description.to_owned(),
            holds: Some(holds),
            value,
        });
    };
    output("vpc_id", "Id of the VPC.", Holds::VpcId, common::vpc_id());
    output("vpc_arn", "ARN of the VPC.", Holds::Arn, reference("aws_vpc", "this").attr("arn"));
    output("vpc_cidr_block", "IPv4 range of the VPC.", Holds::Ipv4Range, reference("aws_vpc", "this").attr("cidr_block"));
    for range in &network.ranges[1..] {
        output(
            &range.variable,
            &format!("Secondary IPv4 range `{}` of the VPC.", range.name),
            Holds::Ipv4Range,
            reference("aws_vpc_ipv4_cidr_block_association", &range.name.identifier()).attr("cidr_block"),
        );
    }
}
