//! What contracts do not hold: arguments, values of outputs, conditions, and files that the code reads.

use std::collections::{BTreeMap, BTreeSet};

use terrane_hcl::expr::Expr;
use terrane_hcl::expr::TraversalOperator;

use super::{Bump, Report, Side, shortened};
use crate::code::Statement;
use crate::normal::{members, shown};
use crate::read::is_aside;
use crate::{Checkout, Type};

/// Compares the code of every directory that both versions have.
pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, report: &mut Report) {
    let called = new.called();
    for (directory, facts) in &new.facts {
        let Some(before) =
            old.facts(directory).filter(|_| !is_aside(directory) || called.contains(*directory))
        else {
            continue;
        };
        let mut inner = Report::default();
        for (address, statement) in facts {
            if let Some(earlier) = before.get(address) {
                Pair { address, old, new, directory, before: earlier, after: statement }.compare(&mut inner);
            }
        }
        for mut finding in inner.findings {
            if !directory.is_empty() {
                finding.address = format!("{directory}: {}", finding.address);
            }
            report.findings.push(finding);
        }
    }
}

/// One thing in both versions.
struct Pair<'a> {
    address: &'a str,
    old: &'a Side<'a>,
    new: &'a Side<'a>,
    directory: &'a str,
    before: &'a Statement,
    after: &'a Statement,
}

impl Pair<'_> {
    fn compare(&self, report: &mut Report) {
        let kind = match self.address.split_once('.') {
            Some((
                kind @ ("data" | "module" | "output" | "provider" | "ephemeral" | "check" | "action"),
                _,
            )) => kind,
            _ => "resource",
        };
        if kind == "output" {
            return self.output(report);
        }
        self.conditions(report);
        let changes = self.changes();
        let what = changes.join(", ");
        if !changes.is_empty() {
            let (rule, bump, message) = match kind {
                "data" | "ephemeral" => ("R17", Bump::Minor, format!("it reads something else: {what}")),
                "module" => {
                    ("R15", Bump::Minor, format!("its arguments changed ({what}), and so may what it makes"))
                }
                "provider" => (
                    "R15",
                    Bump::Minor,
                    format!("its configuration changed ({what}), and so may all that it makes"),
                ),
                "check" | "action" => ("D01", Bump::Patch, format!("it says something else: {what}")),
                _ => {
                    let message = format!(
                        "its arguments changed ({what}): what stands is changed in place, or replaced where the \
                         provider cannot; a plan over a state of the old version shows which"
                    );
                    ("R15", Bump::Minor, message)
                }
            };
            report.add(rule, bump, self.address, message);
        }
        if self.before.depends_on != self.after.depends_on {
            match kind {
                "data" | "module" => {
                    let message = "it waits for other things: what it reads may be known only while applying, \
                                   and what depends on that may be replaced";
                    report.add("R15", Bump::Minor, self.address, message);
                }
                _ => report.add("D01", Bump::Patch, self.address, "it waits for other things"),
            }
        }
    }

    /// Says which parts changed of what decides how instances are made.
    fn changes(&self) -> Vec<String> {
        let (before, after) = (&self.before.arguments, &self.after.arguments);
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        let mut changes: Vec<String> = names
            .into_iter()
            .filter(|name| before.get(*name) != after.get(*name))
            .map(|name| difference(name, before.get(name), after.get(name)))
            .collect();
        let is_managed = !self.address.starts_with("data.");
        match (&self.before.keys, &self.after.keys) {
            // Which instances of managed resources there are is compared with their addresses.
            (before, after) if before != after && !is_managed => changes.push("its instances".to_owned()),
            (Some(_), Some(_)) if self.values_of_each_changed() => {
                changes.push("the values of its `for_each`".to_owned());
            }
            _ => {}
        }
        let (before, after) =
            (self.old.checkout.code.read_by(self.before), self.new.checkout.code.read_by(self.after));
        let files: BTreeSet<&&str> = before.keys().chain(after.keys()).collect();
        let changed = files.into_iter().filter(|path| before.get(**path) != after.get(**path));
        changes.extend(changed.map(|path| format!("the file `{path}` that it reads")));
        changes
    }

    fn values_of_each_changed(&self) -> bool {
        // Keys that changed are reported as such; what else follows would be said twice.
        let forms = |statement: &Statement| statement.keys.as_ref().and_then(|keys| keys.form.clone());
        let known =
            |statement: &Statement| statement.keys.as_ref().is_some_and(|keys| !keys.known.is_empty());
        let comparable = forms(self.before) == forms(self.after) || (known(self.before) && known(self.after));
        comparable && self.before.each_values(self.after) != self.after.each_values(self.before)
    }

    fn conditions(&self, report: &mut Report) {
        let (before, after) = (&self.before.conditions, &self.after.conditions);
        for condition in after.iter().filter(|condition| !before.contains(condition)) {
            let message = format!("plans that passed before may fail `{}`", shortened(&shown(condition)));
            report.add("R18", Bump::Major, self.address, message);
        }
        for condition in before.iter().filter(|condition| !after.contains(condition)) {
            let message = format!("`{}` is no longer asked", shortened(&shown(condition)));
            report.add("R18", Bump::Minor, self.address, message);
        }
    }

    fn output(&self, report: &mut Report) {
        let value = |statement: &Statement| statement.arguments.get("value").cloned();
        let (Some(before), Some(after)) = (value(self.before), value(self.after)) else { return };
        if before == after || (is_identity(&before) && is_identity(&after)) {
            return;
        }
        if let (Some(was), Some(is)) = (attribute(&before), attribute(&after))
            && was.0 == is.0
        {
            let message = format!("it is `{}` instead of `{}` of the same object", is.1, was.1);
            report.add("O10", Bump::Major, self.address, message);
            return;
        }
        let name = self.address.trim_start_matches("output.");
        let is_unknown = |side: &Side<'_>| {
            let output = side.contract(self.directory).and_then(|contract| contract.outputs.get(name));
            output.is_some_and(|output| output.ty == Type::Dynamic)
        };
        let untyped = if is_unknown(self.old) && is_unknown(self.new) {
            "; its type is not known in either version"
        } else {
            ""
        };
        report.add("O12", Bump::Minor, self.address, format!("its value is computed otherwise{untyped}"));
    }
}

/// Whether a value is the name and version by which a compiled module says which it is.
fn is_identity(value: &Expr) -> bool {
    members(value)
        .is_some_and(|members| members.iter().map(|(name, _)| *name).eq(["fingerprint", "module", "version"]))
}

/// Takes the attribute off a reference to an object of a resource or data source.
fn attribute(value: &Expr) -> Option<((&Expr, &[TraversalOperator]), &str)> {
    let Expr::Traversal(traversal) = value else { return None };
    let Expr::Variable(root) = &traversal.expr else { return None };
    if matches!(root.as_str(), "var" | "local" | "module" | "each" | "count" | "path" | "terraform" | "self")
    {
        return None;
    }
    let (last, rest) = traversal.operators.split_last()?;
    let TraversalOperator::Index(Expr::String(name)) = last else { return None };
    (!rest.is_empty()).then_some(((&traversal.expr, rest), name.as_str()))
}

/// Says how an argument changed: of a list or an object, which parts.
fn difference(name: &str, before: Option<&Expr>, after: Option<&Expr>) -> String {
    /// Parts that are shown of a list.
    const MAX_PARTS: usize = 4;
    match (before, after) {
        (None, _) => format!("`{name}` is new"),
        (_, None) => format!("`{name}` is gone"),
        (Some(Expr::Array(before)), Some(Expr::Array(after))) => {
            let only = |these: &[Expr], those: &[Expr]| {
                let only: Vec<_> = these.iter().filter(|this| !those.contains(this)).collect();
                let more = only.len().saturating_sub(MAX_PARTS);
                let mut parts: Vec<String> = only
                    .iter()
                    .take(MAX_PARTS)
                    .map(|part| format!("`{}`", shortened(&shown(part))))
                    .collect();
                if more > 0 {
                    parts.push(format!("{more} more"));
                }
                parts.join(", ")
            };
            match (only(before, after).as_str(), only(after, before).as_str()) {
                ("", "") => format!("the order of `{name}`"),
                (gone, "") => format!("`{name}` without {gone}"),
                ("", new) => format!("`{name}` with {new}"),
                (gone, new) => format!("`{name}` with {new} instead of {gone}"),
            }
        }
        (Some(before), Some(after)) => match (members(before), members(after)) {
            (Some(before), Some(after)) => {
                let (before, after): (BTreeMap<_, _>, BTreeMap<_, _>) =
                    (before.into_iter().collect(), after.into_iter().collect());
                let names: BTreeSet<&&str> = before.keys().chain(after.keys()).collect();
                let changed = names.into_iter().filter(|name| before.get(**name) != after.get(**name));
                let changed: Vec<String> =
                    changed.take(MAX_PARTS).map(|part| format!("`{name}.{part}`")).collect();
                changed.join(", ")
            }
            _ => format!("`{name}`"),
        },
    }
}

/// Reports files that cannot be read, and that files changed where nothing else says so.
pub(super) fn files(old: &Checkout, new: &Checkout, report: &mut Report) {
    let files: BTreeSet<&String> = old.unreadable.keys().chain(new.unreadable.keys()).collect();
    for file in files {
        let Some(problem) = new.unreadable.get(file).or_else(|| old.unreadable.get(file)) else { continue };
        let line = problem.line.map_or_else(String::new, |line| format!("line {line}: "));
        let is_same = old.code.files.get(file) == new.code.files.get(file);
        let (bump, rest) = match (is_same || is_aside(file), new.unreadable.contains_key(file)) {
            (true, _) => (Bump::None, "it is the same in both versions"),
            (false, true) => (Bump::Major, "what it declares could not be compared"),
            (false, false) => (
                Bump::Major,
                "the old version of it cannot be read, so what it declared could not be compared",
            ),
        };
        report.add("U04", bump, file, format!("{line}{}; {rest}", problem.message));
    }
    let is_silent = report.findings.iter().all(|finding| finding.bump == Bump::None);
    if is_silent && old.has_code() && new.has_code() {
        let paths: BTreeSet<&String> = old.code.files.keys().chain(new.code.files.keys()).collect();
        let changed: Vec<&str> = paths
            .into_iter()
            .filter(|path| old.code.files.get(*path) != new.code.files.get(*path))
            .map(String::as_str)
            .collect();
        if !changed.is_empty() {
            let message =
                format!("files changed, and nothing that decides what stands: {}", changed.join(", "));
            report.add("D01", Bump::Patch, "package", shortened(&message));
        }
    }
}
