//! Finds the commit that the program is built from, for `terrane --version`.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let suffix = published().or_else(checked_out).map(|built| format!(" ({built})")).unwrap_or_default();
    println!("cargo::rustc-env=TERRANE_VERSION={}{suffix}", env!("CARGO_PKG_VERSION"));
}

/// Returns the commit that cargo noted in a published package.
fn published() -> Option<String> {
    let noted = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, after) = noted.split_once("\"sha1\": \"")?;
    after.get(..9).map(str::to_owned)
}

/// Returns the commit of a checkout, and the day that it was made.
fn checked_out() -> Option<String> {
    // A copy inside a repository of somebody else is of no commit there.
    git(&["ls-files", "--error-unmatch", "Cargo.toml"])?;
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    git(&["log", "-1", "--format=%h %cs", "--abbrev=9"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
