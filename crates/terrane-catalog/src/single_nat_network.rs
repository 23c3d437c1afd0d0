//! A cheap network: one NAT gateway for all zones.

use terrane_compiler::topology::{Egress, Flow, SubnetGroup, Tier, Topology};

/// Returns a network whose private tiers share one NAT gateway, for environments that may lose a zone.
pub fn single_nat_network() -> Topology {
    Topology::new("single-nat-network")
        .description("A cheap network for test environments: one NAT gateway for all zones, whose loss takes the way out of every zone with it.")
        .base("10.32.0.0/18")
        .zones(["a", "b"])
        .tier(Tier::public("pub").prefix_length(26))
        .tier(Tier::private("app").prefix_length(22))
        .tier(Tier::private("db").prefix_length(26))
        .egress(Egress::single_nat("a"))
        .flow(Flow::tcp([443]).from("internet").to("pub").purpose("load balancers"))
        .flow(Flow::tcp([8080]).from("pub").to("app").purpose("applications"))
        .flow(Flow::tcp([5432]).from("app").to("db").purpose("PostgreSQL"))
        .flow(Flow::tcp([80, 443]).from("app").to("internet").purpose("updates and other services"))
        .subnet_group(SubnetGroup::new("rds", "db"))
}
