//! The version of a module, which `module.toml` in its directory says.

use std::path::Path;

use semver::Version;

use crate::error::{Error, ErrorKind, Result};
use crate::files;

/// The version of a module that has not been released: the one that its first release will have.
pub const UNRELEASED: Version = Version::new(1, 0, 0);

/// The file with the module's version.
pub(crate) const FILE: &str = "module.toml";

/// Returns the version that the directory of a module says; `None` if it was never released.
///
/// # Errors
///
/// [`ErrorKind::Refused`] if `module.toml` holds no version, [`ErrorKind::File`] if it cannot be read.
pub fn version(directory: &Path) -> Result<Option<Version>> {
    let path = directory.join(FILE);
    files::read_if_there(&path)?.map(|text| parse(&text, &path.display().to_string())).transpose()
}

/// Returns the version in the text of a `module.toml`, which is at `place`.
pub(crate) fn parse(text: &str, place: &str) -> Result<Version> {
    let table: toml::Table = text
        .parse()
        .map_err(|source| Error::new(ErrorKind::Refused, format!("{place} is not TOML")).because(source))?;
    let Some(found) = table.get("version") else {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("{place} has no `version`; add one like \"1.2.3\""),
        ));
    };
    let Some(found) = found.as_str() else {
        let message = format!("{place}: version is {found}, but must be a text like \"1.2.3\"");
        return Err(Error::new(ErrorKind::Refused, message));
    };
    terrane_registry::parse_version(found)
        .map_err(|error| Error::new(ErrorKind::Refused, format!("{place}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_cannot_be_read_is_named_with_its_file() {
        assert_eq!(parse("version = \"1.2.3\"\n", "m").unwrap(), Version::new(1, 2, 3));
        for (text, says) in [
            ("version = \"one\"", "m: version \"one\" is refused"),
            ("version = \"1.0.0+x\"", "m: version \"1.0.0+x\" has build metadata"),
            ("version = 1", "m: version is 1, but must be a text like \"1.2.3\""),
            ("name = \"x\"", "m has no `version`"),
            ("<<<<<<< ours", "m is not TOML"),
        ] {
            let error = parse(text, "m").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Refused);
            assert!(error.to_string().contains(says), "{error}");
        }
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(version(directory.path()).unwrap(), None);
    }
}
