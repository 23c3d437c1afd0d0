//! Topologies as TOML and JSON documents.
//!
//! [`read`] reports every key that is unknown, missing, or of a wrong type, each with its place in the text, and with
//! them the problems of the other values, as [`crate::declaration`] judges them.

mod json;
mod judge;
mod shape;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use toml::de::{DeTable, DeValue};

use crate::diagnostics::{Code, Diagnostics, Origin, Source, Spans, report};
use crate::keys::Located as _;
use crate::topology::{self, Topology};

/// Reads a topology from the text of a file: JSON if its name ends in `.json`, and TOML if in `.toml`; else what begins
/// with `{` is JSON.
///
/// Problems are placed in a file of this name, which is never opened.
///
/// # Errors
///
/// Returns the problems of the document's syntax, or else every problem of its structure and of the values that it
/// leaves readable.
pub fn read(name: &str, text: &str) -> Result<Topology, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_json = match name.rsplit_once('.') {
        Some((_, "json")) => true,
        Some((_, "toml")) => false,
        _ => text.trim_start().starts_with('{'),
    };
    let (value, parts) = if is_json { json(name, text)? } else { toml(name, text)? };
    topology(value, &Places(Arc::new(Source::new(name, text, parts))))
}

/// Reads a topology from TOML that is in no file.
///
/// # Errors
///
/// As [`read`].
pub fn from_toml(text: &str) -> Result<Topology, Diagnostics> {
    read("", text)
}

/// Reads a topology from JSON that is in no file.
///
/// # Errors
///
/// As [`read`].
pub fn from_json(text: &str) -> Result<Topology, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (value, parts) = json("", text)?;
    topology(value, &Places(Arc::new(Source::new("", text, parts))))
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

/// Returns the JSON Schema of documents, which editors complete and check by: `docs/topology.schema.json`.
pub fn schema() -> String {
    let mut schema = topology::table().schema();
    schema.insert("$schema".to_owned(), "http://json-schema.org/draft-07/schema#".into());
    schema.insert("title".to_owned(), "A topology of Terrane".into());
    format!("{:#}\n", Value::Object(schema))
}

/// Where the parts of a document stand, by path.
type Parts = BTreeMap<String, Spans>;

/// The places of a document's parts.
struct Places(Arc<Source>);

impl Places {
    /// Returns the place of the value at a path, or of the smallest part around it.
    fn value(&self, path: &str) -> Origin {
        self.origin(path, Spans::focus)
    }

    /// Returns the place of the key at a path.
    fn key(&self, path: &str) -> Origin {
        self.origin(path, |spans| spans.key.clone().unwrap_or_else(|| spans.focus()))
    }

    /// Returns the place of the document itself, which has no line.
    fn document(&self) -> Origin {
        Origin::part(&self.0, "", None)
    }

    fn origin(&self, path: &str, range: impl Fn(&Spans) -> std::ops::Range<usize>) -> Origin {
        if path.is_empty() {
            return self.document();
        }
        Origin::part(&self.0, path, self.0.around(path).map(range))
    }
}

/// Returns a TOML text with the places of its parts, as far as it can be parsed.
pub(crate) fn toml_source(name: &str, text: &str) -> Source {
    let (table, _) = DeTable::parse_recoverable(text);
    let mut parts = Parts::new();
    table_value(table.get_ref(), "", &mut parts);
    Source::new(name, text, parts)
}

fn toml(name: &str, text: &str) -> Result<(Value, Parts), Diagnostics> {
    let (table, errors) = DeTable::parse_recoverable(text);
    // What follows the first error is often a consequence of it.
    if let Some(error) = errors.first() {
        return Err(syntax(
            name,
            text,
            error.span(),
            &format!("the document is not TOML: {}", error.message()),
        ));
    }
    let mut parts = Parts::new();
    let value = table_value(table.get_ref(), "", &mut parts);
    Ok((value, parts))
}

fn json(name: &str, text: &str) -> Result<(Value, Parts), Diagnostics> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        // The column counts bytes, and is 0 at the end of a line.
        let before: usize =
            text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
        let byte = before + error.column().saturating_sub(1);
        syntax(name, text, Some(byte..byte + 1), &format!("the document is not JSON: {}", plain(&error)))
    })?;
    Ok((value, json::parts(text)))
}

/// Returns the words of an error without the place at their end.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(words, _)| words.to_owned())
}

fn syntax(name: &str, text: &str, range: Option<std::ops::Range<usize>>, message: &str) -> Diagnostics {
    let mut found = Diagnostics::default();
    let source = Arc::new(Source::new(name, text, Parts::new()));
    let is_json = message.contains("not JSON");
    let hint =
        if is_json { "write one JSON object" } else { "see https://toml.io for how values are written" };
    report!(found, Code::DOCUMENT_SYNTAX, &Origin::part(&source, "", range), "{message}"; "{hint}");
    found
}

fn topology(mut value: Value, places: &Places) -> Result<Topology, Diagnostics> {
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
                report!(
                    found, Code::WRONG_TYPE, &places.document(),
                    "the document cannot be read: {error}";
                    "compare it with a document that `terrane` wrote"
                );
            }
            Err(found)
        }
    }
}

/// Sets where each part was declared.
fn locate(topology: &mut Topology, places: &Places) {
    // The network has no line of its own: that of its name stands for it.
    topology.origin = Origin::part(&places.0, "", places.0.spans("name").map(Spans::focus));
    for path in places.0.paths() {
        topology.places.insert(path, places.value(path));
    }
    let origin = |path: &str| places.value(path);
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

fn table_value(table: &DeTable<'_>, path: &str, parts: &mut Parts) -> Value {
    let entries = table.iter().map(|(key, value)| {
        let path = join(path, key.get_ref());
        let is_table = is_table(value.get_ref());
        parts.insert(path.clone(), Spans { key: Some(key.span()), value: value.span(), is_table });
        (key.get_ref().to_string(), toml_value(value.get_ref(), &path, parts))
    });
    Value::Object(entries.collect())
}

/// Returns whether a value is a table or a list of tables.
fn is_table(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(values) => values.iter().any(|value| matches!(value.get_ref(), DeValue::Table(_))),
        _ => false,
    }
}

/// Returns a TOML value as JSON, and notes where its parts stand.
fn toml_value(value: &DeValue<'_>, path: &str, parts: &mut Parts) -> Value {
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
                let is_table = is_table(value.get_ref());
                parts.insert(path.clone(), Spans { key: None, value: value.span(), is_table });
                toml_value(value.get_ref(), &path, parts)
            });
            Value::Array(elements.collect())
        }
        DeValue::Table(table) => table_value(table, path, parts),
    }
}
