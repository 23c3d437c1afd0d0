//! The commands of every Terrane workspace over the catalog of this one, and those that only this one has:
//! benchmarks, the excerpt of the provider's schema, and the checks of what is given away besides modules.

mod bench;
mod cargo;
pub mod churn;
mod distribution;
mod pages;
mod schema;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use terrane_compiler::topology::Topology;
use terrane_xtask::emulator::{Emulators, Kind};
use terrane_xtask::error::{Error, ErrorKind, Result};
use terrane_xtask::terraform::Terraform;
use terrane_xtask::{EXIT_FINE, EXIT_PROBLEMS, Part, Tests, Workspace};

// Where the files of this crate find what they share with the commands of every workspace.
use terrane_xtask::{e2e, emulator, error, files, modules, process, region, report, terraform, workspace};

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Compiles, tests, and measures the networks of this workspace"
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Common(terrane_xtask::Command),
    /// Take the excerpt of the AWS provider's schema anew from the installed provider
    Schema,
    /// Measure, and write what was measured into docs/
    Bench {
        /// What to measure; everything if nothing is named
        #[arg(value_enum)]
        parts: Vec<bench::Part>,
    },
}

/// Runs the command that the command line names, and returns its exit code.
pub fn main() -> ExitCode {
    let command = Args::parse().command;
    let done = Workspace::find().and_then(|workspace| execute(command, &workspace, &terrane_catalog::all()));
    ExitCode::from(terrane_xtask::code(done))
}

fn execute(command: Command, workspace: &Workspace, catalog: &[Topology]) -> Result<u8> {
    match command {
        Command::Common(terrane_xtask::Command::Test { long }) => test(workspace, catalog, long),
        Command::Common(command) => terrane_xtask::execute(command, workspace, catalog),
        Command::Schema => {
            let terraform = Terraform::find(&workspace.cache())?.ok_or_else(|| {
                let message =
                    "terraform, which knows the provider's schema, is not on PATH; install 1.7 or later";
                Error::new(ErrorKind::Program, message)
            })?;
            eprintln!("written: {}", schema::write(workspace, &terraform)?.display());
            Ok(EXIT_FINE)
        }
        Command::Bench { parts } => bench::run(workspace, catalog, &parts),
    }
}

/// Runs the tests of every workspace, and checks the crates and the program beside them.
fn test(workspace: &Workspace, catalog: &[Topology], long: bool) -> Result<u8> {
    // A second S3 keeps the one that tests have in memory honest.
    let second =
        Emulators::install(&workspace.cache()).and_then(|emulators| emulators.start(Kind::Ministack));
    let endpoint = match &second {
        Ok(emulator) => Some(("TERRANE_S3_ENDPOINT", emulator.endpoint().to_owned())),
        Err(error) => {
            eprintln!("skipped: tests against a second S3: {error}");
            None
        }
    };
    let more = Tests {
        variables: endpoint.into_iter().collect(),
        parts: vec![Part { name: "crates and program", run: distribution::check }],
    };
    Ok(terrane_xtask::test(workspace, catalog, long, &more))
}
