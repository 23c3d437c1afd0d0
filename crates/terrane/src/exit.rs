//! How commands end.

use std::fmt;
use std::io::Write as _;
use std::process::ExitCode;

use terrane_registry::ErrorKind;

use crate::console;

/// The input has problems.
const PROBLEMS: u8 = 1;
/// The command line is wrong in a way that only its meaning shows.
const USAGE: u8 = 2;
/// `--check` found a difference.
const DIFFERENCE: u8 = 3;
/// A file, program, or service failed.
const SERVICE: u8 = 4;

/// Why a command did not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The input has problems; what they are was printed, or is in the message.
    pub(crate) fn problems(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: PROBLEMS }
    }

    /// The command line does not say what is to be done.
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: USAGE }
    }

    /// What is there is not what would be written.
    pub(crate) fn difference(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: DIFFERENCE }
    }

    /// A file or service failed.
    pub(crate) fn service(what: impl fmt::Display, error: impl fmt::Display) -> Failure {
        Failure { message: format!("{what}: {error}"), code: SERVICE }
    }

    /// Joins failures into one, with the exit code of the worst; `None` if there are none.
    pub(crate) fn all(failures: Vec<Failure>) -> Option<Failure> {
        // A difference is worth saying only where nothing is wrong.
        let code = failures.iter().map(|failure| failure.code).max_by_key(|code| match *code {
            DIFFERENCE => 0,
            code => code,
        })?;
        let messages: Vec<String> = failures.into_iter().map(|failure| failure.message).collect();
        Some(Failure { message: messages.join("\nerror: "), code })
    }

    /// Says which argument it is about.
    pub(crate) fn about(self, argument: impl fmt::Display) -> Failure {
        Failure { message: format!("`{argument}`: {}", self.message), ..self }
    }

    /// Adds what to do.
    pub(crate) fn hinting(self, hint: &str) -> Failure {
        Failure { message: format!("{}{hint}", self.message), ..self }
    }
}

/// Returns two results, or what is wrong with both, so that all wrong arguments are named at once.
pub(crate) fn both<A, B>(
    first: Result<A, impl Into<Failure>>,
    second: Result<B, impl Into<Failure>>,
) -> Result<(A, B), Failure> {
    match (first.map_err(Into::into), second.map_err(Into::into)) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(failure), Ok(_)) | (Ok(_), Err(failure)) => Err(failure),
        (Err(Failure { message, code }), Err(second)) => {
            Err(Failure { message: format!("{message}\nerror: {}", second.message), code })
        }
    }
}

impl From<terrane_workspace::Error> for Failure {
    fn from(error: terrane_workspace::Error) -> Failure {
        let code = match error.kind() {
            terrane_workspace::ErrorKind::Refused => PROBLEMS,
            _ => SERVICE,
        };
        Failure { message: error.chain(), code }
    }
}

impl From<terrane_registry::Error> for Failure {
    fn from(error: terrane_registry::Error) -> Failure {
        let is_service = matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Denied);
        let code = if is_service { SERVICE } else { PROBLEMS };
        Failure { message: error.chain(), code }
    }
}

impl From<terrane_state::Error> for Failure {
    /// What a state says, and how its place is configured, is input; all else is the world's.
    fn from(error: terrane_state::Error) -> Failure {
        use terrane_state::ErrorKind::*;
        let code = match error.kind() {
            NotFound { .. } | BucketNotFound { .. } | AccessDenied { .. } | Credentials { .. } => SERVICE,
            ExpiredCredentials | ClockSkew | WrongRegion { .. } | AccountNotAllowed { .. } => SERVICE,
            ChecksumMismatch { .. } | Throttled | Unavailable { .. } | Connection => SERVICE,
            IncompleteBody { .. } | UnexpectedBytes { .. } | KeepsChanging { .. } | Io { .. } => SERVICE,
            Timeout { .. } => SERVICE,
            _ => PROBLEMS,
        };
        let cause = match error.kind() {
            Connection | Unavailable { .. } | IncompleteBody { .. } | UnexpectedBytes { .. } => {
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default()
            }
            _ => String::new(),
        };
        Failure { message: format!("{error}{cause}"), code }
    }
}

/// Ends without a panic where nobody takes what is printed, as in `terrane … | head`.
///
/// The standard library's `println!` knows no other way than to panic.
pub(crate) fn without_panic_when_unheard() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let message = panic.payload_as_str().unwrap_or_default();
        if !message.starts_with("failed printing to") {
            return default(panic);
        }
        if !message.contains("Broken pipe") {
            let _ = writeln!(std::io::stderr(), "error: {message}");
        }
        std::process::exit(i32::from(SERVICE));
    }));
}

/// Prints a failure to standard error and returns the exit code.
pub(crate) fn code(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            console::fail(failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Prints data as JSON to standard output.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Failure::service("cannot print", error))?;
    println!("{text}");
    Ok(())
}
