//! The smallest network: public subnets and nothing else.

use terrane_compiler::topology::{Flow, Tier, Topology};

/// Returns one public tier in two zones, for machines that serve the web.
pub fn public_network() -> Topology {
    Topology::new("public-network")
        .description("The smallest network: public subnets in two zones, for machines that serve the web.")
        .base("10.0.0.0/20")
        .zones(["a", "b"])
        .tier(Tier::public("web").prefix_length(24))
        .flow(Flow::tcp([80, 443]).from("internet").to("web").purpose("the web"))
        .flow(Flow::tcp([80, 443]).from("web").to("internet").purpose("updates"))
}
