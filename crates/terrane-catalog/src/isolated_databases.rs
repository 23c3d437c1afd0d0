//! Databases that nothing outside can reach and that can reach nothing outside.

use terrane_compiler::topology::{Flow, SubnetGroup, Tier, Topology};

/// Returns a network without any way to the internet: jobs, their databases, and gateway endpoints to storage.
pub fn isolated_databases() -> Topology {
    Topology::new("isolated-databases")
        .description("Databases without any way to or from the internet, and jobs that reach them and AWS storage through gateway endpoints.")
        .base("10.16.0.0/20")
        .zones(["a", "b", "c"])
        .tier(Tier::isolated("jobs").prefix_length(24))
        .tier(Tier::isolated("db").prefix_length(26))
        .endpoints(["dynamodb", "s3"])
        .flow(Flow::tcp([5432]).from("jobs").to("db").purpose("PostgreSQL"))
        .flow(Flow::tcp([5432]).within("db").purpose("replication"))
        .flow(Flow::tcp([443]).from("jobs").to("s3").purpose("objects"))
        .flow(Flow::tcp([443]).from("jobs").to("dynamodb").purpose("tables"))
        .subnet_group(SubnetGroup::new("rds", "db"))
}
