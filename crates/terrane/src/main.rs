//! The `terrane` command line: each command is a file of its own.

mod bindings;
mod compile;
mod completions;
mod console;
mod diff;
mod exit;
mod explain;
mod files;
mod help;
mod init;
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
    about = "Networks as Terraform modules: compile, compare, publish, serve",
    after_long_help = help::TERRANE
)]
struct Args {
    /// Say only what is wrong: no warnings, no progress, no summary
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compile a topology in TOML or JSON into a Terraform module, or all those of a workspace
    #[command(after_long_help = help::COMPILE)]
    Compile(compile::Args),
    /// Release a module of a workspace without Rust: choose its version by what changed, commit it, publish it, read it
    /// back, and tag it
    #[command(after_long_help = help::RELEASE)]
    Release(terrane_xtask::ReleaseArgs),
    /// Write a first topology, as one TOML file
    #[command(after_long_help = help::INIT)]
    Init(init::Args),
    /// Make a workspace for the networks of a team
    #[command(after_long_help = help::NEW)]
    New(new::Args),
    /// Show what changed between two modules, and the version bump that it needs
    #[command(after_long_help = help::DIFF)]
    Diff(diff::Args),
    /// Prove what a network keeps apart and lets through, before or after it is applied
    #[command(after_long_help = help::PROVE)]
    Prove(prove::Args),
    /// Explain the code of a diagnostic, a claim, or a rule, and what to do about it
    #[command(after_long_help = help::EXPLAIN)]
    Explain(explain::Args),
    /// Print the outputs of a state or a module as a Rust file
    #[command(after_long_help = help::BINDINGS)]
    Bindings(bindings::Args),
    /// Publish modules to a registry, and keep and serve one
    #[command(subcommand, after_long_help = help::REGISTRY)]
    Registry(registry::Command),
    /// Read a Terraform state from S3, a file, or a Terraform directory
    #[command(subcommand, after_long_help = help::STATE)]
    State(state::Command),
    /// Print the completions of a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(completions::Args),
    /// Write manual pages, one for each command
    #[command(after_long_help = help::MAN)]
    Man(completions::ManArgs),
}

fn main() -> ExitCode {
    exit::without_panic_when_unheard();
    let args = Args::parse();
    if args.quiet {
        console::be_quiet();
    }
    let result = match args.command {
        Command::Compile(args) => compile::run(&args),
        Command::Release(args) => release::run(args),
        Command::Init(args) => init::run(&args),
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
