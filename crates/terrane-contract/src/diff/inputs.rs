//! Variables: contravariant, since callers give values of the old type.

use terrane_hcl::types::{self, Certainty};

use super::{Bump, Report};
use crate::{Admitted, Contract, Type, Variable};

pub(super) fn compare(old: &Contract, new: &Contract, report: &mut Report) {
    for (name, before) in &old.variables {
        let address = format!("var.{name}");
        match new.variables.get(name) {
            Some(after) => variable(&address, before, after, report),
            None => {
                report.add("V03", Bump::Major, address, "callers that set it get \"Unsupported argument\"")
            }
        }
    }
    for (name, variable) in new.variables.iter().filter(|(name, _)| !old.variables.contains_key(*name)) {
        let address = format!("var.{name}");
        if variable.default.is_some() {
            report.add("V02", Bump::Minor, address, "a new optional variable");
        } else {
            report.add("V01", Bump::Major, address, "every caller gets \"Missing required argument\"");
        }
    }
    admitted(old, new, report);
}

fn variable(address: &str, old: &Variable, new: &Variable, report: &mut Report) {
    types(address, &old.ty, &new.ty, report);
    defaults(address, old, new, report);
    marks(address, old, new, report);
    let tightened = new.validations.iter().filter(|condition| !old.validations.contains(condition));
    for condition in tightened {
        let message = format!("values that passed before may fail `{condition}`");
        report.add("V17", Bump::Major, address, message);
    }
    for condition in old.validations.iter().filter(|condition| !new.validations.contains(condition)) {
        report.add("V18", Bump::Minor, address, format!("`{condition}` is no longer asked"));
    }
    if old.description != new.description {
        report.add("D01", Bump::Patch, address, "the description changed");
    }
}

fn defaults(address: &str, old: &Variable, new: &Variable, report: &mut Report) {
    match (&old.default, &new.default) {
        (Some(_), None) => {
            report.add(
                "V04",
                Bump::Major,
                address,
                "callers that leave it out get \"Missing required argument\"",
            );
        }
        (None, Some(_)) => report.add("V05", Bump::Minor, address, "callers may now leave it out"),
        (Some(before), Some(after)) if before != after => {
            let message = format!("callers that leave it out get {after} instead of {before}");
            report.add("V06", Bump::Major, address, message);
        }
        _ => {}
    }
    match (old.nullable, new.nullable, &new.default) {
        (true, false, None) => report.add("V14", Bump::Major, address, "callers that pass null are refused"),
        (true, false, Some(_)) => report.add("V15", Bump::Minor, address, "null now means the default"),
        (false, true, _) => {
            report.add("V16", Bump::Major, address, "null now reaches the module instead of the default");
        }
        _ => {}
    }
    let paths = old.attribute_defaults.keys().chain(new.attribute_defaults.keys());
    for path in paths {
        let (before, after) = (old.attribute_defaults.get(path), new.attribute_defaults.get(path));
        // An attribute that is on one side alone is the type's affair.
        if before != after && has_path(&old.ty, path) && has_path(&new.ty, path) {
            let show =
                |value: Option<&serde_json::Value>| value.map_or("null".to_owned(), ToString::to_string);
            let message =
                format!("callers that leave it out get {} instead of {}", show(after), show(before));
            report.add("V13", Bump::Major, format!("{address}.{path}"), message);
        }
    }
}

/// Whether an attribute path such as `nodes[*].size` leads to an optional attribute of a type.
fn has_path(ty: &Type, path: &str) -> bool {
    let (head, rest) = match path.strip_prefix('[') {
        Some(path) => path.split_once(']').unwrap_or((path, "")),
        None => path.split_at(path.find(['.', '[']).unwrap_or(path.len())),
    };
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    match ty {
        Type::List(element) | Type::Set(element) | Type::Map(element) if head == "*" => {
            has_path(element, rest)
        }
        Type::Tuple(elements) => head
            .parse::<usize>()
            .ok()
            .and_then(|idx| elements.get(idx))
            .is_some_and(|element| has_path(element, rest)),
        Type::Object { attributes, optional } => match attributes.get(head) {
            Some(attribute) if !rest.is_empty() => has_path(attribute, rest),
            Some(_) => optional.contains(head),
            None => false,
        },
        _ => false,
    }
}

fn marks(address: &str, old: &Variable, new: &Variable, report: &mut Report) {
    match (old.sensitive, new.sensitive) {
        (false, true) => {
            let message = "outputs and for_each that depend on it are refused, unless marked as well";
            report.add("V19", Bump::Major, address, message);
        }
        (true, false) => report.add("V20", Bump::Major, address, "plans now show its value"),
        _ => {}
    }
    match (old.ephemeral, new.ephemeral) {
        (false, true) => {
            report.add("V21", Bump::Major, address, "where it reaches an output or argument, it is refused");
        }
        (true, false) => report.add("V22", Bump::Major, address, "its value now lands in the state"),
        _ => {}
    }
    match (old.constant, new.constant) {
        (false, true) => {
            report.add("V23", Bump::Major, address, "callers must now pass a value known before planning")
        }
        (true, false) => report.add("V23", Bump::Minor, address, "callers may now pass any value"),
        _ => {}
    }
    if old.deprecated.is_none() && new.deprecated.is_some() {
        report.add("V24", Bump::Minor, address, "callers that set it now get a warning");
    }
}

/// Reports what becomes of values of the `old` type where the `new` type is asked.
fn types(address: &str, old: &Type, new: &Type, report: &mut Report) {
    if old == new {
        return;
    }
    match (old, new) {
        (_, Type::Dynamic) => report.add("V07", Bump::Minor, address, format!("any value instead of {old}")),
        (Type::List(before), Type::List(after))
        | (Type::Set(before), Type::Set(after))
        | (Type::Map(before), Type::Map(after)) => types(&format!("{address}[*]"), before, after, report),
        (Type::Tuple(before), Type::Tuple(after)) if before.len() == after.len() => {
            for (idx, (before, after)) in before.iter().zip(after).enumerate() {
                types(&format!("{address}[{idx}]"), before, after, report);
            }
        }
        (Type::Object { .. }, Type::Object { .. }) => objects(address, old, new, report),
        // Terraform takes a map where all attributes may be left out, and drops its other keys.
        (Type::Map(element), Type::Object { attributes, optional })
            if optional.len() == attributes.len() && attributes.values().all(|ty| converts(element, ty)) =>
        {
            let names: Vec<String> = attributes.keys().map(|name| format!("`{name}`")).collect();
            let message =
                format!("maps are still accepted, and keys other than {} are dropped", names.join(", "));
            report.add("V11", Bump::Major, address, message);
        }
        _ if converts(old, new) => {
            report.add("V07", Bump::Minor, address, format!("{new} accepts every {old}"));
        }
        _ => report.add("V08", Bump::Major, address, format!("{new} refuses values of {old}")),
    }
}

fn objects(address: &str, old: &Type, new: &Type, report: &mut Report) {
    let (
        Type::Object { attributes: before, optional: was_optional },
        Type::Object { attributes: after, optional: is_optional },
    ) = (old, new)
    else {
        return;
    };
    for (name, old) in before {
        let address = format!("{address}.{name}");
        let Some(new) = after.get(name) else {
            report.add(
                "V11",
                Bump::Major,
                address,
                "callers that set it still plan, and the value is dropped",
            );
            continue;
        };
        types(&address, old, new, report);
        match (was_optional.contains(name), is_optional.contains(name)) {
            (true, false) => report.add("V12", Bump::Major, address, "callers that leave it out are refused"),
            (false, true) => report.add("V12", Bump::Minor, address, "callers may now leave it out"),
            _ => {}
        }
    }
    for name in after.keys().filter(|name| !before.contains_key(*name)) {
        let address = format!("{address}.{name}");
        if is_optional.contains(name) {
            report.add("V10", Bump::Minor, address, "a new optional attribute");
        } else {
            report.add("V09", Bump::Major, address, "callers that do not set it are refused");
        }
    }
}

/// Whether Terraform converts every value of one type to another.
pub(super) fn converts(from: &Type, to: &Type) -> bool {
    types::converts(from, to, Certainty::Certain)
}

fn admitted(old: &Contract, new: &Contract, report: &mut Report) {
    for (name, before) in &old.admitted {
        let Some(after) = new.admitted.get(name) else { continue };
        let address = format!("var.{name}");
        if !covers(after, before) {
            report.add("B01", Bump::Major, address, "base ranges that were admitted are now refused");
        } else if !covers(before, after) {
            report.add("B02", Bump::Minor, address, "more base ranges are admitted");
        }
    }
}

fn covers(outer: &Admitted, inner: &Admitted) -> bool {
    outer.min_prefix_length <= inner.min_prefix_length
        && outer.max_prefix_length >= inner.max_prefix_length
        && inner.within.iter().all(|space| outer.within.iter().any(|outer| outer.contains(space)))
}
