//! The `terrane` command line: each command is a file of its own.

mod bindings;
mod compile;
mod completions;
mod diff;
mod exit;
mod explain;
mod files;
mod new;
mod prove;
mod registry;
mod release;
mod revisions;
mod state;
mod topologies;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(
    name = "terrane",
    version = env!("TERRANE_VERSION"),
    about = "Networks as Terraform modules: compile, compare, publish, serve"
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile a topology in TOML or JSON into a Terraform module, or all those of a workspace
    Compile(compile::Args),
    /// Release a module of a workspace without Rust: choose its version by what changed, commit it, publish it, read it
    /// back, and tag it
    Release(terrane_xtask::ReleaseArgs),
    /// Make a workspace for the networks of a team
    New(new::Args),
    /// Show what changed between two modules, and the version bump that it needs
    Diff(diff::Args),
    /// Prove what a network keeps apart and lets through, before or after it is applied
    Prove(prove::Args),
    /// Explain the code of a diagnostic, a claim, or a rule, and what to do about it
    Explain(explain::Args),
    /// Print the outputs of a state or a module as a Rust file
    Bindings(bindings::Args),
    /// Publish modules to a registry, and keep and serve one
    #[command(subcommand)]
    Registry(registry::Command),
    /// Read a Terraform state from S3, a file, or a Terraform directory
    #[command(subcommand)]
    State(state::Command),
    /// Print the completions of a shell
    Completions(completions::Args),
    /// Write manual pages, one for each command
    Man(completions::ManArgs),
}

fn main() -> ExitCode {
    exit::without_panic_when_unheard();
    let result = match Args::parse().command {
        Command::Compile(args) => compile::run(&args),
        Command::Release(args) => release::run(args),
        Command::New(args) => new::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Bindings(args) => bindings::run(&args),
        Command::Registry(command) => registry::run(command),
        Command::State(command) => state::run(command),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(&args),
    };
    exit::code(result)
}
