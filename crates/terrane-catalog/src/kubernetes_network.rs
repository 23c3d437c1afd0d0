//! The reference network: Kubernetes on EKS, with databases that only applications reach.

use terrane_compiler::topology::{CniMode, Egress, Eks, Flow, Need, SubnetGroup, Tier, Topology};

/// Returns the network that a company wrote down when it moved to Kubernetes on AWS.
///
/// Three tiers over three zones. Load balancers and NAT gateways are public; nodes and pods are private;
/// databases, caches, and indices can be reached from applications only.
/// Both private tiers fetch updates through the NAT gateway of their own zone.
pub fn kubernetes_network() -> Topology {
    Topology::new("kubernetes-network")
        .description("A network for Kubernetes on EKS: public, application, and database subnets in three zones, one NAT gateway in each, and databases that only applications reach.")
        .base("10.0.0.0/16")
        .zones(["a", "b", "c"])
        .tier(Tier::public("pub").prefix_length(24))
        .tier(
            Tier::private("app").need(
                // 4 interfaces with 15 addresses each, as m5.xlarge and its kind have.
                Need::nodes(60).growth_percent(50).instance_type(4, 15).cni(CniMode::SecondaryIp).pods_per_node(30).load_balancers(1),
            ),
        )
        .tier(Tier::private("db").prefix_length(24).client_security_groups())
        .egress(Egress::nat_per_zone())
        .flow(Flow::tcp([80, 443]).from("internet").to("pub").purpose("load balancers"))
        // Load balancers alone are in `pub`, and send to whichever port a pod listens on; security groups stay exact.
        .flow(Flow::tcp([1024..=65535]).from("pub").to("app").purpose("pods and node ports behind load balancers"))
        .flow(Flow::any().within("app").purpose("nodes, pods, and control plane"))
        .flow(Flow::tcp([5432]).from("app").to("db").purpose("PostgreSQL"))
        .flow(Flow::tcp([3306]).from("app").to("db").purpose("MySQL"))
        .flow(Flow::tcp([6379]).from("app").to("db").purpose("Redis and Valkey"))
        .flow(Flow::tcp([443]).from("app").to("db").purpose("OpenSearch"))
        .flow(Flow::any().within("db").purpose("replication"))
        .flow(Flow::tcp([0..=65535]).from("app").to("internet").purpose("updates and other services"))
        .flow(Flow::udp([0..=65535]).from("app").to("internet").purpose("time and name servers"))
        .flow(Flow::tcp([80, 443]).from("db").to("internet").purpose("updates"))
        .subnet_group(SubnetGroup::new("rds", "db"))
        .subnet_group(SubnetGroup::new("elasticache", "db"))
        .eks(Eks::nodes("app").load_balancers("pub").cluster("main").karpenter("main").service_range("172.20.0.0/16"))
}
