//! One verdict about each claim from those of the address families.

use crate::proof::{Finding, Property, Status};

/// What was found of one address family of a network.
pub(super) struct Family {
    /// Its name, such as `IPv6`.
    pub(super) name: &'static str,
    /// One entry for each claim.
    pub(super) findings: Vec<Finding>,
}

/// Returns the findings of a network: of each claim the worse one, which then names its family.
///
/// The families are examined over the same tiers, so a claim has the same property and subject in each.
/// A layer upholds a claim alone if it does so in every family.
pub(super) fn join(families: impl IntoIterator<Item = Family>) -> Vec<Finding> {
    let mut families = families.into_iter();
    let Some(first) = families.next() else { return Vec::new() };
    let mut rest = families.peekable();
    if rest.peek().is_none() {
        return first.findings;
    }
    let mut findings = named(first);
    for family in rest {
        for new in named(family) {
            let same = |old: &&mut Finding| old.property == new.property && old.subject == new.subject;
            match findings.iter_mut().find(same) {
                Some(old) => worse(old, new),
                None => findings.push(new),
            }
        }
    }
    every_one(&mut findings);
    findings
}

/// Names the family in what is found of it and may differ in the other.
fn named(family: Family) -> Vec<Finding> {
    let Family { name, mut findings } = family;
    for finding in &mut findings {
        if let Some(witness) = &mut finding.witness {
            witness.family = Some(name);
        }
        if finding.status > Status::Proved {
            finding.detail = format!("{name}: {}", finding.detail);
        }
    }
    findings
}

/// Takes the worse of two findings about one claim, and the layers that uphold it in both.
fn worse(old: &mut Finding, new: Finding) {
    let held_by: Vec<&str> =
        old.held_by.iter().copied().filter(|layer| new.held_by.contains(layer)).collect();
    if new.status > old.status {
        *old = new;
    } else if new.status == old.status {
        let more = new.residuals.into_iter().filter(|residual| !old.residuals.contains(residual));
        let more: Vec<String> = more.collect();
        old.residuals.extend(more);
    }
    old.held_by = held_by;
}

/// That every rule decides something, or every route leads somewhere, holds only if it does in each family.
fn every_one(findings: &mut Vec<Finding>) {
    for property in [Property::P6, Property::P10] {
        let worse = |finding: &Finding| finding.property == property && finding.status > Status::Proved;
        if findings.iter().any(worse) {
            findings.retain(|finding| finding.property != property || worse(finding));
        }
    }
}
