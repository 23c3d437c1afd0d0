//! NAT gateways: the way out of private tiers, each with an elastic IP that stays with its zone letter.

mod codes;
mod gateways;
mod keys;

use terrane_contract::{Holds, Type};

pub use self::keys::{Egress, NatMode};

use super::{Feature, NAT_HOMES, Relay, Resolution, common};
use crate::emit::{Picture, Rejection, own_zones};
use crate::module::syntax::{Body, Expr, by_letter, call, contains, each_in, each_key, equal, interpolated, keys, length, name, object, reference, string, values, var};
use crate::module::{Condition, File, Local, Module, Output, Resource, Variable};
use crate::names::Zone;
use crate::network::{Access, Flow, Gateways, Nat, Network, Peer, Target};

/// The variable with the elastic IPs that a caller brings.
const ALLOCATIONS: &str = "elastic_ip_allocation_ids";

pub(super) const FEATURE: Feature = Feature {
    keys: keys::KEYS,
    codes: codes::CODES,
    leads_out: |topology| topology.features.egress.nat != NatMode::None,
    way_out,
    resolve,
    relays,
    lower,
    types: || vec!["aws_eip", "aws_nat_gateway"],
    draw,
    test_values,
    rejections,
    ..Feature::NONE
};

/// What a topology says of it.
pub(super) type Keys = Egress;

/// The gateways, where there are any.
pub(super) type Declared = Option<Nat>;

pub(super) fn unsaid() -> Keys {
    Egress::default()
}

pub(super) use self::keys::read_gateways as read;

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, network, .. } = resolution;
    network.nat.clone_from(&declaration.features.egress);
    if let Some(Nat { gateways: Gateways::Home(home), .. }) = network.nat {
        network.homes.push(home);
    }
}

fn way_out(network: &Network) -> Option<Target> {
    Some(match network.nat.as_ref()?.gateways {
        Gateways::Home(home) => Target::NatOfHome(home),
        Gateways::EachZone | Gateways::Zones { .. } => Target::NatOfZone,
    })
}

/// What private tiers send to the internet crosses the subnets of the gateways.
fn relays(network: &Network, flow: &Flow) -> Vec<Relay> {
    let (Peer::Tier(client), Some(nat)) = (&flow.from, &network.nat) else { return Vec::new() };
    let leads_out = match flow.to {
        Peer::Internet => true,
        Peer::Place(place) => network.places[place].via.is_none(),
        Peer::Tier(_) | Peer::Endpoint(_) => false,
    };
    let translated = leads_out && network.tiers[*client].access == Access::Private;
    translated.then_some(Relay { tier: nat.tier, name: "NAT" }).into_iter().collect()
}

fn lower(network: &Network, module: &mut Module) {
    let Some(nat) = &network.nat else { return };
    if !network.nat_fallbacks().is_empty() {
        let home = |zone: &Zone| (zone.to_string(), string(&nat.gateways.of(*zone).to_string()));
        module.locals.push(Local {
            file: File::Gateways,
            name: NAT_HOMES.to_owned(),
            comment: "Zone letter to that of the NAT gateway through which its private subnets leave."
                .to_owned(),
            value: object(network.slots.keys().map(home)),
        });
    }
    let allocation = if nat.bring_elastic_ips {
        module.variables.push(elastic_ips_variable());
        var(ALLOCATIONS).at(each_key())
    } else {
        module.resources.push(
            Resource::new(
                File::Gateways,
                "aws_eip",
                "nat",
                Body::new()
                    .arg("domain", string("vpc"))
                    .blank()
                    .arg("tags", common::tags(network, common::named(["nat-".into(), each_key()]))),
            )
            .for_each(common::nat_zones(nat))
            .comment("The address that the outside sees. It stays with its zone letter.")
            .depends_on("aws_internet_gateway", "this"),
        );
        reference("aws_eip", "nat").at(each_key()).attr("allocation_id")
    };
    let public = common::subnets(&network.tiers[nat.tier]);
    module.resources.push(
        Resource::new(
            File::Gateways,
            "aws_nat_gateway",
            "this",
            Body::new()
                .arg("allocation_id", allocation)
                .arg("subnet_id", public.at(each_key()).attr("id"))
                .blank()
                .arg("tags", common::tags(network, common::named([each_key()]))),
        )
        .for_each(common::nat_zones(nat))
        .depends_on("aws_internet_gateway", "this"),
    );
    checks(network, nat, module);
    outputs(module);
}

/// Adds what the caller's zones and addresses must have for the gateways.
fn checks(network: &Network, nat: &Nat, module: &mut Module) {
    let fallbacks = network.nat_fallbacks();
    let check = match nat.gateways {
        Gateways::Home(home) => Some(Condition {
            condition: var("zones").is_null_or(contains(keys(var("zones")), string(&home.to_string()))),
            error_message: string(&format!(
                "zones must have the letter {home}: the only NAT gateway lives there."
            )),
        }),
        Gateways::EachZone | Gateways::Zones { .. } if fallbacks.is_empty() => None,
        Gateways::EachZone | Gateways::Zones { .. } => {
            let homes = object(fallbacks.iter().map(|(zone, home)| (zone.to_string(), string(&home.to_string()))));
            let letter = || name("letter");
            let has_home = contains(keys(var("zones")), call("lookup", [homes, letter(), letter()]));
            let all = call("alltrue", [each_in("letter", keys(var("zones"))).list(has_home)]);
            let words: Vec<String> = fallbacks.iter().map(|(zone, home)| format!("{zone} through {home}")).collect();
            Some(Condition {
                condition: var("zones").is_null_or(all),
                error_message: string(&format!(
                    "zones must have the letter of the NAT gateway that each of them leaves through: {}.",
                    words.join(", ")
                )),
            })
        }
    };
    if let Some(zones) = module.variable_mut("zones") {
        zones.validations.extend(check);
    }
    if let (true, Some(vpc)) = (nat.bring_elastic_ips, module.resource_mut("aws_vpc", "this")) {
        vpc.preconditions.push(brought_elastic_ips(nat));
    }
}

fn elastic_ips_variable() -> Variable {
    Variable {
        name: ALLOCATIONS.to_owned(),
        ty: Type::map(Type::String),
        description: "Allocation id of the elastic IP of each NAT gateway, by zone letter.".to_owned(),
        default: None,
        nullable: false,
        validations: vec![Condition {
            condition: equal(length(call("distinct", [values(var(ALLOCATIONS))])), length(var(ALLOCATIONS))),
            error_message: string(
                "elastic_ip_allocation_ids has one allocation id twice; each NAT gateway needs its own.",
            ),
        }],
    }
}

/// Returns the check that every NAT gateway has been given an elastic IP.
fn brought_elastic_ips(nat: &Nat) -> Condition {
    let missing = || call("setsubtract", [keys(common::nat_zones(nat)), keys(var(ALLOCATIONS))]);
    Condition {
        condition: equal(length(missing()), 0.into()),
        error_message: interpolated([
            string(ALLOCATIONS),
            " needs an allocation id for each zone with a NAT gateway; missing: ".into(),
            call("join", [", ".into(), missing()]),
            ".".into(),
        ]),
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

fn draw(network: &Network, picture: &mut Picture) {
    for zone in network.zones.iter().filter(|zone| network.has_nat(**zone)) {
        let part = picture.zone(*zone);
        part.nodes.push(format!("nat_{zone}([NAT gateway])"));
        part.edges.push(format!("nat_{zone} --> igw"));
    }
}

fn test_values(network: &Network) -> Vec<(&'static str, Expr)> {
    let Some(Nat { bring_elastic_ips: true, .. }) = network.nat else { return Vec::new() };
    let letters = network.slots.keys();
    let ids = letters.map(|letter| (letter.to_string(), string(&format!("eipalloc-{letter}"))));
    vec![(ALLOCATIONS, object(ids))]
}

fn rejections(network: &Network) -> Vec<Rejection> {
    let without = |gone: Zone| -> Vec<Zone> { network.slots.keys().copied().filter(|letter| *letter != gone).collect() };
    let (name, zones) = match &network.nat {
        None => return Vec::new(),
        Some(Nat { gateways: Gateways::Home(home), .. }) => ("without_the_home_of_the_nat_gateway", without(*home)),
        Some(_) => match network.nat_fallbacks().into_values().next() {
            Some(home) => ("without_the_nat_gateway_of_another_zone", without(home)),
            None => return Vec::new(),
        },
    };
    if zones.len() < network.min_zones.count {
        return Vec::new();
    }
    vec![Rejection::new(name, own_zones(&zones), "var.zones")]
}
