//! `terrane diff`: what changed between two modules, or between two revisions of one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use terrane_contract::{Bump, Checkout, Contract};
use terrane_registry::Package;

use crate::console;
use crate::exit::{Failure, both, print_json};
use crate::{files, revisions};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A module's directory, its package (.tar.gz), its contract (.json), or git revisions as OLD..NEW
    old: String,
    /// The same, after the change
    new: Option<String>,
    /// The directory of the module in both git revisions; without it, the current one
    #[arg(last = true, value_name = "DIR")]
    directory: Option<PathBuf>,
    /// Exit with 1 when the changes need more than this
    #[arg(long, value_name = "BUMP", value_parser = ["patch", "minor", "major"])]
    at_most: Option<String>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let (old, new) = sides(args)?;
    let diff = new.changes_since(&old);
    if args.json {
        print_json(&diff)?;
    } else {
        for finding in &diff.findings {
            println!("{finding}");
        }
        println!("required bump: {}", diff.required_bump);
    }
    let allowed = match args.at_most.as_deref() {
        Some("patch") => Bump::Patch,
        Some("minor") => Bump::Minor,
        _ => Bump::Major,
    };
    if diff.required_bump > allowed {
        return Err(Failure::problems(format!(
            "the changes need {}, more than {allowed}",
            diff.required_bump
        )));
    }
    Ok(())
}

/// Reads what is compared.
fn sides(args: &Args) -> Result<(Checkout, Checkout), Failure> {
    let here = PathBuf::from(".");
    let revisions = match (&args.new, &args.directory) {
        (None, directory) => {
            let Some((old, new)) = revisions::range(&args.old) else {
                return Err(Failure::usage(format!(
                    "`{}` is compared with nothing; name another module, or git revisions as OLD..NEW",
                    args.old
                )));
            };
            Some((old, new, directory.as_ref().unwrap_or(&here)))
        }
        (Some(new), Some(directory)) => Some((args.old.as_str(), new.as_str(), directory)),
        (Some(_), None) => None,
    };
    let (mut old, new) = match (revisions, &args.new) {
        (Some((old, new, directory)), _) => both(at(directory, old), at(directory, new))?,
        (None, Some(new)) => both(read(Path::new(&args.old)), read(Path::new(new)))?,
        (None, None) => return Err(Failure::usage("nothing to compare")),
    };
    // Directories need not be named like the module.
    old.contract.module.clone_from(&new.contract.module);
    Ok((old, new))
}

/// Reads a module as of a git revision.
fn at(directory: &Path, revision: &str) -> Result<Checkout, Failure> {
    let files = Package::files_of_tree(revisions::files(directory, revision)?).map_err(Failure::from)?;
    checkout(files, "module").map_err(|failure| failure.about(format!("{revision}:{}", directory.display())))
}

/// Reads a module's directory, package, or contract.
fn read(path: &Path) -> Result<Checkout, Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::problems(format!("`{}`: {error}", path.display()));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("module");
    if path.is_dir() {
        let files = Package::files_of_directory(path).map_err(Failure::from)?;
        return checkout(files, name).map_err(|failure| failure.about(path.display()));
    }
    let bytes = std::fs::read(path).map_err(|error| files::failed("read", path, error))?;
    if name.ends_with(".json") {
        let contract = serde_json::from_slice(&bytes).map_err(|error| refused(&error))?;
        return Ok(Checkout::of_contract(contract));
    }
    let package = Package::from_tar_gz(&bytes).map_err(|error| {
        refused(&format!(
            "{error}; give a module's directory, its package (.tar.gz), or its contract (.json)"
        ))
    })?;
    checkout(package.files().clone(), name).map_err(|failure| failure.about(path.display()))
}

/// Reads a module's files; one with a contract has what the files say and the contract knows beside it.
fn checkout(files: BTreeMap<String, Vec<u8>>, name: &str) -> Result<Checkout, Failure> {
    let written = files.get("contract.json").map(|text| serde_json::from_slice::<Contract>(text));
    let written = written
        .transpose()
        .map_err(|error| Failure::problems(format!("contract.json is not a valid contract: {error}")))?;
    let name = written.as_ref().map_or(name, |written| written.module.as_str());
    let mut checkout = Checkout::read(name, files);
    if let Some(written) = written {
        let contradictions = written.contradictions(&checkout.contract);
        if let Some(first) = contradictions.first() {
            let message = "the contract is not of these files, which are compared without it";
            console::warn(format_args!("contract.json: {first}; {message}; compile the module again"));
        } else {
            checkout.contract = written;
        }
    }
    for problem in checkout.problems() {
        console::warn(problem);
    }
    if !checkout.is_module() {
        return Err(Failure::problems("no Terraform declarations found; a module has .tf or .tf.json files"));
    }
    Ok(checkout)
}
