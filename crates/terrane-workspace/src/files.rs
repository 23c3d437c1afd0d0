//! Reads and writes files, and names the one where that fails.

use std::path::Path;

use crate::error::{Error, Result};

/// Makes a directory, and those around it.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File), as for each function here.
pub fn make_dir(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|source| Error::file("make", path, source))
}

/// Reads a text.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File).
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))
}

/// Reads a text; `None` if there is no such file.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File).
pub fn read_if_there(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path, error)),
    }
}

/// Writes a text, in directories that are made where there are none.
///
/// # Errors
///
/// [`ErrorKind::File`](crate::ErrorKind::File).
pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    std::fs::write(path, text).map_err(|source| Error::file("write", path, source))
}
