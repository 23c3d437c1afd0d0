//! P1 and P3: what is not declared does not work.

use std::cell::LazyCell;

use super::{declared, ends, is_private, is_public, listens, name, origin, tier_origin, tiers_of};
use crate::family::Address;
use crate::network::Direction;
use crate::proof::engine::{End, Engine, Layers, Path, Via};
use crate::proof::facts::{Facts, Hop};
use crate::proof::headers::{HeaderSet, Headers, SetId};
use crate::proof::placement::{Intent, IntentEnd};
use crate::proof::witness::{denials, end_name, hop_name, route_step, witness};
use crate::proof::{Finding, Property, Status, Step};

/// P1: no packet of the internet, of a place, or of a public tier arrives in a private tier that is not declared to accept it,
/// whatever security groups say.
///
/// A packet arrives if routes and network ACLs pass it; whether an answer would come back is another question,
/// and where none would, that is named as a residual.
/// Where the private tier asks the public one, network ACLs cannot tell answers from questions.
/// What looks like an answer is then a residual, and only security groups close it.
/// From the internet there is no such excuse: routes and gateways close it, or nothing does.
pub(super) fn isolation<A: Address>(
    engine: &mut Engine<'_, A>,
    intent: &Intent,
    findings: &mut Vec<Finding>,
) {
    let facts = engine.facts();
    let mut sources = vec![IntentEnd::Internet];
    sources.extend((0..facts.tiers.len()).filter(|tier| is_public(facts, *tier)).map(IntentEnd::Tier));
    sources.extend((0..facts.places.len()).map(IntentEnd::Place));
    for from in &sources {
        for to in (0..facts.tiers.len()).filter(|tier| is_private(facts, *tier)).map(IntentEnd::Tier) {
            if *from != to && declared(facts, intent, from, &to).is_empty() {
                findings.push(isolated(engine, intent, from, &to));
            }
        }
    }
    for tier in intent.isolated.iter().map(|tier| IntentEnd::Tier(*tier)) {
        findings.push(isolated(engine, intent, &tier, &IntentEnd::Internet));
    }
}

/// What was seen of the ways between two ends.
#[derive(Default)]
struct Seen {
    /// Why a way is not known.
    unknown: Option<String>,
    /// Headers that look like answers.
    answers: HeaderSet,
    /// Headers that arrive and are not answered, with one way by which they do.
    one_way: HeaderSet,
    example: Option<(End, End, Path)>,
}

fn isolated<A: Address>(
    engine: &mut Engine<'_, A>,
    intent: &Intent,
    from: &IntentEnd,
    to: &IntentEnd,
) -> Finding {
    let facts = engine.facts();
    let subject = format!("{} \u{219b} {}", name(facts, from), name(facts, to));
    let (sources, targets) = (ends(engine, from), ends(engine, to));
    let origin = tier_origin(facts, to, from);
    let finding = |status, detail: String| {
        Finding::new(Property::P1, status, subject.clone(), detail).at(&origin).about(tiers_of([from, to]))
    };
    if sources.is_empty() || targets.is_empty() {
        return finding(Status::Unknown, "no subnet of one end is known".to_owned());
    }
    let asked = Asked::by(intent, to, from);
    let mut seen = Seen::default();
    let mut paths = Vec::new();
    for (source, target) in engine.pairs(&sources, &targets) {
        paths.clear();
        engine.paths(source, target, Layers::NETWORK, &mut paths);
        if *from == IntentEnd::Internet {
            // A witness should be a packet that can be seen.
            paths.sort_by_key(|path| !engine.public_atoms().contains(&path.from));
        }
        for path in &paths {
            if path.forward == SetId::EMPTY {
                continue;
            }
            if !path.known {
                seen.unknown.get_or_insert_with(|| not_known(engine, source, target, path));
                continue;
            }
            let opened = engine.opened(path);
            let opened = engine.set(opened).clone();
            let neighbour = *from != IntentEnd::Internet;
            if opened.is_empty() {
                let arrived = engine.set(path.forward).clone();
                // An answer that is late, or whose question was never asked, looks the same.
                if neighbour && arrived.minus(&asked.let_back).is_empty() {
                    continue;
                }
                seen.one_way = seen.one_way.join(&arrived);
                seen.example.get_or_insert((source, target, *path));
                continue;
            }
            if neighbour
                && asked.explains(engine, path, &opened)
                && !engine.is_open(source, target, Layers::EVERY)
            {
                seen.answers = seen.answers.join(&opened);
                continue;
            }
            if let Some(why) = not_settled(engine.facts(), from, to) {
                seen.unknown.get_or_insert(why);
                continue;
            }
            let claimed = intent.claims(from) || intent.claims(to);
            let detail = format!(
                "routes and network ACLs let {opened} through{}",
                if claimed { "" } else { "; only security groups can close it" }
            );
            let status = if claimed { Status::Refuted } else { Status::Residual };
            let wanted = (source, target, *path);
            return shown(engine, intent, to, finding(status, detail), &wanted, &opened);
        }
    }
    if let Some(example) = seen.example
        && (intent.claims(from) || intent.claims(to) || seen.unknown.is_none())
        && not_settled(engine.facts(), from, to).is_none()
    {
        return arriving(engine, intent, (from, to), &finding, &seen.one_way, &example);
    }
    if let Some(why) = seen.unknown {
        return finding(Status::Unknown, why);
    }
    if seen.example.is_some() {
        let why = not_settled(engine.facts(), from, to).unwrap_or_default();
        return finding(Status::Unknown, why);
    }
    let held_by = held_by(engine, &sources, &targets);
    if !seen.answers.is_empty() {
        let detail = format!(
            "network ACLs let {} through, as answers to what {} asks{}",
            seen.answers,
            name(facts, to),
            source_ports(&asked.headers)
        );
        let residuals = vec![closed_by(engine, &sources, &targets, &seen.answers)];
        return Finding { held_by, residuals, ..finding(Status::Residual, detail) };
    }
    let mut proved = finding(Status::Proved, String::new());
    let at_acls = held_by.contains(&"network ACLs");
    proved.detail = format!(
        "{} pairs of ends, every header: no packet arrives, {} it out",
        sources.len() * targets.len(),
        match () {
            () if at_acls => "the network ACLs alone keep",
            () if held_by.contains(&"routes") => "the routes alone keep",
            () => "routes and network ACLs only together keep",
        }
    );
    if !engine.is_brief() {
        proved.decided_by = deciders(engine, sources[0], targets[0], at_acls);
    }
    if !at_acls && !engine.is_brief() {
        let balanced = intent.flows.iter().flatten().any(|flow| flow.client_addresses && flow.to == *to);
        proved.residuals = left_by_acls(engine, sources[0], targets[0], balanced);
    }
    proved.held_by = held_by;
    proved
}

/// Says what arrives and is not answered.
fn arriving<A: Address>(
    engine: &mut Engine<'_, A>,
    intent: &Intent,
    (from, to): (&IntentEnd, &IntentEnd),
    finding: &dyn Fn(Status, String) -> Finding,
    arrived: &HeaderSet,
    example: &(End, End, Path),
) -> Finding {
    let (sources, targets) = (ends(engine, from), ends(engine, to));
    let grouped = sources.iter().chain(&targets).all(|end| is_grouped(engine, *end));
    let pairs = engine.pairs(&sources, &targets);
    let closed = grouped && !pairs.iter().any(|(from, to)| engine.arrives(*from, *to, Layers::EVERY));
    let claimed = intent.claims(from) || intent.claims(to);
    let status = if claimed && !closed { Status::Refuted } else { Status::Residual };
    let detail = format!("routes and network ACLs let {arrived} arrive, and no answer comes back");
    let mut found = shown(engine, intent, to, finding(status, detail), example, arrived);
    let stopped = found.witness.iter().flat_map(|packet| &packet.reply);
    let stop = stopped.filter(|step| step.rule.contains("deny")).map(ToString::to_string).next();
    let why = stop.unwrap_or_else(|| "no route leads it".to_owned());
    found.residuals.push(format!("no answer comes back: {why}"));
    if closed {
        found.residuals.push(closed_by(engine, &sources, &targets, arrived));
    }
    found
}

/// Adds the smallest packet that shows a claim to be false, with the rules that pass it.
fn shown<A: Address>(
    engine: &mut Engine<'_, A>,
    intent: &Intent,
    to: &IntentEnd,
    finding: Finding,
    (source, target, path): &(End, End, Path),
    headers: &HeaderSet,
) -> Finding {
    let prefer = listens(intent, to);
    let packet = witness(engine, *source, *target, path, headers, &prefer, false);
    let decided_by: Vec<Step> =
        packet.forward.iter().filter(|step| step.layer == "network ACL").cloned().collect();
    Finding { fix: fix(&decided_by), decided_by, witness: Some(packet), ..finding }
}

/// Returns why it is not known whether the claim is one: whether an end is public.
fn not_settled<A: Address>(facts: &Facts<A>, from: &IntentEnd, to: &IntentEnd) -> Option<String> {
    let tiers = tiers_of([from, to]);
    let unsettled = tiers.into_iter().find(|tier| facts.unsettled.contains(tier))?;
    let reasons = facts.subnets.iter().filter(|subnet| subnet.tier == unsettled);
    let reasons: Vec<&str> = reasons
        .filter_map(|subnet| facts.unresolved.get(&subnet.name))
        .flatten()
        .map(String::as_str)
        .collect();
    Some(format!(
        "whether {} is public is not known{}",
        facts.tiers[unsettled].name,
        reasons.first().map(|why| format!(": {why}")).unwrap_or_default()
    ))
}

/// What one end is declared to ask of another, as filters without memory see it.
struct Asked {
    /// Headers of the questions.
    headers: HeaderSet,
    /// Headers of what is let back.
    let_back: HeaderSet,
}

impl Asked {
    fn by(intent: &Intent, client: &IntentEnd, server: &IntentEnd) -> Asked {
        let flows = || {
            let declared = intent.flows.iter().flatten();
            declared.filter(|flow| flow.from == *client && flow.to == *server)
        };
        Asked {
            headers: HeaderSet::union(flows().map(|flow| &flow.headers)),
            let_back: HeaderSet::union(flows().map(|flow| &flow.let_back)),
        }
    }

    /// Returns whether a path from the server opens nothing but what looks like an answer, both ways.
    fn explains<A: Address>(&self, engine: &Engine<'_, A>, path: &Path, opened: &HeaderSet) -> bool {
        let other_answers = engine.set(path.reply).minus(&self.headers);
        opened.minus(&self.let_back).is_empty()
            && engine.set(path.forward).answered_by::<A>(&other_answers).is_empty()
    }
}

fn fix(steps: &[Step]) -> String {
    match steps.last() {
        Some(step) => format!("narrow {} {}, or deny the source before it", step.name, step.rule),
        None => String::new(),
    }
}

fn not_known<A: Address>(engine: &Engine<'_, A>, source: End, target: End, path: &Path) -> String {
    let facts = engine.facts();
    let mut reasons = Vec::new();
    for (end, other) in [(source, path.to), (target, path.from)] {
        let End::Subnet(subnet) = end else { continue };
        let subnet = &facts.subnets[subnet];
        match subnet.table {
            None => reasons.push(format!("the route table of {} is not known", subnet.name)),
            Some(table) => {
                let hop = engine.hop(table, other);
                let why = match hop {
                    Hop::Unmodelled(_) => "which is not modelled",
                    Hop::Attachment(_) => "and what lies behind it is not known",
                    _ => "",
                };
                if !why.is_empty() {
                    reasons.push(format!("{} routes to {}, {why}", subnet.name, hop_name(facts, hop)));
                }
            }
        }
        if subnet.acl.is_none() {
            reasons.push(format!("the network ACL of {} is not known", subnet.name));
        }
        reasons.extend(facts.unresolved.get(&subnet.name).into_iter().flatten().cloned());
    }
    if reasons.is_empty()
        && let End::Subnet(subnet) = source
        && let Some(table) = facts.subnets[subnet].table
        && let crate::proof::facts::Hop::Nat(nat) = engine.hop(table, path.to)
    {
        reasons.push(format!("the way behind NAT gateway {} is not known", facts.nats[nat].name));
    }
    if reasons.is_empty() {
        reasons.extend(anybody(facts, source).or_else(|| anybody(facts, target)));
    }
    format!("{} \u{2192} {}: {}", end_name(facts, source), end_name(facts, target), reasons.join("; "))
}

/// Returns which rule of the security group of an end names somebody who is not known.
fn anybody<A: Address>(facts: &Facts<A>, end: End) -> Option<String> {
    let End::Subnet(subnet) = end else { return None };
    let group = &facts.groups[facts.subnets[subnet].group?];
    let rule = group.rules.iter().find(|rule| rule.peer == crate::proof::facts::GroupPeerFacts::Anybody)?;
    Some(format!("whom {} admits is not known, and may be anybody", rule.why))
}

/// Returns whether the security group of an end's interfaces is known; the internet has none.
fn is_grouped<A: Address>(engine: &Engine<'_, A>, end: End) -> bool {
    match end {
        End::Subnet(subnet) => engine.facts().subnets[subnet].group.is_some(),
        End::Internet | End::Place(_) => true,
    }
}

/// Returns the layers each of which upholds the isolation alone.
fn held_by<A: Address>(engine: &mut Engine<'_, A>, sources: &[End], targets: &[End]) -> Vec<&'static str> {
    let groups_known = targets.iter().all(|end| is_grouped(engine, *end));
    let mut layers = vec![("routes", Layers::ROUTES), ("network ACLs", Layers::ACLS)];
    if groups_known {
        layers.push(("security groups", Layers::GROUPS));
    }
    let pairs = engine.pairs(sources, targets);
    layers
        .into_iter()
        .filter(|(_, layers)| !pairs.iter().any(|(from, to)| engine.arrives(*from, *to, *layers)))
        .map(|(name, _)| name)
        .collect()
}

/// Returns the rules or routes that keep two ends apart.
fn deciders<A: Address>(engine: &mut Engine<'_, A>, from: End, to: End, at_acls: bool) -> Vec<Step> {
    let facts = engine.facts();
    let End::Subnet(target) = to else { return Vec::new() };
    if !at_acls {
        let outside = match from {
            End::Place(_) => engine.beyond(from).first().copied(),
            End::Internet | End::Subnet(_) => engine.public_atoms().first().copied(),
        };
        return outside.and_then(|atom| route_step(engine, target, atom)).into_iter().collect();
    }
    let mut paths = Vec::new();
    engine.paths(from, to, Layers::ACLS, &mut paths);
    let path = match from {
        End::Internet => paths.iter().find(|path| engine.public_atoms().contains(&path.from)),
        End::Subnet(_) | End::Place(_) => paths.first(),
    };
    let Some(path) = path else { return Vec::new() };
    let every = HeaderSet::of([Headers::ALL]);
    let (near, far) = (engine.start(path.from), engine.start(path.to));
    let mut steps = Vec::new();
    let forward = engine.set(path.forward).clone();
    if forward.is_empty() || !forward.intervals().iter().any(|part| part.first <= Headers::UDP.last) {
        let ingress = denials(facts, target, Direction::Ingress, near, &every);
        if let End::Subnet(source) = from {
            let egress = denials(facts, source, Direction::Egress, far, &every);
            let egress_alone = facts.subnets[source]
                .acl
                .is_some_and(|_| egress.iter().any(|step| step.rule.contains(" deny all ")));
            if egress_alone {
                return egress;
            }
        }
        steps.extend(ingress);
    } else {
        steps.extend(denials(facts, target, Direction::Egress, near, &every));
        if let End::Subnet(source) = from {
            steps.extend(denials(facts, source, Direction::Ingress, far, &every));
        }
    }
    steps
}

/// Returns what network ACLs alone would let through, by the rules that do.
fn left_by_acls<A: Address>(engine: &mut Engine<'_, A>, from: End, to: End, balanced: bool) -> Vec<String> {
    let facts = engine.facts();
    let End::Subnet(target) = to else { return Vec::new() };
    let mut paths = Vec::new();
    engine.paths(from, to, Layers::ACLS, &mut paths);
    for path in &paths {
        let opened = engine.opened(path);
        let opened = engine.set(opened).clone();
        let Some(header) = opened.lowest() else { continue };
        let near = engine.start(path.from);
        let step = crate::proof::witness::acl_step(facts, target, Direction::Ingress, header, near);
        let clients =
            if balanced { ", and for clients of load balancers, who pass on their addresses" } else { "" };
        let rule = step.map(|step| format!("{} {}", step.name, step.rule)).unwrap_or_default();
        return vec![format!(
            "network ACLs alone would admit {opened} ({rule}), for the answers to connections from inside{clients}; closed by routes, which let nothing outside open one"
        )];
    }
    Vec::new()
}

/// P3: nothing but what is declared works; what network ACLs cannot express is listed with the layer that closes it.
pub(super) fn least_privilege<A: Address>(
    engine: &mut Engine<'_, A>,
    intent: &Intent,
    findings: &mut Vec<Finding>,
) {
    if intent.flows.is_none() {
        return;
    }
    let facts = engine.facts();
    let mut all: Vec<IntentEnd> = (0..facts.tiers.len()).map(IntentEnd::Tier).collect();
    all.push(IntentEnd::Internet);
    all.extend((0..facts.places.len()).map(IntentEnd::Place));
    let is_tier = |end: &IntentEnd| matches!(end, IntentEnd::Tier(_));
    let (mut exact, mut pairs) = (0, 0);
    for from in &all {
        for to in all.iter().filter(|to| is_tier(from) || is_tier(to)) {
            pairs += 1;
            match excess(engine, intent, from, to) {
                Some(finding) => {
                    let finding = finding.at(&origin(facts, intent, from, to));
                    findings.push(finding.about(tiers_of([from, to])));
                }
                None => exact += 1,
            }
        }
    }
    findings.push(Finding::new(
        Property::P3,
        Status::Proved,
        "network ACLs",
        format!("{exact} of {pairs} ordered pairs of tiers and internet admit exactly what is declared"),
    ));
    same_subnet(engine, intent, findings);
}

fn excess<A: Address>(
    engine: &mut Engine<'_, A>,
    intent: &Intent,
    from: &IntentEnd,
    to: &IntentEnd,
) -> Option<Finding> {
    let facts = engine.facts();
    // Most ends are closed to each other, and what is declared between them need not be known.
    let allowed = LazyCell::new(|| declared(facts, intent, from, to));
    let anywhere = LazyCell::new(|| open_to_everybody(facts, intent, from, to));
    let (sources, targets) = (ends(engine, from), ends(engine, to));
    let (mut left, mut answers, mut paths) = (HeaderSet::default(), HeaderSet::default(), Vec::new());
    let (mut open, mut unclosed, mut last) = (None, HeaderSet::default(), None);
    let mut unknown: Option<String> = None;
    for (source, target) in engine.pairs(&sources, &targets) {
        if source == target {
            continue;
        }
        paths.clear();
        engine.paths(source, target, Layers::NETWORK, &mut paths);
        for path in &paths {
            // Most paths have the same sets as the one before.
            let sets = (path.forward, path.reply, path.outer, matches!(path.via, Via::Nat(_)));
            if last.replace(sets) == Some(sets) {
                continue;
            }
            let id = engine.opened(path);
            if id == SetId::EMPTY {
                continue;
            }
            let rest = engine.set(id).minus(&allowed);
            if !rest.is_empty() {
                if !path.known {
                    unknown.get_or_insert_with(|| not_known(engine, source, target, path));
                    continue;
                }
                answers = answers.join(engine.set(path.reply));
                left = left.join(&rest);
            }
        }
        if open.is_none() && !left.is_empty() {
            paths.clear();
            engine.paths(source, target, Layers::EVERY, &mut paths);
            for path in &paths {
                let id = engine.opened(path);
                let rest = engine.set(id).minus(&allowed);
                let undeclared = rest.minus(&anywhere);
                if !undeclared.is_empty() {
                    if !path.known {
                        unknown.get_or_insert_with(|| not_known(engine, source, target, path));
                        continue;
                    }
                    open = Some((source, target, *path, undeclared));
                    break;
                }
                unclosed = unclosed.join(&rest);
            }
        }
    }
    let subject = format!("{} \u{2192} {}", name(facts, from), name(facts, to));
    if let Some(why) = unknown.filter(|_| open.is_none()) {
        return Some(Finding::new(Property::P3, Status::Unknown, subject, why));
    }
    if left.is_empty() {
        return None;
    }
    let condition = source_ports(&answers);
    let detail = format!("network ACLs let {left} through beside what is declared{condition}");
    let Some((source, target, path, rest)) = open else {
        let mut finding = Finding::new(Property::P3, Status::Residual, subject, detail);
        let closed = left.minus(&unclosed);
        if !closed.is_empty() {
            finding.residuals.push(closed_by(engine, &sources, &targets, &closed));
        }
        if !unclosed.is_empty() {
            finding.residuals.push(closed_by_none(&unclosed));
        }
        return Some(finding);
    };
    let mut finding = Finding::new(
        Property::P3,
        Status::Refuted,
        subject,
        format!("every layer lets {rest} through, which is not declared"),
    );
    let prefer = listens(intent, to);
    finding.witness = Some(witness(engine, source, target, &path, &rest, &prefer, true));
    finding.fix = "declare the flow, or remove the rule that admits it".to_owned();
    Some(finding)
}

/// Returns on which client ports a residual depends, where not all of a client's ports do.
fn source_ports(answers: &HeaderSet) -> String {
    let client = Headers::tcp(crate::names::PortRange::EPHEMERAL);
    let whole = answers.intervals().iter().any(|part| part.first <= client.first && client.last <= part.last);
    if whole {
        return String::new();
    }
    format!(", if the source port is one of {answers}")
}

fn closed_by<A: Address>(
    engine: &mut Engine<'_, A>,
    sources: &[End],
    targets: &[End],
    left: &HeaderSet,
) -> String {
    let facts = engine.facts();
    let group = |end: &End| match end {
        End::Subnet(subnet) => facts.subnets[*subnet].group.map(|group| facts.groups[group].name.as_str()),
        End::Internet | End::Place(_) => None,
    };
    let mut names: Vec<&str> =
        [sources.first(), targets.first()].into_iter().flatten().filter_map(group).collect();
    names.dedup();
    format!("{left}: closed by security group {}", names.join(" and "))
}

/// Returns what one end may send to all of the internet and the other takes from all of it.
///
/// Security groups that say so name every address, so they admit neighbours and places, too; places have none.
fn open_to_everybody<A: Address>(
    facts: &Facts<A>,
    intent: &Intent,
    from: &IntentEnd,
    to: &IntentEnd,
) -> HeaderSet {
    let internet = IntentEnd::Internet;
    let is_place = |end: &IntentEnd| matches!(end, IntentEnd::Place(_));
    if is_place(to) {
        return declared(facts, intent, from, &internet);
    }
    let taken = declared(facts, intent, &internet, to);
    if is_place(from) { taken } else { declared(facts, intent, from, &internet).meet(&taken) }
}

fn closed_by_none(left: &HeaderSet) -> String {
    format!("{left}: closed by no layer; both ends are open to every address there")
}

/// Traffic inside one subnet passes no network ACL.
fn same_subnet<A: Address>(engine: &mut Engine<'_, A>, intent: &Intent, findings: &mut Vec<Finding>) {
    let facts = engine.facts();
    let mut closed = Vec::new();
    for (tier, tier_facts) in facts.tiers.iter().enumerate() {
        let end = IntentEnd::Tier(tier);
        let Some(subnet) = ends(engine, &end).first().copied() else { continue };
        let left = engine.open(subnet, subnet, Layers::EVERY).minus(&declared(facts, intent, &end, &end));
        if left.is_empty() {
            closed.push(tier_facts.name.as_str());
            continue;
        }
        let subject = format!("within one subnet of {}", tier_facts.name);
        // A security group that names every address names the neighbours too, and cannot leave them out.
        let from_anywhere = declared(facts, intent, &IntentEnd::Internet, &end);
        if left.minus(&from_anywhere).is_empty() {
            let mut finding = Finding::new(
                Property::P3,
                Status::Residual,
                subject,
                format!(
                    "security groups let {left} through, since what is declared for the internet holds for neighbours too"
                ),
            );
            finding.residuals.push(closed_by_none(&left));
            findings.push(finding.at(&tier_facts.origin).about([tier]));
        } else {
            let detail = format!("security groups let {left} through, which is not declared");
            let finding = Finding::new(Property::P3, Status::Refuted, subject, detail);
            findings.push(finding.at(&tier_facts.origin).about([tier]));
        }
    }
    if !closed.is_empty() {
        let mut finding = Finding::new(
            Property::P3,
            Status::Residual,
            "within one subnet",
            "no network ACL is evaluated between hosts of one subnet",
        );
        finding.residuals.push(format!("closed by security groups {}", closed.join(", ")));
        findings.push(finding);
    }
}
