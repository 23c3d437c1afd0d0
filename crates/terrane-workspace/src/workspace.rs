//! Where things lie in a Terrane workspace.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use terrane_registry::Settings;

use crate::error::{Error, ErrorKind, Result};

/// The file that makes a directory of topologies in TOML a workspace, and says where its modules are released to.
pub const SETTINGS: &str = "terrane.toml";

/// Where modules are released to.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Released {
    host: String,
    namespace: String,
    url: Option<String>,
}

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

    /// Finds the workspace without Rust around a directory: the nearest one that holds [`SETTINGS`].
    pub fn of_topologies(start: &Path) -> Option<Self> {
        let start = std::fs::canonicalize(start).ok()?;
        start.ancestors().find(|dir| dir.join(SETTINGS).is_file()).map(Self::at)
    }

    /// Returns whether its topologies are files in TOML or JSON, and no Rust is built.
    pub fn is_without_rust(&self) -> bool {
        self.root.join(SETTINGS).is_file()
    }

    /// Returns the command that compiles its topologies.
    pub fn compile_command(&self) -> &'static str {
        if self.is_without_rust() { "terrane compile" } else { "cargo xtask compile" }
    }

    /// Returns the directory of topologies in TOML or JSON.
    pub fn topologies(&self) -> PathBuf {
        self.root.join("topologies")
    }

    /// Returns where its modules are released to, as [`SETTINGS`] or `[workspace.metadata.terrane]` in `Cargo.toml`
    /// says; `None` if neither does.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if host or namespace is missing or cannot be one, [`ErrorKind::File`] if the file cannot
    /// be read.
    pub fn settings(&self) -> Result<Option<Settings>> {
        let (file, keys, place): (_, &[&str], _) = if self.is_without_rust() {
            (SETTINGS, &[], String::new())
        } else {
            ("Cargo.toml", &["workspace", "metadata", "terrane"], "[workspace.metadata.terrane] ".to_owned())
        };
        let path = self.root.join(file);
        let Some(text) = crate::files::read_if_there(&path)? else { return Ok(None) };
        let refused = |source: toml::de::Error| {
            let message = format!("{}: {place}needs `host` and `namespace`", path.display());
            Error::new(ErrorKind::Refused, message).because(source)
        };
        let table: toml::Table = text.parse().map_err(refused)?;
        let found = keys.iter().try_fold(toml::Value::Table(table), |value, key| value.get(*key).cloned());
        let Some(found) = found.map(Released::deserialize).transpose().map_err(refused)? else {
            return Ok(None);
        };
        let settings = Settings::new(&found.host, &found.namespace)
            .map_err(|error| Error::new(ErrorKind::Refused, format!("{}: {error}", path.display())))?;
        Ok(Some(Settings { url: found.url, ..settings }))
    }

    /// Returns how callers name a module of the workspace, if it says where modules are released to.
    ///
    /// # Errors
    ///
    /// As [`settings`](Workspace::settings).
    pub fn address(&self, module: &str) -> Result<Option<String>> {
        let settings = self.settings()?;
        Ok(settings.map(|settings| format!("{}/{}/{module}/aws", settings.host, settings.namespace)))
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
