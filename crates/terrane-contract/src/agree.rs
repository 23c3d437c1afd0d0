//! Whether a written contract and one read from the module's files speak of the same module.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use crate::{Contract, Type};

impl Contract {
    /// Returns where this contract says something else than one read from the module's files.
    ///
    /// Types that the files leave open, admitted ranges, and what outputs hold and since when
    /// are known to the written contract alone.
    pub fn contradictions(&self, read: &Contract) -> Vec<String> {
        let mut lines = Vec::new();
        let mut differ = |what: &str, written: &dyn Part, read: &dyn Part| {
            differences(what, &written.json(), &read.json(), &mut lines);
        };
        differ("the module's name", &self.module, &read.module);
        differ("the required version", &self.required_version, &read.required_version);
        differ("providers", &self.providers, &read.providers);
        differ("moved", &self.moved, &read.moved);
        differ("removed", &self.removed, &read.removed);
        differ("data", &self.data, &read.data);
        differ("modules", &self.modules, &read.modules);
        differ("configured_providers", &self.configured_providers, &read.configured_providers);
        differ("submodules", &self.submodules, &read.submodules);
        for name in self.variables.keys().chain(read.variables.keys()).collect::<BTreeSet<_>>() {
            differ(&format!("var.{name}"), &self.variables.get(name), &read.variables.get(name));
        }
        for name in self.resources.keys().chain(read.resources.keys()).collect::<BTreeSet<_>>() {
            differ(name, &self.resources.get(name), &read.resources.get(name));
        }
        for name in self.outputs.keys().chain(read.outputs.keys()).collect::<BTreeSet<_>>() {
            let (written, read) = (self.outputs.get(name), read.outputs.get(name).cloned());
            let known = read.map(|mut read| {
                if let Some(written) = written {
                    read.nullable = written.nullable;
                    read.holds = written.holds;
                    read.since.clone_from(&written.since);
                    if is_refined_by(&read.ty, &written.ty) {
                        read.ty = written.ty.clone();
                    }
                }
                read
            });
            differ(&format!("output.{name}"), &written, &known.as_ref());
        }
        lines
    }
}

/// A part of a contract, as the data that `contract.json` holds.
trait Part {
    fn json(&self) -> Value;
}

impl<T: Serialize> Part for T {
    fn json(&self) -> Value {
        serde_json::to_value(self).expect("a contract holds JSON values only")
    }
}

/// Adds a line for each value that differs, with the path that leads to it.
fn differences(path: &str, written: &Value, read: &Value, lines: &mut Vec<String>) {
    if let (Value::Object(written), Value::Object(read)) = (written, read) {
        for key in written.keys().chain(read.keys().filter(|key| !written.contains_key(*key))) {
            let part =
                |members: &serde_json::Map<String, Value>| members.get(key).cloned().unwrap_or_default();
            differences(&format!("{path}: {key}"), &part(written), &part(read), lines);
        }
    } else if written != read {
        lines.push(format!("{path} is {written}, but the module's files say {read}"));
    }
}

/// Whether one type is another with some unknown parts.
fn is_refined_by(open: &Type, known: &Type) -> bool {
    match (open, known) {
        (Type::Dynamic, _) => true,
        (Type::List(open), Type::List(known))
        | (Type::Set(open), Type::Set(known))
        | (Type::Map(open), Type::Map(known)) => is_refined_by(open, known),
        (Type::Tuple(open), Type::Tuple(known)) => {
            open.len() == known.len()
                && open.iter().zip(known).all(|(open, known)| is_refined_by(open, known))
        }
        (Type::Object { attributes: open, .. }, Type::Object { attributes: known, .. }) => {
            open.keys().eq(known.keys())
                && open.values().zip(known.values()).all(|(open, known)| is_refined_by(open, known))
        }
        _ => open == known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_contract_may_know_more_and_nothing_else() {
        let text = "variable \"a\" {}\noutput \"o\" {\n  value = { x = aws_vpc.a.id, n = 1 }\n}\n";
        let read = Contract::from_files("m", [("main.tf", text)]).unwrap();
        assert_eq!(read.contradictions(&read), Vec::<String>::new());

        let mut written = read.clone();
        written.outputs.get_mut("o").unwrap().ty = Type::object([("x", Type::String), ("n", Type::Number)]);
        assert_eq!(written.contradictions(&read), Vec::<String>::new());

        written.outputs.get_mut("o").unwrap().ty = Type::object([("x", Type::String), ("n", Type::Bool)]);
        written.variables.clear();
        let found = written.contradictions(&read);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("var.a") && found[1].contains("output.o"));
    }
}
