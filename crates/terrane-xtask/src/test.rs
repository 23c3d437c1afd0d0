//! `cargo xtask test`: everything, from unit tests to a real `terraform apply` on AWS emulators.

use terrane_compiler::topology::Topology;

#[cfg(feature = "e2e")]
use crate::e2e;
use crate::{
    cargo, compile,
    error::{Error, ErrorKind, Result},
    modules,
    report::{Counts, Report},
    terraform::Terraform,
    workspace::Workspace,
};

/// The first Terraform whose `terraform test` mocks providers, as the tests of modules do.
const OLDEST_TERRAFORM: semver::Version = semver::Version::new(1, 7, 0);

/// What a workspace adds to the tests that each has.
#[derive(Clone, Debug, Default)]
pub struct Tests {
    /// Variables of the environment in which tests of crates run.
    pub variables: Vec<(&'static str, String)>,
    /// Parts that run after the crates' tests.
    pub parts: Vec<Part>,
}

/// A part of a workspace's tests.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Its name in the report.
    pub name: &'static str,
    /// Runs it; with `true`, it tries more.
    pub run: fn(&Workspace, bool) -> Result<Counts>,
}

/// Runs every part, whatever the others say, and returns the counts.
pub(crate) fn run(workspace: &Workspace, catalog: &[Topology], long: bool, more: &Tests) -> Counts {
    let topologies: Vec<&Topology> = catalog.iter().collect();
    let mut report = Report::default();
    report.part("format", || cargo::check_format(workspace));
    report.part("lints", || cargo::check_lints(workspace));
    report.part("tests", || cargo::run_tests(workspace, long, &more.variables));
    report.part("documentation tests", || cargo::run_doc_tests(workspace));
    for Part { name, run } in &more.parts {
        report.part(name, || run(workspace, long));
    }
    report.part("compiled modules", || check_compiled(workspace, &topologies));
    report.part("modules", || {
        with_terraform(workspace, |terraform| modules::check(workspace, terraform, long))
    });
    #[cfg(feature = "e2e")]
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
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache())? else { return Ok(Counts::SKIPPED) };
    check_version(&terraform.version()?)?;
    part(&terraform)
}

/// Refuses a Terraform in which the tests of modules do not run.
fn check_version(found: &str) -> Result<()> {
    if semver::Version::parse(found).is_ok_and(|version| version < OLDEST_TERRAFORM) {
        let message = format!(
            "Terraform {found} is on PATH, and the tests of modules mock the provider, which needs {OLDEST_TERRAFORM} or later"
        );
        return Err(Error::new(ErrorKind::Program, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_terraform_is_refused_with_the_one_that_is_needed() {
        let error = check_version("1.6.6").unwrap_err().to_string();
        assert!(error.contains("Terraform 1.6.6 is on PATH") && error.contains("1.7.0 or later"), "{error}");
        assert!(check_version("1.7.0").is_ok() && check_version("1.12.0-beta1").is_ok());
    }
}
