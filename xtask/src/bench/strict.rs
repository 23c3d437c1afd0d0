//! What it costs to read and check all of a state in a file, beside serde_json skipping it.

use std::{fmt::Write as _, process::Command};

use crate::{
    bench::{
        Figures,
        measure::{self, Contender},
        state,
    },
    cargo,
    error::Result,
    files, process,
    workspace::Workspace,
};

/// How often each process runs.
const ROUNDS: usize = 11;

/// Times `terrane state get --strict` on states of three sizes.
pub(crate) fn run(workspace: &Workspace) -> Result<Figures> {
    let terrane = cargo::build_release(workspace, &["--package", "terrane", "--bin", "terrane"])?;
    let serde_json =
        cargo::build_release(workspace, &["--package", "terrane-contract", "--bench", "skip_json"])?;
    let scratch = files::scratch()?;
    let mut contenders = Vec::new();
    for (size, _) in state::SIZES {
        let file = scratch.path().join(format!("{size}.tfstate"));
        files::write(&file, &state::state(size))?;
        for how in ["reader", "slice"] {
            let mut command = Command::new(&serde_json);
            command.arg(&file).arg(how);
            contenders.push(Contender { name: format!("`serde_json::from_{how}`, skipping"), command });
        }
        let mut command = Command::new(&terrane);
        command.args(["state", "get", "--strict"]).arg(&file).arg("network.vpc_id").envs(state::ENVIRONMENT);
        contenders.push(Contender { name: "`terrane state get --strict`".to_owned(), command });
    }
    let mut markdown = String::from(
        "| state | process | median | × skipping as it comes | peak memory |\n|---|---|---:|---:|---:|\n",
    );
    for (rows, (_, name)) in measure::measure(contenders, ROUNDS)?.chunks(3).zip(state::SIZES) {
        let base = rows.first().map(|row| row.median.as_secs_f64()).unwrap_or_default();
        for row in rows {
            // Writing to a string cannot fail.
            let _ = writeln!(
                markdown,
                "| {name} | {} | {} | {:.2} | {} |",
                row.name,
                measure::duration(row.median),
                row.median.as_secs_f64() / base,
                row.peak.map_or_else(|| "–".to_owned(), measure::mebibytes),
            );
        }
    }
    let version = process::run(Command::new(&terrane).arg("--version"))?.trim().to_owned();
    let conditions = measure::conditions(&format!("Medians of {ROUNDS} interleaved runs"), &[version])?;
    let _ = write!(markdown, "\n{conditions}");
    Ok(Figures { markdown, problems: Vec::new() })
}
