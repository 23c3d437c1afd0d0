//! Problems of a user's topology or ledger: collected, and all reported at once.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;

use serde::Serialize;

/// One problem of the input.
///
/// `Display` prints one paragraph: message, place, hints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of problem it is: a kebab-case code, the same for ever.
    pub code: &'static str,
    /// The thing, the value found, and the bound: a lower-case fragment without a final period.
    pub message: String,
    /// Where the thing was declared.
    pub origin: Origin,
    /// What to do, imperative.
    pub hints: Vec<String>,
    /// Whether it stops the compilation.
    pub severity: Severity,
}

/// Whether a problem stops the compilation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// Where something was declared; for diagnostics only, never part of what is emitted.
///
/// All origins are equal, so that two topologies that say the same are equal wherever they were written.
#[derive(Clone, Debug, Default)]
pub enum Origin {
    /// A line of Rust.
    Rust(&'static Location<'static>),
    /// A path in a TOML or JSON document, such as `tiers[1].prefix_length`, with its line and column when known.
    Document {
        /// The path.
        path: String,
        /// Line and column, counted from 1.
        position: Option<(usize, usize)>,
    },
    /// Nowhere in particular.
    #[default]
    Unknown,
}

impl PartialEq for Origin {
    fn eq(&self, _other: &Origin) -> bool {
        true
    }
}

impl Eq for Origin {}

impl Origin {
    /// Returns whether it is nowhere in particular.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Origin::Unknown)
    }

    /// Returns the caller's place in the Rust source.
    #[track_caller]
    pub fn caller() -> Origin {
        Origin::Rust(Location::caller())
    }
}

/// Where the parts of something were declared, by path, such as `zones[1]` or `tags.Owner`.
///
/// All places are equal, as all origins are.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<String, Origin>);

impl PartialEq for Places {
    fn eq(&self, _other: &Places) -> bool {
        true
    }
}

impl Eq for Places {}

impl Places {
    /// Notes where the part at a path was declared.
    pub fn insert(&mut self, path: &str, origin: Origin) {
        self.0.insert(path.to_owned(), origin);
    }

    /// Returns where the part at a path was declared, or else the smallest part around it that has a place.
    pub fn get(&self, path: &str) -> Option<&Origin> {
        let around = |path: &str| path.rfind(['[', '.']).map(|end| path[..end].to_owned());
        let paths = std::iter::successors(Some(path.to_owned()), |path| around(path));
        paths.into_iter().find_map(|path| self.0.get(&path))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Rust(location) => {
                write!(f, "{}:{}:{}", location.file(), location.line(), location.column())
            }
            Origin::Document { path, position: Some((line, column)) } => {
                write!(f, "{line}:{column} ({path})")
            }
            Origin::Document { path, position: None } if path.is_empty() => f.write_str("document"),
            Origin::Document { path, position: None } => f.write_str(path),
            Origin::Unknown => f.write_str("the topology"),
        }
    }
}

impl Serialize for Origin {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Diagnostic {
    /// Returns an error with this code and message.
    pub fn error(code: &'static str, origin: &Origin, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            message: message.into(),
            origin: origin.clone(),
            hints: Vec::new(),
            severity: Severity::Error,
        }
    }

    /// Returns a warning with this code and message.
    pub fn warning(code: &'static str, origin: &Origin, message: impl Into<String>) -> Diagnostic {
        Diagnostic { severity: Severity::Warning, ..Diagnostic::error(code, origin, message) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Diagnostic {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]: {}\n  --> {}", self.code, self.message, self.origin)?;
        self.hints.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

/// Every problem of one input, in the order found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics {
    items: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a problem.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.items.push(diagnostic);
    }

    /// Adds all problems of another collection.
    pub fn extend(&mut self, other: Diagnostics) {
        self.items.extend(other.items);
    }

    /// Returns whether any problem stops the compilation.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity == Severity::Error)
    }

    /// Returns whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Iterates over the problems in the order found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// Passes on what a later step gave, or all of these problems and then its own.
    ///
    /// # Errors
    ///
    /// Returns all problems if the step failed.
    pub fn before<T>(&mut self, step: Result<T, Diagnostics>) -> Result<T, Diagnostics> {
        step.map_err(|found| {
            self.extend(found);
            std::mem::take(self)
        })
    }

    /// Gives `value` when nothing stops the compilation, and all problems otherwise.
    ///
    /// # Errors
    ///
    /// Returns all problems if one of them is an error.
    pub fn ok<T>(&mut self, value: T) -> Result<T, Diagnostics> {
        if self.has_errors() { Err(std::mem::take(self)) } else { Ok(value) }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.items.iter().try_for_each(|item| writeln!(f, "{item}\n"))
    }
}
