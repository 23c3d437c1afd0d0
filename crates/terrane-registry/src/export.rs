//! Exports: the versions that clients see, in the layouts of other registries.
//!
//! | format | layout | who reads it |
//! |---|---|---|
//! | `boring` | `modules/NS/NAME/SYSTEM/NS-NAME-SYSTEM-X.Y.Z.tar.gz` | boring-registry |
//! | `oci` | an OCI image layout for each module, with a tag for each version | OpenTofu, after a copy to an OCI registry |
//! | `git` | a bare repository `terraform-SYSTEM-NAME.git` for each module, with a tag `vX.Y.Z` for each version | the public registries, once pushed |
//!
//! An export can be run again: it adds what is new, and refuses what was exported with other content.

mod boring;
mod mirror;
mod oci;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use semver::Version;
use serde::Serialize;

use crate::layout::{File, Manifest, file_key};
use crate::package::sha256_hex;
use crate::registry::{Registry, create};
use crate::{Error, ErrorKind, ModuleName, Store, open_store};

/// A layout to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// The objects of a boring-registry.
    Boring,
    /// OCI image layouts, as OpenTofu takes modules from OCI registries.
    Oci,
    /// Git repositories with tags, as the public registries take modules.
    Git,
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Format, Error> {
        match text {
            "boring" => Ok(Format::Boring),
            "oci" => Ok(Format::Oci),
            "git" => Ok(Format::Git),
            _ => Err(Error::input(format!("format {text:?} is none of `boring`, `oci`, `git`"))),
        }
    }
}

/// One version that stands in an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exported {
    /// The module, as `namespace/name/system`.
    pub module: String,
    /// The version.
    pub version: Version,
    /// Where it is: a key, a reference, or a repository with a tag.
    pub place: String,
}

impl fmt::Display for Exported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.module, self.version, self.place)
    }
}

/// A version as it is read for an export.
struct Exporting<'a> {
    module: &'a ModuleName,
    version: &'a Version,
    manifest: &'a Manifest,
    archive: &'a [u8],
}

impl Registry<'_> {
    /// Writes every listed version, or those of one module, in another layout to a directory or S3.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Damaged`]: an archive is not what was published.
    /// - [`ErrorKind::Taken`]: the version was exported with other content.
    /// - [`ErrorKind::Input`]: the target is not one that the format can be written to.
    pub fn export(
        &self,
        format: Format,
        to: &str,
        only: Option<&ModuleName>,
    ) -> Result<Vec<Exported>, Error> {
        if format == Format::Git && to.contains("://") {
            return Err(Error::input(format!("`{to}`: repositories are written to a directory")));
        }
        let target = open_store(to)?;
        let mut exported = Vec::new();
        for module in self.modules()?.iter().filter(|module| only.is_none_or(|only| only == *module)) {
            for version in &self.index(module)?.listed {
                let (manifest, archive) = self.read_version(module, version)?;
                let exporting = Exporting { module, version, manifest: &manifest, archive: &archive };
                let place = match format {
                    Format::Boring => boring::write(target.as_ref(), &exporting)?,
                    Format::Oci => oci::write(target.as_ref(), &exporting)?,
                    Format::Git => mirror::write(Path::new(to), &exporting)?,
                };
                exported.push(Exported { module: module.to_string(), version: version.clone(), place });
            }
        }
        match only {
            Some(only) if exported.is_empty() => {
                Err(Error::new(ErrorKind::NotFound, format!("{only} has no versions here")))
            }
            _ => Ok(exported),
        }
    }

    /// Reads a version's record and archive, and checks one against the other.
    fn read_version(&self, module: &ModuleName, version: &Version) -> Result<(Manifest, Vec<u8>), Error> {
        let damaged =
            |what: &str| Error::new(ErrorKind::Damaged, format!("{module} {version}: {what}; run fsck"));
        let manifest = self.manifest(module, version)?.ok_or_else(|| damaged("the manifest is missing"))?;
        let archive = self.store().get(&file_key(module, version, File::Archive))?;
        let archive = archive.ok_or_else(|| damaged("the archive is missing"))?.bytes;
        if sha256_hex(&archive) != manifest.sha256 {
            return Err(damaged("the archive is not what was published"));
        }
        Ok((manifest, archive))
    }
}

/// Writes an object that must not exist with other content.
fn write_once(target: &dyn Store, key: &str, bytes: &[u8]) -> Result<(), Error> {
    match create(target, key, bytes)? {
        Some(existing) if existing.bytes != bytes => {
            Err(Error::new(ErrorKind::Taken, format!("`{key}` was exported with other content")))
        }
        _ => Ok(()),
    }
}
