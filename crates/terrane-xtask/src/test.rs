//! `cargo xtask test`: everything, from unit tests to a real `terraform apply` on AWS emulators.

use terrane_compiler::topology::Topology;

use crate::{
    cargo, compile, distribution, e2e,
    error::{Error, ErrorKind, Result},
    modules,
    report::{Counts, Report},
    terraform::Terraform,
    workspace::Workspace,
};

/// Runs every part, whatever the others say, and returns the counts.
pub(crate) fn run(workspace: &Workspace, catalog: &[Topology], long: bool) -> Counts {
    let topologies: Vec<&Topology> = catalog.iter().collect();
    let mut report = Report::default();
    report.part("format", || cargo::check_format(workspace));
    report.part("lints", || cargo::check_lints(workspace));
    report.part("tests", || cargo::run_tests(workspace, long));
    report.part("documentation tests", || cargo::run_doc_tests(workspace));
    report.part("crates and program", || distribution::check(workspace, long));
    report.part("compiled modules", || check_compiled(workspace, &topologies));
    report.part("modules", || {
        with_terraform(workspace, |terraform| modules::check(workspace, terraform, long))
    });
    report.part("end to end", || {
        with_terraform(workspace, |terraform| e2e::run(workspace, terraform, &topologies))
    });
    report.finish()
}

/// Checks that `modules/` is what the catalog compiles to.
fn check_compiled(workspace: &Workspace, catalog: &[&Topology]) -> Result<Counts> {
    let differences = compile::check(workspace, catalog, true)?;
    if differences.is_empty() {
        return Ok(Counts { passed: catalog.len(), ..Counts::default() });
    }
    differences.iter().for_each(|difference| eprintln!("{difference}"));
    Err(Error::new(
        ErrorKind::Refused,
        "modules/ is not what the catalog compiles to; run `cargo xtask compile`",
    ))
}

/// Runs a part that needs Terraform, or counts it as skipped.
fn with_terraform(workspace: &Workspace, part: impl FnOnce(&Terraform) -> Result<Counts>) -> Result<Counts> {
    match Terraform::find_or_skip(&workspace.cache())? {
        Some(terraform) => part(&terraform),
        None => Ok(Counts::SKIPPED),
    }
}
