//! Whether a written contract and one read from the module's files speak of the same module.

use std::fmt::Debug;

use crate::{Contract, Type};

impl Contract {
    /// Returns where this contract says something else than one read from the module's files.
    ///
    /// Types that the files leave open, admitted ranges, and what outputs hold and since when
    /// are known to the written contract alone.
    pub fn contradictions(&self, read: &Contract) -> Vec<String> {
        let mut lines = Vec::new();
        let mut differ = |what: &str, written: &dyn Debug, read: &dyn Debug| {
            let (written, read) = (format!("{written:?}"), format!("{read:?}"));
            if written != read {
                lines.push(format!(
                    "{what} differ from the module's files: {written}, but the files say {read}"
                ));
            }
        };
        differ("modules' names", &self.module, &read.module);
        differ("required versions", &self.required_version, &read.required_version);
        differ("providers", &self.providers, &read.providers);
        differ("moved blocks", &self.moved, &read.moved);
        differ("removed blocks", &self.removed, &read.removed);
        differ("data sources", &self.data, &read.data);
        differ("module calls", &self.modules, &read.modules);
        differ("configured providers", &self.configured_providers, &read.configured_providers);
        differ("submodules", &self.submodules, &read.submodules);
        for name in self.variables.keys().chain(read.variables.keys()) {
            differ(
                &format!("declarations of var.{name}"),
                &self.variables.get(name),
                &read.variables.get(name),
            );
        }
        for name in self.resources.keys().chain(read.resources.keys()) {
            differ(&format!("declarations of {name}"), &self.resources.get(name), &read.resources.get(name));
        }
        for name in self.outputs.keys().chain(read.outputs.keys()) {
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
            differ(&format!("declarations of output.{name}"), &written, &known.as_ref());
        }
        lines.dedup();
        lines
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
