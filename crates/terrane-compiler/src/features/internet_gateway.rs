//! The internet gateway: the way in and out of public tiers.

use terrane_contract::Holds;

use super::{Feature, Resolution, common};
use crate::emit::Picture;
use crate::module::syntax::{Body, reference, var};
use crate::module::{File, Module, Output, Resource};
use crate::network::{Access, Network};

pub(super) const FEATURE: Feature =
    Feature { resolve, lower, types: || vec!["aws_internet_gateway"], draw, ..Feature::NONE };

fn resolve(resolution: &mut Resolution<'_>) {
    let network = &mut resolution.network;
    network.internet_gateway = network.tiers.iter().any(|tier| tier.access == Access::Public);
}

fn lower(network: &Network, module: &mut Module) {
    if !network.internet_gateway {
        return;
    }
    module.resources.push(Resource::new(
        File::Gateways,
        "aws_internet_gateway",
        "this",
        Body::new()
            .arg("vpc_id", common::vpc_id())
            .blank()
            .arg("tags", common::tags(network, var("name"))),
    ));
    module.outputs.push(Output {
        name: "internet_gateway_id".to_owned(),
        description: "Id of the internet gateway.".to_owned(),
        holds: Some(Holds::InternetGatewayId),
        value: reference("aws_internet_gateway", "this").attr("id"),
    });
}

fn draw(network: &Network, picture: &mut Picture) {
    if network.internet_gateway {
        picture.outside.push("internet((internet))".to_owned());
        picture.vpc.push("igw[internet gateway]".to_owned());
        picture.edges.push("igw <--> internet".to_owned());
    }
}
