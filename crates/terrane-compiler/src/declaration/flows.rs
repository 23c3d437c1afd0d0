//! Reads flows.

use std::num::IntErrorKind;

use crate::declaration::{Flow, FlowProtocol, Peer};
use crate::diagnostics::{Code, Diagnostics, report};
use crate::features::{self, End};
use crate::names::PortRange;
use crate::suggest;
use crate::topology::{self, Access, INTERNET, Ports, Topology};

/// Reads all flows; `None` in the place of each that is wrong.
pub(super) fn read(topology: &Topology, found: &mut Diagnostics) -> Vec<Option<Flow>> {
    let flows: Vec<Option<Flow>> = topology.flows.iter().map(|flow| one(topology, flow, found)).collect();
    for (idx, flow) in flows.iter().enumerate() {
        let Some(flow) = flow else { continue };
        let same = |before: &&Flow| {
            (&before.from, &before.to, before.protocol) == (&flow.from, &flow.to, flow.protocol)
        };
        for before in flows[..idx].iter().flatten().filter(same) {
            if let Some(shared) = shared(&before.ports, &flow.ports) {
                report!(
                    found, Code::DUPLICATE_FLOW, &flow.origin.at("ports"),
                    "{} repeats port {shared} of an earlier flow", subject(&topology.flows[idx]);
                    "declare each permission once"
                );
            }
        }
    }
    flows
}

fn one(topology: &Topology, flow: &topology::Flow, found: &mut Diagnostics) -> Option<Flow> {
    let from = peer(topology, flow, "from", &flow.from, found);
    let to = peer(topology, flow, "to", &flow.to, found);
    let ports = ports(flow, found);
    let (from, to) = (from?, to?);
    if let Some((code, key, problem, hint)) = impossible(topology, &from, &to) {
        report!(found, code, &flow.origin.at(key), "{} {problem}", subject(flow); "{hint}");
        return None;
    }
    if flow.client_addresses && !balances(topology, flow, &from, &to) {
        report!(
            found, Code::CLIENT_ADDRESSES, &flow.origin.at("client_addresses"),
            "{} passes on addresses of clients, but is not one of tcp or udp from load balancers in a public tier, which the internet reaches, to a tier that it does not", subject(flow);
            "drop `client_addresses`, or let the flow begin at the load balancers"
        );
        return None;
    }
    Some(Flow {
        from,
        to,
        protocol: flow.protocol,
        ports: ports?,
        client_addresses: flow.client_addresses,
        purpose: flow.purpose.clone(),
        origin: flow.origin.clone(),
    })
}

/// Returns whether a flow can be that of load balancers that pass on the addresses of clients on the internet.
fn balances(topology: &Topology, flow: &topology::Flow, from: &Peer, to: &Peer) -> bool {
    let access = |peer: &Peer| match peer {
        Peer::Tier(tier) => Some(topology.tiers[*tier].access),
        Peer::Internet | Peer::Endpoint(_) | Peer::Place(_) => None,
    };
    let reached = topology.flows.iter().any(|other| other.from == INTERNET && other.to == flow.from);
    access(from) == Some(Access::Public)
        && access(to).is_some_and(|access| access != Access::Public)
        && matches!(flow.protocol, FlowProtocol::Tcp | FlowProtocol::Udp)
        && reached
}

fn subject(flow: &topology::Flow) -> String {
    format!("the flow from `{}` to `{}`", flow.from, flow.to)
}

/// Reads the end of a flow that is written under a key.
fn peer(
    topology: &Topology,
    flow: &topology::Flow,
    key: &str,
    name: &str,
    found: &mut Diagnostics,
) -> Option<Peer> {
    if let Some(position) = topology.tiers.iter().position(|tier| tier.name == name) {
        return Some(Peer::Tier(position));
    }
    if name == INTERNET {
        return Some(Peer::Internet);
    }
    let of_feature = features::end(topology, name);
    if let Some(End::Peer(peer)) = of_feature {
        return Some(peer);
    }
    let ends = features::ends(topology);
    let mut known: Vec<&str> = topology.tiers.iter().map(|tier| tier.name.as_str()).collect();
    known.extend(ends.iter().map(String::as_str));
    known.push(INTERNET);
    let (code, problem, hint) = if name.is_empty() {
        (
            Code::FLOW_END_MISSING,
            "has an end that is not named".to_owned(),
            format!("name both ends, of {}", suggest::list(known)),
        )
    } else if let Some(End::Undeclared(code, problem, hint)) = of_feature {
        (code, problem, hint)
    } else {
        (Code::UNKNOWN_PEER, format!("names `{name}`, which is not declared"), suggest::hint(name, known))
    };
    report!(found, code, &flow.origin.at(key), "{} {problem}", subject(flow); "{hint}");
    None
}

/// Returns why no packet of a flow could arrive, or its replies: code, key, end of a sentence, remedy.
fn impossible(
    topology: &Topology,
    from: &Peer,
    to: &Peer,
) -> Option<(Code, &'static str, String, &'static str)> {
    let access = |tier: &usize| topology.tiers[*tier].access;
    let leads_out = features::leads_out(topology);
    match (from, to) {
        (Peer::Endpoint(_), _) => Some((
            Code::FLOW_FROM_ENDPOINT,
            "from",
            "begins at a gateway endpoint, which opens no connections".to_owned(),
            "swap its ends",
        )),
        (Peer::Internet | Peer::Place(_), Peer::Internet | Peer::Endpoint(_) | Peer::Place(_)) => {
            Some((Code::FLOW_WITHOUT_TIER, "", "touches no tier".to_owned(), "name a tier at one end"))
        }
        (Peer::Internet, Peer::Tier(tier)) if access(tier) != Access::Public => Some((
            Code::FLOW_FROM_INTERNET,
            "to",
            format!("cannot be: the tier is {}, so that nothing on the internet reaches it", access(tier)),
            "let it end at a public tier that passes requests on",
        )),
        (Peer::Tier(tier), Peer::Internet) if access(tier) == Access::Isolated => Some((
            Code::FLOW_ISOLATED,
            "to",
            "cannot be: the tier is isolated, so that it has no way to the internet".to_owned(),
            "make the tier private, or use a gateway endpoint",
        )),
        (Peer::Tier(tier), Peer::Internet) if access(tier) == Access::Private && !leads_out => Some((
            Code::FLOW_WITHOUT_EGRESS,
            "to",
            "cannot be: the tier is private and the network has no NAT gateway".to_owned(),
            "choose an egress with NAT gateways",
        )),
        (Peer::Internet | Peer::Tier(_) | Peer::Place(_), _) => None,
    }
}

/// Reads ports as sorted ranges that neither overlap nor touch.
fn ports(flow: &topology::Flow, found: &mut Diagnostics) -> Option<Vec<PortRange>> {
    let mut report = |code, key: &str, message: String, hint: &str| {
        report!(found, code, &flow.origin.at(key), "{} {message}", subject(flow); "{hint}");
    };
    let has_ports = matches!(flow.protocol, FlowProtocol::Tcp | FlowProtocol::Udp);
    if !has_ports && !flow.ports.is_empty() {
        let protocol = if flow.protocol == FlowProtocol::Icmp { "ICMP" } else { "every protocol" };
        report(
            Code::PORTS_WITHOUT_PROTOCOL,
            "ports",
            format!("names ports, but is of {protocol}, which has none"),
            "drop the ports, or choose tcp or udp",
        );
        return None;
    }
    if flow.ports.is_empty() {
        return Some(vec![PortRange::ALL]);
    }
    let mut sound = true;
    let mut ranges: Vec<PortRange> = Vec::new();
    for (idx, ports) in flow.ports.iter().enumerate() {
        match port_range(ports) {
            Ok(range) => ranges.push(range),
            Err(problem) => {
                sound = false;
                report(
                    Code::INVALID_PORT,
                    &format!("ports[{idx}]"),
                    problem,
                    "write a port from 0 to 65535, or a range such as 30000-32767",
                );
            }
        }
    }
    ranges.sort();
    for pair in ranges.windows(2) {
        if pair[1].from <= pair[0].to {
            sound = false;
            report(
                Code::DUPLICATE_PORT,
                "ports",
                format!("names port {} twice", pair[1].from),
                "name each port once",
            );
        }
    }
    sound.then(|| merge(&ranges))
}

fn merge(sorted: &[PortRange]) -> Vec<PortRange> {
    let mut merged: Vec<PortRange> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if u32::from(range.from) <= u32::from(last.to) + 1 => last.to = last.to.max(range.to),
            _ => merged.push(*range),
        }
    }
    merged
}

fn port_range(ports: &Ports) -> Result<PortRange, String> {
    match ports {
        Ports::One(port) => u16::try_from(*port)
            .map(PortRange::one)
            .map_err(|_| format!("names port {port}, outside 0 to 65535")),
        Ports::Range(text) => {
            let (from, to) = text.split_once('-').unwrap_or((text, text));
            let (from, to) = (port(from, text)?, port(to, text)?);
            if from > to {
                return Err(format!("names the ports {text}, which end before they begin"));
            }
            Ok(PortRange { from, to })
        }
    }
}

fn port(digits: &str, text: &str) -> Result<u16, String> {
    digits.trim().parse::<u16>().map_err(|error| match error.kind() {
        IntErrorKind::PosOverflow => format!("names port {digits}, outside 0 to 65535"),
        _ => format!("names the ports `{text}`, which is not a port or a range of ports"),
    })
}

/// Returns a port that both lists hold.
fn shared(a: &[PortRange], b: &[PortRange]) -> Option<u16> {
    a.iter().find_map(|a| {
        let other = b.iter().find(|b| a.from <= b.to && b.from <= a.to)?;
        Some(a.from.max(other.from))
    })
}
