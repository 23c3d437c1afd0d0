//! The names of workspaces.

use terrane_value::{Error, ErrorKind};

/// The workspace that every backend has.
pub(crate) const DEFAULT: &str = "default";

/// Checks a name by the rule of Terraform's command line: what stands in a URL path as it is.
///
/// Terraform's data source has no such rule, and reads other objects than one would expect for `a/b` or `../x`.
pub(crate) fn check(name: &str) -> Result<(), Error> {
    let fault = |reason: &str| {
        Err(ErrorKind::InvalidWorkspace { name: name.to_owned(), reason: reason.to_owned() }.into())
    };
    if name.is_empty() {
        return fault("a name is required");
    }
    if name == "." || name == ".." {
        return fault("the name would change the path of the state");
    }
    match name.chars().find(|char| !(char.is_ascii_alphanumeric() || "-_.~:@&=+$".contains(*char))) {
        Some(char) => fault(&format!("{char:?} is not a letter, a digit, or one of -_.~:@&=+$")),
        None => Ok(()),
    }
}
