//! P2: each declared flow works, for every pair of zones, every address, and every client port.

use super::{ends, name, tiers_of};
use crate::family::Address;
use crate::network::Direction;
use crate::proof::engine::{End, Engine, Layers, Path, Via, nat_ports};
use crate::proof::headers::{HeaderSet, Headers};
use crate::proof::placement::{Intent, IntentEnd, IntentFlow};
use crate::proof::witness::{end_name, passed, route_step, witness};
use crate::proof::{Finding, Property, Status, Step};

/// P2: each declared flow works.
pub(super) fn reachability<A: Address>(
    engine: &mut Engine<'_, A>,
    intent: &Intent,
    findings: &mut Vec<Finding>,
) {
    for flow in intent.flows.iter().flatten() {
        findings.push(works(engine, flow));
    }
}

fn works<A: Address>(engine: &mut Engine<'_, A>, flow: &IntentFlow) -> Finding {
    let facts = engine.facts();
    let finding = |status, detail: String| Finding {
        origin: flow.origin.clone(),
        tiers: tiers_of([&flow.from, &flow.to]),
        ..Finding::new(Property::P2, status, flow.words.clone(), detail)
    };
    let (sources, targets) = (every_end(engine, &flow.from), every_end(engine, &flow.to));
    if let IntentEnd::Service(service) = &flow.to
        && let Some(missing) = without_endpoint(engine, &sources, service)
    {
        return finding(Status::Refuted, missing);
    }
    if sources.is_empty() || targets.is_empty() {
        return finding(Status::Unknown, "no subnet of one end is known".to_owned());
    }
    let (mut unknown, mut decided_by, mut working) = (None, Vec::new(), Vec::new());
    for (source, target) in engine.pairs(&sources, &targets) {
        let paths = match required(engine, source, target, &flow.to) {
            Ok(paths) => paths,
            Err(why) => return finding(Status::Refuted, why),
        };
        for path in &paths {
            if !path.known {
                unknown.get_or_insert_with(|| {
                    format!(
                        "{} \u{2192} {}: not all of the way is known",
                        end_name(facts, source),
                        end_name(facts, target)
                    )
                });
                continue;
            }
            // Most pairs have the same sets, and what they decide is the same.
            let sets = (path.forward, path.reply, path.outer, matches!(path.via, Via::Nat(_)));
            if !working.contains(&sets)
                && let Some((why, headers)) = blocked(engine, flow, path)
            {
                let mut refuted = finding(Status::Refuted, why);
                let mut packet = witness(engine, source, target, path, &headers, &flow.headers, true);
                name_endpoint(&mut packet.forward, &flow.to);
                refuted.decided_by = packet
                    .forward
                    .iter()
                    .chain(&packet.reply)
                    .filter(|step| step.rule.contains("deny") || step.rule.contains("no rule"))
                    .cloned()
                    .collect();
                refuted.witness = Some(packet);
                return refuted;
            }
            if working.last() != Some(&sets) {
                working.push(sets);
            }
            if decided_by.is_empty() && source != target && !engine.is_brief() {
                decided_by = passed(engine, source, target, path, &flow.headers);
                name_endpoint(&mut decided_by, &flow.to);
            }
        }
    }
    if let Some(why) = unknown {
        return finding(Status::Unknown, why);
    }
    if flow.client_addresses
        && let Some(why) = clients_stopped(engine, flow, &targets)
    {
        return finding(Status::Refuted, why);
    }
    let mut proved = finding(
        Status::Proved,
        format!("{} pairs of ends, both ways, all layers", sources.len() * targets.len()),
    );
    proved.decided_by = decided_by;
    proved
}

/// Returns the ends that a flow is about: one to or from the internet is about places on it, too.
fn every_end<A: Address>(engine: &Engine<'_, A>, end: &IntentEnd) -> Vec<End> {
    let mut all = ends(engine, end);
    if *end == IntentEnd::Internet {
        let places = engine.facts().places.iter().enumerate();
        all.extend(places.filter(|(_, place)| place.on_internet).map(|(idx, _)| End::Place(idx)));
    }
    all
}

/// Returns which packets of clients on the internet, whose addresses load balancers pass on, the targets' network ACLs stop.
///
/// Routes have no say: what a load balancer sends and gets back goes by way of the load balancer.
fn clients_stopped<A: Address>(engine: &Engine<'_, A>, flow: &IntentFlow, targets: &[End]) -> Option<String> {
    let facts = engine.facts();
    let wanted = [(Direction::Ingress, &flow.headers), (Direction::Egress, &flow.replies)];
    targets.iter().find_map(|target| {
        let End::Subnet(subnet) = *target else { return None };
        engine.public_atoms().iter().find_map(|atom| {
            wanted.iter().find_map(|(direction, headers)| {
                let missing = headers.minus(engine.passes(subnet, *direction, *atom)?);
                let what = if *direction == Direction::Ingress { "packets from" } else { "answers to" };
                (!missing.is_empty()).then(|| {
                    format!(
                        "{missing}: {what} clients at {}, whose addresses load balancers pass on, do not pass the network ACL of {}",
                        engine.start(*atom).ip(),
                        facts.subnets[subnet].name
                    )
                })
            })
        })
    })
}

/// Returns the paths of a pair that must all work: to and from every address of a subnet, or every public one.
fn required<A: Address>(
    engine: &mut Engine<'_, A>,
    source: End,
    target: End,
    to: &IntentEnd,
) -> Result<Vec<Path>, String> {
    let mut paths = Vec::new();
    // The route to a gateway endpoint, which exists, is more specific than any to the internet: no NAT gateway is on
    // the way.
    let routes = !matches!(to, IntentEnd::Service(_));
    engine.paths(source, target, Layers { routes, ..Layers::EVERY }, &mut paths);
    let facts = engine.facts();
    let (atoms, subnet) = match (source, target) {
        (End::Internet, End::Subnet(subnet)) | (End::Subnet(subnet), End::Internet) => {
            let public = engine.public_atoms();
            let outside = |path: &Path| if source == End::Internet { path.from } else { path.to };
            paths.retain(|path| public.binary_search(&outside(path)).is_ok());
            (public.len() * engine.home(subnet).len(), subnet)
        }
        (place @ End::Place(_), End::Subnet(subnet)) | (End::Subnet(subnet), place @ End::Place(_)) => {
            (engine.beyond(place).len() * engine.home(subnet).len(), subnet)
        }
        (End::Subnet(from), End::Subnet(to)) => (engine.home(from).len() * engine.home(to).len(), from),
        (End::Internet | End::Place(_), End::Internet | End::Place(_)) => return Ok(Vec::new()),
    };
    if paths.len() == atoms {
        return Ok(paths);
    }
    let outside = match (source, target) {
        (place @ End::Place(_), _) | (_, place @ End::Place(_)) => engine.beyond(place),
        _ => engine.public_atoms(),
    };
    let route = outside.first().and_then(|atom| route_step(engine, subnet, *atom));
    Err(format!(
        "{} \u{2192} {}: no way: {}",
        end_name(facts, source),
        end_name(facts, target),
        route.map_or_else(|| "no route".to_owned(), |step| step.to_string())
    ))
}

/// Returns what stops a flow on a path, with the headers it stops.
fn blocked<A: Address>(
    engine: &Engine<'_, A>,
    flow: &IntentFlow,
    path: &Path,
) -> Option<(String, HeaderSet)> {
    let (mut headers, mut replies) = (flow.headers.clone(), flow.replies.clone());
    if let Via::Nat(_) = path.via {
        let other = HeaderSet::of([Headers::OTHER]);
        headers = headers.minus(&other);
        replies = replies.minus(&other);
        let same_protocol = |part: &Headers| {
            flow.replies.intervals().iter().any(|reply| reply.first >> 16 == part.first >> 16)
        };
        let ports = nat_ports().minus(&HeaderSet::of([Headers::ICMP]));
        let ports = HeaderSet::of(ports.intervals().iter().copied().filter(same_protocol));
        let missing = ports.minus(engine.set(path.outer));
        if !missing.is_empty() {
            return Some((format!("answers to the NAT gateway on {missing} do not come back"), headers));
        }
    }
    let missing = headers.minus(engine.set(path.forward));
    if !missing.is_empty() {
        return Some((format!("{missing} does not arrive"), missing));
    }
    let missing = replies.minus(engine.set(path.reply));
    (!missing.is_empty()).then(|| (format!("answers on {missing} do not come back"), headers))
}

/// Says which route leads to a service: its addresses are not known, so that no step could tell.
fn name_endpoint(steps: &mut [Step], to: &IntentEnd) {
    let IntentEnd::Service(service) = to else { return };
    for step in steps.iter_mut().filter(|step| step.layer == "route") {
        step.rule = format!("gateway endpoint {service}");
    }
}

fn without_endpoint<A: Address>(engine: &Engine<'_, A>, sources: &[End], service: &str) -> Option<String> {
    let facts = engine.facts();
    sources.iter().find_map(|source| {
        let End::Subnet(subnet) = source else { return None };
        let table = &facts.tables[facts.subnets[*subnet].table?];
        (!table.endpoints.iter().any(|endpoint| endpoint == service)).then(|| {
            format!(
                "route table {} of {} has no route to the endpoint of {}",
                table.name,
                facts.subnets[*subnet].name,
                name(facts, &IntentEnd::Service(service.to_owned()))
            )
        })
    })
}
