//! What it costs to compile a network, as a whole process: the catalog beside CDK for Terraform, a thousand distinct
//! networks, and networks that grow.

mod cdktf;
mod many;

use std::{path::PathBuf, process::Command};

use terrane_compiler::{document, topology::Topology};

use crate::{
    bench::{
        Figures,
        measure::{self, Contender},
    },
    cargo,
    error::Result,
    files, process,
    workspace::Workspace,
};

/// What everything is compared with.
const EMPTY: &str = "an empty process";
/// How often each process runs that takes milliseconds.
const ROUNDS: usize = 101;
/// How often CDK for Terraform runs. It runs after the others: what it fills leaves the next process with cold caches.
const LONG_ROUNDS: usize = 21;

/// Times `terrane compile`.
pub(crate) fn run(workspace: &Workspace, catalog: &[Topology]) -> Result<Figures> {
    let scratch = files::scratch()?;
    let terrane = Terrane {
        program: cargo::build_release(workspace, &["--package", "terrane", "--bin", "terrane"])?,
        scratch: scratch.path().to_owned(),
    };
    let mut versions = vec![terrane.version()?];
    let mut contenders = vec![empty()];
    for topology in catalog {
        let name = format!("`terrane compile` of `{}`", topology.name);
        contenders.push(Contender { name, command: terrane.compile(&topology.name, topology)? });
    }
    let mut measured = measure::measure(contenders, ROUNDS)?;
    let mut how = format!("Medians of {ROUNDS} interleaved runs");
    if let Some(cdktf) = cdktf::install(workspace)? {
        versions.push(cdktf::VERSIONS.to_owned());
        measured.extend(measure::measure(cdktf.contenders(scratch.path()).into(), LONG_ROUNDS)?);
        how += &format!(", for CDK for Terraform of {LONG_ROUNDS},");
    }
    let mut markdown = measure::markdown(&measured, EMPTY);
    markdown += &format!("\n{}\n", many::distinct(&terrane)?);
    markdown += &many::growing(&terrane)?;
    markdown += &format!("\n{}", measure::conditions(&how, &versions)?);
    Ok(Figures { markdown, problems: Vec::new() })
}

fn empty() -> Contender {
    Contender { name: EMPTY.to_owned(), command: Command::new("true") }
}

/// The program under test, and where it may write.
struct Terrane {
    program: PathBuf,
    scratch: PathBuf,
}

impl Terrane {
    fn version(&self) -> Result<String> {
        let said = process::run(Command::new(&self.program).arg("--version"))?;
        Ok(said.trim().to_owned())
    }

    /// Writes a topology down, and returns the command that compiles it.
    fn compile(&self, label: &str, topology: &Topology) -> Result<Command> {
        let file = self.scratch.join(format!("{label}.toml"));
        files::write(&file, &document::to_toml(topology))?;
        let mut command = Command::new(&self.program);
        command.arg("compile").arg(&file).arg("--output").arg(self.scratch.join(label));
        Ok(command)
    }
}
