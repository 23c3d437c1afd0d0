//! Gateway endpoints: a route to an AWS service that never leaves AWS.
//!
//! A new service is one file with a [`EndpointKind`] and one line in [`ENDPOINT_KINDS`].

mod dynamodb;
mod s3;

use terrane_contract::Holds;

use super::{End, Feature, Resolution, common};
use crate::declaration::{Peer, Reading};
use crate::diagnostics::{Code, Diagnostics, Origin, codes, report};
use crate::keys::Key;
use crate::module::syntax::{Body, Expr, call, each_key, interpolated, object, reference, string};
use crate::module::{File, Module, Output, Resource};
use crate::network::{Network, RouteTable};
use crate::suggest;
use crate::topology::Topology;

pub(super) const FEATURE: Feature = Feature {
    keys: &[Key::new("endpoints", "gateway endpoints by service, such as `s3` ([all of them](../crates/terrane-compiler/src/features/endpoints))", "none")],
    codes: CODES,
    end,
    ends: |topology| topology.features.endpoints.clone(),
    reserved: |name| kind(name).map(|_| "a gateway endpoint"),
    resolve,
    lower,
    types: || vec!["aws_vpc_endpoint", "aws_vpc_endpoint_route_table_association"],
    ..Feature::NONE
};

codes! {
    /// The problems that this feature reports.
    const CODES;

    UNKNOWN_ENDPOINT = "unknown-endpoint", Error, ByItself:
        "A service has no gateway endpoint",
        "AWS has gateway endpoints for Amazon S3 and DynamoDB alone: <https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html>. Other services have interface endpoints, which topologies do not declare. Correct the name, or drop it.";
    DUPLICATE_ENDPOINT = "duplicate-endpoint", Error, ByItself:
        "A gateway endpoint is declared twice",
        "A VPC has one gateway endpoint for a service, which all of its route tables can use. Declare it once.";
    ENDPOINT_NOT_DECLARED = "endpoint-not-declared", Error, ByNames:
        "A flow names a gateway endpoint that the network does not have",
        "A flow to a service of AWS goes through its gateway endpoint, which the topology lists in `endpoints`. Add the service there, or correct the end of the flow.";
}

/// Every service with a gateway endpoint: <https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html>.
pub const ENDPOINT_KINDS: &[EndpointKind] = &[dynamodb::KIND, s3::KIND];

/// Returns the service with this name.
fn kind(name: &str) -> Option<&'static EndpointKind> {
    ENDPOINT_KINDS.iter().find(|kind| kind.name == name)
}

/// A service with a gateway endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndpointKind {
    /// The name in a topology, and the last part of the AWS service name.
    pub name: &'static str,
    /// What people call it.
    pub title: &'static str,
}

/// Gateway endpoints by service: names in [`ENDPOINT_KINDS`].
pub(super) type Keys = Vec<String>;

/// The same, each of them known and none twice.
pub(super) type Declared = Vec<String>;

pub(super) fn unsaid() -> Keys {
    Vec::new()
}

impl Topology {
    /// Adds gateway endpoints by service name.
    #[must_use]
    #[track_caller]
    pub fn endpoints<'a>(mut self, services: impl IntoIterator<Item = &'a str>) -> Topology {
        for service in services {
            self.places.insert(&format!("endpoints[{}]", self.features.endpoints.len()), Origin::caller());
            self.features.endpoints.push(service.to_owned());
        }
        self
    }
}

pub(super) fn read(reading: &Reading<'_>, found: &mut Diagnostics) -> Option<Declared> {
    let topology = reading.topology;
    for (idx, service) in topology.features.endpoints.iter().enumerate() {
        let origin = topology.place(&format!("endpoints[{idx}]"));
        if kind(service).is_none() {
            report!(
                found, Code::UNKNOWN_ENDPOINT, origin,
                "there is no gateway endpoint for `{service}`";
                "{}", suggest::hint(service, ENDPOINT_KINDS.iter().map(|kind| kind.name))
            );
        } else if topology.features.endpoints[..idx].contains(service) {
            report!(
                found, Code::DUPLICATE_ENDPOINT, origin,
                "the gateway endpoint `{service}` is declared twice";
                "declare it once"
            );
        }
    }
    Some(topology.features.endpoints.clone())
}

fn end(topology: &Topology, name: &str) -> Option<End> {
    if topology.features.endpoints.iter().any(|service| service == name) {
        return Some(End::Peer(Peer::Endpoint(name.to_owned())));
    }
    kind(name).map(|_| {
        End::Undeclared(
            Code::ENDPOINT_NOT_DECLARED,
            format!("names the gateway endpoint `{name}`, which the network does not have"),
            format!("add `{name}` to the endpoints"),
        )
    })
}

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, network, .. } = resolution;
    network.endpoints.clone_from(&declaration.features.endpoints);
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
    for kind in ENDPOINT_KINDS.iter().filter(|kind| network.endpoints.iter().any(|service| service == kind.name)) {
        module.resources.push(endpoint(network, kind));
        for (idx, table) in network.route_tables.iter().enumerate() {
            if table.endpoints.iter().any(|service| service == kind.name) {
                module.resources.push(association(kind, table, common::table_zones(network, idx)));
            }
        }
    }
    if !network.endpoints.is_empty() {
        let ids = ENDPOINT_KINDS
            .iter()
            .filter(|kind| network.endpoints.iter().any(|service| service == kind.name))
            .map(|kind| (kind.name, reference("aws_vpc_endpoint", kind.name).attr("id")));
        module.outputs.push(Output {
            name: "vpc_endpoint_ids".to_owned(),
            description: "Ids of the gateway endpoints by service.".to_owned(),
            holds: Some(Holds::VpcEndpointId),
            value: call("tomap", [object(ids)]),
        });
    }
}

fn endpoint(network: &Network, kind: &EndpointKind) -> Resource {
    Resource::new(
        File::Gateways,
        "aws_vpc_endpoint",
        kind.name,
        Body::new()
            .arg("vpc_id", common::vpc_id())
            .arg("service_name", interpolated(["com.amazonaws.".into(), common::region(), ".".into(), kind.name.into()]))
            .arg("vpc_endpoint_type", string("Gateway"))
            .blank()
            .arg("tags", common::tags(network, common::named([kind.name.into()]))),
    )
    .comment(&format!("{} without a way to the internet.", kind.title))
}

/// Returns the route of an endpoint in a table: one resource for each zone, so that a new zone changes no other.
fn association(kind: &EndpointKind, table: &RouteTable, zones: Expr) -> Resource {
    let tables = reference("aws_route_table", &table.name.identifier());
    let id = if table.per_zone { tables.at(each_key()).attr("id") } else { tables.attr("id") };
    let resource = Resource::new(
        File::Gateways,
        "aws_vpc_endpoint_route_table_association",
        &format!("{}_{}", kind.name, table.name.identifier()),
        Body::new()
            .arg("vpc_endpoint_id", reference("aws_vpc_endpoint", kind.name).attr("id"))
            .arg("route_table_id", id),
    );
    if table.per_zone { resource.for_each(zones) } else { resource }
}
