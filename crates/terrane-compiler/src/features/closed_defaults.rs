//! The VPC's default security group, network ACL, and main route table, adopted and emptied:
//! what forgets to name its own gets nothing.

use super::{Feature, Resolution};
use crate::module::syntax::{Body, Expr, template};
use crate::module::{File, Module, Resource};
use crate::network::Network;

pub(super) const FEATURE: Feature = Feature { resolve, lower };

fn resolve(resolution: &mut Resolution<'_>) {
    resolution.network.close_defaults = resolution.declaration.close_defaults;
}

fn lower(network: &Network, module: &mut Module) {
    if !network.close_defaults {
        return;
    }
    let tags = |body: Body| {
        body.blank().arg("tags", super::vpc::tags(network, template("${var.name}-default-closed")))
    };
    module.resources.push(
        Resource::new(
            File::Routes,
            "aws_default_route_table",
            "this",
            tags(
                Body::new()
                    .hcl("default_route_table_id", "aws_vpc.this.default_route_table_id")
                    .arg("route", Expr::Array(Vec::new())),
            ),
        )
        .comment("The main route table, which leads nowhere."),
    );
    module.resources.push(
        Resource::new(
            File::Security,
            "aws_default_network_acl",
            "this",
            tags(Body::new().hcl("default_network_acl_id", "aws_vpc.this.default_network_acl_id")),
        )
        .comment("The default network ACL, which lets nothing through."),
    );
    module.resources.push(
        Resource::new(
            File::Security,
            "aws_default_security_group",
            "this",
            tags(Body::new().hcl("vpc_id", "aws_vpc.this.id")),
        )
        .comment("The default security group, which lets nothing through."),
    );
}
