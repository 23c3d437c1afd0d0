//! The VPC's default security group, network ACL, and main route table, adopted and emptied:
//! what forgets to name its own gets nothing. They are emptied last, when every subnet has its own, so that the module
//! closes no network that stands.

use super::{Feature, Resolution, common};
use crate::declaration::Reading;
use crate::diagnostics::Diagnostics;
use crate::keys::Key;
use crate::module::syntax::{Body, Expr, reference};
use crate::module::{File, Module, Resource};
use crate::network::Network;
use crate::topology::Topology;

pub(super) const FEATURE: Feature = Feature {
    keys: &[Key::new("close_defaults", "whether the default security group, network ACL, and main route table are emptied", "`true`")],
    resolve,
    lower,
    types: || vec!["aws_default_network_acl", "aws_default_route_table", "aws_default_security_group"],
    ..Feature::NONE
};

/// Whether the default security group, network ACL, and main route table are adopted and emptied.
pub(super) type Keys = bool;

/// The same.
pub(super) type Declared = bool;

pub(super) fn unsaid() -> Keys {
    true
}

impl Topology {
    /// Leaves the default security group, network ACL, and main route table as AWS makes them: open.
    #[must_use]
    pub fn leave_defaults_open(mut self) -> Topology {
        self.features.close_defaults = false;
        self
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every feature may fail to be read")]
pub(super) fn read(reading: &Reading<'_>, _found: &mut Diagnostics) -> Option<Declared> {
    Some(reading.topology.features.close_defaults)
}

fn resolve(resolution: &mut Resolution<'_>) {
    resolution.network.close_defaults = resolution.declaration.features.close_defaults;
}

fn lower(network: &Network, module: &mut Module) {
    if !network.close_defaults {
        return;
    }
    let tags =
        |body: Body| body.blank().arg("tags", common::tags(network, common::named(["default-closed".into()])));
    let vpc = |attribute: &str| reference("aws_vpc", "this").attr(attribute);
    let resource = |file, ty, body: Body| Resource::new(file, ty, "this", tags(body));
    let table = Body::new()
        .arg("default_route_table_id", vpc("default_route_table_id"))
        .arg("route", Expr::Array(Vec::new()));
    let acl = Body::new().arg("default_network_acl_id", vpc("default_network_acl_id"));
    let group = Body::new().arg("vpc_id", vpc("id"));
    let defaults = [
        resource(File::Routes, "aws_default_route_table", table)
            .comment("The main route table, which leads nowhere; emptied once every subnet has its own."),
        resource(File::Security, "aws_default_network_acl", acl)
            .ignore_changes(["subnet_ids"])
            .comment(
                "The default network ACL, which lets nothing through; emptied once every subnet has its own.",
            ),
        resource(File::Security, "aws_default_security_group", group)
            .comment("The default security group, which lets nothing through."),
    ];
    module.resources.extend(defaults.map(|default| after_tiers(network, default)));
}

/// Makes a default wait until each subnet has a route table or a network ACL of its own.
fn after_tiers(network: &Network, default: Resource) -> Resource {
    let own = if default.ty == "aws_default_route_table" { "aws_route_table_association" } else { "aws_network_acl" };
    let tiers = network.tiers.iter();
    tiers.fold(default, |default, tier| default.depends_on(own, &tier.name.identifier()))
}
