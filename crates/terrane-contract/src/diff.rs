//! What changed between two contracts, and the version bump that it needs.
//!
//! One file per part of a contract: [`inputs`], [`outputs`], [`addresses`], [`blocks`], [`requirements`].
//! Each reports [`Finding`]s against the table in [`rules`].

mod addresses;
mod blocks;
mod inputs;
mod outputs;
mod requirements;
mod rules;

use std::fmt;

use semver::Version;
use serde::{Deserialize, Serialize};

pub use self::rules::{RULES, Rule};
use crate::{Bodies, Contract};

/// How far the version has to move.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bump {
    /// Nothing that a user can see changed.
    #[default]
    None,
    /// The same interface.
    Patch,
    /// Callers keep working.
    Minor,
    /// Some callers break, or some infrastructure is destroyed.
    Major,
    /// No version may carry this: Terraform itself refuses the module.
    Refused,
}

impl fmt::Display for Bump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bump::None => "none",
            Bump::Patch => "patch",
            Bump::Minor => "minor",
            Bump::Major => "major",
            Bump::Refused => "refused",
        })
    }
}

impl Bump {
    /// Returns the first version after `last` that makes this bump.
    ///
    /// Before 1.0.0 a breaking change moves the minor version, and any other the patch version.
    /// A refused change has no version, nor has one that follows the largest number.
    pub fn next_version(self, last: &Version) -> Option<Version> {
        let released = Version::new(last.major, last.minor, last.patch);
        let stable = released.major > 0;
        Some(match self {
            Bump::Refused => return None,
            // A pre-release is followed by the release that it announced.
            Bump::None if last.pre.is_empty() => return None,
            _ if !last.pre.is_empty() => released,
            Bump::Major if stable => Version::new(released.major.checked_add(1)?, 0, 0),
            Bump::Minor if stable => Version::new(released.major, released.minor.checked_add(1)?, 0),
            Bump::Major => Version::new(0, released.minor.checked_add(1)?, 0),
            _ => Version::new(released.major, released.minor, released.patch.checked_add(1)?),
        })
    }

    /// Returns the bump that a step from one version to a later one declares.
    pub fn declared(from: &Version, to: &Version) -> Bump {
        let stable = from.major > 0 || to.major > 0;
        if from.major != to.major {
            Bump::Major
        } else if from.minor != to.minor {
            if stable { Bump::Minor } else { Bump::Major }
        } else if from.patch != to.patch || from.pre != to.pre {
            if stable { Bump::Patch } else { Bump::Minor }
        } else {
            Bump::None
        }
    }
}

/// One change, and what it means for callers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id, such as `V03`; see [`RULES`].
    pub rule: String,
    /// What changed: `var.cidr`, `output.vpc_id`, `aws_subnet.app`, `provider.aws`.
    pub address: String,
    /// What breaks, for whom.
    pub message: String,
    /// The bump it needs.
    pub bump: Bump,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}: {}", self.bump, self.rule, self.address, self.message)
    }
}

/// Everything that changed between two contracts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// The changes, the gravest first.
    pub findings: Vec<Finding>,
    /// The bump that all of them together need.
    pub required_bump: Bump,
}

impl Diff {
    fn from_findings(mut findings: Vec<Finding>) -> Diff {
        findings.sort_by(|a, b| b.bump.cmp(&a.bump).then_with(|| a.cmp(b)));
        findings.dedup();
        let required_bump = findings.iter().map(|finding| finding.bump).max().unwrap_or_default();
        Diff { findings, required_bump }
    }

    /// Returns the same changes, and those of arguments that contracts know nothing of.
    #[must_use]
    pub fn with_bodies(self, old: &Bodies, new: &Bodies) -> Diff {
        let mut report = Report { findings: self.findings };
        for (address, body) in &new.by_address {
            if old.by_address.get(address).is_some_and(|before| before != body) {
                let message = "its arguments changed: what stands is changed in place, or replaced where the \
                               provider cannot; a plan over a state of the old version shows which";
                report.add("R15", Bump::Minor, address, message);
            }
        }
        Diff::from_findings(report.findings)
    }

    /// Returns the findings that say what could not be compared, instead of what changed.
    pub fn unknown(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.rule.starts_with('U'))
    }

    /// Returns what remains when some breaking findings are accepted as minor ones.
    ///
    /// A refused finding cannot be accepted.
    pub fn accepting(&self, accepted: impl Fn(&Finding) -> bool) -> Diff {
        let soften = |finding: &Finding| {
            let mut finding = finding.clone();
            if finding.bump == Bump::Major && accepted(&finding) {
                finding.bump = Bump::Minor;
            }
            finding
        };
        Diff::from_findings(self.findings.iter().map(soften).collect())
    }
}

/// Compares two contracts of one module.
pub fn diff(old: &Contract, new: &Contract) -> Diff {
    let mut report = Report::default();
    compare(old, new, &mut report);
    addresses::compare(old, new, &mut report);
    blocks::compare(old, new, &mut report);
    submodules(old, new, &mut report);
    Diff::from_findings(report.findings)
}

/// Compares everything but addresses, which are compared over the whole package at once.
fn compare(old: &Contract, new: &Contract, report: &mut Report) {
    inputs::compare(old, new, report);
    outputs::compare(old, new, report);
    requirements::compare(old, new, report);
}

fn submodules(old: &Contract, new: &Contract, report: &mut Report) {
    for (path, before) in old.submodules.iter().filter(|(_, submodule)| submodule.public) {
        match new.submodules.get(path) {
            Some(after) if after.public => {
                let mut inner = Report::default();
                compare(&before.contract, &after.contract, &mut inner);
                for mut finding in inner.findings {
                    finding.address = format!("{path}: {}", finding.address);
                    report.findings.push(finding);
                }
            }
            Some(_) => {
                report.add("S01", Bump::Major, path, "the README is gone, which withdraws the submodule")
            }
            None => report.add("S01", Bump::Major, path, "callers of this submodule no longer find it"),
        }
    }
    for (path, _) in new.submodules.iter().filter(|(_, submodule)| submodule.public) {
        if !old.submodules.get(path).is_some_and(|submodule| submodule.public) {
            report.add("S02", Bump::Minor, path, "a new public submodule");
        }
    }
}

#[derive(Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, rule: &str, bump: Bump, address: impl Into<String>, message: impl Into<String>) {
        debug_assert!(RULES.iter().any(|known| known.id == rule), "rule {rule} is in the table");
        self.findings.push(Finding {
            rule: rule.to_owned(),
            address: address.into(),
            message: message.into(),
            bump,
        });
    }
}
