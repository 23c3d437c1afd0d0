//! Outputs: covariant, since callers use values of the old type.

use super::{Bump, Report};
use crate::{Contract, Output, Type};

pub(super) fn compare(old: &Contract, new: &Contract, report: &mut Report) {
    for (name, before) in &old.outputs {
        let address = format!("output.{name}");
        match new.outputs.get(name) {
            Some(after) => output(&address, before, after, report),
            None => {
                report.add("O01", Bump::Major, address, "callers that read it get \"Unsupported attribute\"")
            }
        }
    }
    for name in new.outputs.keys().filter(|name| !old.outputs.contains_key(*name)) {
        report.add("O02", Bump::Minor, format!("output.{name}"), "a new output");
    }
}

fn output(address: &str, old: &Output, new: &Output, report: &mut Report) {
    types(address, &old.ty, &new.ty, report);
    if !old.nullable && new.nullable {
        report.add("O05", Bump::Major, address, "callers that read into it fail when it is null");
    }
    if let (Some(before), Some(after)) = (old.holds, new.holds)
        && before != after
    {
        let message = format!("{} instead of {}, of the same type", after.rust_name(), before.rust_name());
        report.add("O10", Bump::Major, address, message);
    }
    match (old.sensitive, new.sensitive) {
        (false, true) => {
            let message = "callers that pass it to an output of theirs must mark that as sensitive \
                           (Terraform up to 1.7 and from 1.13, and OpenTofu)";
            report.add("O06", Bump::Major, address, message);
        }
        (true, false) => report.add("O07", Bump::Major, address, "plans of callers now show its value"),
        _ => {}
    }
    if old.ephemeral != new.ephemeral {
        let message = match new.ephemeral {
            true => "callers that keep it in state are refused",
            false => "its value now lands in the state",
        };
        report.add("O08", Bump::Major, address, message);
    }
    for condition in new.preconditions.iter().filter(|condition| !old.preconditions.contains(condition)) {
        report.add("O09", Bump::Major, address, format!("plans that passed before may fail `{condition}`"));
    }
    match (old.declared, new.declared) {
        (false, true) => report.add("O11", Bump::Minor, address, "its type is now declared, and stays"),
        (true, false) => report.add("O11", Bump::Patch, address, "its type is no longer declared"),
        _ => {}
    }
    if old.description != new.description {
        report.add("D01", Bump::Patch, address, "the description changed");
    }
}

/// Reports what becomes of users of the `old` type when the value has the `new` type.
fn types(address: &str, old: &Type, new: &Type, report: &mut Report) {
    match (old, new) {
        (Type::Dynamic, Type::Dynamic) => {
            report.add(
                "U02",
                Bump::None,
                address,
                "the type is unknown in both, so a change would not be seen",
            );
        }
        (Type::Dynamic, known) | (known, Type::Dynamic) => {
            let message =
                format!("known to be {known} on one side alone; whether callers keep working is unknown");
            report.add("U01", Bump::Major, address, message);
        }
        (Type::List(before), Type::List(after))
        | (Type::Set(before), Type::Set(after))
        | (Type::Map(before), Type::Map(after)) => types(&format!("{address}[*]"), before, after, report),
        (Type::Tuple(before), Type::Tuple(after)) if before.len() <= after.len() => {
            for (idx, (before, after)) in before.iter().zip(after).enumerate() {
                types(&format!("{address}[{idx}]"), before, after, report);
            }
        }
        (Type::Object { attributes: before, .. }, Type::Object { attributes: after, .. }) => {
            for (name, old) in before {
                let address = format!("{address}.{name}");
                match after.get(name) {
                    Some(new) => types(&address, old, new, report),
                    None => report.add("O04", Bump::Major, address, "callers get \"Unsupported attribute\""),
                }
            }
            for name in after.keys().filter(|name| !before.contains_key(*name)) {
                report.add("O04", Bump::Minor, format!("{address}.{name}"), "a new attribute");
            }
        }
        _ if old == new => {}
        _ => report.add("O03", Bump::Major, address, format!("{new} instead of {old}")),
    }
}

/// Says once which types are unknown on both sides; where the values are compared, a change of them is seen.
pub(super) fn fold_untyped(has_values: bool, report: &mut Report) {
    let is_untyped = |finding: &super::Finding| finding.rule == "U02";
    let untyped: Vec<String> = report
        .findings
        .iter()
        .filter(|finding| is_untyped(finding))
        .map(|finding| format!("`{}`", finding.address.trim_start_matches("output.")))
        .collect();
    if has_values || untyped.len() > 1 {
        report.findings.retain(|finding| !is_untyped(finding));
    }
    if !has_values && untyped.len() > 1 {
        let message = format!(
            "the types of {} values are unknown in both, so a change would not be seen: {}",
            untyped.len(),
            super::shortened(&untyped.join(", "))
        );
        report.add("U02", Bump::None, "outputs", message);
    }
}
