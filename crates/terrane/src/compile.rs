//! `terrane compile`: a topology in TOML or JSON becomes a module.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use semver::Version;
use serde::Serialize;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::proof::sarif;
use terrane_compiler::topology::Topology;
use terrane_compiler::{Compilation, Resolved};
use terrane_workspace::{
    Change, Difference, DifferenceKind, LedgerSource, ModuleDir, UNRELEASED, Whose, Workspace,
};

use crate::console;
use crate::exit::{Failure, print_json};
use crate::files;
use crate::topologies;

/// The arguments of `terrane compile`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The topology: a file whose name ends in .json, in TOML otherwise, or - for standard input; without one, all
    /// topologies of the workspace around the current directory
    file: Option<PathBuf>,
    /// The module's directory, where its ledger lives too; in a workspace, modules/NAME unless given
    #[arg(short, long, value_name = "DIR", requires = "file")]
    output: Option<PathBuf>,
    /// The module's version; by default the one in its `module.toml`, or 1.0.0
    #[arg(long, value_name = "X.Y.Z", requires = "file")]
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
    #[arg(long, requires = "file")]
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

/// A topology that is compiled, and where to.
struct Job<'a> {
    args: &'a Args,
    file: &'a Path,
    output: PathBuf,
    topology: Result<Topology, Diagnostics>,
    workspace: Option<&'a Workspace>,
}

/// Compiles a file, or every topology of a workspace.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match &args.file {
        Some(file) => {
            let around = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            let workspace = Workspace::of_topologies(around.unwrap_or(Path::new(".")));
            one(args, file, workspace.as_ref())
        }
        None => all(args),
    }
}

/// Compiles every topology of a workspace; each is written for itself, and what is wrong with any is said.
fn all(args: &Args) -> Result<(), Failure> {
    let workspace = topologies::workspace()?;
    let names: BTreeSet<String> =
        topologies::catalog(&workspace)?.into_iter().map(|topology| topology.name).collect();
    let paths = topologies::paths(&workspace)?;
    let mut failures: Vec<Failure> =
        paths.iter().filter_map(|path| one(args, path, Some(&workspace)).err()).collect();
    for name in terrane_xtask::modules::names(&workspace.modules())? {
        if !names.contains(&name) {
            failures.push(Failure::difference(format!(
                "modules/{name} has no topology; remove it with `git rm -r modules/{name}`, or restore its topology"
            )));
        }
    }
    Failure::all(failures).map_or(Ok(()), Err)
}

/// Compiles one topology into `-o DIR`, or into its place in the workspace.
fn one(args: &Args, file: &Path, workspace: Option<&Workspace>) -> Result<(), Failure> {
    let topology = files::topology(file, &files::declaration(file)?);
    let output = match (&args.output, &topology, workspace) {
        (Some(output), ..) => output.clone(),
        (None, Ok(topology), Some(workspace)) => workspace.modules().join(&topology.name),
        (None, Err(found), Some(_)) => {
            report(args, found, &[], &[])?;
            return Err(files::refused(file, found));
        }
        (None, _, None) => {
            return Err(Failure::usage(
                "say where the module goes, with -o DIR; in a workspace with a `terrane.toml` it is modules/NAME",
            ));
        }
    };
    // Shorter to read, where it is below the current directory.
    let here =
        std::env::current_dir().ok().and_then(|here| output.strip_prefix(here).map(Path::to_owned).ok());
    compile(&Job { args, file, output: here.unwrap_or(output), topology, workspace })
}

/// Compiles, reports everything that was found, and writes the module if nothing is wrong.
fn compile(job: &Job<'_>) -> Result<(), Failure> {
    let Job { args, file, output, .. } = job;
    let module = ModuleDir::at(output, Whose::Mixed);
    // From here on, so that the ledger that is read is the one that the module is written with.
    let locked = if args.check || args.dry_run { None } else { Some(module.lock()?) };
    let (topology, compilation) = match compiled(job, &module)? {
        Ok(compiled) => compiled,
        Err(found) => {
            report(args, &found, &[], &[])?;
            return Err(files::refused(file, &found));
        }
    };
    if args.check {
        return check(job, &compilation.warnings, &module.compare(&compilation)?);
    }
    let changes = module.changes(topology, &compilation)?;
    let refused = refusal(job, &module, &compilation, &changes)?;
    let done = match (&locked, &refused) {
        (_, Some(_)) => Vec::new(),
        (Some(locked), None) => locked.write(&compilation)?,
        (None, None) => module.compare(&compilation)?,
    };
    drop(locked);
    report(args, &compilation.warnings, &changes, &done)?;
    files::sum_up(file, &compilation.warnings);
    if let Some(refused) = refused {
        return Err(refused);
    }
    let n_written = done.iter().filter(|one| one.kind != DifferenceKind::Stale).count();
    let (wrote, n_files) =
        (if args.dry_run { "would write" } else { "wrote" }, compilation.files.iter().count());
    console::note(format_args!("{wrote} {n_written} of {n_files} files to {}", output.display()));
    // The process ends here; to free what was compiled piece by piece would only take longer.
    std::mem::forget(compilation);
    Ok(())
}

/// Compiles with the ledger and the version in the module's directory.
fn compiled<'a>(
    job: &'a Job<'_>,
    module: &ModuleDir,
) -> Result<Result<(&'a Topology, Compilation), Diagnostics>, Failure> {
    let args = job.args;
    let source = if args.recover_ledger { LedgerSource::Contract } else { LedgerSource::File };
    let ledger = module.ledger(source)?;
    let version = match &args.module_version {
        Some(version) => version.clone(),
        None => module.version()?.unwrap_or(UNRELEASED),
    };
    let address = match (job.workspace, &job.topology) {
        (Some(workspace), Ok(topology)) => workspace.address(&topology.name)?,
        _ => None,
    };
    let topology = job.topology.as_ref();
    let resolved = Resolved::of_read(topology.map_err(Clone::clone), ledger);
    let compiled = resolved.and_then(|resolved| resolved.check().emit_for(&version, address.as_deref()));
    Ok(match (compiled, topology) {
        (Ok(compilation), Ok(topology)) => Ok((topology, compilation)),
        (Err(found), _) => Err(found),
        (Ok(_), Err(found)) => Err(found.clone()),
    })
}

/// Says how the directory differs from what would be written.
fn check(job: &Job<'_>, warnings: &Diagnostics, differences: &[Difference]) -> Result<(), Failure> {
    report(job.args, warnings, &[], differences)?;
    files::sum_up(job.file, warnings);
    if differences.is_empty() {
        return Ok(());
    }
    for difference in differences {
        eprintln!("{difference}");
    }
    let (output, file) = (job.output.display(), job.file.display());
    Err(Failure::difference(format!(
        "`{output}` is not what `{file}` compiles to; compile it without --check"
    )))
}

/// Returns why nothing may be written: files of others that would be lost, or what stands and would be destroyed.
fn refusal(
    job: &Job<'_>,
    module: &ModuleDir,
    compilation: &Compilation,
    changes: &[Change],
) -> Result<Option<Failure>, Failure> {
    let args = job.args;
    let mut problems = Vec::new();
    let foreign = if args.force { Vec::new() } else { module.foreign(compilation)? };
    if !foreign.is_empty() {
        problems.push(format!(
            "`{}` has files that were not written for the topology `{}`: {}; compile into a directory of its own, or replace them with --force",
            job.output.display(),
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
