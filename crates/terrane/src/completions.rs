//! `terrane completions` and `terrane man`: what a shell and a reader of manuals want of the command line.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::console;
use crate::exit::Failure;
use crate::files;

/// The arguments of `terrane completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// The arguments of `terrane man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The directory for the pages, such as ~/.local/share/man/man1
    directory: PathBuf,
}

/// Prints what a shell reads to complete commands, options, and their values.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Args::command(), "terrane", &mut script);
    std::io::stdout().write_all(&script).map_err(|error| Failure::service("cannot print", error))
}

/// Writes a manual page for the program, and one for each command.
pub(crate) fn man(args: &ManArgs) -> Result<(), Failure> {
    let directory = &args.directory;
    fs::create_dir_all(directory).map_err(|error| files::failed("make", directory, error))?;
    let mut command = crate::Args::command();
    command.build();
    let count = pages(&command, directory)?;
    console::note(format_args!("wrote {count} pages to {}", directory.display()));
    Ok(())
}

/// Writes the page of a command and those of its own commands, and returns how many they are.
fn pages(command: &clap::Command, directory: &Path) -> Result<usize, Failure> {
    let page = clap_mangen::Man::new(command.clone());
    let path = directory.join(page.get_filename());
    let mut text = Vec::new();
    page.render(&mut text).map_err(|error| files::failed("write", &path, error))?;
    fs::write(&path, text).map_err(|error| files::failed("write", &path, error))?;
    let own = command.get_subcommands().filter(|own| !own.is_hide_set() && own.get_name() != "help");
    own.into_iter().try_fold(1, |count, own| Ok(count + pages(own, directory)?))
}
