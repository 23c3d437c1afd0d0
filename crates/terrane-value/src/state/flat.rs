//! Attributes as Terraform before 0.12 stored them: one text for each leaf, under a path with dots.
//!
//! `tags.%` counts the members of a map and `tags.Name` is one; `ingress.#` counts the elements of a list or set, and
//! `ingress.0.from_port`, or `ingress.1234567.from_port` under the hash of an element, is in one. What is a number or a
//! bool only the provider's schema knows, so leaves stay text.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::value::{MAX_DEPTH, Value};

/// What stood for a value that was not known yet.
const UNKNOWN: &str = "74D93920-ED26-11E3-AC10-0800200C9A66";

/// Folds flat attributes; anything but an object has none.
pub(super) fn attributes(json: &Json) -> Value {
    let mut flat = BTreeMap::new();
    for (path, value) in json.as_object().unwrap_or_default() {
        let text = match value {
            Json::String(text) | Json::Number(text) => text.clone(),
            Json::Bool(value) => value.to_string(),
            _ => continue,
        };
        flat.insert(path.as_str(), text);
    }
    Value::Object(members(&flat.iter().map(|(path, text)| (*path, text.as_str())).collect::<Vec<_>>(), 0))
}

/// A path below the one that is looked at, and its text.
type Leaf<'a> = (&'a str, &'a str);

/// Folds the leaves of an object.
fn members(leaves: &[Leaf<'_>], depth: usize) -> BTreeMap<String, Value> {
    let mut groups: BTreeMap<&str, Vec<Leaf<'_>>> = BTreeMap::new();
    for (path, text) in leaves {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        groups.entry(name).or_default().push((rest, text));
    }
    groups.into_iter().map(|(name, leaves)| (name.to_owned(), folded(&leaves, depth))).collect()
}

fn folded(leaves: &[Leaf<'_>], depth: usize) -> Value {
    let own = |name: &str| leaves.iter().find(|(path, _)| *path == name).map(|(_, text)| *text);
    let inner =
        || leaves.iter().filter(|(path, _)| !matches!(*path, "" | "#" | "%")).copied().collect::<Vec<_>>();
    if depth == MAX_DEPTH {
        return Value::Null;
    }
    if own("%").is_some() {
        let members = inner().into_iter().map(|(name, text)| (name.to_owned(), leaf(text)));
        return Value::Map(members.collect());
    }
    if own("#").is_some() {
        let elements = members(&inner(), depth + 1);
        let mut sorted: Vec<(u64, String, Value)> =
            elements.into_iter().map(|(key, value)| (key.parse().unwrap_or(u64::MAX), key, value)).collect();
        sorted.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        return Value::Tuple(sorted.into_iter().map(|(_, _, value)| value).collect());
    }
    match own("") {
        Some(text) => leaf(text),
        None => Value::Object(members(leaves, depth + 1)),
    }
}

fn leaf(text: &str) -> Value {
    if text == UNKNOWN { Value::Null } else { Value::String(text.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(flat: &str, expected: &str) {
        assert_eq!(attributes(&Json::parse(flat.as_bytes()).unwrap()).to_json(), expected);
    }

    #[test]
    fn paths_are_folded_into_maps_lists_and_blocks() {
        check(
            r#"{"id":"i-1","tags.%":"2","tags.Name":"n","tags.a.b/c":"d"}"#,
            r#"{"id":"i-1","tags":{"Name":"n","a.b/c":"d"}}"#,
        );
        check(r#"{"ids.#":"3","ids.0":"a","ids.10":"c","ids.2":"b"}"#, r#"{"ids":["a","b","c"]}"#);
        check(
            r#"{"ingress.#":"1","ingress.123.from_port":"80","ingress.123.cidr_blocks.#":"1","ingress.123.cidr_blocks.0":"0.0.0.0/0"}"#,
            r#"{"ingress":[{"cidr_blocks":["0.0.0.0/0"],"from_port":"80"}]}"#,
        );
        check(r#"{"empty.#":"0","none.%":"0"}"#, r#"{"empty":[],"none":{}}"#);
        check(r#"{"x":"74D93920-ED26-11E3-AC10-0800200C9A66"}"#, r#"{"x":null}"#);
    }

    #[test]
    fn odd_paths_are_read_without_a_panic() {
        for flat in [
            r#"{"":"a",".":"b","..":"c"}"#,
            r##"{"#":"1","%":"2","a.#.#":"3"}"##,
            "[]",
            "null",
            r#"{"a":[1]}"#,
        ] {
            attributes(&Json::parse(flat.as_bytes()).unwrap());
        }
        let deep = format!(r#"{{"{}x":"1"}}"#, "a.".repeat(5000));
        attributes(&Json::parse(deep.as_bytes()).unwrap());
    }
}
