//! Gateway endpoints: a route to an AWS service that never leaves AWS.
//!
//! A new service is one file with a [`Kind`] and one line in [`KINDS`].

mod dynamodb;
mod s3;

use terrane_contract::Holds;

use super::{Feature, Resolution};
use crate::declaration::Peer;
use crate::module::syntax::{Body, call, expr, object, string, template};
use crate::module::{File, Module, Output, Resource};
use crate::network::{Network, RouteTable};

pub(super) const FEATURE: Feature = Feature { resolve, lower };

/// Every service with a gateway endpoint: <https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html>.
pub const KINDS: &[Kind] = &[dynamodb::KIND, s3::KIND];

/// Returns the service with this name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// A service with a gateway endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The name in a topology, and the last part of the AWS service name.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
}

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, network, .. } = resolution;
    network.endpoints.clone_from(&declaration.endpoints);
    for flow in &declaration.flows {
        if let (Peer::Tier(tier), Peer::Endpoint(service)) = (&flow.from, &flow.to) {
            let services = &mut network.route_tables[network.tiers[*tier].route_table].endpoints;
            if !services.contains(service) {
                services.push(service.clone());
            }
        }
    }
}

fn lower(network: &Network, module: &mut Module) {
    for kind in KINDS.iter().filter(|kind| network.endpoints.iter().any(|service| service == kind.name)) {
        let tables: Vec<&RouteTable> = network
            .route_tables
            .iter()
            .filter(|table| table.endpoints.iter().any(|service| service == kind.name))
            .collect();
        module.resources.push(endpoint(network, kind));
        module.resources.extend(tables.iter().map(|table| association(kind, table)));
    }
    if !network.endpoints.is_empty() {
        let ids = KINDS
            .iter()
            .filter(|kind| network.endpoints.iter().any(|service| service == kind.name))
            .map(|kind| (kind.name, expr(&format!("aws_vpc_endpoint.{}.id", kind.name))));
        module.outputs.push(Output {
            name: "vpc_endpoint_ids".to_owned(),
            description: "Ids of the gateway endpoints by service.".to_owned(),
            holds: Some(Holds::VpcEndpointId),
            value: call("tomap", [object(ids)]),
        });
    }
}

fn endpoint(network: &Network, kind: &Kind) -> Resource {
    Resource::new(
        File::Gateways,
        "aws_vpc_endpoint",
        kind.name,
        Body::new()
            .hcl("vpc_id", "aws_vpc.this.id")
            .hcl("service_name", &format!(r#""com.amazonaws.${{data.aws_region.current.id}}.{}""#, kind.name))
            .arg("vpc_endpoint_type", string("Gateway"))
            .blank()
            .arg("tags", super::vpc::tags(network, template(format!("${{var.name}}-{}", kind.name)))),
    )
    .comment(&format!("{} without a way to the internet.", kind.title))
}

/// Returns the route of an endpoint in a table: one resource for each zone, so that a new zone changes no other.
fn association(kind: &Kind, table: &RouteTable) -> Resource {
    let id = if table.per_zone {
        format!("aws_route_table.{}[each.key].id", table.name)
    } else {
        format!("aws_route_table.{}.id", table.name)
    };
    let resource = Resource::new(
        File::Gateways,
        "aws_vpc_endpoint_route_table_association",
        &format!("{}_{}", kind.name, table.name),
        Body::new()
            .hcl("vpc_endpoint_id", &format!("aws_vpc_endpoint.{}.id", kind.name))
            .hcl("route_table_id", &id),
    );
    if table.per_zone { resource.for_each("local.zones") } else { resource }
}
