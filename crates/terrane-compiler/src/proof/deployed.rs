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
//! there it means the instance of the same key.
//! Names are never a reason. What a document does not manage is as AWS makes it: a subnet that no ACL names has the
//! VPC's default one, which lets everything through.

mod document;
mod filters;
mod routes;

use serde_json::Value;
use terrane_value::Resource;

use crate::diagnostics::Origin;
use crate::features;
use crate::network::{Access, Network};
use crate::proof::facts::{Facts, Hop, Span, Subnet, TierFacts};
use crate::proof::placement::Intent;
use crate::proof::zone_loss::drill;
use crate::proof::{Change, Finding, Proof, Property, Status, diff, named_by_callers, prove_facts};
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The address of the VPC.
    pub name: String,
    /// The address of its module; empty for the root module.
    pub module: String,
    /// What is known of it.
    pub facts: Facts,
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
    let mut all = networks(document, measure.network.is_some())?;
    if let Some(module) = measure.module {
        let known: Vec<String> = all.iter().map(|vpc| vpc.module.clone()).collect();
        all.retain(|vpc| vpc.module == module);
        if all.is_empty() {
            return Err(format!("has no VPC in `{module}`; VPCs are in: {}", known.join(", ")));
        }
    }
    if let (Some(_), [_, _, ..]) = (measure.network, all.as_slice()) {
        let known: Vec<&str> = all.iter().map(|vpc| vpc.module.as_str()).collect();
        return Err(format!("has {} VPCs; say which one was declared, of {}", all.len(), known.join(", ")));
    }
    all.into_iter().map(|vpc| judge(vpc, measure)).collect()
}

fn judge(mut vpc: Deployed, measure: &Measure<'_>) -> Result<Proof, String> {
    let mut intent = match measure.network {
        Some(network) => {
            declare(&mut vpc.facts, network)?;
            Intent::of(network)
        }
        None => {
            by_access(&mut vpc.facts);
            Intent::default()
        }
    };
    for name in measure.isolated {
        let Some(tier) = vpc.facts.tiers.iter().position(|tier| tier.name == *name) else {
            let known: Vec<&str> = vpc.facts.tiers.iter().map(|tier| tier.name.as_str()).collect();
            return Err(format!("{} has no subnets `{name}`, but {}", vpc.name, known.join(", ")));
        };
        vpc.facts.tiers[tier].access = Access::Isolated;
        intent.isolated.insert(tier);
    }
    let mut proof = prove_facts(&vpc.name, &vpc.facts, &intent);
    if let Some(network) = measure.network {
        proof.zone_loss = drill(&vpc.facts, &features::spreads(network));
        proof.findings.extend(named_by_callers(network));
    }
    let unread = vpc.facts.unread.iter();
    proof.findings.extend(unread.map(|why| Finding::new(Property::P1, Status::Unknown, &vpc.name, why)));
    proof.findings.sort_by_key(|finding| finding.property);
    Ok(proof)
}

/// Returns what changed from one plan or state to another over routes and network ACLs, by kinds of subnets:
/// which security groups interfaces will have, neither tells.
///
/// VPCs are the same if their addresses are, or if each document has one.
///
/// # Errors
///
/// Returns what is wrong with a document, or what of it is not known, as a sentence without its end.
pub fn diff_documents<'a>(
    old: impl Into<Given<'a>>,
    new: impl Into<Given<'a>>,
    module: Option<&str>,
) -> Result<Vec<Change>, String> {
    let mut sides = Vec::new();
    for (which, document) in [("the old one", old.into()), ("the new one", new.into())] {
        let mut all = networks(document, false).map_err(|problem| format!("{which} {problem}"))?;
        all.retain(|vpc| module.is_none_or(|module| vpc.module == module));
        if let Some(why) = all.iter().find_map(|vpc| not_comparable(&vpc.facts)) {
            return Err(format!("{which} cannot be compared: {why}"));
        }
        all.iter_mut().for_each(|vpc| by_access(&mut vpc.facts));
        sides.push(all);
    }
    let (new, old) = (sides.pop().unwrap_or_default(), sides.pop().unwrap_or_default());
    if let ([old], [new]) = (old.as_slice(), new.as_slice()) {
        return Ok(diff::diff_facts(&old.facts, &new.facts));
    }
    let nothing = Facts::default();
    let names: std::collections::BTreeSet<&str> =
        old.iter().chain(&new).map(|vpc| vpc.name.as_str()).collect();
    let facts = |side: &[Deployed], name: &str| side.iter().position(|vpc| vpc.name == name);
    let mut changes = Vec::new();
    for name in names {
        let before = facts(&old, name).map_or(&nothing, |idx| &old[idx].facts);
        let after = facts(&new, name).map_or(&nothing, |idx| &new[idx].facts);
        changes.extend(diff::diff_facts(before, after).into_iter().map(|change| Change {
            from: format!("{name} {}", change.from),
            to: format!("{name} {}", change.to),
            ..change
        }));
    }
    Ok(changes)
}

/// Returns why what can be reached is not known exactly.
fn not_comparable(facts: &Facts) -> Option<String> {
    let unknown = facts.subnets.iter().find(|subnet| subnet.table.is_none() || subnet.acl.is_none());
    let unknown = unknown.map(|subnet| format!("which table or ACL {} has is not known", subnet.name));
    facts.unread.first().cloned().or(unknown)
}

/// Reads every VPC of a document; `compiled` if by modules that Terrane wrote.
///
/// # Errors
///
/// Returns what is wrong with the document, as the end of a sentence.
pub fn networks<'a>(document: impl Into<Given<'a>>, compiled: bool) -> Result<Vec<Deployed>, String> {
    let document = Document::read(document.into(), compiled)?;
    let vpcs = document.of("aws_vpc");
    if vpcs.is_empty() {
        return Err("has no VPC (aws_vpc) among its resources".to_owned());
    }
    Ok(vpcs.into_iter().map(|vpc| network(&document, vpc)).collect())
}

fn network(document: &Document<'_>, vpc: usize) -> Deployed {
    let mut facts = Facts::default();
    ranges(document, vpc, &mut facts);
    let mut subnets = Vec::new();
    for subnet in document.of("aws_subnet") {
        match document.vpc_of(subnet) {
            Target::One(own) if own == vpc => subnets.push(subnet),
            Target::One(_) => {}
            Target::Absent => facts.unread.push(format!("{} has no VPC", document.address(subnet))),
            Target::Unknown(why) => {
                facts.unread.push(format!("which VPC {} is in is not known: {why}", document.address(subnet)))
            }
        }
    }
    subnets.retain(|subnet| {
        let known = document.cidr(*subnet, "cidr_block").is_some();
        if !known {
            facts.unread.push(format!("the IPv4 range of {} is not known", document.address(*subnet)));
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
    let ipv6 = |idx: usize| document.text(idx, "ipv6_cidr_block").is_some();
    if ipv6(vpc) || subnets.iter().any(|subnet| ipv6(*subnet)) {
        facts.unread.push("IPv6 is not examined, and the VPC has an IPv6 range".to_owned());
    }
    Deployed { name: document.address(vpc), module: document.module(vpc).to_owned(), facts }
}

fn ranges(document: &Document<'_>, vpc: usize, facts: &mut Facts) {
    let more = document
        .of("aws_vpc_ipv4_cidr_block_association")
        .into_iter()
        .filter(|idx| !matches!(document.vpc_of(*idx), Target::One(own) if own != vpc));
    for idx in std::iter::once(vpc).chain(more) {
        let known = matches!(document.vpc_of(idx), Target::One(_)) || idx == vpc;
        match document.cidr(idx, "cidr_block").filter(|_| known) {
            Some(cidr) => facts.ranges.push(Span::from(cidr)),
            None => facts.unread.push(format!("the range of {} is not known", document.address(idx))),
        }
    }
}

fn push_subnet(document: &Document<'_>, subnet: usize, facts: &mut Facts) {
    let Some(cidr) = document.cidr(subnet, "cidr_block") else { return };
    let span = Span::from(cidr);
    let name = document.name(subnet).to_owned();
    let tier = facts.tiers.iter().position(|tier| tier.name == name).unwrap_or_else(|| {
        facts.tiers.push(TierFacts { name, access: Access::Private, origin: Origin::Unknown });
        facts.tiers.len() - 1
    });
    if !facts.ranges.iter().any(|range| range.first <= span.first && span.last <= range.last) {
        facts.unread.push(format!("{} lies outside the VPC's known ranges", document.address(subnet)));
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

/// Splits each kind of subnet into those with a way to the internet gateway and the others.
fn by_access(facts: &mut Facts) {
    let public = |facts: &Facts, subnet: &Subnet| {
        subnet
            .table
            .is_some_and(|table| facts.tables[table].routes.iter().any(|route| route.hop == Hop::Internet))
    };
    let access: Vec<Access> = facts
        .subnets
        .iter()
        .map(|subnet| if public(facts, subnet) { Access::Public } else { Access::Private })
        .collect();
    let names: Vec<String> = facts.tiers.iter().map(|tier| tier.name.clone()).collect();
    let mixed = |tier: usize| {
        let own = |wanted| {
            facts.subnets.iter().zip(&access).any(|(subnet, access)| subnet.tier == tier && *access == wanted)
        };
        own(Access::Public) && own(Access::Private)
    };
    let mixed: Vec<bool> = (0..names.len()).map(mixed).collect();
    facts.tiers.clear();
    for (subnet, access) in facts.subnets.iter_mut().zip(access) {
        let name = match (mixed[subnet.tier], access) {
            (true, Access::Public) => format!("{} with an internet gateway", names[subnet.tier]),
            _ => names[subnet.tier].clone(),
        };
        let tier = facts.tiers.iter().position(|tier| tier.name == name).unwrap_or_else(|| {
            facts.tiers.push(TierFacts { name, access, origin: Origin::Unknown });
            facts.tiers.len() - 1
        });
        subnet.tier = tier;
    }
}
