//! `cargo xtask bench`: what is measured, and where in the pages under `docs/` the figures go.
//!
//! A part is a file under `bench/`, a variant of [`Part`], and a pair of `<!-- bench-NAME -->` markers in a page.
//! Parts time whole processes by [`measure`]; what needs a peer that is not installed says `skipped: ...` and goes on.

mod bucket;
mod compile;
mod measure;
mod plan;
mod proof;
mod registry;
mod state;
mod strict;

use clap::ValueEnum;
use terrane_compiler::topology::Topology;

use crate::{
    EXIT_FINE, EXIT_PROBLEMS, churn, emulator::Emulators, error::Result, pages, terraform::Terraform,
    workspace::Workspace,
};

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    /// What edits of a topology do to a network that stands
    Churn,
    /// How long it takes to compile a network, and how much memory
    Compile,
    /// How long `terraform plan` of compiled modules takes
    Plan,
    /// How long a proof takes
    Proof,
    /// How long it takes to publish a module, and to answer for its versions under load
    Registry,
    /// What it costs to read outputs from states in S3
    State,
    /// What it costs to check all of a state in a file
    Strict,
}

/// What a part found.
#[derive(Debug)]
pub(crate) struct Figures {
    /// Tables and sentences for the page.
    pub(crate) markdown: String,
    /// What is not as it must be.
    pub(crate) problems: Vec<String>,
}

/// Measures some parts, or all of them if none is named; prints the figures, and puts them into the pages.
pub(crate) fn run(workspace: &Workspace, catalog: &[Topology], parts: &[Part]) -> Result<u8> {
    let all = Part::value_variants();
    let mut code = EXIT_FINE;
    for part in if parts.is_empty() { all } else { parts } {
        let (marker, figures) = match part {
            Part::Churn => ("churn", churn(workspace)?),
            Part::State => ("bench-state", Some(state::run(workspace)?)),
            Part::Strict => ("bench-strict", Some(strict::run(workspace)?)),
            Part::Compile => ("bench-compile", Some(compile::run(workspace, catalog)?)),
            Part::Plan => ("bench-plan", plan(workspace, catalog)?),
            Part::Proof => ("bench-proof", Some(proof::run(workspace)?)),
            Part::Registry => {
                let Some(topology) = catalog.first() else { continue };
                ("bench-registry", Some(registry::run(workspace, &topology.name)?))
            }
        };
        let Some(figures) = figures else { continue };
        print!("{}", figures.markdown);
        for problem in &figures.problems {
            eprintln!("error: {problem}");
            code = EXIT_PROBLEMS;
        }
        pages::write(workspace, marker, &figures.markdown)?;
    }
    Ok(code)
}

fn plan(workspace: &Workspace, catalog: &[Topology]) -> Result<Option<Figures>> {
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache())? else { return Ok(None) };
    plan::run(&terraform, catalog)
}

fn churn(workspace: &Workspace) -> Result<Option<Figures>> {
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache())? else { return Ok(None) };
    let rows = churn::run(&terraform, &Emulators::install(&workspace.cache())?, |_| true, 0)?.rows;
    let wrong = rows.iter().filter(|row| !row.wrong.is_empty());
    let problems = wrong.map(|row| format!("{}: {:?}", row.edit, row.wrong)).collect();
    Ok(Some(Figures { markdown: churn::markdown(&rows), problems }))
}
