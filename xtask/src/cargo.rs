//! Programs of this workspace, built with optimisations.

use std::{path::PathBuf, process::Command};

use crate::{
    error::{Error, ErrorKind, Result},
    process,
    workspace::Workspace,
};

/// Builds one program with optimisations, and returns where it lies.
///
/// # Errors
///
/// [`ErrorKind::Program`] if it does not build.
pub(crate) fn build_release(workspace: &Workspace, target: &[&str]) -> Result<PathBuf> {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(["build", "--release", "--locked", "--message-format=json-render-diagnostics"])
        .args(target)
        .current_dir(workspace.root());
    let text = process::run(&mut command)?;
    let mut executables = text.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    executables.next_back().ok_or_else(|| {
        Error::new(
            ErrorKind::Program,
            format!("`cargo build --release {}` built no program", target.join(" ")),
        )
    })
}
