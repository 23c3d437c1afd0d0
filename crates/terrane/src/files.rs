//! Reads and writes files, and names the one where that fails.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::document;
use terrane_compiler::topology::Topology;

use crate::console;
use crate::exit::Failure;

/// The name of standard input.
const STDIN: &str = "-";

/// Reads a text: that of a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    let bytes = if is_stdin(path) {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(path)
    };
    text(path, bytes.map_err(|error| failed("read", path, error))?)
}

/// Reads the text of a topology, from a file whose name does not say that it is something else.
pub(crate) fn declaration(path: &Path) -> Result<String, Failure> {
    match path.extension().and_then(|extension| extension.to_str()) {
        None | Some("toml" | "json") => read(path),
        Some(extension) => {
            let renamed = [path.with_extension("toml"), path.with_extension("json")];
            Err(Failure::problems(format!(
                "`{}` ends in .{extension}, but a topology is TOML or JSON; name it `{}` or `{}`",
                path.display(),
                renamed[0].display(),
                renamed[1].display()
            )))
        }
    }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}

/// Returns how messages name a file.
fn shown(file: &Path) -> String {
    if is_stdin(file) { "<stdin>".to_owned() } else { file.display().to_string() }
}

/// Returns bytes as a text, or where they are none.
fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| {
        let (bytes, valid) = (error.as_bytes(), error.utf8_error().valid_up_to());
        let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
        let found = match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16".to_owned(),
            _ => format!("line {line} has the byte 0x{:02x}", bytes[valid]),
        };
        Failure::problems(format!("`{}` is not a text in UTF-8: {found}; save it as UTF-8", shown(path)))
    })
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

/// Reads the topology in a file's text: JSON if its name ends so, or has no ending and the text begins so.
pub(crate) fn topology(file: &Path, text: &str) -> Result<Topology, Diagnostics> {
    document::read(&shown(file), text)
}

/// Returns that a file holds no network that can be built; why was printed.
pub(crate) fn refused(file: &Path, found: &Diagnostics) -> Failure {
    Failure::problems(format!("`{}` is not a network that can be built: {}", shown(file), found.count()))
}

/// Sums up the problems of a file that did not stop anything, if there are any.
pub(crate) fn sum_up(file: &Path, found: &Diagnostics) {
    if !found.is_empty() {
        console::warn(format_args!("`{}` has {}", shown(file), found.count()));
    }
}
