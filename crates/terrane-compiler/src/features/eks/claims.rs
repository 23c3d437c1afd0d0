//! Claims about a network for EKS: what its clusters need, and that its controllers find the subnets that are meant.

mod flows;

use std::collections::BTreeMap;

use super::{CLUSTER_TAGS, KARPENTER_TAGS, NO_EKS, Roles};
use crate::family::V4;
use crate::network::{Access, Network, Peer};
use crate::proof::capacity::{claim, smallest};
use crate::proof::{Finding, Status};
use crate::sizing::{CONTROL_PLANE_ADDRESSES, LOAD_BALANCER_LENGTH, usable};

/// The fewest free addresses that EKS takes in a subnet of its control plane:
/// <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>.
const LEAST_CONTROL_PLANE: u64 = 6;

pub(super) fn examine(network: &Network) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(eks) = &network.features.eks {
        requirements(network, eks, &mut findings);
        flows::examine(network, eks, &mut findings);
        findings.extend(pods(network, eks));
        eks.nodes.iter().for_each(|nodes| of_nodes(network, *nodes, &mut findings));
        tags(network, eks, &mut findings);
    }
    findings
}

/// The requirements of EKS, E1 to E10: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>.
fn requirements(network: &Network, eks: &Roles, findings: &mut Vec<Finding>) {
    let tier = |tier: usize| &network.tiers[tier];
    let mut add = |code: &str, holds: bool, proved: String, otherwise: Status, why: String| {
        let (status, detail) = if holds { (Status::Proved, proved) } else { (otherwise, why) };
        findings.push(claim(status, format!("EKS {code}"), detail).at(&tier(eks.internal()).origin));
    };
    let least = network.min_zones.count;
    let zones = format!("a caller must pass {least} zones or more");
    add("E1", least >= 2, zones.clone(), Status::Refuted, format!("{zones}, and a cluster needs 2"));

    let own = smallest(network, eks.control_plane);
    let free = usable::<V4>(own);
    let name = &tier(eks.control_plane).name;
    let detail = format!("each /{own} of {name} has {free} addresses for the control plane's interfaces");
    let recommended = format!("{detail}; EKS recommends {CONTROL_PLANE_ADDRESSES} free ones");
    let too_few = if free >= LEAST_CONTROL_PLANE { Status::Residual } else { Status::Refuted };
    add("E2", free >= CONTROL_PLANE_ADDRESSES.into(), detail, too_few, recommended);

    let refuses = NO_EKS.iter().all(|zone| eks.refused_zones.iter().any(|refused| refused == zone));
    let zones = NO_EKS.join(", ");
    let refused = format!("subnets of {name} in {zones} are refused as soon as their zone is known");
    let open = format!("which zones a caller passes is not known here; EKS takes none of {zones}");
    add("E3", refuses, refused, Status::Residual, open);

    let dns = network.dns.support && network.dns.hostnames;
    add(
        "E4",
        dns,
        "DNS support and hostnames are on".to_owned(),
        Status::Refuted,
        "DNS support or hostnames are off".to_owned(),
    );

    let service = eks.service_range.map_or_else(
        || "no service range is declared: EKS takes 10.100.0.0/16 or 172.20.0.0/16, whichever the VPC does not overlap".to_owned(),
        |range| format!("the service range {range} is refused where the VPC would overlap it"),
    );
    add("E7", eks.service_range.is_some(), service.clone(), Status::Residual, service);
    add("E8", true, "the network is IPv4 only".to_owned(), Status::Refuted, String::new());

    let secondary = |tier: usize| network.tiers[tier].range != 0;
    let late = eks.nodes.iter().copied().chain(eks.pods).any(secondary);
    let wait =
        "the control plane may take an hour to know a secondary range that is added while a cluster runs";
    add("E9", !late, "nodes and pods are in the first range".to_owned(), Status::Residual, wait.to_owned());

    let balanced: Vec<usize> = eks.load_balancers.into_iter().chain([eks.internal()]).collect();
    let small = balanced.iter().find(|tier| smallest(network, **tier) > LOAD_BALANCER_LENGTH);
    let names: Vec<&str> = balanced.iter().map(|idx| tier(*idx).name.as_str()).collect();
    add(
        "E10",
        small.is_none() && least >= 2,
        format!(
            "{} have subnets of /{LOAD_BALANCER_LENGTH} or larger in {least} zones or more",
            names.join(" and ")
        ),
        Status::Refuted,
        format!(
            "a load balancer needs /{LOAD_BALANCER_LENGTH} or larger in 2 zones, which {} do not all have",
            names.join(" and ")
        ),
    );
}

/// The claims about each tier of nodes, E5 and E6.
fn of_nodes(network: &Network, nodes: usize, findings: &mut Vec<Finding>) {
    let tier = &network.tiers[nodes];
    let detail = match tier.access {
        Access::Public => "nodes in public subnets get public addresses",
        Access::Private | Access::Isolated => "nodes are in private subnets",
    };
    findings.push(claim(Status::Proved, "EKS E5", detail).at(&tier.origin));
    let way_out = network.route_tables[tier.route_table].leads_everywhere();
    let asks = network.flows.iter().any(|flow| flow.from == Peer::Tier(nodes) && flow.to == Peer::Internet);
    findings.push(if way_out && asks {
        claim(Status::Proved, "EKS E6", format!("{} has a way out, and a flow uses it", tier.name))
    } else {
        let detail = format!(
            "{} has no declared way out: it needs interface endpoints for ECR, EC2, STS, and EKS",
            tier.name
        );
        claim(Status::Residual, "EKS E6", detail)
    }.at(&tier.origin));
}

/// Whether pods have room is not known where their tier has a prefix length alone, beside nodes whose number is known.
fn pods(network: &Network, eks: &Roles) -> Option<Finding> {
    let pods = &network.tiers[eks.pods?];
    let nodes = eks.nodes.iter().map(|nodes| &network.tiers[*nodes]).find(|nodes| nodes.need.is_some())?;
    let need = nodes.need.as_ref().filter(|_| pods.need.is_none())?;
    let own = smallest(network, eks.pods?);
    let detail = format!(
        "each /{own} has {} addresses; how many the pods of {} need is not said ({})",
        usable::<V4>(own),
        nodes.name,
        need.reason
    );
    let mut finding = claim(Status::Unknown, format!("addresses of {}", pods.name), detail).at(&pods.origin);
    finding.fix = format!("size {} by a need with the same nodes and `pods_only`", pods.name);
    Some(finding)
}

/// Who finds subnets by their tags finds those that are meant, and one in each zone:
/// <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/>.
fn tags(network: &Network, eks: &Roles, findings: &mut Vec<Finding>) {
    let readers = [
        ("kubernetes.io/role/elb", eks.load_balancers),
        ("kubernetes.io/role/internal-elb", Some(eks.internal())),
        ("kubernetes.io/role/cni", eks.pods),
    ];
    let mut wrong = Vec::new();
    for (key, meant) in readers {
        let carries = |tags: &BTreeMap<String, String>| {
            tags.get(key).is_some_and(|value| value == "1" || value.is_empty())
        };
        for (idx, tier) in network.tiers.iter().enumerate() {
            if carries(&tier.tags) != (Some(idx) == meant) {
                wrong.push(format!("{key} on {}", tier.name));
            }
        }
    }
    let holds_databases = |idx: usize| network.subnet_groups.iter().any(|group| group.tier == idx);
    for (idx, tier) in network.tiers.iter().enumerate() {
        if tier.tag_sets.contains(&KARPENTER_TAGS)
            && (tier.access == Access::Public || holds_databases(idx))
        {
            wrong.push(format!("karpenter.sh/discovery on {}", tier.name));
        }
        if tier.tag_sets.contains(&CLUSTER_TAGS) && holds_databases(idx) {
            wrong.push(format!("kubernetes.io/cluster/* on {}", tier.name));
        }
    }
    findings.push(if wrong.is_empty() {
        claim(
            Status::Proved,
            "tags that EKS's controllers read",
            "in each zone one subnet for each kind of load balancer, and none with databases",
        )
    } else {
        claim(
            Status::Residual,
            "tags that EKS's controllers read",
            format!("controllers may take other subnets than meant: {}", wrong.join(", ")),
        )
    });
}

#[cfg(test)]
mod tests {
    use crate::features::eks::{KARPENTER_TAGS, NO_EKS, Roles};
    use crate::network::{Network, Peer};
    use crate::proof::tests::check;
    use crate::proof::tests::networks::{self, reference};
    use crate::proof::{Property, Status};

    fn eks() -> Network {
        let mut network = reference();
        network.min_zones.count = 2;
        network.features.eks = Some(Roles {
            load_balancers: Some(0),
            nodes: vec![1],
            control_plane: 1,
            pods: None,
            clusters: vec!["main".to_owned()],
            karpenter: Vec::new(),
            service_range: Some(networks::cidr("172.20.0.0/16")),
            refused_zones: NO_EKS.map(str::to_owned).to_vec(),
        });
        for (tier, key) in [(0, "kubernetes.io/role/elb"), (1, "kubernetes.io/role/internal-elb")] {
            network.tiers[tier].tags.insert(key.to_owned(), "1".to_owned());
        }
        network
    }

    #[test]
    fn requirements_of_eks_are_decided_one_by_one() {
        for code in ["E1", "E2", "E3", "E4", "E5", "E6", "E7", "E8", "E9", "E10", "E11", "E12", "E13", "E14", "E15", "E16"] {
            check(&eks(), Property::P9, &format!("EKS {code}"), Status::Proved);
        }
        let mut any_zone = eks();
        any_zone.features.eks.as_mut().unwrap().refused_zones.pop();
        let found = check(&any_zone, Property::P9, "EKS E3", Status::Residual);
        assert!(found.detail.contains("use1-az3"), "{found}");
        let mut one_zone = eks();
        one_zone.min_zones.count = 1;
        check(&one_zone, Property::P9, "EKS E1", Status::Refuted);
        let mut offline = eks();
        offline.flows.retain(|flow| flow.to != Peer::Internet);
        check(&offline, Property::P9, "EKS E6", Status::Residual);
    }

    /// Says what is found where `app`, with nodes, pods, and control plane, has these flows within.
    fn within(ports: &[u16]) -> Network {
        let mut network = eks();
        network.flows.retain(|flow| flow.from != flow.to || flow.from != Peer::Tier(1));
        network.flows.push(networks::tcp(Peer::Tier(1), Peer::Tier(1), ports));
        network
    }

    #[test]
    fn a_cluster_whose_parts_cannot_reach_each_other_is_refuted() {
        let closed = within(&[]);
        for code in ["E11", "E12", "E13"] {
            let found = check(&closed, Property::P9, &format!("EKS {code}"), Status::Refuted);
            assert!(found.fix.contains("within app"), "{found}");
        }
        let api = within(&[443]);
        check(&api, Property::P9, "EKS E11", Status::Proved);
        let found = check(&api, Property::P9, "EKS E12", Status::Refuted);
        assert!(found.detail.contains("tcp 10250 within app"), "{found}");
        let tcp_alone = within(&[53, 443, 10250]);
        check(&tcp_alone, Property::P9, "EKS E12", Status::Proved);
        let found = check(&tcp_alone, Property::P9, "EKS E13", Status::Refuted);
        assert!(found.detail.contains("udp 53") && !found.detail.contains("tcp 53"), "{found}");
        check(&tcp_alone, Property::P9, "EKS E14", Status::Residual);
        let found = check(&tcp_alone, Property::P9, "EKS E15", Status::Residual);
        assert!(found.detail.contains("tcp 9443"), "{found}");
    }

    #[test]
    fn nodes_without_a_way_out_need_the_endpoint_of_s3() {
        let mut offline = eks();
        let table = offline.tiers[1].route_table;
        offline.route_tables[table].routes.clear();
        check(&offline, Property::P9, "EKS E16", Status::Residual);
        offline.flows.push(networks::tcp(Peer::Tier(1), Peer::Endpoint("s3".to_owned()), &[443]));
        check(&offline, Property::P9, "EKS E16", Status::Proved);
    }

    #[test]
    fn a_tag_on_databases_lets_load_balancers_in() {
        let subject = "tags that EKS's controllers read";
        check(&eks(), Property::P9, subject, Status::Proved);
        let mut network = eks();
        network.tiers[2].tags.insert("kubernetes.io/role/internal-elb".to_owned(), "1".to_owned());
        let found = check(&network, Property::P9, subject, Status::Residual);
        assert!(found.detail.contains("kubernetes.io/role/internal-elb on db"), "{found}");
        let mut network = eks();
        network.tiers[0].tag_sets.push(KARPENTER_TAGS);
        check(&network, Property::P9, subject, Status::Residual);
    }
}
