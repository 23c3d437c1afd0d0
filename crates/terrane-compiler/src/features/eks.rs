//! Kubernetes on EKS: the tags that load balancer controllers and Karpenter read.
//!
//! Who reads which tag: <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/>,
//! <https://karpenter.sh/docs/concepts/nodeclasses/>, and the VPC CNI's subnet discovery.

use terrane_contract::{Holds, Type};

use super::vpc::list;
use super::{Feature, Resolution};
use crate::declaration::KeepClear;
use crate::module::syntax::{Expr, call, each, expr, string, template};
use crate::module::{Condition, File, Local, Module, Output, Variable};
use crate::network::{Eks, Network};

/// Ids of the availability zones that EKS takes no subnets in:
/// <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>.
pub(crate) const NO_EKS: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

pub(super) const FEATURE: Feature = Feature { resolve, lower };

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, network, .. } = resolution;
    let Some(eks) = &declaration.eks else { return };
    let mut tag = |tier: usize, key: &str| {
        network.tiers[tier].tags.insert(key.to_owned(), "1".to_owned());
    };
    if let Some(tier) = eks.load_balancers {
        tag(tier, "kubernetes.io/role/elb");
    }
    tag(eks.nodes, "kubernetes.io/role/internal-elb");
    if let Some(tier) = eks.pods {
        tag(tier, "kubernetes.io/role/cni");
    }
    for tier in [eks.load_balancers, Some(eks.nodes), Some(eks.control_plane)].into_iter().flatten() {
        network.tiers[tier].cluster_tags = true;
    }
    network.tiers[eks.nodes].karpenter = true;
    // The topology's ranges stay clear of it, and so must those that a caller gives.
    network
        .keep_clear
        .extend(eks.service_range.map(|cidr| KeepClear { name: "the clusters' services".to_owned(), cidr }));
    network.eks = Some(Eks {
        load_balancers: eks.load_balancers,
        nodes: eks.nodes,
        control_plane: eks.control_plane,
        pods: eks.pods,
        clusters: eks.clusters.clone(),
        karpenter: eks.karpenter.clone(),
        service_range: eks.service_range,
        refused_zones: NO_EKS.map(str::to_owned).to_vec(),
    });
}

fn lower(network: &Network, module: &mut Module) {
    let Some(eks) = &network.eks else { return };
    module.variables.push(Variable {
        name: "cluster_names".to_owned(),
        ty: Type::set(Type::String),
        description: "Names of the EKS clusters that share the network.".to_owned(),
        default: Some(expr(&list(&eks.clusters))),
        nullable: false,
        validations: vec![Condition {
            condition: expr(
                r#"alltrue([for name in var.cluster_names : can(regex("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", name))])"#,
            ),
            error_message: string(
                "cluster_names must be names of EKS clusters: 1 to 100 letters, digits, hyphens, and underscores that start with a letter or a digit.",
            ),
        }],
    });
    module.variables.push(Variable {
        name: "karpenter_cluster".to_owned(),
        ty: Type::String,
        description: "Name of the cluster whose Karpenter finds the subnets of the nodes by the tag `karpenter.sh/discovery`; null for none."
            .to_owned(),
        default: Some(eks.karpenter.as_deref().map_or(Expr::Null, string)),
        nullable: true,
        validations: Vec::new(),
    });
    for (name, comment, value) in [
        (
            "cluster_tags",
            "Subnets that several clusters share carry the tag of each.",
            r#"{ for name in var.cluster_names : "kubernetes.io/cluster/${name}" => "shared" }"#,
        ),
        (
            "karpenter_tags",
            "",
            r#"{ for name in var.karpenter_cluster[*] : "karpenter.sh/discovery" => name }"#,
        ),
    ] {
        module.locals.push(Local {
            file: File::Vpc,
            name: name.to_owned(),
            value: expr(value),
            comment: comment.to_owned(),
        });
    }
    let control_plane = &network.tiers[eks.control_plane];
    let subnets = format!("aws_subnet.{}", control_plane.name.identifier());
    if let Some(subnets) = module.resources.iter_mut().find(|resource| resource.address() == subnets) {
        subnets.postconditions.push(takes_eks(&eks.refused_zones));
    }
    module.outputs.push(Output {
        name: "eks_cluster_subnet_ids".to_owned(),
        description: "Ids of the subnets to give to an EKS cluster, in the order of their zone letters."
            .to_owned(),
        holds: Some(Holds::SubnetId),
        value: call("tolist", [each("subnet", super::tiers::subnets(control_plane), "id")]),
    });
    module.outputs.push(Output {
        name: "eks_cluster_names".to_owned(),
        description: "Names of the EKS clusters whose tags the subnets carry.".to_owned(),
        holds: None,
        value: expr("var.cluster_names"),
    });
}

/// Returns the check that EKS takes a subnet: a zone's name says nothing of that, and its id is known with the subnet.
fn takes_eks(refused: &[String]) -> Condition {
    Condition {
        condition: expr(&format!("!contains({}, self.availability_zone_id)", list(refused))),
        error_message: template(
            "EKS takes no subnet in the availability zone ${self.availability_zone_id}; give the zone letter ${each.key} another.",
        ),
    }
}
