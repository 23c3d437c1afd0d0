//! From what Terraform plans or has applied, ours or anybody's, to what the verifier knows.
//!
//! [`prove_document`] takes a state (version 4, or its resources as data), or what `terraform show -json` prints of a
//! plan or a state.
//! Wiring comes from ids where they are known. In a plan of new resources they are not; there it comes from references
//! that can mean one instance only: a resource that has one instance, or an index that is written out.
//! Anything else (a local, a variable, arithmetic with `count.index`) stays unknown, and the verdicts that depend on it
//! are `UNKNOWN` and name the reference.
//! A plan shows `each.key`, but not what is made of it on the way to an index.
//! Only a compiled module, which is measured against its declaration, writes nothing but `[each.key]`;
//! there it means the instance of the same key, or that of the declared fallback where it stands in `local.nat_homes`.
//! Names are never a reason. What a document does not manage is as AWS makes it: a subnet that no ACL names has the
//! VPC's default one, which lets everything through.

pub mod closed_world;
mod document;
mod filters;
mod references;
mod routes;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use terrane_value::Resource;

use crate::diagnostics::Origin;
use crate::family::{Address, V4};
use crate::features;
use crate::network::{Access, GroupPeer, GroupRule, Network};
use crate::proof::facts::{Doubt, Facts, GroupPeerFacts, GroupRuleFacts, Hop, Span, Subnet, TierFacts};
use crate::proof::headers::Headers;
use crate::proof::placement::Intent;
use crate::proof::zone_loss::drill;
use crate::proof::{Change, Finding, Proof, Property, Status, diff, named_by_callers, prove_facts};
use closed_world::{ClosedWorld, Scope, Unread};
use document::{Document, Target};

/// What a document is measured against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measure<'a> {
    /// The network that was declared; its tiers are those of the compiled module.
    pub network: Option<&'a Network>,
    /// The address of the module to look at, such as `module.network`; every VPC if absent.
    pub module: Option<&'a str>,
    /// Tiers that must be out of reach of the internet and of public tiers, and must not reach the internet either,
    /// by the names that the findings use.
    pub isolated: &'a [String],
}

/// A plan or a state, in the form in which one has it.
#[derive(Clone, Copy, Debug)]
pub enum Given<'a> {
    /// A state of version 4, or what `terraform show -json` prints of a plan or a state.
    Document(&'a Value),
    /// The resources of a state, as a reader of states has them.
    Resources(&'a [Resource]),
}

impl<'a> From<&'a Value> for Given<'a> {
    fn from(document: &'a Value) -> Given<'a> {
        Given::Document(document)
    }
}

impl<'a> From<&'a [Resource]> for Given<'a> {
    fn from(resources: &'a [Resource]) -> Given<'a> {
        Given::Resources(resources)
    }
}

/// One VPC of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployed {
    /// The address of the VPC.
    pub name: String,
    /// The address of its module; empty for the root module.
    pub module: String,
    /// Its id, where it stands already.
    pub id: Option<String>,
    /// What is known of it.
    pub facts: Facts,
    /// What was seen beside, and is no claim about its subnets.
    pub notes: Vec<Finding>,
}

/// Proves each VPC of a document as it lies.
///
/// # Errors
///
/// Returns what is wrong with the document or the question, as the end of a sentence.
pub fn prove_document<'a>(
    document: impl Into<Given<'a>>,
    measure: &Measure<'_>,
) -> Result<Vec<Proof>, String> {
    let document = read(document.into(), measure.network)?;
    let vpcs = vpcs(&document, measure.module)?;
    if let (Some(_), [_, _, ..]) = (measure.network, vpcs.as_slice()) {
        let known: Vec<&str> = vpcs.iter().map(|vpc| document.module(*vpc)).collect();
        return Err(format!("has {} VPCs; say which one was declared, of {}", vpcs.len(), known.join(", ")));
    }
    let world = World::of(&document);
    vpcs.into_iter().map(|vpc| judge(network(&document, &world, vpc), measure)).collect()
}

/// Returns the VPCs of a document, or those of one module.
fn vpcs(document: &Document<'_>, module: Option<&str>) -> Result<Vec<usize>, String> {
    let all = document.of("aws_vpc");
    if all.is_empty() {
        let defaults = document.of("aws_default_vpc").iter().map(|vpc| document.address(*vpc));
        let defaults: Vec<String> = defaults.collect();
        return Err(match defaults.as_slice() {
            [] => "has no VPC (aws_vpc) among its resources".to_owned(),
            _ => format!(
                "has no VPC (aws_vpc) beside {}, and default VPCs are not examined",
                defaults.join(", ")
            ),
        });
    }
    let Some(module) = module else { return Ok(all.to_vec()) };
    let own: Vec<usize> = all.iter().copied().filter(|vpc| document.module(*vpc) == module).collect();
    if own.is_empty() {
        let known: Vec<&str> = all.iter().map(|vpc| document.module(*vpc)).collect();
        return Err(format!("has no VPC in `{module}`; VPCs are in: {}", known.join(", ")));
    }
    Ok(own)
}

fn judge(mut vpc: Deployed, measure: &Measure<'_>) -> Result<Proof, String> {
    let (mut intent, kinds) = match measure.network {
        Some(network) => {
            declare(&mut vpc.facts, network)?;
            (Intent::of(network), Vec::new())
        }
        None => (Intent::default(), by_access(&mut vpc.facts)),
    };
    for name in measure.isolated {
        // Subnets of one kind may differ in access; a claim about the kind is about all of them.
        let tiers = &mut vpc.facts.tiers;
        let own: Vec<usize> = (0..tiers.len())
            .filter(|tier| tiers[*tier].name == *name || kinds.get(*tier).is_some_and(|kind| kind == name))
            .collect();
        if own.is_empty() {
            let known: Vec<&str> = tiers.iter().map(|tier| tier.name.as_str()).collect();
            return Err(format!("{} has no subnets `{name}`, but {}", vpc.name, known.join(", ")));
        }
        for tier in own {
            tiers[tier].access = Access::Isolated;
            vpc.facts.unsettled.remove(&tier);
            intent.isolated.insert(tier);
        }
    }
    let mut proof = prove_facts(&vpc.name, &vpc.facts, &intent);
    if let Some(network) = measure.network {
        proof.zone_loss = drill(&vpc.facts, &features::spreads(network));
        proof.findings.extend(named_by_callers(network));
    }
    let doubts = vpc.facts.doubts.iter();
    proof
        .findings
        .extend(doubts.map(|doubt| Finding::new(Property::P1, Status::Unknown, &vpc.name, &doubt.why)));
    proof.findings.extend(vpc.notes.iter().cloned());
    proof.findings.sort_by_key(|finding| finding.property);
    Ok(proof)
}

/// Returns what changed from one plan or state to another over routes and network ACLs, by kinds of subnets:
/// which security groups interfaces will have, neither tells.
///
/// VPCs are the same if their ids are, or, where one has none yet, their addresses, or if each document has one.
///
/// # Errors
///
/// Returns what is wrong with a document, or what of it is not known, as a sentence without its end.
pub fn diff_documents<'a>(
    old: impl Into<Given<'a>>,
    new: impl Into<Given<'a>>,
    module: Option<&str>,
) -> Result<Vec<Change>, String> {
    let side = |which: &str, document: Given<'_>| {
        let document = Document::read(document, false).map_err(|problem| format!("{which} {problem}"))?;
        let vpcs = match module {
            Some(module) if !document.of("aws_vpc").is_empty() => {
                let own = |vpc: &&usize| document.module(**vpc) == module;
                document.of("aws_vpc").iter().filter(own).copied().collect()
            }
            _ => vpcs(&document, module).map_err(|problem| format!("{which} {problem}"))?,
        };
        let world = World::of(&document);
        let mut all: Vec<Deployed> = vpcs.into_iter().map(|vpc| network(&document, &world, vpc)).collect();
        if let Some(why) = all.iter().find_map(|vpc| not_comparable(&vpc.facts)) {
            return Err(format!("{which} cannot be compared: {why}"));
        }
        all.iter_mut().for_each(|vpc| drop(by_access(&mut vpc.facts)));
        Ok(all)
    };
    let (old, new) = (side("the old one", old.into())?, side("the new one", new.into())?);
    if let ([old], [new]) = (old.as_slice(), new.as_slice()) {
        return Ok(diff::diff_facts(&old.facts, &new.facts));
    }
    let nothing = Facts::default();
    let mut changes = Vec::new();
    let mut left: BTreeSet<usize> = (0..new.len()).collect();
    let by_id: BTreeMap<&str, usize> =
        new.iter().enumerate().filter_map(|(idx, vpc)| Some((vpc.id.as_deref()?, idx))).collect();
    let by_name: BTreeMap<&str, usize> =
        new.iter().enumerate().map(|(idx, vpc)| (vpc.name.as_str(), idx)).collect();
    for before in &old {
        let same_id = before.id.as_deref().and_then(|id| by_id.get(id));
        let same_name =
            by_name.get(before.name.as_str()).filter(|idx| before.id.is_none() || new[**idx].id.is_none());
        let after = same_id.or(same_name).copied();
        after.map(|idx| left.remove(&idx));
        let facts = after.map_or(&nothing, |idx| &new[idx].facts);
        changes.extend(named(&before.name, diff::diff_facts(&before.facts, facts)));
    }
    for vpc in left.into_iter().map(|idx| &new[idx]) {
        changes.extend(named(&vpc.name, diff::diff_facts(&nothing, &vpc.facts)));
    }
    Ok(changes)
}

/// Says of which VPC changes are.
fn named(name: &str, changes: Vec<Change>) -> impl Iterator<Item = Change> {
    changes.into_iter().map(move |change| Change {
        from: format!("{name} {}", change.from),
        to: format!("{name} {}", change.to),
        ..change
    })
}

/// Returns why what can be reached is not known exactly.
fn not_comparable(facts: &Facts) -> Option<String> {
    let unknown = facts.subnets.iter().find(|subnet| subnet.table.is_none() || subnet.acl.is_none());
    let unknown = unknown.map(|subnet| format!("which table or ACL {} has is not known", subnet.name));
    facts.doubts.first().map(|doubt| doubt.why.clone()).or(unknown)
}

/// Reads every VPC of a document; `compiled` is the network that it was compiled from, if it was.
///
/// # Errors
///
/// Returns what is wrong with the document, as the end of a sentence.
pub fn networks<'a>(
    document: impl Into<Given<'a>>,
    compiled: Option<&Network>,
) -> Result<Vec<Deployed>, String> {
    let document = read(document.into(), compiled)?;
    let world = World::of(&document);
    Ok(vpcs(&document, None)?.into_iter().map(|vpc| network(&document, &world, vpc)).collect())
}

/// Reads a document; `compiled` is the network that it was compiled from, if it was.
fn read<'a>(document: Given<'a>, compiled: Option<&Network>) -> Result<Document<'a>, String> {
    let homes = compiled.map(Network::nat_fallbacks).unwrap_or_default();
    let homes = homes.into_iter().map(|(zone, home)| (zone.to_string(), home.to_string()));
    Ok(Document::read(document, compiled.is_some())?.with_nat_homes(homes.collect()))
}

/// What a document holds, by VPC.
struct World {
    /// Subnets by their VPC.
    subnets: BTreeMap<usize, Vec<usize>>,
    /// Subnets whose VPC is not known.
    strays: Vec<usize>,
    /// Secondary ranges by their VPC, and those whose VPC is not known.
    ranges: BTreeMap<usize, Vec<usize>>,
    stray_ranges: Vec<usize>,
    /// What is set and not modelled, with what it can touch.
    unmodelled: Vec<Unread>,
}

impl World {
    fn of(document: &Document<'_>) -> World {
        let by_vpc = |ty: &str| {
            let (mut own, mut strays): (BTreeMap<usize, Vec<usize>>, Vec<usize>) = Default::default();
            for idx in document.of(ty) {
                match document.vpc_of(*idx) {
                    Target::One(vpc) => own.entry(vpc).or_default().push(*idx),
                    Target::Absent | Target::Unknown(_) => strays.push(*idx),
                }
            }
            (own, strays)
        };
        let (subnets, strays) = by_vpc("aws_subnet");
        let (ranges, stray_ranges) = by_vpc("aws_vpc_ipv4_cidr_block_association");
        World { subnets, strays, ranges, stray_ranges, unmodelled: ClosedWorld::get().unread(document) }
    }
}

fn network(document: &Document<'_>, world: &World, vpc: usize) -> Deployed {
    let mut facts = Facts::default();
    ranges(document, world, vpc, &mut facts);
    for subnet in &world.strays {
        match document.vpc_of(*subnet) {
            Target::Absent => doubt(&mut facts, format!("{} has no VPC", document.address(*subnet))),
            _ => {
                if let Some(why) = document.may_be_in(*subnet, vpc) {
                    let address = document.address(*subnet);
                    kind_of(&mut facts, document.name(*subnet));
                    doubt(&mut facts, format!("which VPC {address} is in is not known: {why}"));
                }
            }
        }
    }
    let mut subnets = world.subnets.get(&vpc).cloned().unwrap_or_default();
    subnets.retain(|subnet| {
        let known = document.cidr(*subnet, "cidr_block").is_some();
        if !known {
            doubt(&mut facts, format!("the IPv4 range of {} is not known", document.address(*subnet)));
            kind_of(&mut facts, document.name(*subnet));
        }
        known
    });
    for subnet in &subnets {
        push_subnet(document, *subnet, &mut facts);
    }
    routes::read(document, vpc, &subnets, &mut facts);
    filters::read_acls(document, vpc, &subnets, &mut facts);
    filters::read_groups(document, vpc, &mut facts);
    facts.defaults_closed = filters::defaults_closed(document, vpc);
    version_6(document, vpc, &subnets, &mut facts);
    let scope = Scope::of(document, vpc, &subnets, &facts);
    for unread in &world.unmodelled {
        if let Some(subnets) = scope.touched(document, unread) {
            facts.doubts.push(Doubt { why: unread.why.clone(), subnets, whole: unread.whole });
        }
    }
    Deployed {
        name: document.address(vpc),
        module: document.module(vpc).to_owned(),
        id: document.text(vpc, "id").map(str::to_owned),
        notes: notes(document, &facts),
        facts,
    }
}

/// Keeps why no claim about a VPC is sure.
fn doubt(facts: &mut Facts, why: String) {
    facts.doubts.push(Doubt { why, subnets: None, whole: true });
}

/// Says what was seen and is not examined.
fn notes(document: &Document<'_>, facts: &Facts) -> Vec<Finding> {
    let mut notes = Vec::new();
    let defaults = ["aws_default_vpc", "aws_default_subnet"].into_iter().flat_map(|ty| document.of(ty));
    for default in defaults {
        let subject = document.address(*default);
        let detail = "not examined: AWS makes it in each region, with a way to the internet";
        notes.push(Finding::new(Property::P8, Status::Residual, subject, detail));
    }
    for table in &facts.tables {
        for route in &table.routes {
            let Hop::Unmodelled(what) = route.hop else { continue };
            if facts.unmodelled[what].internet || !is_private_space(route.destination.into()) {
                continue;
            }
            let subject = format!("{} beyond the VPC", route.destination);
            let detail = format!("not examined: {} leads it to {}", table.name, facts.unmodelled[what].name);
            let note = Finding::new(Property::P1, Status::Residual, subject, detail);
            if !notes.iter().any(|other: &Finding| other.subject == note.subject) {
                notes.push(note);
            }
        }
    }
    notes
}

/// Says which subnets have IPv6, which is not examined.
fn version_6(document: &Document<'_>, vpc: usize, subnets: &[usize], facts: &mut Facts) {
    let of_vpc = ["ipv6_cidr_block", "assign_generated_ipv6_cidr_block", "ipv6_ipam_pool_id"];
    let by_vpc = of_vpc.into_iter().find(|attribute| document.is_set(vpc, attribute));
    let by_association = document
        .of("aws_vpc_ipv6_cidr_block_association")
        .iter()
        .find(|row| document.vpc_of(**row) == Target::One(vpc) || document.may_be_in(**row, vpc).is_some());
    let source = match (by_vpc, by_association) {
        (Some(attribute), _) => Some(format!("{} (by {attribute})", document.address(vpc))),
        (None, Some(row)) => Some(document.address(*row)),
        (None, None) => None,
    };
    let of_subnet = ["ipv6_cidr_block", "assign_ipv6_address_on_creation", "ipv6_native", "enable_dns64"];
    let with: BTreeSet<usize> = (0..subnets.len())
        .filter(|idx| of_subnet.iter().any(|attribute| document.is_set(subnets[*idx], attribute)))
        .collect();
    if let Some(source) = source {
        let why = format!("IPv6 is not examined, and {source} has it");
        let whole = !subnets.is_empty() && with.is_empty();
        // Where no subnet has an IPv6 range, no host has an address of it.
        if !whole {
            facts.doubts.push(Doubt { why, subnets: Some(with), whole: true });
        }
    } else if let Some(first) = with.first() {
        let why = format!("IPv6 is not examined, and {} has it", document.address(subnets[*first]));
        facts.doubts.push(Doubt { why, subnets: Some(with), whole: true });
    }
}

/// Returns whether a range is private space, which the internet does not route.
fn is_private_space(span: Span) -> bool {
    V4::NOT_INTERNET.iter().any(|(first, length)| {
        let space = Span { first: *first, last: *first | V4::behind(*length) };
        space.first <= span.first && span.last <= space.last
    })
}

fn ranges(document: &Document<'_>, world: &World, vpc: usize, facts: &mut Facts) {
    let own = world.ranges.get(&vpc).into_iter().flatten().copied();
    for idx in std::iter::once(vpc).chain(own) {
        match document.cidr(idx, "cidr_block") {
            Some(cidr) => facts.ranges.push(Span::from(cidr)),
            None => doubt(facts, format!("the range of {} is not known", document.address(idx))),
        }
    }
    for idx in &world.stray_ranges {
        if let Some(why) = document.may_be_in(*idx, vpc) {
            doubt(facts, format!("whether {} is a range of it is not known: {why}", document.address(*idx)));
        }
    }
}

/// Returns the kind of subnets with a name.
fn kind_of(facts: &mut Facts, name: &str) -> usize {
    facts.tiers.iter().position(|tier| tier.name == name).unwrap_or_else(|| {
        let name = name.to_owned();
        facts.tiers.push(TierFacts { name, access: Access::Private, origin: Origin::Unknown });
        facts.tiers.len() - 1
    })
}

fn push_subnet(document: &Document<'_>, subnet: usize, facts: &mut Facts) {
    let Some(cidr) = document.cidr(subnet, "cidr_block") else { return };
    let span = Span::from(cidr);
    let tier = kind_of(facts, document.name(subnet));
    if !facts.ranges.iter().any(|range| range.first <= span.first && span.last <= range.last) {
        doubt(facts, format!("{} lies outside the VPC's known ranges", document.address(subnet)));
        facts.ranges.push(span);
    }
    let zone = ["availability_zone", "availability_zone_id"]
        .into_iter()
        .find_map(|attribute| document.text(subnet, attribute))
        .unwrap_or_default();
    facts.subnets.push(Subnet {
        name: document.address(subnet),
        tier,
        zone: zone.to_owned(),
        spare: false,
        span,
        table: None,
        acl: None,
        group: None,
    });
}

/// Gives the kinds of subnets the order, names, and access of the declared tiers: the addresses of a compiled module's
/// resources are part of its contract.
fn declare(facts: &mut Facts, network: &Network) -> Result<(), String> {
    let position = |name: &str| {
        network
            .tiers
            .iter()
            .position(|declared| declared.name.identifier() == name)
            .ok_or_else(|| format!("has subnets `{name}`, which belong to no declared tier"))
    };
    let order: Vec<usize> = facts.tiers.iter().map(|tier| position(&tier.name)).collect::<Result<_, _>>()?;
    for subnet in &mut facts.subnets {
        subnet.tier = order[subnet.tier];
        let own = network.tiers[subnet.tier].name.identifier();
        subnet.group = facts.groups.iter().position(|group| group.name == own && group.known);
    }
    facts.places = crate::proof::placement::places(network);
    for group in &network.security_groups {
        let own = network.tiers[group.tier].name.identifier();
        let named =
            facts.groups.iter_mut().filter(|found| found.name == own).flat_map(|found| &mut found.rules);
        let by_callers = |rule: &&mut GroupRuleFacts| {
            let same = |declared: &GroupRule| {
                declared.peer == GroupPeer::Clients
                    && (declared.direction, Headers::of::<V4>(declared.traffic))
                        == (rule.direction, rule.headers)
            };
            rule.peer == GroupPeerFacts::Anybody && group.rules.iter().any(same)
        };
        // Whom a caller names is a residual of its own.
        named.filter(by_callers).for_each(|rule| rule.peer = GroupPeerFacts::Clients);
    }
    facts.tiers = network
        .tiers
        .iter()
        .map(|tier| TierFacts {
            name: tier.name.to_string(),
            access: tier.access,
            origin: tier.origin.clone(),
        })
        .collect();
    Ok(())
}

/// How a kind of subnets is told from the others of its name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    Private,
    Public,
    /// Whether its table leads to an internet gateway is not known.
    Unsettled,
}

/// Splits each kind of subnet into those with a way to the internet gateway, those without, and those of which it is
/// not known, and returns the name of the kind of each.
fn by_access(facts: &mut Facts) -> Vec<String> {
    let reach: Vec<Reach> = facts.subnets.iter().map(|subnet| reach_of(facts, subnet)).collect();
    let names: Vec<String> = facts.tiers.iter().map(|tier| tier.name.clone()).collect();
    let mut of_kind: Vec<BTreeSet<Reach>> = vec![BTreeSet::new(); names.len()];
    for (subnet, reach) in facts.subnets.iter().zip(&reach) {
        of_kind[subnet.tier].insert(*reach);
    }
    facts.tiers.clear();
    let mut kinds = Vec::new();
    for (subnet, reach) in facts.subnets.iter_mut().zip(reach) {
        let kind = &names[subnet.tier];
        let name = match (of_kind[subnet.tier].len() > 1, reach) {
            (true, Reach::Public) => format!("{kind} with an internet gateway"),
            (true, Reach::Unsettled) => format!("{kind} with a route table that is not known"),
            _ => kind.clone(),
        };
        let access = if reach == Reach::Public { Access::Public } else { Access::Private };
        let tier = facts.tiers.iter().position(|tier| tier.name == name).unwrap_or_else(|| {
            facts.tiers.push(TierFacts { name, access, origin: Origin::Unknown });
            kinds.push(kind.clone());
            facts.tiers.len() - 1
        });
        if reach == Reach::Unsettled {
            facts.unsettled.insert(tier);
        }
        subnet.tier = tier;
    }
    // A kind of which no subnet could be read is still one that claims may be about.
    for (kind, reach) in names.into_iter().zip(of_kind) {
        if reach.is_empty() {
            facts.unsettled.insert(facts.tiers.len());
            let name = kind.clone();
            facts.tiers.push(TierFacts { name, access: Access::Private, origin: Origin::Unknown });
            kinds.push(kind);
        }
    }
    kinds
}

fn reach_of(facts: &Facts, subnet: &Subnet) -> Reach {
    let Some(table) = subnet.table.map(|table| &facts.tables[table]) else { return Reach::Unsettled };
    let hops = table.routes.iter().map(|route| route.hop);
    let open = table.open.iter().flat_map(|route| [route.hop, Hop::Unmodelled(route.what)]);
    let (mut public, mut maybe) = (false, false);
    for hop in hops.chain(open) {
        match hop {
            Hop::Internet => public = true,
            Hop::Unmodelled(what) => maybe |= facts.unmodelled[what].internet,
            _ => {}
        }
    }
    match (public, maybe) {
        (true, _) => Reach::Public,
        (false, true) => Reach::Unsettled,
        (false, false) => Reach::Private,
    }
}
