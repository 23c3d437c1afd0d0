//! Kubernetes on EKS: the tags that load balancer controllers and Karpenter read.
//!
//! Who reads which tag: <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/deploy/subnet_discovery/>,
//! <https://karpenter.sh/docs/concepts/nodeclasses/>, and the VPC CNI's subnet discovery.

mod claims;
mod codes;
mod keys;

use terrane_contract::{Holds, Type};

pub use self::keys::Eks;
pub(super) use self::keys::read_roles as read;

use super::common::{self, list};
use super::{Feature, Resolution};
use crate::declaration::{Declaration, KeepClear};
use crate::emit::{Rejection, own_zones};
use crate::module::syntax::{Expr, call, each, expr, string, template};
use crate::module::{Condition, File, Local, Module, Output, Variable};
use crate::names::{Cidr, Zone};
use crate::network::{MinZones, Network, Spread};
use crate::sizing::LOAD_BALANCER_LENGTH;
use crate::topology::Topology;

/// Ids of the availability zones that EKS takes no subnets in:
/// <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>.
pub(super) const NO_EKS: [&str; 3] = ["use1-az3", "usw1-az2", "cac1-az3"];

/// The set of tags by which controllers know the subnets of a cluster.
pub(super) const CLUSTER_TAGS: &str = "cluster_tags";

/// The set of tags by which Karpenter finds the subnets of nodes.
pub(super) const KARPENTER_TAGS: &str = "karpenter_tags";

pub(super) const FEATURE: Feature = Feature {
    keys: keys::KEYS,
    codes: codes::CODES,
    claims: codes::CLAIMS,
    reserved,
    tag_reader,
    tags: |topology| topology.features.eks.as_ref().map_or(0, |eks| eks.clusters.len()),
    has_control_plane,
    longest,
    resolve,
    lower,
    min_zones,
    spreads,
    findings: claims::examine,
    rejections,
    ..Feature::NONE
};

/// What a topology says of it.
pub(super) type Keys = Option<Eks>;

/// What EKS needs, where the network is for it.
pub(super) type Declared = Option<Roles>;

pub(super) fn unsaid() -> Keys {
    None
}

/// The tiers of EKS, and its clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles {
    /// The public tier of internet-facing load balancers.
    pub load_balancers: Option<usize>,
    /// The tier of nodes and internal load balancers.
    pub nodes: usize,
    /// The tier of the control plane's interfaces.
    pub control_plane: usize,
    /// The tier of pods, where they have one of their own.
    pub pods: Option<usize>,
    /// Names of the clusters that share the network: the default of `var.cluster_names`.
    pub clusters: Vec<String>,
    /// The cluster whose Karpenter finds the nodes' subnets: the default of `var.karpenter_cluster`.
    pub karpenter: Option<String>,
    /// The range of services.
    pub service_range: Option<Cidr>,
    /// Ids of the availability zones in which the control plane can have no interface, and so no subnet.
    pub refused_zones: Vec<String>,
}

fn has_control_plane(topology: &Topology, tier: &str) -> bool {
    let eks = topology.features.eks.as_ref();
    eks.is_some_and(|eks| eks.control_plane.as_ref().unwrap_or(&eks.nodes) == tier)
}

/// Returns the longest prefix length of a tier's subnets, where load balancers need larger ones than others.
fn longest(declaration: &Declaration, tier: usize) -> Option<u8> {
    let eks = declaration.features.eks.as_ref()?;
    (eks.nodes == tier || eks.load_balancers == Some(tier)).then_some(LOAD_BALANCER_LENGTH)
}

/// Returns who reads a tag that no author may set.
fn tag_reader(key: &str) -> Option<&'static str> {
    if key.starts_with("kubernetes.io/role/") || key.starts_with("kubernetes.io/cluster/") {
        Some("the load balancers and the CNI of Kubernetes read to choose subnets")
    } else if key.starts_with("karpenter.sh/") {
        Some("Karpenter reads to choose subnets")
    } else {
        None
    }
}

fn reserved(name: &str) -> Option<&'static str> {
    (name == "eks-cluster").then_some("the subnets of control planes among the module's outputs")
}

fn min_zones(declaration: &Declaration) -> Option<MinZones> {
    declaration.features.eks.as_ref()?;
    Some(MinZones { count: 2, reason: "an EKS cluster needs subnets in two availability zones" })
}

fn resolve(resolution: &mut Resolution<'_>) {
    let Resolution { declaration, network, .. } = resolution;
    let Some(eks) = &declaration.features.eks else { return };
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
        let sets = &mut network.tiers[tier].tag_sets;
        if !sets.contains(&CLUSTER_TAGS) {
            sets.push(CLUSTER_TAGS);
        }
    }
    network.tiers[eks.nodes].tag_sets.push(KARPENTER_TAGS);
    // The topology's ranges stay clear of it, and so must those that a caller gives.
    network
        .keep_clear
        .extend(eks.service_range.map(|cidr| KeepClear { name: "the clusters' services".to_owned(), cidr }));
}

fn lower(network: &Network, module: &mut Module) {
    let Some(eks) = &network.features.eks else { return };
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
            CLUSTER_TAGS,
            "Subnets that several clusters share carry the tag of each.",
            r#"{ for name in var.cluster_names : "kubernetes.io/cluster/${name}" => "shared" }"#,
        ),
        (
            KARPENTER_TAGS,
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
    let (zones, names, ids) = (common::zones(control_plane), common::ZONE_NAMES, common::ZONE_IDS);
    module.locals.push(Local {
        file: File::Vpc,
        name: "eks_zone_ids".to_owned(),
        value: expr(&format!(
            "[for idx, name in {names} : {ids}[idx] if contains([for letter in keys({zones}) : local.zone_names[letter]], name)]"
        )),
        comment: "Ids of the availability zones in which clusters have subnets.".to_owned(),
    });
    if let Some(vpc) = module.resource_mut("aws_vpc", "this") {
        vpc.preconditions.push(takes_eks(&eks.refused_zones));
    }
    module.outputs.push(Output {
        name: "eks_cluster_subnet_ids".to_owned(),
        description: "Ids of the subnets to give to an EKS cluster, in the order of their zone letters."
            .to_owned(),
        holds: Some(Holds::SubnetId),
        value: call("tolist", [each("subnet", common::subnets(control_plane), "id")]),
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
    let refused = format!("setintersection({}, local.eks_zone_ids)", list(refused));
    Condition {
        condition: expr(&format!("length({refused}) == 0")),
        error_message: template(format!(
            r#"EKS takes no subnet in the availability zone ${{join(", ", {refused})}}; give its letter another."#
        )),
    }
}

fn spreads(network: &Network) -> Vec<Spread> {
    let spread = |eks: &Roles| Spread {
        name: "EKS".to_owned(),
        tier: eks.control_plane,
        zones: 2,
        otherwise: "running clusters stay, but none can be made or have its subnets changed",
    };
    network.features.eks.iter().map(spread).collect()
}

fn rejections(network: &Network) -> Vec<Rejection> {
    let Some(eks) = &network.features.eks else { return Vec::new() };
    let Some(refused) = eks.refused_zones.first() else { return Vec::new() };
    let id = |(idx, _): (usize, &Zone)| match idx {
        0 => string(refused),
        _ => string(&format!("euw1-az{idx}")),
    };
    let ids: Vec<Expr> = network.zones.iter().enumerate().map(id).collect();
    let rejection =
        Rejection::new("an_availability_zone_without_eks", own_zones(&network.zones), "aws_vpc.this");
    vec![rejection.in_region(&network.zones, ids)]
}
