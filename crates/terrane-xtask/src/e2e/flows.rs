//! What may talk to what, by the entries of network ACLs, the rules of security groups, and the routes that exist.
//!
//! A connection is possible when its packets and its replies pass every network ACL on the way, and the security groups
//! of both ends let it begin. Each declared flow must be possible, and what is not declared must not be.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use terrane_compiler::topology::{Flow, FlowProtocol, INTERNET, Ports, Tier, Topology};

use super::{
    Findings,
    expectations::first_name,
    observed::{Observed, WayOut},
};
use crate::aws::{SecurityGroupRule, Subnet};

/// Ports tried between each two ends, beside the declared ones and their neighbours.
const PROBES: [u16; 8] = [22, 80, 443, 3306, 5432, 6379, 8080, 27017];
/// Ports that a client may call from; the first that the other side's flows do not name is used.
const CLIENT_PORTS: [u16; 4] = [49_999, 33_333, 60_001, 65_535];
/// An address outside of every private space.
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);

/// One end of a connection.
#[derive(Clone, Copy)]
enum End<'a> {
    Internet,
    Subnet(&'a Tier, &'a Subnet),
}

/// A connection that is tried.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    from: End<'a>,
    to: End<'a>,
    protocol: i32,
    port: u16,
    client_port: u16,
}

pub(super) fn check(
    topology: &Topology,
    name: &str,
    letters: &[String],
    observed: &Observed,
    findings: &mut Findings,
) {
    let Some(vpc) = observed.vpc(name) else { return };
    // Two zones show what holds inside a zone and across zones.
    let subnets = topology.tiers.iter().flat_map(|tier| {
        letters.iter().take(2).filter_map(move |letter| {
            Some(End::Subnet(tier, observed.subnet(&vpc.id, &format!("{name}-{}-{letter}", tier.name))?))
        })
    });
    let ends: Vec<End<'_>> = subnets.chain([End::Internet]).collect();
    for from in &ends {
        for to in &ends {
            if same_place(*from, *to) {
                continue;
            }
            for protocol in [FlowProtocol::Tcp, FlowProtocol::Udp] {
                check_pair(topology, name, observed, (*from, *to), protocol, findings);
            }
        }
    }
}

fn check_pair(
    topology: &Topology,
    name: &str,
    observed: &Observed,
    (from, to): (End<'_>, End<'_>),
    protocol: FlowProtocol,
    findings: &mut Findings,
) {
    let between = |from: End<'_>, to: End<'_>| -> Vec<(u16, u16)> {
        let flows =
            topology.flows.iter().filter(|flow| flow.from == end_name(from) && flow.to == end_name(to));
        flows.flat_map(|flow| ports(flow, protocol)).collect()
    };
    let (declared, reverse) = (between(from, to), between(to, from));
    let is_in =
        |ranges: &[(u16, u16)], port: u16| ranges.iter().any(|(low, high)| (*low..=*high).contains(&port));
    // A packet to a port above 1023 may be the reply to the other side's flow, and a network ACL cannot know.
    // It keeps the two apart as long as the packets back have nothing to hide behind.
    let free = CLIENT_PORTS.into_iter().find(|port| !is_in(&reverse, *port));
    let told_apart = reverse.is_empty() || (declared.is_empty() && free.is_some());
    let client_port = free.unwrap_or(CLIENT_PORTS[0]);
    for port in probes(&declared) {
        let attempt = Attempt {
            from,
            to,
            protocol: if protocol == FlowProtocol::Tcp { 6 } else { 17 },
            port,
            client_port,
        };
        let (acls, groups) = (passes_acls(observed, attempt), passes_groups(observed, name, attempt));
        let what = || format!("{} → {} {protocol:?} {port}", place(from), place(to));
        if is_in(&declared, port) {
            findings.expect(acls, || format!("{} is declared, but a route or network ACL stops it", what()));
            findings.expect(groups, || format!("{} is declared, but a security group stops it", what()));
            continue;
        }
        if shares_a_hole(topology, from, to) {
            continue;
        }
        let both_inside = matches!((from, to), (End::Subnet(..), End::Subnet(..)));
        if both_inside && told_apart {
            findings.expect(!acls, || format!("{} is not declared, but network ACLs let it through", what()));
        }
        // A group that admits the internet admits the tiers next door; only network ACLs keep those apart.
        let by_the_internet =
            is_in(&between(from, End::Internet), port) && is_in(&between(End::Internet, to), port);
        if !by_the_internet {
            findings.expect(!groups, || {
                format!("{} is not declared, but security groups let it through", what())
            });
        }
        findings.expect(!(acls && groups), || format!("{} is not declared, but nothing stops it", what()));
    }
}

/// Returns whether network ACLs cannot tell the two ends apart from declared ones: a gateway endpoint's addresses are the internet's.
fn shares_a_hole(topology: &Topology, from: End<'_>, to: End<'_>) -> bool {
    let End::Subnet(tier, _) = from else { return false };
    matches!(to, End::Internet)
        && topology
            .flows
            .iter()
            .any(|flow| flow.from == tier.name && topology.features.endpoints.contains(&flow.to))
}

/// Returns whether packets and replies find their way and pass every network ACL on it.
fn passes_acls(observed: &Observed, attempt: Attempt<'_>) -> bool {
    let Attempt { from, to, port, client_port, protocol } = attempt;
    let crosses = |subnet: &Subnet, egress: bool, peer: Ipv4Addr, port: u16| {
        observed.acl(subnet).is_some_and(|acl| acl.allows(egress, protocol, peer, port))
    };
    match (from, to) {
        (End::Subnet(_, client), End::Subnet(_, server)) => {
            crosses(client, true, host(server), port)
                && crosses(server, false, host(client), port)
                && crosses(server, true, host(client), client_port)
                && crosses(client, false, host(server), client_port)
        }
        (End::Internet, End::Subnet(_, server)) => {
            observed.way_out(server) == WayOut::InternetGateway
                && crosses(server, false, OUTSIDE, port)
                && crosses(server, true, OUTSIDE, client_port)
        }
        (End::Subnet(_, client), End::Internet) => {
            let own = crosses(client, true, OUTSIDE, port) && crosses(client, false, OUTSIDE, client_port);
            own && match observed.way_out(client) {
                WayOut::InternetGateway => true,
                WayOut::None | WayOut::Broken(_) => false,
                WayOut::Nat(nat) => {
                    observed.subnets.iter().find(|subnet| subnet.id == nat.subnet).is_some_and(|gateway| {
                        crosses(gateway, false, host(client), port)
                            && crosses(gateway, true, OUTSIDE, port)
                            && crosses(gateway, false, OUTSIDE, client_port)
                            && crosses(gateway, true, host(client), client_port)
                    })
                }
            }
        }
        (End::Internet, End::Internet) => false,
    }
}

/// Returns whether the security groups of both ends let the connection begin.
fn passes_groups(observed: &Observed, name: &str, attempt: Attempt<'_>) -> bool {
    let group = |end: End<'_>| match end {
        End::Internet => None,
        End::Subnet(tier, subnet) => {
            observed.security_group(&subnet.vpc, &format!("{name}-{}", first_name(tier)))
        }
    };
    let lets = |end: End<'_>, egress: bool, other: End<'_>| {
        let Some(own) = group(end) else { return matches!(end, End::Internet) };
        let peer = group(other).map(|group| group.id.as_str());
        let address = match other {
            End::Internet => OUTSIDE,
            End::Subnet(_, subnet) => host(subnet),
        };
        let rules =
            observed.security_group_rules.iter().filter(|rule| rule.group == own.id && rule.egress == egress);
        rules.into_iter().any(|rule| matches_rule(rule, attempt, peer, address))
    };
    lets(attempt.from, true, attempt.to) && lets(attempt.to, false, attempt.from)
}

fn matches_rule(
    rule: &SecurityGroupRule,
    attempt: Attempt<'_>,
    peer: Option<&str>,
    address: Ipv4Addr,
) -> bool {
    let protocol = match rule.protocol.as_str() {
        "-1" => true,
        "tcp" | "6" => attempt.protocol == 6,
        "udp" | "17" => attempt.protocol == 17,
        _ => false,
    };
    let ports = rule.ports.0 < 0 || (rule.ports.0..=rule.ports.1).contains(&i32::from(attempt.port));
    let by_range = rule.peer.parse::<Ipv4Net>().is_ok_and(|range| range.contains(&address));
    protocol && ports && (by_range || peer == Some(rule.peer.as_str()))
}

/// Returns the ports of a flow for a protocol.
fn ports(flow: &Flow, protocol: FlowProtocol) -> Vec<(u16, u16)> {
    if flow.protocol == FlowProtocol::Any {
        return vec![(0, u16::MAX)];
    }
    if flow.protocol != protocol {
        return Vec::new();
    }
    if flow.ports.is_empty() {
        return vec![(0, u16::MAX)];
    }
    flow.ports.iter().filter_map(range).collect()
}

fn range(ports: &Ports) -> Option<(u16, u16)> {
    match ports {
        Ports::One(port) => u16::try_from(*port).ok().map(|port| (port, port)),
        Ports::Range(range) => {
            let (low, high) = range.split_once('-')?;
            Some((low.trim().parse().ok()?, high.trim().parse().ok()?))
        }
    }
}

/// Returns the ports to try: the usual ones, both ends of what is declared, and their neighbours.
fn probes(declared: &[(u16, u16)]) -> Vec<u16> {
    let edges =
        declared.iter().flat_map(|(low, high)| [low.saturating_sub(1), *low, *high, high.saturating_add(1)]);
    let mut probes: Vec<u16> = PROBES.into_iter().chain(edges).filter(|port| *port > 0).collect();
    probes.sort_unstable();
    probes.dedup();
    probes
}

fn same_place(from: End<'_>, to: End<'_>) -> bool {
    match (from, to) {
        (End::Internet, End::Internet) => true,
        (End::Subnet(_, from), End::Subnet(_, to)) => from.id == to.id,
        _ => false,
    }
}

fn end_name(end: End<'_>) -> &str {
    match end {
        End::Internet => INTERNET,
        End::Subnet(tier, _) => &tier.name,
    }
}

fn place(end: End<'_>) -> String {
    match end {
        End::Internet => INTERNET.to_owned(),
        End::Subnet(tier, subnet) => format!("{} in {}", tier.name, subnet.zone),
    }
}

/// Returns an address that a host in the subnet can have.
fn host(subnet: &Subnet) -> Ipv4Addr {
    let net = subnet.cidr.parse::<Ipv4Net>().unwrap_or_default();
    net.hosts().nth(9).unwrap_or(net.addr())
}
