//! `terrane compile`: a topology in TOML or JSON becomes a module.

use std::path::PathBuf;

use semver::Version;
use serde::Serialize;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::proof::sarif;
use terrane_compiler::topology::Topology;
use terrane_compiler::{Compilation, Resolved};
use terrane_workspace::{Change, Difference, DifferenceKind, LedgerSource, ModuleDir, UNRELEASED, Whose};

use crate::console;
use crate::exit::{Failure, print_json};
use crate::files;

/// The arguments of `terrane compile`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The topology: a file whose name ends in .toml or .json, or - for standard input
    file: PathBuf,
    /// The module's directory, where its ledger lives too
    #[arg(short, long)]
    output: PathBuf,
    /// The module's version; by default the one in its `module.toml`, or 1.0.0
    #[arg(long, value_name = "X.Y.Z")]
    module_version: Option<Version>,
    /// Rebuild a lost ledger from the module's contract
    #[arg(long)]
    recover_ledger: bool,
    /// Write nothing, and exit with 3 if a file is not as it would be compiled
    #[arg(long, conflicts_with_all = ["dry_run", "recover_ledger", "force"])]
    check: bool,
    /// Say what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Take over a directory with files that were not written for this topology
    #[arg(long)]
    force: bool,
    /// Write a change that destroys what stands
    #[arg(long)]
    allow_destroy: bool,
    /// Print which files were written, what changed, and all diagnostics, as JSON
    #[arg(long)]
    json: bool,
    /// Print all diagnostics as SARIF, for annotations in CI
    #[arg(long, conflicts_with = "json")]
    sarif: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    diagnostics: &'a Diagnostics,
    /// What changes of the network that was compiled before.
    changes: Vec<Changed<'a>>,
    /// Files that were written, or would be.
    written: Vec<&'a str>,
    /// Files that the module no longer has.
    removed: Vec<&'a str>,
}

#[derive(Serialize)]
struct Changed<'a> {
    message: &'a str,
    destroys: bool,
}

/// Compiles, reports everything that was found, and writes the module if nothing is wrong.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    let text = files::declaration(&args.file)?;
    let module = ModuleDir::at(&args.output, Whose::Mixed);
    // From here on, so that the ledger that is read is the one that the module is written with.
    let locked = if args.check || args.dry_run { None } else { Some(module.lock()?) };
    let (topology, compilation) = match compiled(args, &module, &text)? {
        Ok(compiled) => compiled,
        Err(found) => {
            report(args, &found, &[], &[])?;
            return Err(files::refused(&args.file, &found));
        }
    };
    if args.check {
        return check(args, &compilation.warnings, &module.compare(&compilation)?);
    }
    let changes = module.changes(&topology, &compilation)?;
    let refused = refusal(args, &module, &compilation, &changes)?;
    let done = match (&locked, &refused) {
        (_, Some(_)) => Vec::new(),
        (Some(locked), None) => locked.write(&compilation)?,
        (None, None) => module.compare(&compilation)?,
    };
    drop(locked);
    report(args, &compilation.warnings, &changes, &done)?;
    files::sum_up(&args.file, &compilation.warnings);
    if let Some(refused) = refused {
        return Err(refused);
    }
    let n_written = done.iter().filter(|one| one.kind != DifferenceKind::Stale).count();
    let (wrote, n_files) =
        (if args.dry_run { "would write" } else { "wrote" }, compilation.files.iter().count());
    console::note(format_args!("{wrote} {n_written} of {n_files} files to {}", args.output.display()));
    // The process ends here; to free what was compiled piece by piece would only take longer.
    std::mem::forget(compilation);
    Ok(())
}

/// Compiles with the ledger and the version in the module's directory.
fn compiled(
    args: &Args,
    module: &ModuleDir,
    text: &str,
) -> Result<Result<(Topology, Compilation), Diagnostics>, Failure> {
    let source = if args.recover_ledger { LedgerSource::Contract } else { LedgerSource::File };
    let ledger = module.ledger(source)?;
    let version = match &args.module_version {
        Some(version) => version.clone(),
        None => module.version()?.unwrap_or(UNRELEASED),
    };
    let topology = files::topology(&args.file, text);
    let resolved = Resolved::of_read(topology.as_ref().map_err(Clone::clone), ledger);
    Ok(match resolved.and_then(|resolved| resolved.check().emit(&version)) {
        Ok(compilation) => topology.map(|topology| (topology, compilation)),
        Err(found) => Err(found),
    })
}

/// Says how the directory differs from what would be written.
fn check(args: &Args, warnings: &Diagnostics, differences: &[Difference]) -> Result<(), Failure> {
    report(args, warnings, &[], differences)?;
    files::sum_up(&args.file, warnings);
    if differences.is_empty() {
        return Ok(());
    }
    for difference in differences {
        eprintln!("{difference}");
    }
    let (output, file) = (args.output.display(), args.file.display());
    Err(Failure::difference(format!(
        "`{output}` is not what `{file}` compiles to; compile it without --check"
    )))
}

/// Returns why nothing may be written: files of others that would be lost, or what stands and would be destroyed.
fn refusal(
    args: &Args,
    module: &ModuleDir,
    compilation: &Compilation,
    changes: &[Change],
) -> Result<Option<Failure>, Failure> {
    let mut problems = Vec::new();
    let foreign = if args.force { Vec::new() } else { module.foreign(compilation)? };
    if !foreign.is_empty() {
        problems.push(format!(
            "`{}` has files that were not written for the topology `{}`: {}; compile into a directory of its own, or replace them with --force",
            args.output.display(),
            compilation.network.name,
            foreign.join(", ")
        ));
    }
    if !args.allow_destroy && !args.dry_run && changes.iter().any(|change| change.destroys) {
        problems.push(
            "the change destroys what stands once it is applied; nothing was written, and --allow-destroy writes it"
                .to_owned(),
        );
    }
    Ok(if problems.is_empty() { None } else { Some(Failure::problems(problems.join("\nerror: "))) })
}

fn report(
    args: &Args,
    diagnostics: &Diagnostics,
    changes: &[Change],
    done: &[Difference],
) -> Result<(), Failure> {
    console::diagnostics(diagnostics);
    for change in changes {
        console::note(change);
    }
    if args.sarif {
        return print_json(&sarif(&[], diagnostics));
    }
    if !args.json {
        return Ok(());
    }
    let names = |is_stale: bool| -> Vec<&str> {
        let wanted = done.iter().filter(|one| (one.kind == DifferenceKind::Stale) == is_stale);
        wanted.map(|one| one.name.as_str()).collect()
    };
    let changes =
        changes.iter().map(|change| Changed { message: &change.words, destroys: change.destroys }).collect();
    print_json(&Report { diagnostics, changes, written: names(false), removed: names(true) })
}
