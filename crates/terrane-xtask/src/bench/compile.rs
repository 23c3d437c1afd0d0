//! What it costs to compile a network, as a whole process.

use std::{path::Path, process::Command};

use terrane_compiler::{document, topology::Topology};

use crate::{
    bench::{
        Figures,
        measure::{self, Contender},
    },
    cargo,
    error::{Error, Result},
    process,
    workspace::Workspace,
};

/// What everything is compared with.
const EMPTY: &str = "an empty process";
/// How often each process runs.
const ROUNDS: usize = 41;

/// Times `terrane compile` of every network of the catalog beside a process that does nothing.
pub(crate) fn run(workspace: &Workspace, catalog: &[Topology]) -> Result<Figures> {
    let terrane = cargo::build_release(workspace, &["--package", "terrane", "--bin", "terrane"])?;
    let scratch = tempfile::tempdir()
        .map_err(|source| Error::file("make", Path::new("a temporary directory"), source))?;
    let version = process::run(Command::new(&terrane).arg("--version"))?;
    let mut contenders = vec![Contender { name: EMPTY.to_owned(), command: Command::new("true") }];
    for topology in catalog {
        let command = compilation(&terrane, scratch.path(), topology)?;
        contenders.push(Contender { name: format!("`{}`", topology.name), command });
    }
    let measured = measure::measure(contenders, ROUNDS)?;
    let mut markdown = measure::markdown(&measured, EMPTY);
    markdown += &format!("\n{}", measure::conditions(ROUNDS, &[version.trim().to_owned()])?);
    Ok(Figures { markdown, problems: Vec::new() })
}

/// Returns the command that compiles a topology, which is written down as a document.
fn compilation(terrane: &Path, scratch: &Path, topology: &Topology) -> Result<Command> {
    let file = scratch.join(format!("{}.toml", topology.name));
    std::fs::write(&file, document::to_toml(topology))
        .map_err(|source| Error::file("write", &file, source))?;
    let mut command = Command::new(terrane);
    command.arg("compile").arg(&file).arg("--output").arg(scratch.join(&topology.name));
    Ok(command)
}
