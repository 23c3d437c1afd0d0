//! `terrane diff OLD NEW`: what changed between two modules.

use std::path::{Path, PathBuf};

use terrane_contract::{Bump, Contract, diff};
use terrane_registry::Package;

use crate::exit::{Failure, both, print_json};
use crate::files;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A module's directory, its package (.tar.gz), or its contract (.json)
    old: PathBuf,
    /// The same, after the change
    new: PathBuf,
    /// Exit with 1 when the changes need more than this
    #[arg(long, value_name = "BUMP", value_parser = ["patch", "minor", "major"])]
    at_most: Option<String>,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let ((mut old, earlier), (new, package)) = both(read(&args.old), read(&args.new))?;
    // Directories need not be named like the module.
    old.module.clone_from(&new.module);
    let diff = match (earlier, package) {
        (Some(earlier), Some(package)) => package.changes(&new, Some((&old, &earlier))),
        _ => diff(&old, &new),
    };
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

/// Reads a contract, with the package that it is of, if there is one.
fn read(path: &Path) -> Result<(Contract, Option<Package>), Failure> {
    let refused = |error: &dyn std::fmt::Display| Failure::problems(format!("`{}`: {error}", path.display()));
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("module");
    if path.is_dir() {
        let package = Package::from_directory(path).map_err(|error| refused(&error))?;
        return with_contract(package, name).map_err(|failure| failure.about(path.display()));
    }
    let bytes = std::fs::read(path).map_err(|error| files::failed("read", path, error))?;
    if name.ends_with(".json") {
        let contract = serde_json::from_slice(&bytes).map_err(|error| refused(&error))?;
        return Ok((contract, None));
    }
    let package = Package::from_tar_gz(&bytes).map_err(|error| {
        refused(&format!(
            "{error}; give a module's directory, its package (.tar.gz), or its contract (.json)"
        ))
    })?;
    with_contract(package, name).map_err(|failure| failure.about(path.display()))
}

/// Reads a package's contract; a module that does not say its name has that of its file.
fn with_contract(package: Package, name: &str) -> Result<(Contract, Option<Package>), Failure> {
    let name = package.module_name().unwrap_or_else(|| name.to_owned());
    Ok((package.contract(&name)?, Some(package)))
}
