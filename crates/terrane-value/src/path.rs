//! Where inside an output something is.

use std::fmt;

/// A path such as `subnets["a"][0].id`, built from the inside out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Path {
    /// Puts the path under an attribute or map element.
    pub(crate) fn under_name(&mut self, name: &str) {
        self.0.push(Step::Name(name.to_owned()));
    }

    /// Puts the path under an element of a list, set, or tuple.
    pub(crate) fn under_index(&mut self, idx: usize) {
        self.0.push(Step::Index(idx));
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in self.0.iter().rev() {
            match step {
                Step::Index(idx) => write!(f, "[{idx}]")?,
                Step::Name(name) if is_identifier(name) => write!(f, ".{name}")?,
                Step::Name(name) => write!(f, "[{name:?}]")?,
            }
        }
        Ok(())
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|char: char| char.is_ascii_alphabetic() || char == '_')
        && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_' || char == '-')
}
