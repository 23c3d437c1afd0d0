//! Outposts: subnets on the caller's own racks, named by tier.

use terrane_contract::Type;

use super::{Feature, common};
use crate::module::syntax::{Expr, Object, expr, string, table};
use crate::module::{Condition, Module, Variable};
use crate::network::{Network, Site};

pub(super) const FEATURE: Feature = Feature { lower, test_values, ..Feature::NONE };

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
    let (tiers, list) = (names.join(", "), common::list(&names));
    module.variables.push(Variable {
        name: "outpost_arns".to_owned(),
        ty: Type::map(Type::String),
        description: format!("ARN of the Outpost of each tier that is on one, by tier: {tiers}."),
        default: None,
        nullable: false,
        validations: vec![
            Condition {
                condition: expr(&format!("length(setsubtract({list}, keys(var.outpost_arns))) == 0")),
                error_message: string(&format!("outpost_arns needs the ARN of an Outpost for each of: {tiers}.")),
            },
            Condition {
                condition: expr(
                    r#"alltrue([for arn in values(var.outpost_arns) : can(regex("^arn:[a-z-]+:outposts:[a-z0-9-]+:[0-9]{12}:outpost/op-[0-9a-f]+$", arn))])"#,
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
            condition: expr(&format!("length(setsubtract(keys(var.outpost_ipv4_pools), {list})) == 0")),
            error_message: string(&format!("outpost_ipv4_pools may name the tiers on Outposts only: {tiers}.")),
        }],
    });
}

fn test_values(network: &Network) -> Vec<(&'static str, Expr)> {
    let arn = "arn:aws:outposts:eu-west-1:123456789012:outpost/op-0123456789abcdef0";
    let arns: Vec<_> = on_outposts(network).into_iter().map(|tier| (tier, string(arn))).collect();
    if arns.is_empty() { Vec::new() } else { vec![("outpost_arns", table(arns))] }
}
