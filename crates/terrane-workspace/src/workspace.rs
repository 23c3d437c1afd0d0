//! Where things lie in a Terrane workspace.

use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// A Terrane workspace on disk.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the workspace around the running xtask, or around the current directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::File`] if no directory above holds a `Cargo.toml` with a `[workspace]` table.
    pub fn find() -> Result<Self> {
        let start = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(dir) => PathBuf::from(dir),
            None => std::env::current_dir().map_err(|source| Error::file("find", Path::new("."), source))?,
        };
        let root = start.ancestors().find(|dir| {
            std::fs::read_to_string(dir.join("Cargo.toml")).is_ok_and(|text| text.contains("[workspace]"))
        });
        root.map(|root| Self { root: root.to_owned() }).ok_or_else(|| {
            Error::new(
                ErrorKind::File,
                format!("no Cargo workspace around {}; run this inside one", start.display()),
            )
        })
    }

    /// Takes a directory as a workspace.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Returns the directory of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the directory of the compiled modules.
    pub fn modules(&self) -> PathBuf {
        self.root.join("modules")
    }

    /// Returns the directory of golden modules, each beside its topology; it need not exist.
    pub fn golden_modules(&self) -> PathBuf {
        self.root.join("tests/ok")
    }

    /// Returns the sources of the crate of output structs, if the workspace has one.
    pub fn outputs(&self) -> Option<PathBuf> {
        ["crates/terrane-outputs/src", "outputs/src"]
            .map(|src| self.root.join(src))
            .into_iter()
            .find(|src| src.exists())
    }

    /// Returns the directory for things that are costly to make, never committed.
    pub fn cache(&self) -> PathBuf {
        self.root.join(".cache")
    }
}
