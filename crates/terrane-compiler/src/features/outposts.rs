//! Outposts: subnets on the caller's own racks, named by tier.

use terrane_contract::Type;

use super::Feature;
use crate::module::syntax::{Expr, Object, call, each_in, equal, keys, length, matches, name, string, strings, table, values, var};
use crate::module::{Condition, Module, Variable};
use crate::network::{Network, Site};

pub(super) const FEATURE: Feature = Feature { lower, test_values, ..Feature::NONE };

/// The form of the ARN of an Outpost.
const ARN: &str = "^arn:[a-z-]+:outposts:[a-z0-9-]+:[0-9]{12}:outpost/op-[0-9a-f]+$";

/// Returns the names of the tiers on Outposts.
fn on_outposts(network: &Network) -> Vec<String> {
    let tiers = network.tiers.iter().filter(|tier| tier.site == Some(Site::Outpost));
    tiers.map(|tier| tier.name.to_string()).collect()
}

fn lower(network: &Network, module: &mut Module) {
    let names = on_outposts(network);
    if names.is_empty() {
        return;
    }
    let tiers = names.join(", ");
    let missing = |these: Expr, those: Expr| length(call("setsubtract", [these, those]));
    module.variables.push(Variable {
        name: "outpost_arns".to_owned(),
        ty: Type::map(Type::String),
        description: format!("ARN of the Outpost of each tier that is on one, by tier: {tiers}."),
        default: None,
        nullable: false,
        validations: vec![
            Condition {
                condition: equal(missing(strings(&names), keys(var("outpost_arns"))), 0.into()),
                error_message: string(&format!("outpost_arns needs the ARN of an Outpost for each of: {tiers}.")),
            },
            Condition {
                condition: call(
                    "alltrue",
                    [each_in("arn", values(var("outpost_arns"))).list(matches(ARN, name("arn")))],
                ),
                error_message: string("outpost_arns must map tiers to ARNs such as arn:aws:outposts:eu-west-1:123456789012:outpost/op-0123456789abcdef0."),
            },
        ],
    });
    module.variables.push(Variable {
        name: "outpost_ipv4_pools".to_owned(),
        ty: Type::map(Type::String),
        description: format!("Id of the customer-owned IPv4 pool from which instances on the Outpost get an address, by tier: any of {tiers}."),
        default: Some(Expr::Object(Object::new())),
        nullable: false,
        validations: vec![Condition {
            condition: equal(missing(keys(var("outpost_ipv4_pools")), strings(&names)), 0.into()),
            error_message: string(&format!("outpost_ipv4_pools may name the tiers on Outposts only: {tiers}.")),
        }],
    });
}

fn test_values(network: &Network) -> Vec<(&'static str, Expr)> {
    let arn = "arn:aws:outposts:eu-west-1:123456789012:outpost/op-0123456789abcdef0";
    let arns: Vec<_> = on_outposts(network).into_iter().map(|tier| (tier, string(arn))).collect();
    if arns.is_empty() { Vec::new() } else { vec![("outpost_arns", table(arns))] }
}
