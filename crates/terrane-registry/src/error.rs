//! The one error of this crate.

use std::fmt;

/// Why something with a registry did not work.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What sort of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The input is wrong: a name, a version, a file that may not be published.
    Input,
    /// The version does not carry the changes that it has to.
    Gate,
    /// The version is taken by other bytes.
    Taken,
    /// The thing does not exist.
    NotFound,
    /// What the store holds contradicts itself.
    Damaged,
    /// The store refuses whoever asks: credentials, permission, or the clock; trying again does not help.
    Denied,
    /// The store or the network failed; trying again may help.
    Unavailable,
}

impl Error {
    /// Returns an error of this kind with this message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Error {
        Error { kind, message: message.into(), source: None }
    }

    /// Returns that the input is wrong.
    pub fn input(message: impl Into<String>) -> Error {
        Error::new(ErrorKind::Input, message)
    }

    /// Returns that a store, a program, or the network failed, and why.
    pub fn unavailable(
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Error {
        Error { kind: ErrorKind::Unavailable, message: message.into(), source: Some(source.into()) }
    }

    /// Returns the message with those of its causes, for people.
    pub fn chain(&self) -> String {
        let first: &dyn std::error::Error = self;
        let causes = std::iter::successors(Some(first), |error| error.source());
        causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
    }

    /// Returns what sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as _)
    }
}
