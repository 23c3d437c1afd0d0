//! What must exist, from the topology alone: a file for each feature of the compiler, of the same name, and a line in
//! [`ALL`]. Nothing here knows how the compiler makes it.

mod closed_defaults;
mod eks;
mod endpoints;
mod flow_logs;
mod internet_gateway;
mod nat_gateways;
mod network_acls;
mod route_tables;
mod subnet_groups;
mod tiers;
mod vpc;

use std::collections::BTreeMap;

use terrane_compiler::topology::{Tier, Topology};

use super::{Findings, observed::Observed};
use crate::aws::{Subnet, Tags, Vpc};

/// The expectations of each feature.
const ALL: &[fn(&Scene<'_>, &mut Findings)] = &[
    vpc::check,
    tiers::check,
    internet_gateway::check,
    nat_gateways::check,
    route_tables::check,
    endpoints::check,
    eks::check,
    subnet_groups::check,
    network_acls::check,
    closed_defaults::check,
    flow_logs::check,
];

/// One applied topology among everything that exists.
struct Scene<'a> {
    topology: &'a Topology,
    name: &'a str,
    letters: &'a [String],
    observed: &'a Observed,
    vpc: &'a Vpc,
}

pub(super) fn check(
    topology: &Topology,
    name: &str,
    letters: &[String],
    observed: &Observed,
    findings: &mut Findings,
) {
    let vpc = observed.vpc(name);
    findings.expect(vpc.is_some(), || format!("there is no VPC named `{name}`"));
    let Some(vpc) = vpc else { return };
    let scene = Scene { topology, name, letters, observed, vpc };
    for check in ALL {
        check(&scene, findings);
    }
}

/// Returns the name that a tier's objects in AWS carry: the first one it had.
pub(super) fn first_name(tier: &Tier) -> &str {
    tier.renamed_from.first().unwrap_or(&tier.name)
}

/// Takes the statements that something has these tags.
fn check_tags(what: &str, found: &Tags, declared: &BTreeMap<String, String>, findings: &mut Findings) {
    for (key, value) in declared {
        findings.expect(found.get(key) == Some(value), || {
            format!("tag `{key}` of {what} is {:?}, declared is {value:?}", found.get(key))
        });
    }
}

impl<'a> Scene<'a> {
    /// Takes the statements that something has the tags of the network.
    fn check_tags(&self, what: &str, found: &Tags, findings: &mut Findings) {
        check_tags(what, found, &self.topology.tags, findings);
    }

    /// Returns the letters in which a tier has subnets.
    fn letters_of(&self, tier: &'a Tier) -> impl Iterator<Item = &'a str> + 'a {
        let own = |letter: &&String| tier.zones.as_ref().is_none_or(|zones| zones.contains(letter));
        self.letters.iter().filter(own).map(String::as_str)
    }

    fn subnet(&self, tier: &Tier, letter: &str) -> Option<&'a Subnet> {
        self.observed.subnet(&self.vpc.id, &format!("{}-{}-{letter}", self.name, tier.name))
    }

    fn tier_subnets(&self, tier: &Tier) -> Vec<(&'a str, &'a Subnet)> {
        self.letters.iter().filter_map(|letter| Some((letter.as_str(), self.subnet(tier, letter)?))).collect()
    }
}
