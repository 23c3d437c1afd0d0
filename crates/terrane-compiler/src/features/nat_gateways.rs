//! NAT gateways: the way out of private tiers, each with an elastic IP that stays with its zone letter.

use terrane_contract::{Holds, Type};

use super::{Feature, Resolution};
use crate::declaration::Egress;
use crate::module::syntax::{Body, by_letter, call, expr, reference, string, template};
use crate::module::{Condition, File, Module, Output, Resource, Variable};
use crate::network::{Nat, Network};

pub(super) const FEATURE: Feature = Feature { resolve, lower };

fn resolve(resolution: &mut Resolution<'_>) {
    if let Egress::Nat { tier, home, bring_elastic_ips } = resolution.declaration.egress {
        resolution.network.nat = Some(Nat { tier, home, bring_elastic_ips });
    }
}

/// Returns the map whose letters have a NAT gateway.
fn zones(nat: &Nat) -> String {
    match nat.home {
        None => "local.zones".to_owned(),
        Some(home) => {
            format!("{{ for letter, zone in local.zones : letter => zone if letter == \"{home}\" }}")
        }
    }
}

fn lower(network: &Network, module: &mut Module) {
    let Some(nat) = &network.nat else { return };
    let allocation = if nat.bring_elastic_ips {
        module.variables.push(elastic_ips_variable());
        "var.elastic_ip_allocation_ids[each.key]"
    } else {
        module.resources.push(
            Resource::new(
                File::Gateways,
                "aws_eip",
                "nat",
                Body::new()
                    .arg("domain", string("vpc"))
                    .blank()
                    .arg("tags", super::vpc::tags(network, template("${var.name}-nat-${each.key}"))),
            )
            .for_each(&zones(nat))
            .comment("The address that the outside sees. It stays with its zone letter.")
            .depends_on("aws_internet_gateway.this"),
        );
        "aws_eip.nat[each.key].allocation_id"
    };
    let public = network.tiers[nat.tier].name.identifier();
    module.resources.push(
        Resource::new(
            File::Gateways,
            "aws_nat_gateway",
            "this",
            Body::new()
                .hcl("allocation_id", allocation)
                .hcl("subnet_id", &format!("aws_subnet.{public}[each.key].id"))
                .blank()
                .arg("tags", super::vpc::tags(network, template("${var.name}-${each.key}"))),
        )
        .for_each(&zones(nat))
        .depends_on("aws_internet_gateway.this"),
    );
    outputs(module);
}

fn elastic_ips_variable() -> Variable {
    Variable {
        name: "elastic_ip_allocation_ids".to_owned(),
        ty: Type::map(Type::String),
        description: "Allocation id of the elastic IP of each NAT gateway, by zone letter.".to_owned(),
        default: None,
        nullable: false,
        validations: vec![Condition {
            condition: expr(
                "length(distinct(values(var.elastic_ip_allocation_ids))) == length(var.elastic_ip_allocation_ids)",
            ),
            error_message: string(
                "elastic_ip_allocation_ids has one allocation id twice; each NAT gateway needs its own.",
            ),
        }],
    }
}

/// Returns the check that every NAT gateway has been given an elastic IP.
pub(super) fn brought_elastic_ips(network: &Network) -> Condition {
    let zones = network.nat.as_ref().map(zones).unwrap_or_default();
    let missing = format!("setsubtract(keys({zones}), keys(var.elastic_ip_allocation_ids))");
    Condition {
        condition: expr(&format!("length({missing}) == 0")),
        error_message: template(format!(
            r#"elastic_ip_allocation_ids needs an allocation id for each zone with a NAT gateway; missing: ${{join(", ", {missing})}}."#
        )),
    }
}

fn outputs(module: &mut Module) {
    for (name, description, attribute, holds) in [
        ("nat_gateway_ids", "Ids of the NAT gateways by zone letter.", "id", Holds::NatGatewayId),
        (
            "nat_public_ips",
            "The addresses that the outside sees, by zone letter of the NAT gateway.",
            "public_ip",
            Holds::Ipv4Address,
        ),
    ] {
        module.outputs.push(Output {
            name: name.to_owned(),
            description: description.to_owned(),
            holds: Some(holds),
            value: call("tomap", [by_letter("gateway", reference("aws_nat_gateway", "this"), attribute)]),
        });
    }
}
