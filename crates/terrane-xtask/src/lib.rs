//! The xtask commands of a Terrane workspace, over any catalog.
//!
//! A workspace's own `xtask` is one line: `terrane_xtask::main(&my_catalog::all())`.
//! [`main`] reads the command line; each command is a file of its own.
//! A workspace with commands of its own flattens [`Command`] into them, and hands it to [`execute`].
//!
//! With the feature `e2e`, modules are applied on AWS emulators, too; [`terraform`], `emulator`, and `aws` are for tests
//! of the workspace as well: run Terraform, start an emulator, ask it what exists.

mod cargo;
mod outputs;
mod release;
mod test;

pub mod compile;
pub mod files;
pub mod modules;
pub mod process;
pub mod report;
pub mod terraform;

#[cfg(feature = "e2e")]
pub mod aws;
#[cfg(feature = "e2e")]
pub mod e2e;
#[cfg(feature = "e2e")]
pub mod emulator;
#[cfg(feature = "e2e")]
pub mod region;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use terrane_compiler::topology::Topology;

use report::Counts;
#[cfg(feature = "e2e")]
use terraform::Terraform;

pub use compile::compile;
pub use release::Args as ReleaseArgs;
pub use terrane_workspace::{Error, ErrorKind, Result, Workspace, error, workspace};
pub use test::{Part, Tests};

/// Everything is fine.
pub const EXIT_FINE: u8 = 0;
/// The input has problems, or a check failed; what it was is on standard error.
pub const EXIT_PROBLEMS: u8 = 1;
/// The command line makes no sense.
pub const EXIT_USAGE: u8 = 2;
/// `--check` found a difference.
pub const EXIT_DIFFERENCE: u8 = 3;
/// A file, program, or service failed.
pub const EXIT_SERVICE: u8 = 4;

/// Set (to anything but `0`) it makes tests try more cases; `cargo xtask test --long` sets it.
pub const LONG_VARIABLE: &str = "TERRANE_LONG";

/// Returns whether tests try more cases.
pub fn is_long() -> bool {
    std::env::var_os(LONG_VARIABLE).is_some_and(|value| value != "0")
}

/// Returns how many cases a test tries: `short` as a rule, `long` under `cargo xtask test --long`.
pub fn cases(short: u32, long: u32) -> u32 {
    if is_long() { long } else { short }
}

#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    about = "Compiles and tests the networks of this workspace"
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

/// The commands of every workspace.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compile topologies into modules/
    Compile {
        /// Topologies; all of the catalog if none is named
        names: Vec<String>,
        /// Write nothing, and exit with 3 if a file is not as it would be compiled
        #[arg(long)]
        check: bool,
        /// Rebuild ledgers that are lost or broken from the contracts of their modules
        #[arg(long, conflicts_with = "check")]
        recover_ledger: bool,
    },
    /// Run everything, from unit tests to a real `terraform apply` on AWS emulators
    Test {
        /// Try more cases
        #[arg(long)]
        long: bool,
    },
    /// Release a module: choose its version by what changed, commit it, publish it, read it back, and tag it
    Release(ReleaseArgs),
    /// Apply modules on an AWS emulator and compare what exists with what is declared
    #[cfg(feature = "e2e")]
    E2e {
        /// Modules; all of the catalog if none is named
        names: Vec<String>,
    },
}

/// Runs the command that the command line names, over a catalog, and returns its exit code.
pub fn main(catalog: &[Topology]) -> ExitCode {
    let command = Args::parse().command;
    let done = Workspace::find().and_then(|workspace| execute(command, &workspace, catalog));
    ExitCode::from(code(done))
}

/// Runs a command, such as `["compile", "--check"]`, in a workspace, and returns its exit code.
pub fn run(workspace: &Workspace, catalog: &[Topology], arguments: &[&str]) -> u8 {
    match Args::try_parse_from([&["cargo xtask"], arguments].concat()) {
        Ok(args) => code(execute(args.command, workspace, catalog)),
        Err(error) => {
            eprintln!("{error}");
            EXIT_USAGE
        }
    }
}

/// Returns the exit code of a command, and prints why it failed.
pub fn code(done: Result<u8>) -> u8 {
    done.unwrap_or_else(|error| {
        eprintln!("error: {}", error.chain());
        exit_code(error.kind())
    })
}

/// Runs a command over a catalog and returns its exit code.
///
/// # Errors
///
/// As the command says.
pub fn execute(command: Command, workspace: &Workspace, catalog: &[Topology]) -> Result<u8> {
    match command {
        Command::Compile { names, check: false, recover_ledger } => {
            let source =
                if recover_ledger { compile::LedgerSource::Contract } else { compile::LedgerSource::File };
            let topologies = select(catalog, &names)?;
            let differences = compile::write(workspace, &topologies, source)?;
            for difference in &differences {
                eprintln!("{}", difference.mended());
            }
            let compiled: Vec<&str> = topologies.iter().map(|topology| topology.name.as_str()).collect();
            eprintln!("compiled {}: {} files changed", compiled.join(", "), differences.len());
            Ok(EXIT_FINE)
        }
        Command::Compile { names, check: true, .. } => {
            let differences = compile::check(workspace, &select(catalog, &names)?, names.is_empty())?;
            for difference in &differences {
                eprintln!("{difference}");
            }
            if differences.is_empty() {
                return Ok(EXIT_FINE);
            }
            eprintln!("error: modules/ is not what the catalog compiles to; run `cargo xtask compile`");
            Ok(EXIT_DIFFERENCE)
        }
        Command::Test { long } => Ok(test(workspace, catalog, long, &Tests::default())),
        Command::Release(args) => release::run(workspace, catalog, &args).map(|()| EXIT_FINE),
        #[cfg(feature = "e2e")]
        Command::E2e { names } => match Terraform::find_or_skip(&workspace.cache())? {
            Some(terraform) => {
                let counts = e2e::run(workspace, &terraform, &select(catalog, &names)?)?;
                println!("{counts}");
                Ok(verdict(counts))
            }
            None => Ok(EXIT_FINE),
        },
    }
}

/// Runs every test of a workspace, and what it adds to them, and returns the exit code.
pub fn test(workspace: &Workspace, catalog: &[Topology], long: bool, more: &Tests) -> u8 {
    verdict(test::run(workspace, catalog, long || is_long(), more))
}

fn verdict(counts: Counts) -> u8 {
    if counts.failed == 0 { EXIT_FINE } else { EXIT_PROBLEMS }
}

/// Returns the named topologies of a catalog; all of them if none is named.
fn select<'a>(catalog: &'a [Topology], names: &[String]) -> Result<Vec<&'a Topology>> {
    let unknown = |name: &&String| !catalog.iter().any(|topology| topology.name == **name);
    if let Some(unknown) = names.iter().find(unknown) {
        let all: Vec<&str> = catalog.iter().map(|topology| topology.name.as_str()).collect();
        let message = format!("the catalog has no `{unknown}`; it has {}", all.join(", "));
        return Err(Error::new(ErrorKind::Refused, message));
    }
    Ok(catalog.iter().filter(|topology| names.is_empty() || names.contains(&topology.name)).collect())
}

fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Refused => EXIT_PROBLEMS,
        _ => EXIT_SERVICE,
    }
}
