//! The keys of documents and their meaning: documents are read by them, and `docs/topology.md` lists them.

mod schema;

use std::borrow::Cow;
use std::fmt::Write as _;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::diagnostics::Origin;

/// A table of a document.
#[derive(Clone)]
pub(crate) struct Table {
    /// The heading of its section in the documentation; empty where it stands in the section of the table around it.
    pub(crate) title: &'static str,
    /// The text above its keys in the documentation. A table without title and text is explained where it is named.
    pub(crate) about: &'static str,
    /// Its keys.
    pub(crate) keys: Cow<'static, [Key]>,
    /// Tries to read such a table.
    pub(crate) read: fn(Value) -> Result<(), String>,
}

/// A key of a table.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its meaning, in Markdown.
    means: &'static str,
    /// The value that it has where it is not written, in Markdown.
    default: &'static str,
    /// A value that can be read and is not a name, for a key without which no table can be read.
    sample: Option<&'static str>,
    /// The least and the greatest number that it takes, both included.
    pub(crate) bounds: Option<(u32, u32)>,
    /// The tables that it holds.
    pub(crate) child: Option<Child>,
}

/// Tables inside a table.
#[derive(Clone, Copy)]
pub(crate) enum Child {
    /// One.
    One(&'static Table),
    /// An array of them.
    Many(&'static Table),
}

impl Key {
    /// Returns a key that can be left out.
    pub(crate) const fn new(name: &'static str, means: &'static str, default: &'static str) -> Key {
        Key { name, means, default, sample: None, bounds: None, child: None }
    }

    /// Returns a key without which its table cannot be read.
    pub(crate) const fn required(name: &'static str, means: &'static str) -> Key {
        Key { sample: Some("?"), ..Key::new(name, means, "required") }
    }

    /// Sets a value that can be read, where `?` cannot.
    pub(crate) const fn sample(self, sample: &'static str) -> Key {
        Key { sample: Some(sample), ..self }
    }

    /// Sets the least and the greatest number that it takes, both included.
    pub(crate) const fn within(self, least: u32, greatest: u32) -> Key {
        Key { bounds: Some((least, greatest)), ..self }
    }

    /// Makes it hold a table.
    pub(crate) const fn one(self, table: &'static Table) -> Key {
        Key { child: Some(Child::One(table)), ..self }
    }

    /// Makes it hold an array of tables.
    pub(crate) const fn many(self, table: &'static Table) -> Key {
        Key { child: Some(Child::Many(table)), ..self }
    }

    /// Returns the table that it holds, or of which it holds many.
    fn table(&self) -> Option<&'static Table> {
        self.child.map(|child| match child {
            Child::One(table) | Child::Many(table) => table,
        })
    }

    /// Returns whether its table cannot be read without it.
    pub(crate) fn is_required(&self) -> bool {
        self.sample.is_some()
    }

    /// Returns whether no document of use leaves it out.
    fn is_always_written(&self) -> bool {
        self.default == "required"
    }
}

impl Table {
    /// Returns the table that has the required keys and nothing else.
    pub(crate) fn samples(&self) -> Map<String, Value> {
        let required = self.keys.iter().filter_map(|key| Some((key.name.to_owned(), json!(key.sample?))));
        required.collect()
    }

    /// Tries to read one key, in a table that is otherwise as it must be.
    pub(crate) fn reads(&self, key: &str, value: Value) -> Result<(), String> {
        let mut table = self.samples();
        table.insert(key.to_owned(), value);
        (self.read)(Value::Object(table))
    }

    /// Returns the names of its keys.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().map(|key| key.name)
    }

    /// Writes its section of the documentation, and then those of the tables inside it.
    pub(crate) fn explain(&self, text: &mut String) {
        for (prefix, part) in [("## ", self.title), ("", self.about)] {
            if !part.is_empty() {
                let _ = writeln!(text, "{prefix}{part}\n");
            }
        }
        text.push_str("| key | means | default |\n|---|---|---|\n");
        for key in self.keys.iter() {
            let _ = writeln!(text, "| `{}` | {} | {} |", key.name, key.means, key.default);
        }
        for table in self.keys.iter().filter_map(Key::table).filter(|table| table.has_section()) {
            text.push('\n');
            table.explain(text);
        }
    }

    fn has_section(&self) -> bool {
        !self.title.is_empty() || !self.about.is_empty()
    }
}

/// Tries to read a table as a type.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<(), String> {
    serde_json::from_value::<T>(value).map(drop).map_err(|error| error.to_string())
}

/// Returns whether a truth value is the one that is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
pub(crate) fn is_no(value: &bool) -> bool {
    !*value
}

/// What a document says at a path, whose parts may know where they were declared.
pub(crate) trait Located {
    /// Notes where it was declared: `origin` gives the place of a path.
    fn locate(&mut self, path: &str, origin: &dyn Fn(&str) -> Origin);
}

impl<T: Located> Located for Vec<T> {
    fn locate(&mut self, path: &str, origin: &dyn Fn(&str) -> Origin) {
        for (idx, element) in self.iter_mut().enumerate() {
            element.locate(&format!("{path}[{idx}]"), origin);
        }
    }
}

impl<T: Located> Located for Option<T> {
    fn locate(&mut self, path: &str, origin: &dyn Fn(&str) -> Origin) {
        if let Some(part) = self {
            part.locate(path, origin);
        }
    }
}

impl Located for String {
    fn locate(&mut self, _path: &str, _origin: &dyn Fn(&str) -> Origin) {}
}

impl Located for bool {
    fn locate(&mut self, _path: &str, _origin: &dyn Fn(&str) -> Origin) {}
}

/// Lets types with a field `origin` know where they were declared.
macro_rules! located {
    ($($part:ty),*) => {
        $(impl crate::keys::Located for $part {
            fn locate(&mut self, path: &str, origin: &dyn Fn(&str) -> crate::diagnostics::Origin) {
                self.origin = origin(path);
            }
        })*
    };
}
pub(crate) use located;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology;

    /// Returns the keys that a type takes, from what it says about one that it does not.
    fn keys(table: &Table) -> Vec<String> {
        let mut samples = table.samples();
        samples.insert("?".to_owned(), Value::Null);
        let problem = (table.read)(Value::Object(samples)).unwrap_err();
        problem.split('`').skip(3).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn tables_have_the_keys_of_their_types() {
        fn check(table: &Table) {
            let (mut own, mut known): (Vec<String>, Vec<&str>) = (keys(table), table.names().collect());
            own.sort_unstable();
            known.sort_unstable();
            assert_eq!(own, known);
            table.keys.iter().filter_map(Key::table).for_each(check);
        }
        topology::table().keys.iter().filter_map(Key::table).for_each(check);
    }

    /// A type with flattened parts does not list its keys, so that they are read from its source.
    #[test]
    fn the_document_has_the_keys_of_a_topology() {
        let source = include_str!("topology.rs");
        let fields =
            source.split("pub struct Topology {").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
        let names = fields.lines().filter_map(|line| line.trim().strip_prefix("pub ")?.split(':').next());
        let mut fields: Vec<&str> =
            names.filter(|name| !["features", "origin", "places"].contains(name)).collect();
        fields.extend(crate::features::Keys::NAMES);
        let mut known: Vec<&str> = topology::table().names().collect();
        fields.sort_unstable();
        known.sort_unstable();
        assert_eq!(known, fields);
    }

    /// A table without a section of its own is explained where it is named.
    #[test]
    fn every_key_is_explained() {
        fn check(table: &Table) {
            for key in table.keys.iter() {
                assert!(!key.means.is_empty() && !key.default.is_empty(), "{} is not explained", key.name);
                let Some(child) = key.table() else { continue };
                for name in child.names().filter(|_| !child.has_section()) {
                    assert!(key.means.contains(&format!("`{name}`")), "{} does not explain {name}", key.name);
                }
                check(child);
            }
        }
        check(topology::table());
    }
}
