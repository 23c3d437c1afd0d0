//! Protection of what cannot be made again as it was: Terraform refuses to destroy the VPC, its subnets, and the gateways
//! and addresses that others know it by.

use super::Feature;
use crate::declaration::Reading;
use crate::diagnostics::Diagnostics;
use crate::keys::Key;
use crate::module::Module;
use crate::network::Network;
use crate::topology::Topology;

pub(super) const FEATURE: Feature = Feature {
    keys: &[Key::new(
        "protect",
        "whether Terraform refuses to destroy the VPC, subnets, elastic IPs, and NAT gateways; a zone or tier goes only once it is `false`",
        "`false`",
    )],
    lower,
    ..Feature::NONE
};

/// Whether Terraform refuses to destroy what is dear.
pub(super) type Keys = bool;

/// The same.
pub(super) type Declared = bool;

pub(super) fn unsaid() -> Keys {
    false
}

impl Topology {
    /// Makes Terraform refuse to destroy the VPC, its subnets, elastic IPs, and NAT gateways.
    #[must_use]
    pub fn protect(mut self) -> Topology {
        self.features.protect = true;
        self
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every feature may fail to be read")]
pub(super) fn read(reading: &Reading<'_>, _found: &mut Diagnostics) -> Option<Declared> {
    Some(reading.topology.features.protect)
}

/// The types of what is protected: they hold addresses, or everything else.
const TYPES: [&str; 4] = ["aws_vpc", "aws_subnet", "aws_eip", "aws_nat_gateway"];

fn lower(network: &Network, module: &mut Module) {
    let dear = module.resources.iter_mut().filter(|resource| TYPES.contains(&resource.ty.as_str()));
    dear.for_each(|resource| resource.prevent_destroy = network.features.protect);
}
