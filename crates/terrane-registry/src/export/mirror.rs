//! Git repositories as the public registries want them: `terraform-SYSTEM-NAME`, with a tag `vX.Y.Z` for each version.
//!
//! A bare repository gets one commit for each version; pushing it, with its tags, is what publishes.
//! A clone of what was pushed earlier serves as well as one that an export made.

use std::fs;
use std::path::Path;

use super::Exporting;
use crate::git::Git;
use crate::{Error, ErrorKind, Package};

pub(super) fn write(directory: &Path, exporting: &Exporting<'_>) -> Result<String, Error> {
    let Exporting { module, version, manifest, archive } = exporting;
    let name = format!("terraform-{}-{}.git", module.system(), module.name());
    let root = directory.join(&name);
    let git = Git { root: &root };
    if !root.join("HEAD").exists() {
        fs::create_dir_all(&root)
            .map_err(|error| Error::unavailable(format!("cannot write `{}`", root.display()), error))?;
        git.init_bare()?;
    }
    let tag = format!("v{version}");
    let place = format!("{name}@{tag}");
    if !git.has_tag(&tag)? {
        let message = format!("{module} {version}\n\n{}\n", manifest.h1);
        git.import(&Package::from_tar_gz(archive)?, &tag, &message)?;
        return Ok(place);
    }
    let found = Package::from_files(git.files(&tag)?)?.tree_digest();
    if found == manifest.h1 {
        return Ok(place);
    }
    let message = format!("`{name}`: the tag {tag} holds {found}, not {}", manifest.h1);
    Err(Error::new(ErrorKind::Taken, message))
}
