//! Managed addresses: what a state made with the old version becomes under the new one.
//!
//! Both contracts are flattened over their local module calls. Representative instances of each
//! old resource are carried by the new `moved` blocks, and then looked up among the new declarations.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::{Bump, Report, Side};
use crate::address::{Address, Key, Movement, Step, replay};
use crate::code::keys_of_contract;
use crate::normal::{Keys, differ_for_certain};
use crate::read::local_path;
use crate::{Contract, KeyKind, Managed, ModuleCall, Move};

/// Compares the addresses of a module, which is the root of the package or one that callers name by its directory.
pub(super) fn compare(directory: &str, old: &Side<'_>, new: &Side<'_>, report: &mut Report) {
    let (Some(before), Some(after)) = (Package::flatten(directory, old), Package::flatten(directory, new))
    else {
        return;
    };
    contradictions(&before, &after, report);
    let mut reached = BTreeSet::new();
    // The instances that what stands becomes, by the path of each step.
    let mut taken: BTreeMap<String, BTreeSet<Key>> = BTreeMap::new();
    for (path, resource) in &before.resources {
        let outcomes: Vec<Outcome> =
            instances(resource).map(|instance| outcome(resource, &instance, &after)).collect();
        reached.extend(outcomes.iter().filter_map(|outcome| outcome.landed.clone()));
        let landed = outcomes.iter().find_map(|outcome| outcome.landed.as_ref());
        if let Some(successor) = landed.and_then(|landed| after.resources.get(landed))
            && let (Some(old), Some(new)) = (resource.managed, successor.managed)
        {
            lifecycle(path, old, new, report);
        }
        for outcome in outcomes {
            for (idx, step) in outcome.end.0.iter().enumerate() {
                let path = outcome.end.names()[..=idx].join(".");
                taken.entry(path).or_default().insert(step.key.clone());
            }
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
    new_instances(&after, &reached, &taken, report);
    for path in fresh {
        let message = if after.resources[path].managed.is_some() {
            "a new managed resource"
        } else {
            "a new call of a module, which makes what that module manages"
        };
        report.add("R13", Bump::Minor, path, message);
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
    calls: BTreeMap<String, Vec<Repetition>>,
    /// Calls of modules elsewhere, whose resources are not known.
    opaque: BTreeSet<String>,
    movements: Vec<Movement>,
    unreadable: Vec<(String, &'a Move)>,
    removed: Vec<Vec<String>>,
    data: BTreeSet<String>,
}

/// A declaration with what tells the instances of each of its steps apart.
struct Resource<'a> {
    steps: Vec<Repetition>,
    /// `None` for a call of a module elsewhere, which stands for all that it manages.
    managed: Option<&'a Managed>,
}

#[derive(Clone)]
struct Repetition {
    name: String,
    kind: KeyKind,
    /// As it is written.
    repeat: Option<String>,
    keys: Option<Rc<Keys>>,
}

impl Repetition {
    fn known(&self) -> impl Iterator<Item = &String> {
        self.keys.iter().flat_map(|keys| &keys.known)
    }

    fn has_known(&self) -> bool {
        self.keys.as_ref().is_some_and(|keys| !keys.known.is_empty())
    }

    /// Whether two repetitions make the same instances for certain.
    fn is_same(&self, other: &Repetition) -> bool {
        let (Some(ours), Some(theirs)) = (&self.keys, &other.keys) else {
            return self.repeat == other.repeat;
        };
        match (&ours.form, &theirs.form) {
            (Some(ours), Some(theirs)) if ours == theirs => true,
            _ if !ours.is_conditional && !theirs.is_conditional && self.has_known() && other.has_known() => {
                ours.known == theirs.known
            }
            _ => false,
        }
    }
}

impl<'a> Package<'a> {
    /// Reads a package from one of its directories; `None` if there is no module.
    fn flatten(directory: &str, side: &Side<'a>) -> Option<Package<'a>> {
        let contract = side.contract(directory)?;
        let mut package = Package::default();
        package.add(side, contract, directory, &[]);
        Some(package)
    }

    fn add(&mut self, side: &Side<'a>, contract: &'a Contract, directory: &str, within: &[Repetition]) {
        /// Terraform refuses circular calls; a contract from elsewhere may still hold one.
        const MAX_DEPTH: usize = 8;
        let names: Vec<String> = within.iter().map(|step| step.name.clone()).collect();
        let full = |name: &str| names.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
        let repetition = |name: &str, kind, repeat: Option<&str>, literal: &BTreeSet<String>| {
            let known = side.facts(directory).and_then(|facts| facts.get(name)?.keys.clone());
            let keys = known.or_else(|| keys_of_contract(kind, repeat, literal)).map(Rc::new);
            Repetition { name: name.to_owned(), kind, repeat: repeat.map(str::to_owned), keys }
        };
        for (name, managed) in &contract.resources {
            let Managed { keys, repeat, literal_keys, .. } = managed;
            let mut steps = within.to_vec();
            steps.push(repetition(name, *keys, repeat.as_deref(), literal_keys));
            self.resources.insert(full(name), Resource { steps, managed: Some(managed) });
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
            let ModuleCall { source, keys, repeat, literal_keys, .. } = call;
            let name = format!("module.{name}");
            let path = full(&name);
            let mut steps = within.to_vec();
            steps.push(repetition(&name, *keys, repeat.as_deref(), literal_keys));
            self.calls.insert(path.clone(), steps.clone());
            let inner = local_path(directory, source).filter(|_| steps.len() <= MAX_DEPTH);
            match inner.and_then(|inner| Some((side.contract(&inner)?, inner))) {
                Some((contract, inner)) => self.add(side, contract, &inner, &steps),
                None => {
                    self.opaque.insert(path.clone());
                    self.resources.insert(path, Resource { steps, managed: None });
                }
            }
        }
    }

    fn forgets(&self, address: &Address) -> bool {
        let names = address.names();
        self.removed
            .iter()
            .any(|path| names.len() >= path.len() && names.iter().zip(path).all(|(a, b)| a == b))
    }

    /// Whether an address lies in a call whose resources are not known.
    fn is_hidden(&self, address: &Address) -> bool {
        let names = address.names();
        (1..names.len()).any(|length| self.opaque.contains(&names[..length].join(".")))
    }
}

/// Returns instances that stand for all that a state may hold.
fn instances(resource: &Resource<'_>) -> impl Iterator<Item = Address> {
    /// More keys than these behave as these do, or are compared by their expression.
    const MAX_KEYS: usize = 32;
    let mut addresses = vec![Vec::new()];
    for step in &resource.steps {
        let known = || step.known().take(MAX_KEYS);
        let keys: Vec<Key> = match (step.kind, step.has_known()) {
            (KeyKind::None, _) => vec![Key::None],
            (KeyKind::Count, false) => vec![Key::Number(0), Key::SomeNumber],
            (KeyKind::Count, true) => known().filter_map(|key| key.parse().ok()).map(Key::Number).collect(),
            (KeyKind::ForEach, false) => vec![Key::SomeText],
            (KeyKind::ForEach, true) => known().cloned().map(Key::Text).collect(),
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
    /// Where it ends.
    end: Address,
    /// The declaration that takes it over.
    landed: Option<String>,
    finding: Option<(&'static str, Bump, String)>,
    /// The path that the finding is about, where that is a call around the resource.
    about: Option<String>,
}

impl Outcome {
    fn report(self, path: &str, report: &mut Report) {
        if let Some((rule, bump, message)) = self.finding {
            report.add(rule, bump, self.about.as_deref().unwrap_or(path), message);
        }
    }
}

fn outcome(resource: &Resource<'_>, instance: &Address, after: &Package<'_>) -> Outcome {
    let Some(end) = replay(&after.movements, instance) else {
        // The circle is reported by itself.
        return Outcome { end: instance.clone(), landed: None, finding: None, about: None };
    };
    let is_moved = end != *instance;
    let landing = end.names().join(".");
    let Some(successor) = after.resources.get(&landing) else {
        let finding = match (after.forgets(&end), is_moved, resource.managed) {
            // The call's other source is reported by itself.
            _ if after.is_hidden(&end)
                || (resource.managed.is_none() && after.calls.contains_key(&landing)) =>
            {
                None
            }
            (true, ..) => Some(("R02", "it is forgotten: no longer managed, and not destroyed".to_owned())),
            (false, false, Some(_)) => Some(("R01", format!("`{instance}` is destroyed"))),
            (false, false, None) => {
                Some(("R01", format!("`{instance}` is gone: all that it manages is destroyed")))
            }
            (false, true, _) => {
                Some(("R12", format!("`{instance}` moves to `{end}`, which is not declared: destroyed")))
            }
        };
        let finding = finding.map(|(rule, message)| (rule, Bump::Major, message));
        return Outcome { end, landed: None, finding, about: None };
    };
    let landed = Some(landing);
    let mut automatic = false;
    for (idx, (step, repetition)) in end.0.iter().zip(&successor.steps).enumerate() {
        let is_last = idx + 1 == end.0.len();
        let about = (!is_last).then(|| end.names()[..=idx].join("."));
        let shown = Address(end.0[..=idx].to_vec());
        let rest = if is_last { "" } else { ", with all that is in it" };
        match arrival(&step.key, repetition, resource.steps.get(idx), is_moved) {
            Arrival::Stays => {}
            Arrival::Automatic => automatic = true,
            Arrival::Lost(rule) => {
                let message = format!("`{shown}` has no declared instance with this key: destroyed{rest}");
                return Outcome { end, landed, finding: Some((rule, Bump::Major, message)), about };
            }
            Arrival::Unknown => {
                let message = unknown(&shown, resource.steps.get(idx), repetition);
                return Outcome { end, landed, finding: Some(("U03", Bump::Minor, message)), about };
            }
        }
    }
    let finding = if is_moved {
        Some(moved(resource, successor, instance, &end))
    } else if automatic {
        Some(("R05", Bump::Minor, format!("Terraform moves `{instance}` by itself")))
    } else {
        None
    };
    Outcome { end, landed, finding, about: None }
}

/// Says that it is not known whether an instance keeps its key.
fn unknown(shown: &Address, old: Option<&Repetition>, new: &Repetition) -> String {
    let written = |repetition: Option<&Repetition>| {
        repetition.and_then(|repetition| repetition.repeat.clone()).unwrap_or_default()
    };
    let (before, after) = (written(old), written(Some(new)));
    let how = if before == after {
        format!("`{}` is computed otherwise", super::shortened(&after))
    } else {
        format!("`{}` instead of `{}`", super::shortened(&after), super::shortened(&before))
    };
    format!(
        "its keys may have changed ({how}): whether `{shown}` stays shows in a plan over a state of the old version"
    )
}

/// Reports instances that no old one becomes, of declarations that an old one does become.
fn new_instances(
    after: &Package<'_>,
    reached: &BTreeSet<String>,
    taken: &BTreeMap<String, BTreeSet<Key>>,
    report: &mut Report,
) {
    let mut seen = BTreeSet::new();
    for path in reached {
        let Some(resource) = after.resources.get(path) else { continue };
        let names: Vec<&str> = resource.steps.iter().map(|step| step.name.as_str()).collect();
        for (idx, step) in resource.steps.iter().enumerate() {
            let path = names[..=idx].join(".");
            let Some(taken) = taken.get(&path) else { continue };
            // Of keys that were not known, none is known to be new.
            let was_open = taken.iter().any(|key| matches!(key, Key::SomeNumber | Key::SomeText));
            if was_open || !seen.insert(path.clone()) {
                continue;
            }
            let first = |key: &String| key == "0" && (taken.contains(&Key::None));
            let is_new = |key: &&String| match step.kind {
                KeyKind::Count => {
                    !first(key) && !key.parse().is_ok_and(|number| taken.contains(&Key::Number(number)))
                }
                _ => !taken.contains(&Key::Text((*key).clone())),
            };
            let new: Vec<&str> = step.known().filter(is_new).map(String::as_str).collect();
            if !new.is_empty() {
                let message = format!("new instances: {}", super::shortened(&new.join(", ")));
                report.add("R13", Bump::Minor, path, message);
            }
        }
    }
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
    } else if old.steps.last().map(|step| step.kind) != new.steps.last().map(|step| step.kind) {
        ("R06", Bump::Minor, message)
    } else {
        ("R03", Bump::Minor, message)
    }
}

enum Arrival {
    Stays,
    Automatic,
    Unknown,
    Lost(&'static str),
}

/// Whether an instance key has a place in a declaration; `old` is the declaration it comes from.
fn arrival(key: &Key, new: &Repetition, old: Option<&Repetition>, is_moved: bool) -> Arrival {
    let is_same = old.is_some_and(|old| old.kind == new.kind && old.is_same(new));
    let has = |key: &str| new.known().any(|known| known == key);
    let is_certain = new.keys.as_ref().is_some_and(|keys| !keys.is_conditional);
    // A key that was there under the condition of old is there under that of new, or may not be.
    let placed = |key: &str| match (new.has_known(), has(key)) {
        (true, true) if is_same || is_certain || is_moved => Arrival::Stays,
        (true, false) => Arrival::Lost("R07"),
        // A moved key was written on purpose.
        (false, _) if is_same || is_moved => Arrival::Stays,
        _ => Arrival::Unknown,
    };
    match (key, new.kind) {
        (Key::None, KeyKind::None) => Arrival::Stays,
        (Key::None, KeyKind::Count) | (Key::Number(0), KeyKind::None) => Arrival::Automatic,
        (Key::SomeNumber | Key::SomeText, KeyKind::Count | KeyKind::ForEach)
            if is_same || old.is_some_and(|old| old.kind == new.kind && is_moved) =>
        {
            Arrival::Stays
        }
        (Key::SomeNumber, KeyKind::Count) => Arrival::Unknown,
        (Key::Number(number), KeyKind::Count) => placed(&number.to_string()),
        (Key::Text(key), KeyKind::ForEach) => placed(key),
        (Key::SomeText, KeyKind::ForEach) => {
            let forms = |repetition: &Repetition| repetition.keys.as_ref().and_then(|keys| keys.form.clone());
            match (old.and_then(forms), forms(new)) {
                (Some(old), Some(new)) if differ_for_certain(&old, &new) => Arrival::Lost("R07"),
                _ => Arrival::Unknown,
            }
        }
        (Key::Number(_) | Key::SomeNumber, KeyKind::None) => Arrival::Lost("R07"),
        (Key::None | Key::Number(_) | Key::SomeNumber, KeyKind::ForEach)
        | (Key::Text(_) | Key::SomeText, KeyKind::None | KeyKind::Count) => Arrival::Lost("R06"),
    }
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

/// Turns a plain loss into what it most likely is: where one thing of a type is gone and one is new.
fn explain_losses(before: &Package<'_>, after: &Package<'_>, fresh: &BTreeSet<&String>, report: &mut Report) {
    let split = |path: &str| {
        let words: Vec<&str> = path.split('.').collect();
        let (modules, rest) = words.split_at(words.len().saturating_sub(2));
        (modules.join("."), rest.join(".").split('.').next().unwrap_or_default().to_owned(), rest.join("."))
    };
    let lost: BTreeSet<String> = report
        .findings
        .iter()
        .filter(|finding| finding.rule == "R01" && before.resources.contains_key(&finding.address))
        .filter(|finding| !after.resources.contains_key(&finding.address))
        .map(|finding| finding.address.clone())
        .collect();
    let mut explained = BTreeMap::new();
    for path in &lost {
        let (modules, kind, name) = split(path);
        let elsewhere: Vec<&&String> =
            fresh.iter().filter(|new| split(new).2 == name && split(new).0 != modules).collect();
        let beside: Vec<&&String> =
            fresh.iter().filter(|new| split(new).1 == kind && split(new).0 == modules).collect();
        let n_lost = lost.iter().filter(|lost| split(lost).1 == kind && split(lost).0 == modules).count();
        match (elsewhere.as_slice(), beside.as_slice()) {
            ([only], _) => drop(explained.insert(path.clone(), ("R08", (*only).to_string()))),
            // Of several it is not known which becomes which.
            (_, [only]) if n_lost == 1 => drop(explained.insert(path.clone(), ("R04", (*only).to_string()))),
            _ => {}
        }
    }
    for finding in report.findings.iter_mut().filter(|finding| finding.rule == "R01") {
        if let Some((rule, path)) = explained.get(&finding.address) {
            (*rule).clone_into(&mut finding.rule);
            finding.message.push_str(&format!("; if `{path}` is its successor, add a `moved` block"));
        }
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

/// Reports what Terraform refuses about the `moved` blocks of the new version, and did not of the old one.
fn contradictions(before: &Package<'_>, after: &Package<'_>, report: &mut Report) {
    let (mut earlier, mut later) = (Report::default(), Report::default());
    contradictions_of(before, &mut earlier);
    contradictions_of(after, &mut later);
    report.findings.extend(later.findings.into_iter().filter(|finding| !earlier.findings.contains(finding)));
}

/// Reports what Terraform refuses about the `moved` blocks of a module, whatever came before.
pub(super) fn refused(side: &Side<'_>, report: &mut Report) {
    if let Some(package) = Package::flatten("", side) {
        contradictions_of(&package, report);
    }
}

fn contradictions_of(package: &Package<'_>, report: &mut Report) {
    for (path, block) in &package.unreadable {
        let message = format!("`{}` or `{}` is not the address of a managed object", block.from, block.to);
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

/// Whether an instance that a block moves away is one that the declarations make.
fn still_declared(package: &Package<'_>, movement: &Movement) -> bool {
    let from = movement.in_root(&movement.from);
    let path = from.names().join(".");
    let steps = match (package.resources.get(&path), package.calls.get(&path)) {
        (Some(resource), _) => &resource.steps,
        (None, Some(steps)) => steps,
        (None, None) => return false,
    };
    let last = from.0.len() - 1;
    from.0.iter().zip(steps).enumerate().all(|(idx, (step, declared))| match (&step.key, declared.kind) {
        // The block holds for each instance of the calls around it.
        _ if idx < movement.within.len() => true,
        (Key::None, KeyKind::None) => true,
        (Key::None, _) => idx == last && movement.is_whole(),
        (Key::Number(number), KeyKind::Count) => declared.known().any(|known| *known == number.to_string()),
        (Key::Text(key), KeyKind::ForEach) => declared.known().any(|known| known == key),
        _ => false,
    })
}
