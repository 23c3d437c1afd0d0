//! A large network: six tiers over four zones, and pods in the shared address space.

use terrane_compiler::topology::{CniMode, Egress, Eks, Flow, Need, SubnetGroup, Tier, Topology};

/// Returns the network of a platform that many teams share.
///
/// Pods live in 100.64.0.0/10, so that only nodes, load balancers, and databases use routable addresses.
pub fn platform_network() -> Topology {
    // As many as there is room for in the range of the pods, when a zone is lost.
    let nodes = Need::nodes(90).growth_percent(100).instance_type(4, 15).cni(CniMode::CustomPrefixDelegation);
    Topology::new("platform-network")
        .description("A platform that many teams share: six tiers over four zones, pods in the shared address space of 100.64.0.0/10, and a home for every kind of database.")
        .base("10.64.0.0/16")
        .secondary("pods", "100.64.0.0/16")
        .zones(["a", "b", "c", "d"])
        .tier(Tier::public("edge").prefix_length(24))
        .tier(Tier::private("nodes").need(nodes.clone().load_balancers(2).endpoints(10)))
        .tier(Tier::private("pods").in_range("pods").need(nodes.clone().pods_only()))
        .tier(Tier::isolated("control-plane").prefix_length(28))
        .tier(Tier::isolated("data").prefix_length(24))
        .tier(Tier::isolated("cache").prefix_length(25))
        .egress(Egress::nat_per_zone())
        .endpoints(["dynamodb", "s3"])
        .flow(Flow::tcp([80, 443]).from("internet").to("edge").purpose("load balancers"))
        // Load balancers alone are in `edge`, and send to whichever port a pod listens on; security groups stay exact.
        .flow(Flow::tcp([1024..=65535]).from("edge").to("pods").purpose("pods behind load balancers"))
        .flow(Flow::any().within("nodes").purpose("nodes"))
        .flow(Flow::any().within("pods").purpose("pods"))
        .flow(Flow::any().from("nodes").to("pods").purpose("probes, logs, and webhooks"))
        .flow(Flow::any().from("pods").to("nodes").purpose("node services"))
        .flow(Flow::tcp([443, 10250]).from("control-plane").to("nodes").purpose("kubelet"))
        .flow(Flow::tcp([443, 4443, 6443, 8443, 9443, 10250]).from("control-plane").to("pods").purpose("webhooks and metrics"))
        .flow(Flow::tcp([443]).from("nodes").to("control-plane").purpose("Kubernetes API"))
        .flow(Flow::tcp([443]).from("pods").to("control-plane").purpose("Kubernetes API"))
        .flow(Flow::tcp([5432, 5439, 8182, 27017]).from("pods").to("data").purpose("databases"))
        .flow(Flow::tcp([6379]).from("pods").to("cache").purpose("caches"))
        .flow(Flow::any().within("data").purpose("replication"))
        .flow(Flow::any().within("cache").purpose("replication"))
        .flow(Flow::tcp([443]).from("nodes").to("internet").purpose("images"))
        .flow(Flow::tcp([443]).from("pods").to("internet").purpose("other services"))
        .flow(Flow::tcp([443]).from("pods").to("s3").purpose("objects"))
        .flow(Flow::tcp([443]).from("pods").to("dynamodb").purpose("tables"))
        .subnet_group(SubnetGroup::new("rds", "data"))
        .subnet_group(SubnetGroup::new("docdb", "data"))
        .subnet_group(SubnetGroup::new("neptune", "data"))
        .subnet_group(SubnetGroup::new("redshift", "data"))
        .subnet_group(SubnetGroup::new("elasticache", "cache"))
        .subnet_group(SubnetGroup::new("memorydb", "cache"))
        .eks(
            Eks::nodes("nodes")
                .load_balancers("edge")
                .control_plane("control-plane")
                .pods("pods")
                .cluster("blue")
                .cluster("green")
                .karpenter("blue")
                .service_range("172.20.0.0/16"),
        )
}
