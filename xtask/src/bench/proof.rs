//! What a proof costs, inside a process: `crates/terrane-compiler/benches/proof.rs` does the timing.

use std::process::Command;

use crate::{
    bench::{Figures, measure},
    cargo,
    error::Result,
    process,
    workspace::Workspace,
};

/// Builds the timing program with optimisations, and runs it.
pub(crate) fn run(workspace: &Workspace) -> Result<Figures> {
    let program = cargo::build_release(workspace, &["--package", "terrane-compiler", "--bench", "proof"])?;
    let mut markdown = process::run(&mut Command::new(program))?;
    markdown += &format!("\n{}", measure::conditions("Each network proved 31 times", &[])?);
    Ok(Figures { markdown, problems: Vec::new() })
}
