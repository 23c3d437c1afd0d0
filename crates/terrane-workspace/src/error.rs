//! What can go wrong outside the topologies: programs, files, emulators.

use std::{fmt, path::Path};

/// The result of everything in this crate that meets the outside world.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failed program, file, or service.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The kinds of [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A topology was refused, or something under test is not as declared.
    Refused,
    /// A file could not be read or written.
    File,
    /// A program could not be run, or ended with a failure.
    Program,
    /// An emulator did not start or did not answer.
    Service,
}

impl Error {
    /// Returns an error of this kind with this message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Returns the message with those of its causes, for people.
    pub fn chain(&self) -> String {
        let first: &dyn std::error::Error = self;
        let causes = std::iter::successors(Some(first), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }

    /// Returns what kind of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Adds the error behind it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns that something could not be done with a file; `action` is a verb, such as `read`.
    pub fn file(action: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::File, format!("cannot {action} {}", path.display())).because(source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<terrane_registry::Error> for Error {
    fn from(error: terrane_registry::Error) -> Self {
        use terrane_registry::ErrorKind as Registry;
        let kind = match error.kind() {
            Registry::Unavailable | Registry::Denied => ErrorKind::Service,
            _ => ErrorKind::Refused,
        };
        Self::new(kind, error.chain())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
