//! Managed addresses: what a state made with the old version becomes under the new one.
//!
//! Both contracts are flattened over their local module calls. Representative instances of each
//! old resource are carried by the new `moved` blocks, and then looked up among the new declarations.

use std::collections::{BTreeMap, BTreeSet};

use super::{Bump, Report};
use crate::address::{Address, Key, Movement, Step, replay};
use crate::read::local_path;
use crate::{Contract, KeyKind, Managed, ModuleCall, Move};

pub(super) fn compare(old: &Contract, new: &Contract, report: &mut Report) {
    let (before, after) = (Package::flatten(old), Package::flatten(new));
    contradictions(&after, report);
    let mut reached = BTreeSet::new();
    for (path, resource) in &before.resources {
        let outcomes: Vec<Outcome> =
            instances(resource).map(|instance| outcome(resource, &instance, &after)).collect();
        reached.extend(outcomes.iter().filter_map(|outcome| outcome.landed.clone()));
        let landed = outcomes.iter().find_map(|outcome| outcome.landed.as_ref());
        if let Some(successor) = landed.and_then(|landed| after.resources.get(landed)) {
            lifecycle(path, resource.managed, successor.managed, report);
        }
        for outcome in outcomes {
            outcome.report(path, report);
        }
    }
    lost_moves(&before, &after, report);
    let fresh: BTreeSet<&String> = after
        .resources
        .keys()
        .filter(|path| !before.resources.contains_key(*path) && !reached.contains(*path))
        .collect();
    explain_losses(&before, &after, &fresh, report);
    for path in fresh {
        report.add("R13", Bump::Minor, path, "a new managed resource");
    }
    for path in after.data.difference(&before.data) {
        report.add(
            "R17",
            Bump::Minor,
            format!("data.{path}"),
            "a new data source, which may need permissions",
        );
    }
    for path in before.data.difference(&after.data) {
        report.add("R17", Bump::Patch, format!("data.{path}"), "a data source less");
    }
}

/// A module with everything that its local calls bring, by full path.
#[derive(Default)]
struct Package<'a> {
    resources: BTreeMap<String, Resource<'a>>,
    calls: BTreeSet<String>,
    movements: Vec<Movement>,
    unreadable: Vec<(String, &'a Move)>,
    removed: Vec<Vec<String>>,
    data: BTreeSet<String>,
}

/// A declaration with what tells the instances of each of its steps apart.
struct Resource<'a> {
    steps: Vec<Repetition<'a>>,
    managed: &'a Managed,
}

#[derive(Clone)]
struct Repetition<'a> {
    name: String,
    keys: KeyKind,
    repeat: Option<&'a str>,
    literal: &'a BTreeSet<String>,
}

impl<'a> Repetition<'a> {
    fn of_resource(name: &str, managed: &'a Managed) -> Self {
        let repeat = managed.repeat.as_deref();
        Repetition { name: name.to_owned(), keys: managed.keys, repeat, literal: &managed.literal_keys }
    }

    fn of_call(name: &str, call: &'a ModuleCall) -> Self {
        let repeat = call.repeat.as_deref();
        Repetition { name: format!("module.{name}"), keys: call.keys, repeat, literal: &call.literal_keys }
    }
}

impl<'a> Package<'a> {
    fn flatten(root: &'a Contract) -> Package<'a> {
        let mut package = Package::default();
        package.add(root, root, "", &[]);
        package
    }

    fn add(
        &mut self,
        root: &'a Contract,
        contract: &'a Contract,
        directory: &str,
        within: &[Repetition<'a>],
    ) {
        /// Terraform refuses circular calls; a contract from elsewhere may still hold one.
        const MAX_DEPTH: usize = 8;
        let names: Vec<String> = within.iter().map(|step| step.name.clone()).collect();
        let full = |name: &str| names.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
        for (name, managed) in &contract.resources {
            let mut steps = within.to_vec();
            steps.push(Repetition::of_resource(name, managed));
            self.resources.insert(full(name), Resource { steps, managed });
        }
        self.data.extend(contract.data.iter().map(|name| full(name)));
        for removed in contract.removed.iter().filter_map(|text| Address::parse(text)) {
            let path = names.iter().cloned().chain(removed.names().into_iter().map(str::to_owned));
            self.removed.push(path.collect());
        }
        for block in &contract.moved {
            match (Address::parse(&block.from), Address::parse(&block.to)) {
                (Some(from), Some(to)) => self.movements.push(Movement { within: names.clone(), from, to }),
                _ => self.unreadable.push((full(&block.from), block)),
            }
        }
        for (name, call) in &contract.modules {
            let mut steps = within.to_vec();
            steps.push(Repetition::of_call(name, call));
            self.calls.insert(full(&format!("module.{name}")));
            let inner = local_path(directory, &call.source);
            if let Some(inner) = inner.filter(|_| steps.len() <= MAX_DEPTH)
                && let Some(submodule) = root.submodules.get(&inner)
            {
                self.add(root, &submodule.contract, &inner, &steps);
            }
        }
    }

    fn forgets(&self, address: &Address) -> bool {
        let names = address.names();
        self.removed
            .iter()
            .any(|path| names.len() >= path.len() && names.iter().zip(path).all(|(a, b)| a == b))
    }
}

/// Returns instances that stand for all that a state may hold.
fn instances(resource: &Resource<'_>) -> impl Iterator<Item = Address> {
    /// More keys than these behave as these do, or are compared by their expression.
    const MAX_KEYS: usize = 32;
    let mut addresses = vec![Vec::new()];
    for step in &resource.steps {
        let literal = || step.literal.iter().take(MAX_KEYS);
        let keys: Vec<Key> = match (step.keys, step.literal.is_empty()) {
            (KeyKind::None, _) => vec![Key::None],
            (KeyKind::Count, true) => vec![Key::Number(0), Key::SomeNumber],
            (KeyKind::Count, false) => {
                literal().filter_map(|key| key.parse().ok()).map(Key::Number).collect()
            }
            (KeyKind::ForEach, true) => vec![Key::SomeText],
            (KeyKind::ForEach, false) => literal().cloned().map(Key::Text).collect(),
        };
        addresses = addresses
            .iter()
            .flat_map(|path: &Vec<Step>| {
                keys.iter().map(|key| {
                    let mut path = path.clone();
                    path.push(Step { name: step.name.clone(), key: key.clone() });
                    path
                })
            })
            .collect();
    }
    addresses.into_iter().map(Address)
}

/// What becomes of one instance.
struct Outcome {
    /// The declaration that takes it over.
    landed: Option<String>,
    finding: Option<(&'static str, Bump, String)>,
}

impl Outcome {
    fn report(self, path: &str, report: &mut Report) {
        if let Some((rule, bump, message)) = self.finding {
            report.add(rule, bump, path, message);
        }
    }
}

fn outcome(resource: &Resource<'_>, instance: &Address, after: &Package<'_>) -> Outcome {
    let lost = |rule, message: String| Outcome { landed: None, finding: Some((rule, Bump::Major, message)) };
    let Some(end) = replay(&after.movements, instance) else {
        // The circle is reported by itself.
        return Outcome { landed: None, finding: None };
    };
    let landing = end.names().join(".");
    let Some(successor) = after.resources.get(&landing) else {
        return match (after.forgets(&end), end == *instance) {
            (true, _) => lost("R02", "it is forgotten: no longer managed, and not destroyed".to_owned()),
            (false, true) => lost("R01", format!("`{instance}` is destroyed")),
            (false, false) => {
                lost("R12", format!("`{instance}` moves to `{end}`, which is not declared: destroyed"))
            }
        };
    };
    let landed = Some(landing.clone());
    let mut automatic = false;
    for (step, (idx, repetition)) in end.0.iter().zip(successor.steps.iter().enumerate()) {
        match arrival(&step.key, repetition, resource.steps.get(idx)) {
            Arrival::Stays => {}
            Arrival::Automatic => automatic = true,
            Arrival::Lost(rule) => {
                let message = format!("`{end}` has no declared instance with this key: destroyed");
                return Outcome { landed, finding: Some((rule, Bump::Major, message)) };
            }
        }
    }
    let finding = if end != *instance {
        Some(moved(resource, successor, instance, &end))
    } else if automatic {
        Some(("R05", Bump::Minor, format!("Terraform moves `{instance}` by itself")))
    } else {
        None
    };
    Outcome { landed, finding }
}

fn moved(
    old: &Resource<'_>,
    new: &Resource<'_>,
    from: &Address,
    to: &Address,
) -> (&'static str, Bump, String) {
    let kind = |address: &Address| {
        address.names().last().and_then(|name| name.split('.').next()).unwrap_or_default().to_owned()
    };
    let modules = |address: &Address| {
        let names: Vec<String> = address.names().into_iter().map(str::to_owned).collect();
        names[..names.len().saturating_sub(1)].to_vec()
    };
    if kind(from) != kind(to) {
        let message =
            format!("`{from}` moves to `{to}`, which works only where the provider can convert the types");
        return ("R09", Bump::Major, message);
    }
    let message = format!("`{from}` moves to `{to}`");
    if modules(from) != modules(to) {
        ("R08", Bump::Minor, message)
    } else if old.managed.keys != new.managed.keys {
        ("R06", Bump::Minor, message)
    } else {
        ("R03", Bump::Minor, message)
    }
}

enum Arrival {
    Stays,
    Automatic,
    Lost(&'static str),
}

/// Whether an instance key has a place in a declaration; `old` is the declaration it comes from.
fn arrival(key: &Key, new: &Repetition<'_>, old: Option<&Repetition<'_>>) -> Arrival {
    match (key, new.keys) {
        (Key::None, KeyKind::None) | (Key::SomeNumber, KeyKind::Count) => Arrival::Stays,
        (Key::None, KeyKind::Count) | (Key::Number(0), KeyKind::None) => Arrival::Automatic,
        (Key::Number(number), KeyKind::Count) if keeps(new, &number.to_string()) => Arrival::Stays,
        (Key::Text(key), KeyKind::ForEach) if new.literal.contains(key) => Arrival::Stays,
        (Key::Text(_) | Key::SomeText, KeyKind::ForEach) if new.literal.is_empty() => {
            // Unknown keys stay the same as long as the expression does; a moved key was written on purpose.
            match old {
                Some(old) if old.keys == KeyKind::ForEach && old.repeat != new.repeat => Arrival::Lost("R07"),
                _ => Arrival::Stays,
            }
        }
        (Key::Number(_) | Key::SomeNumber, KeyKind::None | KeyKind::Count)
        | (Key::Text(_) | Key::SomeText, KeyKind::ForEach) => Arrival::Lost("R07"),
        (Key::None | Key::Number(_) | Key::SomeNumber, KeyKind::ForEach)
        | (Key::Text(_) | Key::SomeText, KeyKind::None | KeyKind::Count) => Arrival::Lost("R06"),
    }
}

fn keeps(repetition: &Repetition<'_>, key: &str) -> bool {
    repetition.literal.is_empty() || repetition.literal.contains(key)
}

fn lifecycle(path: &str, old: &Managed, new: &Managed, report: &mut Report) {
    match (old.prevent_destroy, new.prevent_destroy) {
        (false, true) => report.add("R16", Bump::Major, path, "destroying it is now refused"),
        (true, false) => report.add("R16", Bump::Minor, path, "destroying it is no longer refused"),
        _ => {}
    }
    if old.create_before_destroy != new.create_before_destroy {
        report.add("R16", Bump::Minor, path, "the order of replacement changed");
    }
    if old.ignore_changes != new.ignore_changes {
        report.add("R16", Bump::Minor, path, "other changes are ignored");
    }
}

/// Turns a plain loss into what it most likely is, by the new declarations that nothing else explains.
fn explain_losses(before: &Package<'_>, after: &Package<'_>, fresh: &BTreeSet<&String>, report: &mut Report) {
    let split = |path: &str| {
        let words: Vec<&str> = path.split('.').collect();
        let (modules, [kind, name]) = words.split_at(words.len() - 2) else { unreachable!("two words") };
        (modules.join("."), (*kind).to_owned(), (*name).to_owned())
    };
    for finding in report.findings.iter_mut().filter(|finding| finding.rule == "R01") {
        if !before.resources.contains_key(&finding.address) || after.resources.contains_key(&finding.address)
        {
            continue;
        }
        let (modules, kind, name) = split(&finding.address);
        let candidates = || fresh.iter().map(|path| (*path, split(path)));
        let elsewhere = candidates().find(|(_, new)| new.1 == kind && new.2 == name && new.0 != modules);
        let retyped = candidates().find(|(_, new)| new.1 != kind && new.2 == name && new.0 == modules);
        let renamed = candidates().find(|(_, new)| new.1 == kind && new.0 == modules);
        let (rule, path) = match (elsewhere, renamed, retyped) {
            (Some((path, _)), _, _) => ("R08", path),
            (_, Some((path, _)), _) => ("R04", path),
            (_, _, Some((path, _))) => ("R09", path),
            _ => continue,
        };
        rule.clone_into(&mut finding.rule);
        finding.message.push_str(&format!("; if `{path}` is its successor, add a `moved` block"));
    }
}

/// Reports `moved` blocks of the old version whose effect the new version lacks.
fn lost_moves(before: &Package<'_>, after: &Package<'_>, report: &mut Report) {
    for movement in &before.movements {
        let (from, to) = (movement.in_root(&movement.from), movement.in_root(&movement.to));
        if replay(&after.movements, &from) != replay(&after.movements, &to) {
            let message =
                format!("`{from}` no longer moves to `{to}`: destroyed for those who skipped versions");
            report.add("R10", Bump::Major, from.to_string(), message);
        }
    }
}

/// Reports what Terraform refuses about the `moved` blocks of one version.
fn contradictions(package: &Package<'_>, report: &mut Report) {
    for (path, block) in &package.unreadable {
        let message = format!("`{}` or `{}` is no address of a managed object", block.from, block.to);
        report.add("R11", Bump::Refused, path, message);
    }
    let mut sources: BTreeMap<(&[String], &Address), &Address> = BTreeMap::new();
    for movement in &package.movements {
        let within = movement.within.as_slice();
        let from = movement.from.to_string();
        if let Some(other) = sources.insert((within, &movement.from), &movement.to)
            && *other != movement.to
        {
            let message = format!("moves both to `{other}` and to `{}`", movement.to);
            report.add("R11", Bump::Refused, &from, message);
        }
        if replay(std::slice::from_ref(movement), &movement.from).is_none()
            || replay(&package.movements, &movement.in_root(&movement.from)).is_none()
        {
            report.add("R11", Bump::Refused, &from, "the moved blocks run in a circle");
        }
        if still_declared(package, movement) {
            report.add("R11", Bump::Refused, &from, "it is moved away, and still declared");
        }
    }
}

fn still_declared(package: &Package<'_>, movement: &Movement) -> bool {
    let from = movement.in_root(&movement.from);
    let path = from.names().join(".");
    let Some(key) = from.0.last().map(|step| &step.key) else { return false };
    let Some(resource) = package.resources.get(&path) else {
        return package.calls.contains(&path) && movement.is_whole();
    };
    let Some(last) = resource.steps.last() else { return false };
    match key {
        Key::None => movement.is_whole() || last.keys == KeyKind::None,
        Key::Number(number) => last.keys == KeyKind::Count && last.literal.contains(&number.to_string()),
        Key::Text(key) => last.keys == KeyKind::ForEach && last.literal.contains(key),
        Key::SomeNumber | Key::SomeText => false,
    }
}
