//! Topologies as TOML and JSON documents.
//!
//! [`from_toml`] and [`from_json`] report every key that is unknown, missing, or of a wrong type, each with its place,
//! and with them what can be said of the other values, as [`crate::declaration`] judges them.

mod judge;
mod shape;

use std::collections::BTreeMap;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::diagnostics::{Diagnostic, Diagnostics, Origin};
use crate::keys::Located as _;
use crate::topology::{self, Topology};

/// Reads a topology from TOML.
///
/// # Errors
///
/// Returns every problem of the document's syntax, or else of its structure and of the values that it leaves readable.
pub fn from_toml(text: &str) -> Result<Topology, Diagnostics> {
    let lines = Lines::new(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut found = Diagnostics::default();
    for error in errors {
        let position = error.span().map(|span| lines.position(span.start));
        found.push(
            Diagnostic::error(
                "document-syntax",
                &Origin::Document { path: "document".to_owned(), position },
                format!("the document is not TOML: {}", error.message()),
            )
            .hint("see https://toml.io for how values are written"),
        );
    }
    found.ok(())?;
    let mut places = Places::default();
    let value = table_value(&lines, table.get_ref(), "", &mut places);
    read(value, &places)
}

/// Reads a topology from JSON.
///
/// # Errors
///
/// Returns the first problem of the document's syntax, or else every problem of its structure and of the values that it
/// leaves readable.
pub fn from_json(text: &str) -> Result<Topology, Diagnostics> {
    let value = serde_json::from_str(text).map_err(|error| {
        let mut found = Diagnostics::default();
        let position = Some((error.line(), error.column()));
        found.push(
            Diagnostic::error(
                "document-syntax",
                &Origin::Document { path: "document".to_owned(), position },
                format!("the document is not JSON: {error}"),
            )
            .hint("write one JSON object"),
        );
        found
    })?;
    read(value, &Places::default())
}

/// Returns a topology as TOML.
pub fn to_toml(topology: &Topology) -> String {
    toml::to_string(topology).expect("a topology has string keys and no null")
}

/// Returns a topology as JSON.
pub fn to_json(topology: &Topology) -> String {
    serde_json::to_string_pretty(topology).expect("a topology has string keys") + "\n"
}

/// Explains every key in Markdown, a section for each kind of table: the latter part of `docs/topology.md`.
pub fn reference() -> String {
    let mut text = String::new();
    topology::table().explain(&mut text);
    text
}

/// Line and column of what stands at a path.
#[derive(Default)]
struct Places(BTreeMap<String, (usize, usize)>);

impl Places {
    fn origin(&self, path: &str) -> Origin {
        Origin::Document { path: path.to_owned(), position: self.0.get(path).copied() }
    }
}

fn read(mut value: Value, places: &Places) -> Result<Topology, Diagnostics> {
    let mut found = Diagnostics::default();
    shape::check(topology::table(), &mut value, "", places, &mut found);
    match serde_json::from_value::<Topology>(value) {
        Ok(mut topology) => {
            locate(&mut topology, places);
            if found.has_errors() {
                let judged = judge::judge(&topology, &found);
                found.extend(judged);
            }
            found.ok(topology)
        }
        Err(error) => {
            if found.is_empty() {
                let message = format!("the document cannot be read: {error}");
                found.push(
                    Diagnostic::error("wrong-type", &places.origin("document"), message)
                        .hint("compare it with a document that `terrane` wrote"),
                );
            }
            Err(found)
        }
    }
}

/// Sets where each part was declared.
fn locate(topology: &mut Topology, places: &Places) {
    topology.origin =
        Origin::Document { path: "network".to_owned(), position: places.0.get("name").copied() };
    for path in places.0.keys() {
        topology.places.insert(path, places.origin(path));
    }
    let origin = |path: &str| places.origin(path);
    topology.secondary.locate("secondary", &origin);
    topology.tiers.locate("tiers", &origin);
    topology.flows.locate("flows", &origin);
    topology.keep_clear.locate("keep_clear", &origin);
    topology.features.locate(&origin);
}

/// Returns the path of a key.
fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn table_value(lines: &Lines<'_>, table: &DeTable<'_>, path: &str, places: &mut Places) -> Value {
    let entries = table.iter().map(|(key, value)| {
        let path = join(path, key.get_ref());
        places.0.insert(path.clone(), lines.position(key.span().start));
        (key.get_ref().to_string(), json(lines, value.get_ref(), &path, places))
    });
    Value::Object(entries.collect())
}

/// Returns a TOML value as JSON, and notes where its parts stand.
fn json(lines: &Lines<'_>, value: &DeValue<'_>, path: &str, places: &mut Places) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            let value = i64::from_str_radix(number.as_str(), number.radix());
            value.map_or_else(|_| Value::from(number.as_str()), Value::from)
        }
        DeValue::Float(number) => {
            let value: Option<f64> = number.as_str().parse().ok();
            value.map_or_else(|| Value::from(number.as_str()), Value::from)
        }
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(value) => Value::from(value.to_string()),
        DeValue::Array(values) => {
            let elements = values.iter().enumerate().map(|(idx, value)| {
                let path = format!("{path}[{idx}]");
                places.0.insert(path.clone(), lines.position(value.span().start));
                json(lines, value.get_ref(), &path, places)
            });
            Value::Array(elements.collect())
        }
        DeValue::Table(table) => table_value(lines, table, path, places),
    }
}

/// A text, and where its lines begin.
struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    fn new(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(end, _)| end + 1)).collect();
        Self { text, starts }
    }

    /// Returns line and column of a byte, counted from 1.
    fn position(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}
