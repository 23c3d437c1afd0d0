//! What changed between two contracts, and the version bump that it needs.
//!
//! One file per part: [`inputs`], [`outputs`], [`addresses`], [`blocks`], [`requirements`] of contracts, and [`code`].
//! Each reports [`Finding`]s against the table in [`rules`].

mod addresses;
mod blocks;
mod changelog;
mod code;
mod inputs;
mod outputs;
mod requirements;
mod rules;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use terrane_hcl::expr::Expr;

use semver::Version;
use serde::{Deserialize, Serialize};

pub use self::rules::{RULES, Rule};
use crate::code::Facts;
use crate::read::{is_aside, local_calls};
use crate::{Checkout, Contract};

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
///
/// Contracts hold no arguments of resources and no values of outputs: see [`Checkout::changes_since`].
pub fn diff(old: &Contract, new: &Contract) -> Diff {
    Checkout::of_contract(new.clone()).changes_since(&Checkout::of_contract(old.clone()))
}

/// Returns what Terraform refuses of a module, whatever came before: what no first release may hold either.
pub fn refused(contract: &Contract) -> Diff {
    let checkout = Checkout::of_contract(contract.clone());
    let mut report = Report::default();
    requirements::configured(contract.configured_providers.iter(), &mut report);
    addresses::refused(&Side::new(&checkout, &checkout), &mut report);
    Diff::from_findings(report.findings)
}

impl Checkout {
    /// Returns what changed since an older version of the module.
    pub fn changes_since(&self, old: &Checkout) -> Diff {
        let (before, after) = (Side::new(old, self), Side::new(self, old));
        let mut report = Report::default();
        compare(&old.contract, &self.contract, &mut report);
        blocks::compare(&old.contract, &self.contract, &mut report);
        addresses::compare("", &before, &after, &mut report);
        submodules(&before, &after, &mut report);
        if old.has_code() && self.has_code() {
            code::compare(&before, &after, &mut report);
        }
        without_unseen(&before, &after, &mut report);
        outputs::fold_untyped(old.has_code() && self.has_code(), &mut report);
        code::files(old, self, &mut report);
        Diff::from_findings(report.findings)
    }
}

/// One of the two versions, with what its code says where that is compared.
struct Side<'a> {
    checkout: &'a Checkout,
    facts: BTreeMap<&'a str, Facts>,
    /// Directories whose declarations are not all known.
    blind: BTreeSet<&'a str>,
}

impl<'a> Side<'a> {
    fn new(checkout: &'a Checkout, other: &Checkout) -> Side<'a> {
        let mut side = Side { checkout, facts: BTreeMap::new(), blind: checkout.blind_directories(other) };
        for directory in checkout.code.items.keys() {
            let Some(contract) = side.contract(directory) else { continue };
            // No caller of the other version can have set what it does not declare.
            let theirs = contract_of(other, directory);
            let is_new = |name: &String| theirs.is_some_and(|theirs| !theirs.variables.contains_key(name));
            let constants: BTreeMap<String, Expr> = contract
                .variables
                .iter()
                .filter(|(name, _)| is_new(name))
                .filter_map(|(name, variable)| Some((name.clone(), known(variable.default.as_ref()?))))
                .collect();
            let facts = checkout.code.facts(directory, &contract.variables, &constants);
            side.facts.insert(directory, facts);
        }
        side
    }

    /// Returns the contract of a directory.
    fn contract(&self, directory: &str) -> Option<&'a Contract> {
        contract_of(self.checkout, directory)
    }

    /// Returns what the code of a directory says.
    fn facts(&self, directory: &str) -> Option<&Facts> {
        self.facts.get(directory)
    }

    /// Returns the directories that the root calls, itself or through others.
    fn called(&self) -> BTreeSet<String> {
        let mut called = BTreeSet::new();
        let mut pending: Vec<String> = local_calls("", &self.checkout.contract).collect();
        while let Some(path) = pending.pop() {
            if let Some(contract) = self.contract(&path)
                && called.insert(path.clone())
            {
                pending.extend(local_calls(&path, contract));
            }
        }
        called
    }
}

fn contract_of<'a>(checkout: &'a Checkout, directory: &str) -> Option<&'a Contract> {
    if directory.is_empty() {
        return Some(&checkout.contract);
    }
    checkout.contract.submodules.get(directory).map(|submodule| &submodule.contract)
}

/// Returns a default as an expression in normal form.
fn known(value: &serde_json::Value) -> Expr {
    crate::normal::Definitions::default().normal(&Expr::from(value))
}

/// Compares everything but addresses, which are compared over the whole package at once.
fn compare(old: &Contract, new: &Contract, report: &mut Report) {
    inputs::compare(old, new, report);
    outputs::compare(old, new, report);
    requirements::compare(old, new, report);
}

/// Compares the modules in the package that callers can name by their directory.
fn submodules(old: &Side<'_>, new: &Side<'_>, report: &mut Report) {
    let (was_called, is_called) = (old.called(), new.called());
    let (before, after) = (&old.checkout.contract.submodules, &new.checkout.contract.submodules);
    for (path, earlier) in before.iter().filter(|(path, _)| !is_aside(path)) {
        // By convention, one without README that the package itself calls is its own affair.
        let is_internal = !earlier.public && was_called.contains(path);
        let Some(later) = after.get(path) else {
            if !is_internal {
                report.add("S01", Bump::Major, path, "callers of this submodule no longer find it");
            }
            continue;
        };
        if earlier.public && !later.public {
            report.add("S01", Bump::Major, path, "the README is gone, which withdraws the submodule");
            continue;
        }
        let mut inner = Report::default();
        compare(&earlier.contract, &later.contract, &mut inner);
        if !is_internal {
            addresses::compare(path, old, new, &mut inner);
        }
        for mut finding in inner.findings {
            if is_internal && finding.bump > Bump::Minor {
                finding.bump = Bump::Minor;
                finding
                    .message
                    .push_str(" (the submodule has no README, so it is meant for this package alone)");
            }
            finding.address = format!("{path}: {}", finding.address);
            report.findings.push(finding);
        }
    }
    for (path, later) in after.iter().filter(|(path, _)| !is_aside(path)) {
        let is_named = later.public || !is_called.contains(path);
        let was_named = before.get(path).is_some_and(|earlier| earlier.public || !later.public);
        if is_named && !was_named {
            report.add("S02", Bump::Minor, path, "a new public submodule");
        }
    }
}

/// Drops what only seems to be gone or new, since the file that may declare it cannot be read.
fn without_unseen(old: &Side<'_>, new: &Side<'_>, report: &mut Report) {
    /// Rules about what only the old version has, and about what only the new one has.
    const GONE: [&str; 9] = ["V03", "O01", "R01", "R04", "R08", "R10", "R12", "P04", "S01"];
    const NEW: [&str; 8] = ["V01", "V02", "O02", "R13", "S02", "P06", "R03", "R05"];
    let touches = |blind: &BTreeSet<&str>, address: &str| match address.split_once(": ") {
        Some((directory, _)) => blind.contains(directory),
        // What a call brings may come from any directory.
        None if address.starts_with("module.") => !blind.is_empty(),
        None => blind.contains("") || blind.contains(address),
    };
    report.findings.retain(|finding| {
        let rule = finding.rule.as_str();
        let either = matches!(rule, "R17" | "M01");
        let unseen = |side: &Side<'_>, rules: &[&str]| {
            (rules.contains(&rule) || either) && touches(&side.blind, &finding.address)
        };
        !(unseen(new, &GONE) || unseen(old, &NEW))
    });
}

/// Returns a text that fits on a line.
fn shortened(text: &str) -> String {
    /// Characters that a message shows of an expression.
    const MAX: usize = 120;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
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
