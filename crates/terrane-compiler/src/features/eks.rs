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

use super::common;
use super::{Feature, Resolution};
use crate::declaration::{Declaration, KeepClear};
use crate::emit::{Rejection, own_zones};
use crate::module::syntax::{Expr, call, contains, each, each_in, equal, interpolated, keys, length, local, matches, name, pairs_in, string, strings, var};
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

/// The variable with the clusters whose Karpenters find subnets.
const KARPENTER_CLUSTERS: &str = "karpenter_clusters";

pub(super) const FEATURE: Feature = Feature {
    keys: keys::KEYS,
    codes: codes::CODES,
    claims: codes::CLAIMS,
    reserved,
    tag_reader,
    tags: |topology| topology.features.eks.as_ref().map_or(0, |eks| eks.clusters.len() + eks.karpenter.len() + 1),
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
    /// The tiers of nodes; internal load balancers are in the first.
    pub nodes: Vec<usize>,
    /// The tier of the control plane's interfaces.
    pub control_plane: usize,
    /// The tier of pods, where they have one of their own.
    pub pods: Option<usize>,
    /// Names of the clusters that share the network: the default of `var.cluster_names`.
    pub clusters: Vec<String>,
    /// The clusters whose Karpenters find the nodes' subnets: the default of `var.karpenter_clusters`.
    pub karpenter: Vec<String>,
    /// The range of services.
    pub service_range: Option<Cidr>,
    /// Ids of the availability zones in which the control plane can have no interface, and so no subnet.
    pub refused_zones: Vec<String>,
}

impl Roles {
    /// Returns the tier of internal load balancers.
    fn internal(&self) -> usize {
        // A list without tiers is refused where it is read.
        self.nodes.first().copied().unwrap_or(self.control_plane)
    }
}

fn has_control_plane(topology: &Topology, tier: &str) -> bool {
    let eks = topology.features.eks.as_ref();
    eks.is_some_and(|eks| eks.control_plane.as_ref().or(eks.nodes.first()).is_some_and(|name| name == tier))
}

/// Returns the longest prefix length of a tier's subnets, where load balancers need larger ones than others.
fn longest(declaration: &Declaration, tier: usize) -> Option<u8> {
    let eks = declaration.features.eks.as_ref()?;
    (eks.internal() == tier || eks.load_balancers == Some(tier)).then_some(LOAD_BALANCER_LENGTH)
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
    tag(eks.internal(), "kubernetes.io/role/internal-elb");
    if let Some(tier) = eks.pods {
        tag(tier, "kubernetes.io/role/cni");
    }
    let others = [eks.load_balancers, Some(eks.control_plane)].into_iter().flatten();
    for tier in eks.nodes.iter().copied().chain(others) {
        let sets = &mut network.tiers[tier].tag_sets;
        if !sets.contains(&CLUSTER_TAGS) {
            sets.push(CLUSTER_TAGS);
        }
    }
    for tier in &eks.nodes {
        network.tiers[*tier].tag_sets.push(KARPENTER_TAGS);
    }
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
        default: Some(strings(&eks.clusters)),
        nullable: false,
        validations: vec![Condition {
            condition: call(
                "alltrue",
                [each_in("name", var("cluster_names"))
                    .list(matches("^[0-9A-Za-z][0-9A-Za-z_-]{0,99}$", name("name")))],
            ),
            error_message: string(
                "cluster_names must be names of EKS clusters: 1 to 100 letters, digits, hyphens, and underscores that start with a letter or a digit.",
            ),
        }],
    });
    module.variables.push(Variable {
        name: KARPENTER_CLUSTERS.to_owned(),
        ty: Type::list(Type::String),
        description: "Names of the clusters whose Karpenters find the subnets of the nodes: each by the tag `karpenter.sh/discovery/<cluster>`, and the first by `karpenter.sh/discovery` as well."
            .to_owned(),
        default: Some(strings(&eks.karpenter)),
        nullable: false,
        validations: Vec::new(),
    });
    for (own, comment, value) in [
        (
            CLUSTER_TAGS,
            "Subnets that several clusters share carry the tag of each.",
            each_in("name", var("cluster_names"))
                .object(interpolated(["kubernetes.io/cluster/".into(), name("name")]), "shared".into()),
        ),
        (
            KARPENTER_TAGS,
            "",
            karpenter_tags(),
        ),
    ] {
        module.locals.push(Local {
            file: File::Vpc,
            name: own.to_owned(),
            value,
            comment: comment.to_owned(),
        });
    }
    let control_plane = &network.tiers[eks.control_plane];
    let own = each_in("letter", keys(common::zones(control_plane)))
        .list(local("zone_names").at(name("letter")));
    let ids = pairs_in("idx", "name", common::zone_names())
        .filter(contains(own, name("name")))
        .list(common::zone_ids().at(name("idx")));
    module.locals.push(Local {
        file: File::Vpc,
        name: "eks_zone_ids".to_owned(),
        value: ids,
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
        value: var("cluster_names"),
    });
}

/// Returns the tags by which Karpenters find subnets: that of its documentation for the first, and one for each.
fn karpenter_tags() -> Expr {
    let clusters = || var(KARPENTER_CLUSTERS);
    let first = call("slice", [clusters(), 0.into(), call("min", [1.into(), length(clusters())])]);
    let own = interpolated(["karpenter.sh/discovery/".into(), name("name")]);
    call(
        "merge",
        [
            each_in("name", first).object("karpenter.sh/discovery".into(), name("name")),
            each_in("name", clusters()).object(own, name("name")),
        ],
    )
}

/// Returns the check that EKS takes a subnet: a zone's name says nothing of that, and its id is known with the subnet.
fn takes_eks(refused: &[String]) -> Condition {
    let refused = || call("setintersection", [strings(refused), local("eks_zone_ids")]);
    Condition {
        condition: equal(length(refused()), 0.into()),
        error_message: interpolated([
            "EKS takes no subnet in the availability zone ".into(),
            call("join", [", ".into(), refused()]),
            "; give its letter another.".into(),
        ]),
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
