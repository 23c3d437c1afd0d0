//! Flows without which a cluster does not work, E11 to E15. That a declared flow works is the matter of P2.
//!
//! Which ports: <https://docs.aws.amazon.com/eks/latest/userguide/sec-group-reqs.html>.

use super::Roles;
use crate::names::PortRange;
use crate::network::{Network, Peer, Traffic};
use crate::proof::capacity::claim;
use crate::proof::{Finding, Status};

/// The port of the Kubernetes API, and of most webhooks.
const API: u16 = 443;
/// The port of the kubelet, and of the metrics server.
const KUBELET: u16 = 10250;
/// The port of name servers.
const DNS: u16 = 53;
/// Ports that webhooks of controllers in wide use listen on beside 443.
const WEBHOOKS: [u16; 4] = [4443, 6443, 8443, 9443];

fn tcp(port: u16) -> Traffic {
    Traffic::Tcp(PortRange::one(port))
}

/// What a cluster needs to be permitted.
struct Claim {
    code: &'static str,
    /// Who reaches whom.
    subject: &'static str,
    needs: Vec<Need>,
    /// Where something is missing.
    otherwise: Status,
}

/// Traffic that must be declared, from tier to tier.
struct Need {
    from: usize,
    to: usize,
    traffic: Traffic,
}

/// Returns each traffic between each pair of tiers.
fn each(pairs: &[(usize, usize)], traffic: &[Traffic]) -> Vec<Need> {
    let of_pair = |(from, to): &(usize, usize)| {
        let (from, to) = (*from, *to);
        traffic.iter().map(move |traffic| Need { from, to, traffic: *traffic })
    };
    pairs.iter().flat_map(of_pair).collect()
}

fn claims(eks: &Roles) -> [Claim; 5] {
    let hosts: Vec<usize> = eks.nodes.iter().copied().chain(eks.pods).collect();
    let among: Vec<_> = hosts.iter().flat_map(|from| hosts.iter().map(|to| (*from, *to))).collect();
    let up: Vec<_> = hosts.iter().map(|host| (*host, eks.control_plane)).collect();
    let down: Vec<_> = eks.nodes.iter().map(|nodes| (eks.control_plane, *nodes)).collect();
    let serving: Vec<_> = match eks.pods {
        Some(pods) => vec![(eks.control_plane, pods)],
        None => down.clone(),
    };
    let ports: Vec<Traffic> = [API, KUBELET].into_iter().chain(WEBHOOKS).map(tcp).collect();
    [
        Claim {
            code: "E11",
            subject: "nodes and pods reach the control plane",
            needs: each(&up, &[tcp(API)]),
            otherwise: Status::Refuted,
        },
        Claim {
            code: "E12",
            subject: "the control plane reaches the nodes",
            needs: each(&down, &[tcp(API), tcp(KUBELET)]),
            otherwise: Status::Refuted,
        },
        Claim {
            code: "E13",
            subject: "nodes and pods reach the name servers of the cluster",
            needs: each(&among, &[tcp(DNS), Traffic::Udp(PortRange::one(DNS))]),
            otherwise: Status::Refuted,
        },
        Claim {
            code: "E14",
            subject: "nodes and pods reach each other",
            needs: each(&among, &[Traffic::Any]),
            otherwise: Status::Residual,
        },
        Claim {
            code: "E15",
            subject: "the control plane reaches webhooks and metrics servers in pods",
            needs: each(&serving, &ports),
            otherwise: Status::Residual,
        },
    ]
}

/// Adds the claims about the flows of a cluster.
pub(super) fn examine(network: &Network, eks: &Roles, findings: &mut Vec<Finding>) {
    let origin = &network.tiers[eks.internal()].origin;
    for Claim { code, subject, needs, otherwise } in claims(eks) {
        let missing = missing(network, &needs);
        let name = format!("EKS {code}");
        findings.push(if missing.is_empty() {
            claim(Status::Proved, name, format!("{subject}: each flow that this needs is declared")).at(origin)
        } else {
            let mut finding = claim(otherwise, name, format!("{subject}: no flow permits {missing}")).at(origin);
            finding.fix = format!("declare flows that permit {missing}");
            finding
        });
    }
    findings.extend(eks.nodes.iter().map(|nodes| storage(network, *nodes)));
}

/// Returns what no flow permits, as a list in words.
fn missing(network: &Network, needs: &[Need]) -> String {
    let missing = needs.iter().filter(|need| !need.is_declared(network));
    missing.map(|need| need.words(network)).collect::<Vec<_>>().join(", ")
}

/// E16: the layers of images come from S3, by the way out or by the gateway endpoint.
fn storage(network: &Network, tier: usize) -> Finding {
    let subject = "EKS E16";
    let nodes = &network.tiers[tier];
    let claim = |status, detail| claim(status, subject, detail).at(&nodes.origin);
    if network.route_tables[nodes.route_table].leads_everywhere() {
        let detail = format!("{} fetches the layers of images by its way out", nodes.name);
        return claim(Status::Proved, detail);
    }
    let uses = |flow: &crate::declaration::Flow| {
        flow.from == Peer::Tier(tier) && flow.to == Peer::Endpoint("s3".to_owned())
    };
    if network.flows.iter().any(uses) {
        let detail = format!("{} fetches the layers of images through the gateway endpoint of S3", nodes.name);
        return claim(Status::Proved, detail);
    }
    let detail = format!(
        "{} has no way out and no flow to the gateway endpoint of S3, where ECR keeps the layers of images",
        nodes.name
    );
    let mut finding = claim(Status::Residual, detail);
    finding.fix = format!("declare the endpoint `s3`, and a flow of tcp 443 from {} to it", nodes.name);
    finding
}

impl Need {
    fn is_declared(&self, network: &Network) -> bool {
        let between = |flow: &&crate::declaration::Flow| {
            flow.from == Peer::Tier(self.from) && flow.to == Peer::Tier(self.to)
        };
        let flows = network.flows.iter().filter(between);
        flows.flat_map(|flow| flow.traffic()).any(|traffic| traffic.covers(self.traffic))
    }

    fn words(&self, network: &Network) -> String {
        let name = |tier: usize| &network.tiers[tier].name;
        if self.from == self.to {
            return format!("{} within {}", self.traffic, name(self.from));
        }
        format!("{} from {} to {}", self.traffic, name(self.from), name(self.to))
    }
}
