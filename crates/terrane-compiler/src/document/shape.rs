//! What keys the parts of a document have: so that every problem is found, and not the first alone.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::document::{Places, join};
use crate::suggest;
use crate::topology::{Dns, Egress, Eks, Flow, KeepClear, Need, SecondaryRange, SubnetGroup, Tier, Topology};

/// A table of a document.
pub(super) struct Shape {
    keys: &'static [&'static str],
    /// The keys that must be there, each with a sample that can be read and is no name.
    required: &'static [(&'static str, &'static str)],
    children: &'static [(&'static str, Child)],
    /// Tries to read a table.
    read: fn(Value) -> Result<(), String>,
}

impl Shape {
    /// Returns the table that has what must be there and nothing else.
    fn samples(&self) -> Map<String, Value> {
        self.required.iter().map(|(key, sample)| ((*key).to_owned(), json!(sample))).collect()
    }
}

/// A table inside a table.
enum Child {
    One(&'static Shape),
    Many(&'static Shape),
}

pub(super) static TOPOLOGY: Shape = Shape {
    keys: &[
        "name",
        "description",
        "terraform",
        "base",
        "zones",
        "endpoints",
        "close_defaults",
        "egress",
        "dns",
        "tags",
        "eks",
        "secondary",
        "tiers",
        "flows",
        "subnet_groups",
        "keep_clear",
        "retired",
        "reclaim",
    ],
    required: &[("name", "?")],
    children: &[
        ("egress", Child::One(&EGRESS)),
        ("dns", Child::One(&DNS)),
        ("eks", Child::One(&EKS)),
        ("secondary", Child::Many(&SECONDARY)),
        ("tiers", Child::Many(&TIER)),
        ("flows", Child::Many(&FLOW)),
        ("subnet_groups", Child::Many(&SUBNET_GROUP)),
        ("keep_clear", Child::Many(&KEEP_CLEAR)),
    ],
    read: read::<Topology>,
};

static EGRESS: Shape = Shape {
    keys: &["nat", "home", "tier", "bring_elastic_ips"],
    required: &[],
    children: &[],
    read: read::<Egress>,
};

static DNS: Shape =
    Shape { keys: &["support", "hostnames"], required: &[], children: &[], read: read::<Dns> };

static EKS: Shape = Shape {
    keys: &["load_balancers", "nodes", "control_plane", "pods", "clusters", "karpenter", "service_range"],
    required: &[],
    children: &[],
    read: read::<Eks>,
};

static SECONDARY: Shape = Shape {
    keys: &["name", "cidr"],
    required: &[("name", "?"), ("cidr", "?")],
    children: &[],
    read: read::<SecondaryRange>,
};

static TIER: Shape = Shape {
    keys: &[
        "name",
        "access",
        "range",
        "prefix_length",
        "generation",
        "renamed_from",
        "ranges",
        "need",
        "client_security_groups",
        "tags",
    ],
    required: &[("name", "?"), ("access", "private")],
    children: &[("need", Child::One(&NEED))],
    read: read::<Tier>,
};

static NEED: Shape = Shape {
    keys: &[
        "nodes",
        "growth_percent",
        "pods_per_node",
        "cni",
        "interfaces_per_node",
        "addresses_per_interface",
        "pods_only",
        "instances",
        "load_balancers",
        "endpoints",
    ],
    required: &[],
    children: &[],
    read: read::<Need>,
};

static FLOW: Shape = Shape {
    keys: &["from", "to", "protocol", "ports", "client_addresses", "purpose"],
    required: &[],
    children: &[],
    read: read::<Flow>,
};

static SUBNET_GROUP: Shape = Shape {
    keys: &["kind", "tier"],
    required: &[("kind", "?"), ("tier", "?")],
    children: &[],
    read: read::<SubnetGroup>,
};

static KEEP_CLEAR: Shape = Shape {
    keys: &["name", "cidr"],
    required: &[("name", "?"), ("cidr", "?")],
    children: &[],
    read: read::<KeepClear>,
};

fn read<T: DeserializeOwned>(value: Value) -> Result<(), String> {
    serde_json::from_value::<T>(value).map(drop).map_err(|error| error.to_string())
}

/// Reports every key of a table, and of the tables in it, that is unknown, missing, or of a wrong type.
///
/// Leaves a table that can be read: without what is wrong, and with a sample of what must be there.
pub(super) fn check(shape: &Shape, value: &mut Value, path: &str, places: &Places, found: &mut Diagnostics) {
    let subject = if path.is_empty() { "the document".to_owned() } else { format!("`{path}`") };
    let Value::Object(table) = value else {
        let message = format!("{subject} is {}, but must be a table", kind(value));
        found.push(
            Diagnostic::error("wrong-type", &places.origin(path), message)
                .hint(format!("a table has the keys {}", suggest::list(shape.keys.iter().copied()))),
        );
        *value = Value::Object(shape.samples());
        return;
    };
    for (key, _) in shape.required.iter().filter(|(key, _)| !table.contains_key(*key)) {
        found.push(
            Diagnostic::error("missing-key", &places.origin(path), format!("{subject} has no `{key}`"))
                .hint(format!("add `{key}`")),
        );
    }
    let samples = shape.samples();
    let entries = std::mem::replace(table, samples);
    for (key, mut value) in entries {
        let (key, path) = (key.as_str(), join(path, &key));
        if !shape.keys.contains(&key) {
            found.push(
                Diagnostic::error(
                    "unknown-key",
                    &places.origin(&path),
                    format!("{subject} has no key `{key}`"),
                )
                .hint(suggest::hint(key, shape.keys.iter().copied())),
            );
            continue;
        }
        let is_read = match shape.children.iter().find(|(child, _)| *child == key) {
            Some((_, Child::One(child))) => {
                check(child, &mut value, &path, places, found);
                true
            }
            Some((_, Child::Many(child))) => elements(child, &mut value, &path, places, found),
            None => leaf(shape, key, &value, &path, places, found),
        };
        if is_read {
            table.insert(key.to_owned(), value);
        }
    }
}

/// Checks an array of tables, and returns whether it is one.
fn elements(shape: &Shape, value: &mut Value, path: &str, places: &Places, found: &mut Diagnostics) -> bool {
    let Value::Array(values) = value else {
        let message = format!("`{path}` is {}, but must be an array of tables", kind(value));
        found.push(
            Diagnostic::error("wrong-type", &places.origin(path), message)
                .hint(format!("write `[[{path}]]` above each")),
        );
        return false;
    };
    for (idx, value) in values.iter_mut().enumerate() {
        check(shape, value, &format!("{path}[{idx}]"), places, found);
    }
    true
}

/// Reads one key alone, in a table that is otherwise as it must be, and returns whether it can be read.
fn leaf(
    shape: &Shape,
    key: &str,
    value: &Value,
    path: &str,
    places: &Places,
    found: &mut Diagnostics,
) -> bool {
    let mut table = shape.samples();
    table.insert(key.to_owned(), value.clone());
    let Err(problem) = (shape.read)(Value::Object(table)) else { return true };
    let origin = places.origin(path);
    let known: Vec<&str> = problem.split('`').skip(3).step_by(2).collect();
    found.push(if problem.starts_with("unknown variant") {
        let unknown = value.as_str().unwrap_or_default();
        Diagnostic::error("unknown-value", &origin, format!("`{path}` is `{unknown}`, which is not known"))
            .hint(suggest::hint(unknown, known))
    } else {
        Diagnostic::error("wrong-type", &origin, format!("`{path}` cannot be {value}: {}", plain(&problem)))
            .hint("write the value as the key needs it")
    });
    false
}

/// Returns what a parser said about a value, in words of the document.
fn plain(problem: &str) -> String {
    let expected = problem.rsplit_once("expected ").map_or(problem, |(_, expected)| expected);
    match expected {
        "u8" => "expected a whole number from 0 to 255".to_owned(),
        "u32" => format!("expected a whole number from 0 to {}", u32::MAX),
        text if text.contains("untagged enum Ports") => {
            "expected ports, such as 443 or \"30000-32767\"".to_owned()
        }
        text if text == problem => problem.to_owned(),
        text => format!("expected {text}"),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the keys that a type takes, from what it says about one that it does not.
    fn keys(shape: &Shape) -> Vec<String> {
        let mut table = shape.samples();
        table.insert("?".to_owned(), Value::Null);
        let problem = (shape.read)(Value::Object(table)).unwrap_err();
        problem.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn shapes_have_the_keys_of_their_types() {
        fn check(shape: &Shape) {
            assert_eq!(keys(shape), shape.keys);
            for (_, child) in shape.children {
                match child {
                    Child::One(child) | Child::Many(child) => check(child),
                }
            }
        }
        check(&TOPOLOGY);
    }
}
