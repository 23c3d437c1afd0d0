//! `cargo xtask release`: a module of the workspace, from a clean tree to a published and tagged version.
//!
//! What a release is, and how it goes on after it was killed, is [`Release`]; here it meets the compiler and Terraform.

use std::sync::Arc;

use semver::Version;
use terrane_compiler::topology::Topology;
use terrane_registry::{ModuleName, Published, Registry, Settings, Store, open_store, parse_version};
use terrane_workspace::{Plan, Release};

use crate::{
    compile,
    error::{Error, ErrorKind, Result},
    modules, select,
    terraform::Terraform,
    workspace::Workspace,
};

/// The target system of every module here.
const SYSTEM: &str = "aws";

/// The arguments of `cargo xtask release`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The module, by the name of its topology
    module: String,
    /// The store: a directory or s3://bucket/prefix
    #[arg(long, value_name = "STORE")]
    to: String,
    /// The version, X.Y.Z; without it, the one that the changes need
    #[arg(long)]
    version: Option<String>,
    /// Print what would happen, and write nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(workspace: &Workspace, catalog: &[Topology], args: &Args) -> Result<()> {
    let (topologies, version, store) = checked(catalog, args)?;
    let settings = settings(workspace, store.as_ref())?;
    let module = ModuleName::new(&settings.namespace, &args.module, SYSTEM)?;
    let release = Release::new(workspace.root(), module.clone(), store, settings);

    // Before anything is compared: an edit that was not compiled is no change yet. A killed attempt has left files of its
    // own.
    if !release.is_interrupted()? {
        check_compiled(workspace, &topologies)?;
    }
    let plan = release.plan(version.as_ref())?;
    if args.dry_run {
        print!("{}", describe(&release, &module, &plan, &args.to));
        return Ok(());
    }
    let terraform = Terraform::find(&workspace.cache())?.ok_or_else(|| {
        Error::new(
            ErrorKind::Program,
            "a release is tested and read back with terraform, which is not on PATH",
        )
    })?;
    let release = release.with_terraform(&terraform.settings()?);
    release.prepare(version.as_ref(), || {
        recompile(workspace, &topologies, &terraform).map_err(|error| error.chain())
    })?;
    let (what, manifest) = match release.publish()? {
        Published::New(manifest) => ("published", manifest),
        Published::Already(manifest) => ("already published", manifest),
    };
    let tag = release.tag(&manifest.version);
    println!("{what} {module} {}\n{}\nsha256:{}", manifest.version, manifest.h1, manifest.sha256);
    println!("tagged {tag}; `git push --follow-tags` shares the commit and the tag");
    Ok(())
}

/// What the command line names.
type Named<'a> = (Vec<&'a Topology>, Option<Version>, Arc<dyn Store>);

/// Reads the command line, and says of all its parts at once what is wrong.
fn checked<'a>(catalog: &'a [Topology], args: &Args) -> Result<Named<'a>> {
    let topologies = select(catalog, std::slice::from_ref(&args.module));
    let version = args.version.as_deref().map(parse_version).transpose();
    let store = open_store(&args.to);
    let problems: Vec<String> = [
        topologies.as_ref().err().map(ToString::to_string),
        version.as_ref().err().map(ToString::to_string),
        store.as_ref().err().map(ToString::to_string),
    ]
    .into_iter()
    .flatten()
    .collect();
    if problems.len() > 1 {
        return Err(Error::new(ErrorKind::Refused, problems.join("\nerror: ")));
    }
    Ok((topologies?, version?, store?))
}

/// Returns the settings of the store's registry; the first release makes it, by what the workspace says.
fn settings(workspace: &Workspace, store: &dyn Store) -> Result<Settings> {
    match (workspace.settings()?, Registry::open(store)) {
        (Some(declared), _) => Ok(declared),
        (None, Ok(registry)) => Ok(registry.settings().clone()),
        (None, Err(error)) if error.kind() == terrane_registry::ErrorKind::NotFound => Err(Error::new(
            ErrorKind::Refused,
            "the store has no registry yet; say in the workspace's Cargo.toml which one it becomes:\n\
             [workspace.metadata.terrane]\nhost = \"modules.example.com\"\nnamespace = \"network\"",
        )),
        (None, Err(error)) => Err(error.into()),
    }
}

/// Refuses a module that is not what its topology compiles to: its version would follow from the wrong contract.
fn check_compiled(workspace: &Workspace, topologies: &[&Topology]) -> Result<()> {
    let differences = compile::check(workspace, topologies, false)?;
    if differences.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = differences.iter().map(|difference| format!("  {difference}")).collect();
    let message = format!(
        "the module is not what its topology compiles to; run `{}`, and commit:\n{}",
        workspace.compile_command(),
        lines.join("\n")
    );
    Err(Error::new(ErrorKind::Refused, message))
}

/// Compiles the module with its new version and runs its own tests.
fn recompile(workspace: &Workspace, topologies: &[&Topology], terraform: &Terraform) -> Result<()> {
    compile::write(workspace, topologies, compile::LedgerSource::File)?;
    for topology in topologies {
        let directory = workspace.modules().join(&topology.name);
        terraform.check_format(&directory)?;
        let passed = modules::check_one(&directory, terraform)?;
        eprintln!("{}: {passed} checks passed", topology.name);
    }
    Ok(())
}

/// Says what a release will be, in the order in which it happens.
fn describe(release: &Release, module: &ModuleName, plan: &Plan, store: &str) -> String {
    let Plan { version, previous, changes, changelog, prepared } = plan;
    let after = previous.as_ref().map_or_else(|| "the first release".to_owned(), after);
    let mut text = format!("{module} {version}, {after}\n");
    for finding in &changes.findings {
        text += &format!("  {finding}\n");
    }
    if *prepared {
        text += "prepare: done\n";
    } else {
        let name = module.name();
        text += &format!(
            "prepare: write modules/{name}/module.toml and CHANGELOG.md, compile, test, commit `{name}: release {version}`\n"
        );
        text += &changelog
            .lines()
            .map(|line| format!("  | {line}").trim_end().to_owned() + "\n")
            .collect::<String>();
    }
    text += &format!("publish: to {store}, read back with `terraform init`, tag {}\n", release.tag(version));
    text
}

fn after(previous: &Version) -> String {
    format!("after {previous}")
}
