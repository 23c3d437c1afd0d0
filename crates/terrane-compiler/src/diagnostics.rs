//! Problems of a user's topology or ledger: collected, and all reported at once.

mod code;
mod source;

pub use code::Code;
pub(crate) use code::{GENERAL, Judged, Row, codes};
pub use source::Source;
pub(crate) use source::Spans;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::panic::Location;
use std::sync::Arc;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};

/// One problem of the input.
///
/// `Display` prints one paragraph: message, place, the line with a caret where it is known, hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of problem it is.
    pub code: Code,
    /// The thing, the value found, and the bound: a lower-case fragment without a final period.
    pub message: String,
    /// Where the thing was declared.
    pub origin: Origin,
    /// What to do, imperative.
    pub hints: Vec<String>,
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

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// Where something was declared; for diagnostics only, never part of what is emitted.
///
/// All origins are equal, so that two topologies that say the same are equal wherever they were written.
#[derive(Clone, Debug, Default)]
pub enum Origin {
    /// A line of Rust.
    Rust(&'static Location<'static>),
    /// A part of a document.
    Document(Part),
    /// Nowhere in particular.
    #[default]
    Unknown,
}

/// A part of a TOML or JSON document.
#[derive(Clone, Debug)]
pub struct Part {
    source: Arc<Source>,
    path: String,
    /// The bytes of the text that a caret marks, where the text is at hand.
    range: Option<Range<usize>>,
}

impl Part {
    /// Returns the file's name, empty for a text that has none.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// Returns the path, such as `tiers[1].prefix_length`; empty for the document itself.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the line and the column, counted from 1; columns are characters.
    pub fn position(&self) -> Option<(usize, usize)> {
        self.range.as_ref().map(|range| self.source.position(range.start))
    }
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

    /// Returns a part of a document, with the bytes that a caret marks.
    pub(crate) fn part(source: &Arc<Source>, path: &str, range: Option<Range<usize>>) -> Origin {
        Origin::Document(Part { source: Arc::clone(source), path: path.to_owned(), range })
    }

    /// Returns where a key of this table was declared, such as `need.cni` or `zones[1]`, or the table if it has no such key.
    ///
    /// Rust has one place for all keys of a table.
    pub(crate) fn at(&self, key: &str) -> Origin {
        let Origin::Document(part) = self else { return self.clone() };
        let path = if part.path.is_empty() { key.to_owned() } else { format!("{}.{key}", part.path) };
        match part.source.spans(&path) {
            Some(spans) => Origin::part(&part.source, &path, Some(spans.focus())),
            None => self.clone(),
        }
    }

    /// Returns the place of the key of what is declared here, where it is a value of a document.
    pub(crate) fn of_key(&self) -> Origin {
        let Origin::Document(part) = self else { return self.clone() };
        match part.source.spans(&part.path).and_then(|spans| spans.key.clone()) {
            Some(key) => Origin::part(&part.source, &part.path, Some(key)),
            None => self.clone(),
        }
    }

    /// Returns the file, and the line and the column in it, as far as they are known.
    pub fn place(&self) -> Option<(&str, Option<(usize, usize)>)> {
        match self {
            Origin::Rust(place) => {
                Some((place.file(), Some((place.line() as usize, place.column() as usize))))
            }
            Origin::Document(part) => Some((part.file(), part.position())),
            Origin::Unknown => None,
        }
    }

    /// Returns the path in a document.
    pub(crate) fn path(&self) -> Option<&str> {
        match self {
            Origin::Document(part) => Some(&part.path),
            Origin::Rust(_) | Origin::Unknown => None,
        }
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
        let Origin::Document(part) = self else {
            return match self {
                Origin::Rust(place) => write!(f, "{}:{}:{}", place.file(), place.line(), place.column()),
                Origin::Document(_) | Origin::Unknown => f.write_str("the topology"),
            };
        };
        let file = part.file();
        match part.position() {
            Some((line, column)) if file.is_empty() => write!(f, "{line}:{column}")?,
            Some((line, column)) => write!(f, "{file}:{line}:{column}")?,
            None if file.is_empty() => f.write_str("document")?,
            None => f.write_str(file)?,
        }
        if part.path.is_empty() { Ok(()) } else { write!(f, " ({})", part.path) }
    }
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Diagnostic {
    /// Returns a problem; [`report!`] makes one in most places.
    pub fn new(code: Code, origin: &Origin, message: impl fmt::Display) -> Diagnostic {
        Diagnostic { code, message: message.to_string(), origin: origin.clone(), hints: Vec::new() }
    }

    /// Returns whether it stops the compilation.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Diagnostic {
        self.hints.push(hint.to_string());
        self
    }
}

/// Reports a problem: where it is collected, its code, its place; its message; and what to do.
///
/// Message and hint are formatted as by `format!`:
/// `report!(found, Code::NO_TIERS, &topology.origin, "network `{}` has no tiers", topology.name; "declare one tier or more")`.
macro_rules! report {
    (
        $found:expr, $code:expr, $origin:expr,
        $message:literal $(, $in_message:expr)*;
        $hint:literal $(, $in_hint:expr)* $(,)?
    ) => {
        $found.push(
            crate::diagnostics::Diagnostic::new($code, $origin, format_args!($message $(, $in_message)*))
                .hint(format_args!($hint $(, $in_hint)*)),
        )
    };
}
pub(crate) use report;

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}\n  --> {}", self.severity(), self.code, self.message, self.origin)?;
        if let Origin::Document(Part { source, range: Some(range), .. }) = &self.origin {
            source.excerpt(range, f)?;
        }
        self.hints.iter().try_for_each(|hint| write!(f, "\n  hint: {hint}"))
    }
}

/// As an object; `file`, `line`, `column`, and `path` are null where they are not known.
impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (file, position) = self.origin.place().unzip();
        let (line, column) = position.flatten().unzip();
        let mut fields = serializer.serialize_struct("Diagnostic", 8)?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("severity", &self.severity())?;
        fields.serialize_field("message", &self.message)?;
        fields.serialize_field("file", &file.filter(|file| !file.is_empty()))?;
        fields.serialize_field("line", &line)?;
        fields.serialize_field("column", &column)?;
        fields.serialize_field("path", &self.origin.path().filter(|path| !path.is_empty()))?;
        fields.serialize_field("hints", &self.hints)?;
        fields.end()
    }
}

/// Every problem of one input.
///
/// `Display` and JSON give them by file and line; problems without a line come first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

    /// Places what is about a document in its text, which was not at hand when it was reported.
    pub(crate) fn in_source(mut self, source: &Arc<Source>) -> Diagnostics {
        for item in &mut self.items {
            if let Origin::Document(part) = &mut item.origin {
                let range = part.range.take().or_else(|| Some(source.around(&part.path)?.focus()));
                *part = Part { source: Arc::clone(source), path: std::mem::take(&mut part.path), range };
            }
        }
        self
    }

    /// Returns whether any problem stops the compilation.
    pub fn has_errors(&self) -> bool {
        self.items.iter().any(|item| item.severity() == Severity::Error)
    }

    /// Returns whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Iterates over the problems in the order found.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.items.iter()
    }

    /// Returns the problems by file, in the order in which files come first, and line.
    fn sorted(&self) -> Vec<&Diagnostic> {
        let files: Vec<Option<&str>> =
            self.items.iter().map(|item| item.origin.place().map(|(file, _)| file)).collect();
        let key = |item: &&Diagnostic| {
            let place = item.origin.place();
            let file = place.map(|(file, _)| file);
            (files.iter().position(|known| *known == file), place.and_then(|(_, position)| position))
        };
        let mut sorted: Vec<&Diagnostic> = self.items.iter().collect();
        sorted.sort_by_key(key);
        sorted
    }

    /// Returns how many errors and warnings there are, such as `2 errors, 1 warning`; empty if there are none.
    pub fn count(&self) -> String {
        let counted = [Severity::Error, Severity::Warning].map(|severity| {
            let count = self.items.iter().filter(|item| item.severity() == severity).count();
            (count, format!("{count} {severity}{}", if count == 1 { "" } else { "s" }))
        });
        let words: Vec<String> =
            counted.into_iter().filter(|(count, _)| *count > 0).map(|(_, words)| words).collect();
        words.join(", ")
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
        self.sorted().into_iter().try_for_each(|item| writeln!(f, "{item}\n"))
    }
}

impl Serialize for Diagnostics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.sorted())
    }
}
