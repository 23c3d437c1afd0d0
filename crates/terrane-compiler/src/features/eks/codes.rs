//! The diagnostics of EKS, and its requirements.

use crate::diagnostics::codes;
use crate::explain::Claim;

codes! {
    /// The problems that this feature reports.
    pub(super) const CODES;

    EKS_ZONES = "eks-zones", Error:
        "The control plane of EKS has subnets in fewer than two zones",
        "EKS puts network interfaces of the control plane in subnets of at least two availability zones, and refuses to make a cluster with fewer: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>. Declare a second zone, or add a letter to the zones of the tier.";
    SITE_CONTROL_PLANE = "site-control-plane", Error:
        "The control plane of EKS is in a tier of a Local Zone or an Outpost",
        "EKS takes subnets of the region only for the interfaces of a control plane. Name a tier of the region as `control_plane`; nodes may stay at the site.";
    EKS_DNS = "eks-dns", Error:
        "DNS support or DNS hostnames are off in a network for EKS",
        "Nodes register with the control plane under names that the VPC resolves, so EKS requires both settings: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>. Turn both on, or drop `dns`, whose settings are on by default.";
    INVALID_CLUSTER_NAME = "invalid-cluster-name", Error, ByItself:
        "A cluster has a name that EKS does not take",
        "Names of clusters become part of the tags by which controllers find subnets. EKS takes 1 to 100 letters, digits, hyphens, and underscores, beginning with a letter or a digit. Write the name of the cluster as it is in EKS.";
    DUPLICATE_CLUSTER = "duplicate-cluster", Error, ByItself:
        "A cluster is named twice",
        "Each cluster adds one tag to the subnets that it may use, and clusters of one account and region have different names. Name each cluster once.";
    UNKNOWN_CLUSTER = "unknown-cluster", Error:
        "Karpenter belongs to a cluster that is not declared",
        "`karpenter` tags the subnets in which Karpenter starts nodes with the names of its clusters, which must be among `clusters`. The hint names the closest one.";
    SERVICE_RANGE = "service-range", Error, ByItself:
        "The service range is outside of those that EKS takes",
        "Kubernetes gives services addresses of a range of their own, and EKS takes a /12 to a /24 in private space for it; the message lists the spaces. Take one such as 172.20.0.0/16.";
    SERVICE_RANGE_OVERLAP = "service-range-overlap", Error:
        "The service range overlaps a range of hosts",
        "Nodes send packets to the service range into the cluster, so that hosts with the same addresses, in this VPC or in a range to keep clear of, could not be reached. Take a range that no network nearby uses: it cannot change once a cluster exists.";
    EKS_LOAD_BALANCERS_ACCESS = "eks-load-balancers-access", Error:
        "Internet-facing load balancers are in a tier that is not public",
        "A load balancer with public addresses must be in subnets with a route to the internet gateway. Name a public tier as `load_balancers`.";
    EKS_LOAD_BALANCERS_SIZE = "eks-load-balancers-size", Error:
        "The subnets for load balancers are too small",
        "An application load balancer takes subnets of a /27 or larger, with 8 free addresses: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html>. Give the tier a prefix length of 27 or less.";
    EKS_WITHOUT_NODES = "eks-without-nodes", Error, ByItself:
        "EKS has no tier for its nodes",
        "`nodes` is a tier or a list of tiers, and the list is empty. Name at least one tier; the first has the internal load balancers.";
    EKS_NODES_TWICE = "eks-nodes-twice", Error, ByItself:
        "A tier of nodes is named twice",
        "The order of `nodes` matters for the first tier alone, which has the internal load balancers. Name each tier once.";
    EKS_ROLE_CONFLICT = "eks-role-conflict", Error:
        "One tier has both nodes and internet-facing load balancers",
        "Controllers choose subnets for internal and for internet-facing load balancers by tags of subnets. A public tier with both tags would put internal load balancers in public subnets. Give the nodes a tier of their own.";
    EKS_NODES_SIZE = "eks-nodes-size", Error:
        "The subnets of the nodes are too small for internal load balancers",
        "Internal load balancers stand in the subnets of the nodes and need a /27 or larger: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html>. Give the tier of the nodes a prefix length of 27 or less.";
    EKS_PODS_TIER = "eks-pods-tier", Error:
        "Pods have a tier of their own that something else uses",
        "`pods` is for pods in subnets apart from their nodes, with the custom networking of the VPC CNI. Named for the tier of the nodes or of the load balancers, it would set tags that contradict each other. Leave `pods` out, or name a tier that only pods use.";
    EKS_NODES_OFFLINE = "eks-nodes-offline", Warning:
        "Nodes have no way to the internet",
        "Nodes fetch images and call services of AWS, by default over the internet. Without a way out they join a cluster only if the VPC has interface endpoints for ECR, EC2, STS, and EKS, and a gateway endpoint for S3. Add those endpoints, or choose an egress with NAT gateways.";
}

/// The requirements of EKS, which the claim P9 holds one by one.
pub(super) const CLAIMS: &[Claim] = &[
    Claim {
        code: "E1",
        title: "subnets in two zones",
        explanation: "The control plane of EKS takes subnets in at least two availability zones: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>. The claim holds if the module refuses callers that pass fewer zones.",
    },
    Claim {
        code: "E2",
        title: "addresses for the control plane",
        explanation: "EKS refuses subnets of the control plane with fewer than 6 free addresses, and recommends 16: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>. Take larger subnets for the tier of the control plane.",
    },
    Claim {
        code: "E3",
        title: "zones that EKS takes",
        explanation: "EKS takes no subnets of some availability zones for its control plane: <https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html>. The claim holds if the module refuses those as soon as the zone of a subnet is known.",
    },
    Claim {
        code: "E4",
        title: "DNS support and hostnames",
        explanation: "Nodes find the control plane by names that the VPC resolves, so both DNS settings must be on. Turn them on in `dns`.",
    },
    Claim {
        code: "E5",
        title: "addresses of nodes",
        explanation: "Nodes in public subnets need public addresses to reach the control plane and the registries of images, and those in private subnets do not. The finding names which of the two this network has.",
    },
    Claim {
        code: "E6",
        title: "a way out for nodes",
        explanation: "Nodes fetch images and call services of AWS. The claim holds if their route table leads everywhere and a flow to the internet uses it; otherwise the VPC needs interface endpoints for ECR, EC2, STS, and EKS, which topologies do not declare.",
    },
    Claim {
        code: "E7",
        title: "a range for services",
        explanation: "Kubernetes gives services addresses of a range of their own. Where `service_range` is declared, the module refuses ranges of the VPC that overlap it; where it is not, EKS takes 10.100.0.0/16 or 172.20.0.0/16, whichever the VPC does not overlap.",
    },
    Claim {
        code: "E8",
        title: "one address family",
        explanation: "The networks that Terrane compiles for EKS have IPv4 addresses only, and so does the cluster. The claim holds for each of them.",
    },
    Claim {
        code: "E9",
        title: "nodes and pods in the first range",
        explanation: "The control plane may take an hour to learn of a secondary range that is added to the VPC of a running cluster. The claim is a residual if nodes or pods take addresses from such a range; nothing has to be done if the range is there from the start.",
    },
    Claim {
        code: "E10",
        title: "subnets for load balancers",
        explanation: "Load balancers need subnets of a /27 or larger in two zones: <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/application-load-balancers.html>. Take larger subnets for the tiers of nodes and of load balancers, or declare a second zone.",
    },
    Claim {
        code: "E11",
        title: "nodes and pods to the control plane",
        explanation: "Nodes and pods call the Kubernetes API on port 443 of the control plane's interfaces: <https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html>. Without a flow of tcp 443 from their tiers to that of the control plane (or within it, where it is one tier), network ACLs close the way between zones and no node joins. The fix names the flows to declare.",
    },
    Claim {
        code: "E12",
        title: "the control plane to nodes",
        explanation: "The control plane calls each kubelet on port 10250, for logs, `exec`, and probes of aggregated APIs, and nodes on port 443: <https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html>. Declare a flow of tcp 443 and 10250 from its tier to that of the nodes.",
    },
    Claim {
        code: "E13",
        title: "name servers of the cluster",
        explanation: "CoreDNS runs in pods on any node, and answers on port 53 with TCP and UDP: <https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html>. Nodes and pods must reach it wherever it runs, so a flow of tcp and udp 53 is needed within and between their tiers.",
    },
    Claim {
        code: "E14",
        title: "nodes and pods to each other",
        explanation: "Kubernetes expects that each pod reaches each other pod and that each node reaches each pod: <https://kubernetes.io/docs/concepts/services-networking/#the-kubernetes-network-model>. A network that permits less may be meant, so the claim is a residual then. The usual answer is a flow of all traffic within and between the tiers of nodes and pods.",
    },
    Claim {
        code: "E15",
        title: "webhooks and metrics servers",
        explanation: "The control plane calls admission webhooks and aggregated APIs in pods, on ports that their charts choose: 443, 4443, 6443, 8443, 9443, and 10250 are in wide use. The claim is a residual where one of them is not declared; it matters only if something listens there.",
    },
    Claim {
        code: "E16",
        title: "layers of images",
        explanation: "ECR keeps the layers of images in S3: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html>. Nodes without a way out need the gateway endpoint of S3 and a flow to it, beside interface endpoints of ECR; without both the claim is a residual.",
    },
];
