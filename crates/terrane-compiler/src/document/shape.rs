//! Holds a document against the keys that its parts have, so that every problem is found, and not the first alone.

use serde_json::Value;

use crate::diagnostics::{Code, Diagnostic, Diagnostics, report};
use crate::document::{Places, join};
use crate::keys::{Child, Key, Table};
use crate::suggest;

/// Reports every key of a table, and of the tables in it, that is unknown, missing, or of a wrong type.
///
/// Leaves a table that can be read: without what is wrong, and with a sample of what must be there.
pub(super) fn check(shape: &Table, value: &mut Value, path: &str, places: &Places, found: &mut Diagnostics) {
    let subject = if path.is_empty() { "the document".to_owned() } else { format!("`{path}`") };
    let Value::Object(table) = value else {
        let message = format!("{subject} is {}, but must be a table", kind(value));
        report!(
            found, Code::WRONG_TYPE, &places.value(path),
            "{message}";
            "a table has the keys {}", suggest::list(shape.names())
        );
        *value = Value::Object(shape.samples());
        return;
    };
    let is_missing = |key: &&Key| key.is_required() && !table.contains_key(key.name);
    for Key { name: key, .. } in shape.keys.iter().filter(is_missing) {
        report!(found, Code::MISSING_KEY, &places.value(path), "{subject} has no `{key}`"; "add `{key}`");
    }
    let samples = shape.samples();
    let entries = std::mem::replace(table, samples);
    for (key, mut value) in entries {
        let (key, path) = (key.as_str(), join(path, &key));
        let Some(known) = shape.keys.iter().find(|known| known.name == key) else {
            report!(
                found, Code::UNKNOWN_KEY, &places.key(&path),
                "{subject} has no key `{key}`";
                "{}", suggest::hint(key, shape.names())
            );
            continue;
        };
        let is_read = match known.child {
            Some(Child::One(child)) => {
                check(child, &mut value, &path, places, found);
                true
            }
            Some(Child::Many(child)) => elements(child, &mut value, &path, places, found),
            None => leaf(shape, known, &value, &path, places, found),
        };
        if is_read {
            table.insert(key.to_owned(), value);
        }
    }
}

/// Checks an array of tables, and returns whether it is one.
fn elements(shape: &Table, value: &mut Value, path: &str, places: &Places, found: &mut Diagnostics) -> bool {
    let Value::Array(values) = value else {
        let message = format!("`{path}` is {}, but must be an array of tables", kind(value));
        report!(found, Code::WRONG_TYPE, &places.value(path), "{message}"; "write `[[{path}]]` above each");
        return false;
    };
    for (idx, value) in values.iter_mut().enumerate() {
        check(shape, value, &format!("{path}[{idx}]"), places, found);
    }
    true
}

/// Reads one key alone, in a table that is otherwise as it must be, and returns whether it can be read.
fn leaf(
    shape: &Table,
    key: &Key,
    value: &Value,
    path: &str,
    places: &Places,
    found: &mut Diagnostics,
) -> bool {
    let Err(problem) = shape.reads(key.name, value.clone()) else { return true };
    let origin = places.value(path);
    let known: Vec<&str> = problem.split('`').skip(3).step_by(2).collect();
    found.push(if problem.starts_with("unknown variant") {
        let unknown = value.as_str().unwrap_or_default();
        Diagnostic::new(Code::UNKNOWN_VALUE, &origin, format!("`{path}` is `{unknown}`, which is not known"))
            .hint(suggest::hint(unknown, known))
    } else {
        let expected = plain(&problem, key.bounds);
        Diagnostic::new(Code::WRONG_TYPE, &origin, format!("`{path}` cannot be {value}: {expected}"))
            .hint(cure(shape, key, value, &expected))
    });
    false
}

/// Returns what a parser said about a value, in words of the document.
fn plain(problem: &str, bounds: Option<(u32, u32)>) -> String {
    let expected = problem.rsplit_once("expected ").map_or(problem, |(_, expected)| expected);
    let number = |least, greatest| format!("expected a whole number from {least} to {greatest}");
    match (expected, bounds) {
        ("u8" | "u32", Some((least, greatest))) => number(least, greatest),
        ("u8", None) => number(0, u32::from(u8::MAX)),
        ("u32", None) => number(0, u32::MAX),
        ("a sequence", _) => "expected a list".to_owned(),
        ("a map", _) => "expected a table".to_owned(),
        ("a boolean", _) => "expected `true` or `false`".to_owned(),
        (text, _) if text.contains("untagged enum Ports") => {
            "expected ports, such as 443 or \"30000-32767\"".to_owned()
        }
        (text, _) if text == problem => problem.to_owned(),
        (text, _) => format!("expected {text}"),
    }
}

/// Returns what to write in place of a value that cannot be read: the value itself in another form, where that can be.
fn cure(shape: &Table, key: &Key, value: &Value, expected: &str) -> String {
    let name = key.name;
    let reads = |other: &Value| shape.reads(name, other.clone()).is_ok();
    let bare = value.as_str().and_then(|text| text.trim_start_matches('/').parse::<Value>().ok());
    if let Some(bare) = bare.filter(|bare| !bare.is_string() && reads(bare)) {
        return format!("write it without quotes: `{name} = {bare}`");
    }
    let list = Value::Array(vec![value.clone()]);
    if !value.is_array() && reads(&list) {
        return format!("write it in brackets: `{name} = {list}`");
    }
    let quoted = Value::String(value.to_string());
    if (value.is_number() || value.is_boolean()) && reads(&quoted) {
        return format!("write it in quotes: `{name} = {quoted}`");
    }
    format!(
        "write {}",
        expected.strip_prefix("expected ").unwrap_or("the value as docs/topology.md explains it")
    )
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
