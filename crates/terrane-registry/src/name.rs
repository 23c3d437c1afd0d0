//! Names of modules and their versions, as both clients accept them.

use std::fmt;

use semver::Version;

use crate::Error;

/// The longest name or namespace: <https://developer.hashicorp.com/terraform/internals/module-registry-protocol>.
const MAX_NAME: usize = 64;

/// A module in a registry: `namespace/name/system`.
///
/// - `namespace` and `name` are lower-case letters, digits, `-`, and `_`, with a letter or digit at each end.
/// - `system` is lower-case letters and digits.
/// - Each part has 1 to 64 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleName {
    namespace: String,
    name: String,
    system: String,
}

impl ModuleName {
    /// Checks the three parts.
    ///
    /// # Errors
    ///
    /// Names the part that no client would accept.
    pub fn new(namespace: &str, name: &str, system: &str) -> Result<ModuleName, Error> {
        check_name("namespace", namespace)?;
        check_name("name", name)?;
        if !is_bounded(system) || !system.bytes().all(is_alphanumeric) {
            return Err(Error::input(format!(
                "system {system:?} is not 1 to {MAX_NAME} lower-case letters and digits"
            )));
        }
        Ok(ModuleName { namespace: namespace.to_owned(), name: name.to_owned(), system: system.to_owned() })
    }

    /// Reads `namespace/name/system`.
    ///
    /// # Errors
    ///
    /// Names the part that no client would accept.
    pub fn parse(text: &str) -> Result<ModuleName, Error> {
        match text.split('/').collect::<Vec<_>>().as_slice() {
            [namespace, name, system] => ModuleName::new(namespace, name, system),
            _ => Err(Error::input(format!("module {text:?} is not `namespace/name/system`"))),
        }
    }

    /// Returns the namespace.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Returns the name without namespace and system.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the target system, such as `aws`.
    pub fn system(&self) -> &str {
        &self.system
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.namespace, self.name, self.system)
    }
}

pub(crate) fn check_name(what: &str, text: &str) -> Result<(), Error> {
    let inner = text.bytes().all(|byte| is_alphanumeric(byte) || byte == b'-' || byte == b'_');
    let ends = [text.bytes().next(), text.bytes().last()];
    if is_bounded(text) && inner && ends.into_iter().flatten().all(is_alphanumeric) {
        return Ok(());
    }
    Err(Error::input(format!(
        "{what} {text:?} is not 1 to {MAX_NAME} lower-case letters, digits, `-`, and `_`, \
         with a letter or digit at each end"
    )))
}

fn is_bounded(text: &str) -> bool {
    (1..=MAX_NAME).contains(&text.len())
}

fn is_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Reads a version that clients will ask for in these very characters.
///
/// # Errors
///
/// Returns an error for anything but `X.Y.Z` or `X.Y.Z-pre`: clients normalise other spellings
/// and would not find them, and they ignore build metadata when they choose.
pub fn parse_version(text: &str) -> Result<Version, Error> {
    let hint = "write `X.Y.Z`, without `v`, leading zeros, or `+` metadata";
    match Version::parse(text) {
        Ok(version) if version.build.is_empty() => Ok(version),
        Ok(_) => {
            Err(Error::input(format!("version {text:?} has build metadata, which clients ignore; {hint}")))
        }
        Err(error) => Err(Error::input(format!("version {text:?} is refused: {error}; {hint}"))),
    }
}
