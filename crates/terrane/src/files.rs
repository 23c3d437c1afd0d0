//! Reads and writes files, and names the one where that fails.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::document;
use terrane_compiler::topology::Topology;

use crate::exit::Failure;

/// The name that stands for standard input.
const STANDARD_INPUT: &str = "-";

/// Reads a text in UTF-8, of a file or of standard input.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = if path == Path::new(STANDARD_INPUT) {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    let bytes = bytes.map_err(|error| failed("read", path, error))?;
    String::from_utf8(bytes)
        .map_err(|error| not_utf8(path, error.as_bytes(), error.utf8_error().valid_up_to()))
}

/// Says where a text stops to be UTF-8, and what may have happened to it.
fn not_utf8(path: &Path, bytes: &[u8], valid: usize) -> Failure {
    let before = &bytes[..valid];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = valid - before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) + 1;
    let looks = match bytes {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it begins as UTF-16 does; ",
        _ => "",
    };
    Failure::problems(format!(
        "`{}` is not UTF-8: byte 0x{:02x} at {line}:{column}; {looks}save it as UTF-8",
        path.display(),
        bytes.get(valid).copied().unwrap_or_default()
    ))
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
    // What comes in through standard input has no name that says which of the two it is.
    let name = match file == Path::new(STANDARD_INPUT) {
        true if text.trim_start().starts_with('{') => "standard-input.json".to_owned(),
        true => "standard-input".to_owned(),
        false => file.display().to_string(),
    };
    document::read(&name, text)
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
