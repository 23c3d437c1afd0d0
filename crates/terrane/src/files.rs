//! Reads and writes files, and names the one where that fails.

use std::fs;
use std::path::Path;

use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::document;
use terrane_compiler::topology::Topology;

use crate::exit::Failure;

/// Reads a text.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| failed("read", path, error))
}

/// Writes a text, in directories that are made where there are none.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(|error| failed("make", parent, error))?;
    }
    fs::write(path, text).map_err(|error| failed("write", path, error))
}

/// Returns that something could not be done with a file or a directory.
pub(crate) fn failed(action: &str, path: &Path, error: std::io::Error) -> Failure {
    Failure::service(format!("cannot {action} `{}`", path.display()), error)
}

/// Reads the topology in a file's text: JSON if its name ends so, and TOML otherwise.
pub(crate) fn topology(file: &Path, text: &str) -> Result<Topology, Diagnostics> {
    document::read(&file.display().to_string(), text)
}

/// Returns that a file holds no network that can be built; why was printed.
pub(crate) fn refused(file: &Path, found: &Diagnostics) -> Failure {
    Failure::problems(format!("`{}` is not a network that can be built: {}", file.display(), found.count()))
}

/// Sums up the problems of a file that did not stop anything, if there are any.
pub(crate) fn sum_up(file: &Path, found: &Diagnostics) {
    if !found.is_empty() {
        eprintln!("warning: `{}` has {}", file.display(), found.count());
    }
}
