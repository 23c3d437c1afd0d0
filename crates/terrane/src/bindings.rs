//! `terrane bindings`: the outputs of a state, or of a module, as a Rust file.
//!
//! A directory with a `contract.json` is a module; one whose backend holds a state is that state; any other is a module
//! whose output types are known as far as it declares them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::Version;
use terrane_contract::{Contract, Output, Type, module_bindings, output_bindings};
use terrane_state::{Backend, Environment, Reader, State};
use terrane_workspace::UNRELEASED;

use crate::exit::{Failure, print_json};
use crate::files;
use crate::state::{block_on, warn};

/// The command in the first lines of what it generates.
const GENERATOR: &str = "terrane bindings";

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A state (s3://bucket/key, a file, a Terraform directory), or the directory of a module
    source: String,
    /// A workspace in place of the selected one
    #[arg(long)]
    workspace: Option<String>,
    /// The version of the module, where its directory does not say
    #[arg(long = "module-version", value_name = "X.Y.Z")]
    version: Option<Version>,
    /// Write to this file in place of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the outputs and their types as JSON
    #[arg(long)]
    json: bool,
}

/// What is turned into Rust.
enum Source {
    State { place: String, outputs: BTreeMap<String, Output> },
    Module(Box<Contract>),
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let source = if is_module(Path::new(&args.source)) {
        Source::Module(Box::new(contract(Path::new(&args.source))?))
    } else {
        state(args)?
    };
    let outputs = match &source {
        Source::State { outputs, .. } => outputs,
        Source::Module(contract) => &contract.outputs,
    };
    for (name, _) in outputs.iter().filter(|(_, output)| output.ty == Type::Dynamic) {
        eprintln!("note: the type of output `{name}` is not known; it becomes a `Value`");
    }
    if args.json {
        return print_json(outputs);
    }
    let text = match &source {
        Source::State { place, outputs } => output_bindings(&format!("the state `{place}`"), outputs),
        // A module that says in its outputs which it is can be checked when it is read.
        Source::Module(contract) if contract.outputs.contains_key("terrane") => {
            module_bindings(contract, &version(args)?, GENERATOR)
        }
        Source::Module(contract) => {
            output_bindings(&format!("the module `{}`", contract.module), &contract.outputs)
        }
    };
    match &args.output {
        Some(path) => files::write(path, &text),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}

/// Returns whether a path is that of a module, and says why if that is not plain.
fn is_module(path: &Path) -> bool {
    if !path.is_dir() || path.join("contract.json").is_file() {
        return path.is_dir();
    }
    match Backend::of_directory(path, &Environment::process()) {
        Ok(_) => false,
        Err(error) => {
            eprintln!("note: read as a module, without a state: {error}");
            true
        }
    }
}

/// Reads a module's own `.tf` files, whatever else stands beside them, and its contract if it has one.
fn contract(directory: &Path) -> Result<Contract, Failure> {
    let texts = terraform_files(directory)?;
    let path = directory.join("contract.json");
    if !path.is_file() {
        if texts.is_empty() {
            let place = directory.display();
            return Err(Failure::problems(format!(
                "`{place}` holds no state, no contract, and no Terraform file"
            )));
        }
        let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        let name = absolute.file_name().and_then(|name| name.to_str()).unwrap_or("module");
        return Contract::from_files(name, texts).map_err(|error| Failure::problems(error.to_string()));
    }
    let place = path.display();
    let written: Contract = serde_json::from_str(&files::read(&path)?)
        .map_err(|error| Failure::problems(format!("`{place}` is no contract: {error}")))?;
    if !texts.is_empty() {
        let found = Contract::from_files(&written.module, texts)
            .map_err(|error| Failure::problems(error.to_string()))?;
        if let Some(line) = written.contradictions(&found).first() {
            return Err(Failure::problems(format!("`{place}`: {line}; compile the module again")));
        }
    }
    Ok(written)
}

fn terraform_files(directory: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let failed = |error| files::failed("read", directory, error);
    let mut texts = BTreeMap::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() && (name.ends_with(".tf") || name.ends_with(".tf.json")) {
            texts.insert(name, files::read(&path)?);
        }
    }
    Ok(texts)
}

/// Returns the version that was asked for, else the one in the module's directory, else that of a first release.
fn version(args: &Args) -> Result<Version, Failure> {
    if let Some(version) = &args.version {
        return Ok(version.clone());
    }
    let found = terrane_workspace::version(Path::new(&args.source))
        .map_err(|error| Failure::from(error).hinting("; name one with --module-version"))?;
    Ok(found.unwrap_or(UNRELEASED))
}

fn state(args: &Args) -> Result<Source, Failure> {
    block_on(async {
        let builder = Reader::at(&args.source);
        let reader = match &args.workspace {
            Some(workspace) => builder.workspace(workspace),
            None => builder,
        };
        let reader = reader.connect().await?;
        let state = reader.read().await?;
        warn(&state);
        state.check_outputs()?;
        Ok(Source::State { place: reader.place(), outputs: outputs(&state) })
    })
}

fn outputs(state: &State) -> BTreeMap<String, Output> {
    let readable = state.iter().filter_map(|(name, output)| Some((name, output.ok()?)));
    readable
        .map(|(name, found)| {
            let mut output = Output::new(found.observed_type());
            output.sensitive = found.sensitive();
            output.nullable = *found.value() == terrane_state::Value::Null;
            (name.to_owned(), output)
        })
        .collect()
}
