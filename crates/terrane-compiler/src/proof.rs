//! Prove: what a network keeps apart, what it lets through, and whether it will last.
//!
//! [`prove`] examines a [`Network`] for every base range that its module admits, spare zones included,
//! and gives a [`Proof`]: one [`Finding`] for each claim, with the rules that decide it and, where it fails,
//! the smallest packet that shows it. Isolation is judged with everything unknown open, reachability with everything
//! unknown closed; what that leaves undecided is `UNKNOWN`. Packets of one address family never become those of the
//! other: each family is examined by itself, over the same tiers, and a claim holds if it holds in each.
//!
//! - [`headers`]: packets as sets. [`facts`]: a network as the verifier sees it. [`engine`]: what can cross it.
//! - [`placement`]: from a network to facts, for all admitted bases. [`deployed`]: from a plan or a state to facts.
//! - `families`: one verdict from those of the address families. `capacity`: addresses, quotas, and EKS. `zone_loss`: what stops with a zone.
//! - `properties`: the claims. `witness`: the packet and the rules that decide it.

pub(crate) mod capacity;
pub mod deployed;
mod diff;
pub mod engine;
pub mod facts;
mod families;
pub mod headers;
pub mod placement;
mod print;
mod properties;
mod sarif;
pub mod testing;
#[cfg(test)]
pub(crate) mod tests;
mod witness;
mod zone_loss;

pub use capacity::{Headroom, Usage};
pub use diff::{Change, diff};
pub use print::{markdown, measures, overview, summary};
pub use sarif::sarif;
pub use zone_loss::ZoneLoss;

use std::fmt;

use serde::Serialize;

use crate::diagnostics::{Code, Diagnostic, Diagnostics, Origin};
use crate::family::{Address, V6};
use crate::features;
use crate::names::Cidr;
use crate::network::Network;
use crate::proof::engine::{Engine, Gist};
use crate::proof::facts::Facts;
use crate::proof::families::Family;
use crate::proof::placement::{Intent, Placement};

/// What was found about a network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// The version of this schema: 1.
    pub schema_version: u32,
    /// The network's name.
    pub network: String,
    /// The placements of the VPC's ranges that were examined and stand for all admitted ones; the first is the default.
    pub placements: Vec<String>,
    /// One entry for each claim.
    pub findings: Vec<Finding>,
    /// How long the addresses of each tier last; nothing is known of a network that was read from elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub headroom: Vec<Headroom>,
    /// What is used of AWS's quotas; empty for a network that was read from elsewhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Usage>,
    /// What stops with each zone.
    pub zone_loss: Vec<ZoneLoss>,
}

/// One claim and what was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The kind of claim.
    pub property: Property,
    /// What was found.
    pub status: Status,
    /// What the claim is about, such as `pub ↛ db`.
    pub subject: String,
    /// What was found, in words.
    pub detail: String,
    /// The layers each of which upholds the claim alone: `routes`, `network ACLs`, `security groups`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub held_by: Vec<&'static str>,
    /// What a layer alone would let through, and what closes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub residuals: Vec<String>,
    /// What decides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decided_by: Vec<Step>,
    /// The smallest counterexample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Witness>,
    /// What to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub fix: String,
    /// Where what the claim is about was declared.
    #[serde(rename = "declared_at", skip_serializing_if = "Origin::is_unknown")]
    pub origin: Origin,
    /// The tiers that the claim is about; empty if it is about all.
    #[serde(skip)]
    pub(crate) tiers: Vec<usize>,
}

impl Finding {
    pub(crate) fn new(
        property: Property,
        status: Status,
        subject: impl Into<String>,
        detail: impl Into<String>,
    ) -> Finding {
        Finding {
            property,
            status,
            subject: subject.into(),
            detail: detail.into(),
            held_by: Vec::new(),
            residuals: Vec::new(),
            decided_by: Vec::new(),
            witness: None,
            fix: String::new(),
            origin: Origin::Unknown,
            tiers: Vec::new(),
        }
    }

    /// Says which tiers it is about.
    pub(crate) fn about(self, tiers: impl IntoIterator<Item = usize>) -> Finding {
        Finding { tiers: tiers.into_iter().collect(), ..self }
    }

    /// Says where what it is about was declared.
    pub(crate) fn at(self, origin: &Origin) -> Finding {
        Finding { origin: origin.clone(), ..self }
    }
}

/// What is claimed. The codes are the same for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Property {
    /// What is not declared cannot be reached from the internet or a public tier.
    P1,
    /// Each declared flow works, for every pair of zones.
    P2,
    /// Nothing else works.
    P3,
    /// No private tier has a route to the internet gateway.
    P4,
    /// No zone depends on another for its way out.
    P5,
    /// No route leads nowhere.
    P6,
    /// Answers come back by the way of the question.
    P7,
    /// What forgets to name its own table, ACL, or group gets nothing.
    P8,
    /// Quotas and the requirements of EKS are met.
    P9,
    /// Every rule decides something.
    P10,
    /// A new zone changes no verdict.
    P11,
}

impl Property {
    /// Returns the code.
    pub fn code(self) -> &'static str {
        match self {
            Property::P1 => "P1",
            Property::P2 => "P2",
            Property::P3 => "P3",
            Property::P4 => "P4",
            Property::P5 => "P5",
            Property::P6 => "P6",
            Property::P7 => "P7",
            Property::P8 => "P8",
            Property::P9 => "P9",
            Property::P10 => "P10",
            Property::P11 => "P11",
        }
    }

    /// Returns the claim in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Property::P1 => "isolation",
            Property::P2 => "reachability",
            Property::P3 => "least privilege",
            Property::P4 => "no internet route in private tables",
            Property::P5 => "zone independence",
            Property::P6 => "no blackholes",
            Property::P7 => "return symmetry",
            Property::P8 => "closed defaults",
            Property::P9 => "quotas and EKS",
            Property::P10 => "no rule without effect",
            Property::P11 => "closure under new zones",
        }
    }

    /// Returns the meaning of the claim, and the remedy where it does not hold.
    pub fn explanation(self) -> &'static str {
        match self {
            Property::P1 => {
                "No packet of the internet or of a public tier arrives in a private or isolated tier that is not declared to accept it, for every base range that the module admits. Everything that is not known counts as open. The finding says which layers keep packets out: routes, network ACLs, security groups, each alone or only together. A counterexample names the rules that let the packet pass; close them, or declare the flow if it is meant."
            }
            Property::P2 => {
                "Each declared flow works for every pair of zones: its packets arrive and its replies do, too. Everything that is not known counts as closed. A counterexample names the rule or the missing route that stops the packet or its reply."
            }
            Property::P3 => {
                "Nothing is answered that no flow declares. Where a network ACL or a security group permits more than the flows, the finding names it, with the layers that still close it. Declare the flow if it is meant; otherwise make the rule exact."
            }
            Property::P4 => {
                "No route table of a private or isolated tier has a route to the internet gateway. Such a route would make the tier public: hosts with public addresses could be reached. Remove the route, or declare the tier public."
            }
            Property::P5 => {
                "The way out of each zone stays inside that zone, so that the loss of one zone stops no other. One NAT gateway for all zones, and fallbacks to the gateway of another zone, are a dependence that the finding names. Give each zone a NAT gateway where that matters."
            }
            Property::P6 => {
                "Every route leads to a target that exists, and every address of the VPC stays inside it. A route to something that is gone drops packets in silence, and one that leads a part of the VPC elsewhere cuts its subnets off. Remove the route, or restore its target."
            }
            Property::P7 => {
                "Answers come back by the way of the question: the subnet of a NAT gateway leads them to the subnet whose packets the gateway translated. On another way they carry addresses that no host knows, and are dropped. Keep the addresses of the VPC local in the route table of the gateway."
            }
            Property::P8 => {
                "The default security group and network ACL and the main route table of the VPC are emptied, and every subnet has a table and an ACL of its own, so that a resource attached to a default by mistake can reach nothing. The claim is a residual where `close_defaults` is off, and AWS leaves the defaults open."
            }
            Property::P9 => {
                "Quotas of AWS are kept, the addresses of tiers last for their declared needs, and EKS gets everything that it requires, as E1 to E10 say one by one. The finding names the number and the limit. Have the quota raised, or declare less."
            }
            Property::P10 => {
                "Every rule of a network ACL decides about some packet. A rule whose packets are all matched by rules before it is a sign of a mistake, and takes one of the few slots of the ACL. Remove it, or change its number."
            }
            Property::P11 => {
                "A zone that is added later, with its spare slot, changes no verdict: rules are about blocks of tiers, in which the slots of all zones lie. Where it does not hold, a new zone would need new rules before it is safe."
            }
        }
    }

    /// Every claim, in order.
    pub const ALL: [Property; 11] = [
        Property::P1,
        Property::P2,
        Property::P3,
        Property::P4,
        Property::P5,
        Property::P6,
        Property::P7,
        Property::P8,
        Property::P9,
        Property::P10,
        Property::P11,
    ];
}

/// What was found about a claim, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// It holds.
    Proved,
    /// It holds, with something left that a layer cannot express; the text says what closes it.
    Residual,
    /// It could not be decided; the text says why.
    Unknown,
    /// It does not hold.
    Refuted,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Status::Proved => "PROVED",
            Status::Residual => "RESIDUAL",
            Status::Unknown => "UNKNOWN",
            Status::Refuted => "REFUTED",
        })
    }
}

/// A rule or route on the way of a packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// `route`, `network ACL`, or `security group`.
    pub layer: &'static str,
    /// The route table, ACL, or group.
    pub name: String,
    /// The rule or route.
    pub rule: String,
    /// The declaration it follows from, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.layer, self.name, self.rule)
    }
}

/// A packet that shows a claim to be false, hop by hop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Witness {
    /// The address family of the packet, where the network has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<&'static str>,
    /// The packet, such as `tcp 10.0.240.20:443 → 10.0.224.20:5432`.
    pub packet: String,
    /// Its ends, such as `pub-a → db-a`.
    pub ends: String,
    /// What it passes, or what stops it.
    pub forward: Vec<Step>,
    /// What the answer passes, or what stops it.
    pub reply: Vec<Step>,
}

impl Proof {
    /// Returns whether a claim does not hold.
    pub fn has_refuted(&self) -> bool {
        self.findings.iter().any(|finding| finding.status == Status::Refuted)
    }

    /// Returns the claims that do not hold as errors, and those that could not be decided as warnings.
    pub fn diagnostics(&self) -> Diagnostics {
        let mut diagnostics = Diagnostics::default();
        for finding in &self.findings {
            let message = || {
                let (code, title) = (finding.property.code(), finding.property.title());
                format!("{code} {title}: {}: {}", finding.subject, finding.detail)
            };
            let mut diagnostic = match finding.status {
                Status::Proved | Status::Residual => continue,
                Status::Unknown => Diagnostic::new(Code::PROOF_UNKNOWN, &finding.origin, message()),
                Status::Refuted => Diagnostic::new(Code::PROOF_REFUTED, &finding.origin, message()),
            };
            if let Some(witness) = &finding.witness {
                diagnostic = diagnostic.hint(format!("for example {} ({})", witness.packet, witness.ends));
            }
            if !finding.fix.is_empty() {
                diagnostic = diagnostic.hint(finding.fix.as_str());
            }
            diagnostics.push(diagnostic);
        }
        diagnostics
    }

    /// Iterates over the findings with a status.
    pub fn with_status(&self, status: Status) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.status == status)
    }
}

/// Proves a network for every base that its module admits: each address family that it has, by itself.
pub fn prove(network: &Network) -> Proof {
    let (placements, missing) = placement::placements(network);
    let (headroom, quotas) = (capacity::headroom(network), capacity::usages(network));
    let mut facts = placement::facts(network, &placements[0]);
    let zone_loss = zone_loss::drill(&facts, &features::spreads(network));
    let place = |placement: &[Cidr], facts: &mut Facts| placement::place(network, placement, facts);
    let ipv4 = everywhere(&mut facts, &placements, place, &Intent::of(network));
    let mut findings = families::join([ipv4]);
    findings.extend(
        missing
            .into_iter()
            .map(|why| Finding::new(Property::P1, Status::Unknown, "every admitted base", why)),
    );
    findings.extend(named_by_callers(network));
    capacity::examine(network, &headroom, &quotas, &mut findings);
    findings.sort_by_key(|finding| finding.property);
    for finding in findings.iter_mut().filter(|finding| finding.origin.is_unknown()) {
        finding.origin = network.origin.clone();
    }
    Proof {
        schema_version: 1,
        network: network.name.to_string(),
        placements: placements.iter().map(|placement| words(placement)).collect(),
        findings,
        headroom,
        quotas,
        zone_loss,
    }
}

/// Examines one address family of a network, whose facts these are at the first placement, at every placement.
fn everywhere<A: Address>(
    facts: &mut Facts<A>,
    placements: &[Placement<A>],
    place: impl Fn(&[Cidr<A>], &mut Facts<A>),
    intent: &Intent,
) -> Family {
    let mut engine = Engine::new(facts);
    let mut findings = properties::examine(&mut engine, intent);
    let mut examined: Vec<Gist> = vec![engine.gist()];
    let mut sets = engine.into_sets();
    for placement in &placements[1..] {
        place(placement, facts);
        let mut engine = Engine::with_sets(facts, sets).brief();
        let gist = engine.gist();
        if !examined.iter().any(|known| known.stands_for(&gist)) {
            let found = properties::examine(&mut engine, intent);
            worsen(&mut findings, found, &words(placement));
            examined.push(gist);
        }
        sets = engine.into_sets();
    }
    Family { name: A::FAMILY, findings }
}

/// Returns what callers can add to a network's policy, for each tier whose clients they may name.
pub(crate) fn named_by_callers(network: &Network) -> impl Iterator<Item = Finding> {
    let by_clients = |rule: &&crate::network::GroupRule| rule.peer == crate::network::GroupPeer::Clients;
    network.security_groups.iter().filter_map(move |group| {
        let traffic: Vec<String> =
            group.rules.iter().filter(by_clients).map(|rule| rule.traffic.to_string()).collect();
        let tier = &network.tiers[group.tier];
        let variable = tier.clients_variable();
        let detail = format!(
            "members of security groups that a caller names in `{variable}` may open {}, as far as network ACLs let them",
            traffic.join(", ")
        );
        let subject = format!("callers' clients \u{2192} {}", tier.name);
        (!traffic.is_empty()).then(|| {
            Finding::new(Property::P3, Status::Residual, subject, detail).at(&tier.origin)
        })
    })
}

/// Proves a network that was read from elsewhere, as it lies.
pub fn prove_facts(name: &str, facts: &Facts, intent: &Intent) -> Proof {
    prove_families(name, facts, None, intent)
}

/// Proves both address families of a network that was read from elsewhere, as it lies.
///
/// IPv6 has facts of its own, over the same tiers in the same order, and an intent of its own.
/// A claim holds if it holds in both families; the worse finding is the one that is given.
pub fn prove_families(
    name: &str,
    facts: &Facts,
    ipv6: Option<(&Facts<V6>, &Intent)>,
    intent: &Intent,
) -> Proof {
    let mut found = vec![as_it_lies(facts, intent)];
    found.extend(ipv6.map(|(facts, intent)| as_it_lies(facts, intent)));
    let mut findings = families::join(found);
    findings.sort_by_key(|finding| finding.property);
    let mut ranges: Vec<String> = facts.ranges.iter().map(ToString::to_string).collect();
    ranges.extend(ipv6.iter().flat_map(|(facts, _)| &facts.ranges).map(ToString::to_string));
    Proof {
        schema_version: 1,
        network: name.to_owned(),
        placements: vec![ranges.join(", ")],
        findings,
        headroom: Vec::new(),
        quotas: Vec::new(),
        zone_loss: zone_loss::drill(facts, &[]),
    }
}

fn as_it_lies<A: Address>(facts: &Facts<A>, intent: &Intent) -> Family {
    let mut findings = properties::examine(&mut Engine::new(facts), intent);
    properties::doubt(facts, &mut findings);
    Family { name: A::FAMILY, findings }
}

fn words<A: Address>(placement: &[Cidr<A>]) -> String {
    placement.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Takes the worse of two findings about the same claim; a rule is without effect only if it is so everywhere.
fn worsen(findings: &mut Vec<Finding>, found: Vec<Finding>, placement: &str) {
    findings.retain(|old| {
        old.property != Property::P10
            || found.iter().any(|new| new.property == Property::P10 && new.subject == old.subject)
    });
    if !findings.iter().any(|finding| finding.property == Property::P10) {
        findings.push(properties::every_rule_decides());
    }
    for mut new in found.into_iter().filter(|finding| finding.property != Property::P10) {
        let same = findings
            .iter_mut()
            .find(|finding| finding.property == new.property && finding.subject == new.subject);
        let at = |new: &mut Finding| new.detail = format!("{} (with the VPC at {placement})", new.detail);
        match same {
            Some(old) if old.status >= new.status => {
                old.held_by.retain(|layer| new.held_by.contains(layer));
            }
            Some(old) => {
                at(&mut new);
                *old = new;
            }
            None => {
                at(&mut new);
                findings.push(new);
            }
        }
    }
}
