//! The real thing: modules applied by Terraform on an emulator, and what exists asked from the emulator's API.
//!
//! [`apply`] calls modules by `source` from one root with an S3 backend and a lock file.
//! [`check`] compares what the emulator says with what a topology declares, and with nothing that we wrote ourselves:
//! not the state, not the plan, not the outputs.
//! [`proofs`] proves the plan and the state anew, and compares the verdicts with those about the declaration.

mod expectations;
mod flows;
mod observed;
pub mod proofs;

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use tempfile::TempDir;
use terrane_compiler::topology::Topology;

use crate::{
    aws::Aws,
    compile,
    emulator::{Emulator, Emulators, Kind},
    error::{Error, ErrorKind, Result},
    files, modules,
    report::Counts,
    terraform::{Root, Terraform},
    workspace::Workspace,
};

pub use observed::Observed;

/// The region of every root: the one with letters `a` to `f`.
pub const REGION: &str = "us-east-1";

/// Resources whose deletion the emulator does not know.
const UNDELETABLE: &str = ".aws_elasticache_subnet_group.";

/// One call of a module from a root.
#[derive(Clone, Debug)]
pub struct Call {
    /// The label of the call, a Terraform identifier.
    pub label: String,
    /// The module's directory.
    pub source: PathBuf,
    /// The arguments of the call, as the lines of its block.
    pub arguments: String,
}

/// Modules that have been applied.
#[derive(Debug)]
pub struct Applied {
    /// The root that calls them.
    pub root: Root,
    /// Where they were applied.
    pub emulator: Emulator,
    dir: TempDir,
}

/// What a comparison found.
#[derive(Debug, Default)]
pub struct Findings {
    /// How many statements were compared.
    pub checked: usize,
    /// What does not hold.
    pub problems: Vec<String>,
}

impl Findings {
    /// Takes a statement; `problem` says how it fails.
    pub(crate) fn expect(&mut self, holds: bool, problem: impl FnOnce() -> String) {
        self.checked += 1;
        if !holds {
            self.problems.push(problem());
        }
    }

    /// Takes the statement that two values are equal.
    pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, found: T, declared: T) {
        self.expect(found == declared, || format!("{what} is {found:?}, declared is {declared:?}"));
    }
}

impl Call {
    /// Returns a call without arguments of a compiled module of a workspace.
    pub fn of(workspace: &Workspace, module: &str) -> Self {
        Self {
            label: module.replace('-', "_"),
            source: workspace.modules().join(module),
            arguments: String::new(),
        }
    }
}

/// Writes a root that calls modules, in `dir/root`, with the modules copied beside it.
///
/// # Errors
///
/// [`ErrorKind::File`].
pub fn write_root(dir: &Path, calls: &[Call]) -> Result<PathBuf> {
    let root = dir.join("root");
    let mut text = format!("provider \"aws\" {{\n  region = \"{REGION}\"\n}}\n");
    for Call { label, source, arguments } in calls {
        modules::copy(source, &dir.join("modules").join(label))?;
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\nmodule \"{label}\" {{\n  source = \"../modules/{label}\"\n{arguments}}}\n\noutput \"{label}\" {{\n  value = module.{label}\n}}\n"
        );
    }
    files::write(&root.join("main.tf"), &text)?;
    Ok(root)
}

/// Applies modules on a fresh emulator, from one root whose state is in the emulator's S3.
///
/// # Errors
///
/// [`ErrorKind::Program`] with Terraform's words, [`ErrorKind::Service`] if the emulator does not start.
pub fn apply(terraform: &Terraform, emulators: &Emulators, calls: &[Call]) -> Result<Applied> {
    let emulator = emulators.start(Kind::Moto)?;
    emulator.create_bucket("states")?;
    let dir = files::scratch()?;
    let path = write_root(dir.path(), calls)?;
    files::write(&path.join("emulator_override.tf"), &emulator.provider_override())?;
    files::write(&path.join("backend.tf"), &emulator.s3_backend("states", "network/terraform.tfstate"))?;
    let root = terraform.root(path);
    root.init()?;
    root.apply(&[])?;
    Ok(Applied { root, emulator, dir })
}

impl Applied {
    /// Returns the directory of the module behind a call.
    pub fn module(&self, label: &str) -> PathBuf {
        self.dir.path().join("modules").join(label)
    }

    /// Asks the emulator what exists.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Service`].
    pub fn observe(&self) -> Result<Observed> {
        Observed::of(&Aws::new(self.emulator.endpoint(), REGION))
    }

    /// Destroys everything; what the emulator cannot delete is forgotten first.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Program`].
    pub fn destroy(&self) -> Result<()> {
        let forgotten: Vec<String> =
            self.root.state_list()?.into_iter().filter(|address| address.contains(UNDELETABLE)).collect();
        if !forgotten.is_empty() {
            self.root.state_rm(&forgotten)?;
        }
        self.root.destroy()
    }
}

/// Compares what exists with what a topology declares; `name` and `letters` are what the module was called with.
pub fn check(topology: &Topology, name: &str, letters: &[String], observed: &Observed) -> Findings {
    let mut findings = Findings::default();
    expectations::check(topology, name, letters, observed, &mut findings);
    flows::check(topology, name, letters, observed, &mut findings);
    findings
}

/// Applies the modules of a catalog in one root, checks what exists, plans again, and destroys.
pub(crate) fn run(workspace: &Workspace, terraform: &Terraform, catalog: &[&Topology]) -> Result<Counts> {
    let mut counts = Counts::default();
    if catalog.is_empty() {
        return Ok(counts);
    }
    let emulators = Emulators::install(&workspace.cache())?;
    let calls: Vec<Call> = catalog.iter().map(|topology| Call::of(workspace, &topology.name)).collect();
    let applied = timed("apply", || apply(terraform, &emulators, &calls))?;
    let observed = timed("describe", || applied.observe())?;
    let plan = timed("second plan", || applied.root.plan(&[]))?;
    let state = applied.root.state_pull()?;
    for (topology, call) in catalog.iter().zip(&calls) {
        let mut findings = check(topology, &topology.name, &topology.zones, &observed);
        let network = compile::compile(workspace, topology)?.network;
        let module = format!("module.{}", call.label);
        proofs::check(&network, &module, "plan", plan.json(), &mut findings);
        proofs::check(&network, &module, "state", &state, &mut findings);
        for problem in &findings.problems {
            eprintln!("error: {}: {problem}", topology.name);
        }
        eprintln!(
            "{}: {} statements compared with the emulator, the plan, and the state",
            topology.name, findings.checked
        );
        counts.passed += findings.checked - findings.problems.len();
        counts.failed += findings.problems.len();
    }
    if !plan.is_empty() {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("the second plan is not empty: {:?}", plan.changes()),
        ));
    }
    timed("destroy", || applied.destroy())?;
    let left = applied.observe()?.subnets.into_iter().filter(|subnet| !subnet.tags.is_empty()).count();
    if left > 0 {
        return Err(Error::new(
            ErrorKind::Refused,
            format!("{left} subnets are left after `terraform destroy`"),
        ));
    }
    counts.passed += 2;
    Ok(counts)
}

/// Does one step, and says how long it took.
fn timed<T>(step: &str, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let done = act();
    eprintln!("{step}: {:.1} s", start.elapsed().as_secs_f64());
    done
}
