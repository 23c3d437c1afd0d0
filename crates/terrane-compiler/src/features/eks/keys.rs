//! `eks`: what Kubernetes on EKS needs from the network: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{NO_EKS, Roles};
use crate::declaration::{Range, Reading, Size, Tier, names, ranges};
use crate::diagnostics::{Code, Diagnostics, Origin, report};
use crate::keys::{Key, Table, located, read};
use crate::features;
use crate::names::{Cidr, Zone};
use crate::sizing::LOAD_BALANCER_LENGTH;
use crate::suggest;
use crate::topology::{Access, Topology};

/// Service ranges lie in these spaces, and have these prefix lengths:
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html>.
const SERVICE_SPACES: [&str; 3] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];
const SERVICE_LENGTHS: std::ops::RangeInclusive<u8> = 12..=24;

/// What Kubernetes on EKS needs from the network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Eks {
    /// The public tier of internet-facing load balancers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancers: Option<String>,
    /// The tiers of the nodes, one at least; internal load balancers are in the first.
    #[serde(with = "one_or_many")]
    pub nodes: Vec<String>,
    /// The tier of the control plane's interfaces; the first of the nodes if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub control_plane: Option<String>,
    /// The tier of the pods, when they have one of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pods: Option<String>,
    /// Names of the clusters that share the network: the default of `var.cluster_names`.
    pub clusters: Vec<String>,
    /// The clusters whose Karpenters find the nodes' subnets by tag.
    #[serde(with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub karpenter: Vec<String>,
    /// The range of the clusters' services, which must stay clear of the VPC's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_range: Option<String>,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

located!(Eks);

pub(super) const KEYS: &[Key] =
    &[Key::new("eks", "what Kubernetes on EKS needs; see below", "none").one(&EKS)];

static EKS: Table = Table {
    title: "EKS",
    about: "A cluster works only if flows let its parts reach each other, also within one tier (`from` and `to` are the same then): tcp 443 from nodes and pods to the control plane, tcp 443 and 10250 from there to the nodes, and tcp and udp 53 among nodes and pods. Where all of them are in one tier, a flow of protocol `any` within it is enough.",
    keys: Cow::Borrowed(&[
        Key::new(
            "nodes",
            "the tier of the nodes, or a list of tiers, of which the first has the internal load balancers",
            "required",
        ),
        Key::new("load_balancers", "the public tier of internet-facing load balancers", "none"),
        Key::new("control_plane", "the tier of the control plane's interfaces", "the first of the nodes"),
        Key::new("pods", "the tier of the pods, if they have one of their own", "none"),
        Key::new("clusters", "names of the clusters that share the network", "none"),
        Key::new(
            "karpenter",
            "the cluster whose Karpenter finds the nodes' subnets by tag, or a list of clusters: each by `karpenter.sh/discovery/<cluster>`, the first by `karpenter.sh/discovery` as well",
            "none",
        ),
        Key::new(
            "service_range",
            "the range of the clusters' services, which no range of the VPC may overlap",
            "none",
        ),
    ]),
    read: read::<Eks>,
};

impl Topology {
    /// Makes the network ready for Kubernetes on EKS.
    #[must_use]
    pub fn eks(mut self, eks: Eks) -> Topology {
        self.features.eks = Some(eks);
        self
    }
}

impl Eks {
    /// Returns the needs of clusters whose nodes live in this tier.
    #[track_caller]
    pub fn nodes(tier: &str) -> Eks {
        Eks { nodes: vec![tier.to_owned()], origin: Origin::caller(), ..Eks::default() }
    }

    /// Names another tier of nodes.
    #[must_use]
    pub fn more_nodes(mut self, tier: &str) -> Eks {
        self.nodes.push(tier.to_owned());
        self
    }

    /// Names the public tier of internet-facing load balancers.
    #[must_use]
    pub fn load_balancers(mut self, tier: &str) -> Eks {
        self.load_balancers = Some(tier.to_owned());
        self
    }

    /// Names the tier of the control plane's interfaces.
    #[must_use]
    pub fn control_plane(mut self, tier: &str) -> Eks {
        self.control_plane = Some(tier.to_owned());
        self
    }

    /// Names the tier of the pods.
    #[must_use]
    pub fn pods(mut self, tier: &str) -> Eks {
        self.pods = Some(tier.to_owned());
        self
    }

    /// Names a cluster that uses the network.
    #[must_use]
    pub fn cluster(mut self, name: &str) -> Eks {
        self.clusters.push(name.to_owned());
        self
    }

    /// Names the cluster whose Karpenter finds the nodes' subnets.
    #[must_use]
    pub fn karpenter(mut self, cluster: &str) -> Eks {
        self.karpenter.push(cluster.to_owned());
        self
    }

    /// Sets the range of the clusters' services.
    #[must_use]
    pub fn service_range(mut self, cidr: &str) -> Eks {
        self.service_range = Some(cidr.to_owned());
        self
    }
}

/// Reads the roles of tiers; none inside where the topology has no EKS.
pub(in crate::features) fn read_roles(reading: &Reading<'_>, found: &mut Diagnostics) -> Option<Option<Roles>> {
    let Reading { topology, zones, ranges, tiers } = *reading;
    let Some(eks) = &topology.features.eks else { return Some(None) };
    dns(topology, found);
    clusters(eks, found);
    let service_range = service_range(topology, eks, ranges, found);
    let mut tier =
        |name: &str, role: &str| names::tier(topology, name, &format!("EKS ({role})"), &eks.origin.at(role), found);
    let nodes: Vec<Option<usize>> = match eks.nodes.as_slice() {
        [one] => vec![tier(one, "nodes")],
        some => some.iter().enumerate().map(|(idx, name)| tier(name, &format!("nodes[{idx}]"))).collect(),
    };
    let load_balancers = eks.load_balancers.as_ref().map(|name| tier(name, "load_balancers"));
    let control_plane = eks.control_plane.as_ref().map(|name| tier(name, "control_plane"));
    let pods = eks.pods.as_ref().map(|name| tier(name, "pods"));
    if eks.nodes.is_empty() {
        report!(
            found, Code::EKS_WITHOUT_NODES, &eks.origin.at("nodes"),
            "`nodes` of EKS names no tier";
            "name the tier that nodes are in"
        );
    }
    for (idx, twice) in eks.nodes.iter().enumerate().filter(|(idx, name)| eks.nodes[..*idx].contains(name)) {
        report!(
            found, Code::EKS_NODES_TWICE, &eks.origin.at(&format!("nodes[{idx}]")),
            "`nodes` of EKS names tier `{twice}` twice";
            "name each tier of nodes once"
        );
    }
    let first = nodes.first().copied().flatten();
    if let Some(tier) = control_plane.unwrap_or(first) {
        self::control_plane(topology, eks, tier, zones, found);
    }
    let nodes: Option<Vec<usize>> = nodes.into_iter().collect();
    let (Some(nodes), Some(first), false) =
        (nodes, first, [load_balancers, control_plane, pods].contains(&Some(None)))
    else {
        return None;
    };
    let read = Roles {
        load_balancers: load_balancers.flatten(),
        nodes,
        control_plane: control_plane.flatten().unwrap_or(first),
        pods: pods.flatten(),
        clusters: eks.clusters.clone(),
        karpenter: eks.karpenter.clone(),
        service_range,
        refused_zones: NO_EKS.map(str::to_owned).to_vec(),
    };
    roles(topology, eks, &read, tiers, found);
    Some(Some(read))
}

fn control_plane(topology: &Topology, eks: &Eks, tier: usize, zones: &[Zone], found: &mut Diagnostics) {
    let (owner, count) = names::zones_of(topology, tier);
    let tier = &topology.tiers[tier];
    let key = if eks.control_plane.is_some() { "control_plane" } else { "nodes" };
    if count < 2 {
        let (owner, hint) = if zones.len() < 2 {
            (owner.to_owned(), "declare a second zone".to_owned())
        } else {
            (
                format!("tier `{}` of its control plane", tier.name),
                format!("add a second letter to the zones of `{}`", tier.name),
            )
        };
        let message = format!("EKS needs subnets in 2 zones, but {owner} has {count}");
        report!(found, Code::EKS_ZONES, &eks.origin.at(key), "{message}"; "{hint}");
    }
    if let Some(site) = tier.site {
        let message = format!(
            "the control plane of EKS has its interfaces in tier `{}`, but EKS takes no subnet of a {site}",
            tier.name
        );
        report!(
            found, Code::SITE_CONTROL_PLANE, &eks.origin.at(key),
            "{message}";
            "name a tier of the region as `control_plane`; nodes may stay where they are"
        );
    }
}

fn dns(topology: &Topology, found: &mut Diagnostics) {
    let off = match (topology.dns.support, topology.dns.hostnames) {
        (true, true) => None,
        (true, false) => Some("DNS hostnames are off"),
        (false, true) => Some("DNS support is off"),
        (false, false) => Some("both are off"),
    };
    if let Some(off) = off {
        report!(
            found, Code::EKS_DNS, topology.place("dns"),
            "EKS needs DNS support and DNS hostnames, but {off}";
            "turn both on, which is what a topology without `dns` has"
        );
    }
}

fn clusters(eks: &Eks, found: &mut Diagnostics) {
    for (idx, name) in eks.clusters.iter().enumerate() {
        let valid = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty()
            || name.len() > 100
            || !name.chars().all(valid)
            || !name.starts_with(|c: char| c.is_ascii_alphanumeric())
        {
            report!(
                found, Code::INVALID_CLUSTER_NAME, &eks.origin.at(&format!("clusters[{idx}]")),
                "`{name}` is not a name that EKS takes for a cluster";
                "use 1 to 100 letters, digits, hyphens, and underscores, beginning with a letter or a digit"
            );
        } else if eks.clusters[..idx].contains(name) {
            report!(
                found, Code::DUPLICATE_CLUSTER, &eks.origin.at(&format!("clusters[{idx}]")),
                "cluster `{name}` is declared twice";
                "declare each cluster once"
            );
        }
    }
    for (idx, name) in eks.karpenter.iter().enumerate().filter(|(_, name)| !eks.clusters.contains(name)) {
        let key = if eks.karpenter.len() == 1 { "karpenter".to_owned() } else { format!("karpenter[{idx}]") };
        report!(
            found, Code::UNKNOWN_CLUSTER, &eks.origin.at(&key),
            "Karpenter belongs to cluster `{name}`, which is not declared";
            "{}", suggest::hint(name, eks.clusters.iter().map(String::as_str))
        );
    }
}

fn service_range(
    topology: &Topology,
    eks: &Eks,
    vpc: &[Option<Range>],
    found: &mut Diagnostics,
) -> Option<Cidr> {
    let text = eks.service_range.as_deref()?;
    let cidr = ranges::cidr(text, "the service range", &eks.origin.at("service_range"), found)?;
    let inside =
        SERVICE_SPACES.iter().any(|space| Cidr::parse(space).is_ok_and(|space| space.contains(cidr)));
    if !inside || !SERVICE_LENGTHS.contains(&cidr.prefix_length()) {
        report!(
            found, Code::SERVICE_RANGE, &eks.origin.at("service_range"),
            "the service range is {cidr}, but EKS takes a /12 to a /24 in {}", suggest::list(SERVICE_SPACES);
            "take one such as 172.20.0.0/16"
        );
    }
    let vpc = vpc.iter().flatten().map(|range| (format!("range `{}`", range.name), range.cidr));
    let clear = topology.keep_clear.iter().filter_map(|clear| {
        Some((format!("range `{}` elsewhere", clear.name), Cidr::parse(&clear.cidr).ok()?))
    });
    for (name, other) in vpc.chain(clear).filter(|(_, other)| other.overlaps(cidr)) {
        report!(
            found, Code::SERVICE_RANGE_OVERLAP, &eks.origin.at("service_range"),
            "the service range {cidr} overlaps {name} ({other})";
            "take a range that no network nearby uses; it cannot change once a cluster exists"
        );
    }
    Some(cidr)
}

/// Checks each tier for its role.
fn roles(
    topology: &Topology,
    declared: &Eks,
    eks: &Roles,
    tiers: &[Option<Tier>],
    found: &mut Diagnostics,
) {
    let mut report = |code, key: &str, message: String, hint: &str| {
        report!(found, code, &declared.origin.at(key), "{message}"; "{hint}");
    };
    let named = |tier: usize| (&topology.tiers[tier].name, topology.tiers[tier].access);
    if let Some(tier) = eks.load_balancers {
        let (name, access) = named(tier);
        if access != Access::Public {
            report(
                Code::EKS_LOAD_BALANCERS_ACCESS,
                "load_balancers",
                format!("internet-facing load balancers are in tier `{name}`, which is {}", access),
                "name a public tier",
            );
        }
        if let Some(length) = longest(tiers, tier).filter(|length| *length > LOAD_BALANCER_LENGTH) {
            report(
                Code::EKS_LOAD_BALANCERS_SIZE,
                "load_balancers",
                format!(
                    "load balancers need subnets of /{LOAD_BALANCER_LENGTH} or larger, but tier `{name}` has /{length}"
                ),
                "give the tier a prefix length of 27 or less",
            );
        }
        if eks.nodes.contains(&tier) {
            report(
                Code::EKS_ROLE_CONFLICT,
                "load_balancers",
                format!(
                    "tier `{name}` has internet-facing load balancers and nodes, so that internal load balancers would be public"
                ),
                "give the nodes a tier of their own",
            );
        }
    }
    let name = named(eks.internal()).0;
    if longest(tiers, eks.internal()).is_some_and(|length| length > LOAD_BALANCER_LENGTH) {
        report(
            Code::EKS_NODES_SIZE,
            "nodes",
            format!(
                "internal load balancers need subnets of /{LOAD_BALANCER_LENGTH} or larger, but tier `{name}` of the nodes has /28"
            ),
            "give the tier a prefix length of 27 or less",
        );
    }
    let nodes = eks.nodes.iter().map(|tier| ("nodes", *tier));
    for (role, tier) in nodes.chain(eks.load_balancers.map(|tier| ("load_balancers", tier))) {
        if Some(tier) == eks.pods {
            report(
                Code::EKS_PODS_TIER,
                "pods",
                format!("tier `{}` has both the pods and the {role}", named(tier).0),
                "leave `pods` out, or name a tier that only pods use",
            );
        }
    }
    for tier in &eks.nodes {
        let (name, access) = named(*tier);
        let endpoint_only = access == Access::Private && !features::leads_out(topology);
        if access == Access::Isolated || endpoint_only {
            report!(
                found, Code::EKS_NODES_OFFLINE, &declared.origin.at("nodes"),
                "nodes in tier `{name}` have no way to the internet";
                "give the VPC interface endpoints for ECR, EC2, STS, and EKS, or choose an egress with NAT gateways"
            );
        }
    }
}

/// Returns the prefix length of a tier's smallest subnets.
fn longest(tiers: &[Option<Tier>], tier: usize) -> Option<u8> {
    match &tiers[tier].as_ref()?.size {
        Size::PrefixLength { length, .. } => Some(length.get()),
        Size::Pinned(ranges) => ranges.values().map(|range| range.prefix_length()).max(),
    }
}

/// A name, or a list of names.
mod one_or_many {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Many(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(names: &[String], serializer: S) -> Result<S::Ok, S::Error> {
        match names {
            [one] => one.serialize(serializer),
            many => many.serialize(serializer),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
        Ok(match Names::deserialize(deserializer)? {
            Names::One(one) => vec![one],
            Names::Many(many) => many,
        })
    }
}
