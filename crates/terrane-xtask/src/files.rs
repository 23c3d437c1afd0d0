//! Reads and writes files, and names the one where that fails.

use std::path::Path;

use tempfile::TempDir;

use crate::error::{Error, Result};

pub use terrane_workspace::files::{make_dir, read, read_if_there, write};

/// Makes a directory that goes when the value does.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File).
pub fn scratch() -> Result<TempDir> {
    tempfile::tempdir().map_err(|source| Error::file("make", Path::new("a temporary directory"), source))
}
