//! `terrane init`: the first topology, as one file.

use std::path::PathBuf;

use terrane_compiler::Resolved;
use terrane_compiler::document;
use terrane_compiler::ledger::Ledger;

use crate::console;
use crate::exit::Failure;
use crate::files;

/// The topology that is written; `@NAME@` and `@FILE@` stand for values.
const TEMPLATE: &str = include_str!("init/network.toml.in");

/// The arguments of `terrane init`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The file to write, whose name ends in .toml
    #[arg(default_value = "network.toml")]
    file: PathBuf,
    /// The network's name; by default that of the file
    #[arg(long)]
    name: Option<String>,
}

/// Writes a topology that compiles as it stands, unless there is a file already.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let file = &args.file;
    if file.extension().is_none_or(|extension| extension != "toml") {
        let message = format!("`{}` is not the name of a TOML file; let it end in .toml", file.display());
        return Err(Failure::usage(message));
    }
    if file.exists() {
        let message = format!("`{}` exists; name another file, or move it away", file.display());
        return Err(Failure::problems(message));
    }
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = args.name.clone().or(stem).unwrap_or_default();
    let shown = file.display().to_string();
    let text = TEMPLATE.replace("@NAME@", &name.escape_debug().to_string()).replace("@FILE@", &shown);
    if let Err(found) = Resolved::of_read(document::read(&shown, &text), Ok(Ledger::default())) {
        console::diagnostics(&found);
        return Err(Failure::problems("no file was written; name the network with --name"));
    }
    files::write(file, &text)?;
    console::note(format_args!("wrote {shown}; next: terrane compile {shown} -o modules/{name}"));
    Ok(())
}
