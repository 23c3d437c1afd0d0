//! The Cargo side of the tests: format, lints, tests, documentation tests.

use std::process::Command;

use crate::{
    error::{Error, ErrorKind, Result},
    process,
    report::Counts,
    terraform,
    workspace::Workspace,
};

/// How many of the slowest tests are named.
const SLOWEST: usize = 8;

/// Checks that every Rust file is formatted.
pub(crate) fn check_format(workspace: &Workspace) -> Result<Counts> {
    process::run(&mut cargo(workspace, &["fmt", "--all", "--check"])).map(|_| Counts::PASSED)
}

/// Checks that Clippy has nothing to say.
pub(crate) fn check_lints(workspace: &Workspace) -> Result<Counts> {
    let mut command =
        cargo(workspace, &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]);
    let said = process::follow(&mut command)?;
    if said.success {
        Ok(Counts::PASSED)
    } else {
        Err(Error::new(ErrorKind::Refused, "clippy has findings; they are above"))
    }
}

/// Runs every test, by nextest where it is installed, with more variables in the environment.
pub(crate) fn run_tests(
    workspace: &Workspace,
    long: bool,
    variables: &[(&'static str, String)],
) -> Result<Counts> {
    let nextest = process::find("cargo-nextest").is_some();
    let args: &[&str] = if nextest {
        &["nextest", "run", "--workspace", "--locked", "--no-fail-fast", "--no-tests=pass"]
    } else {
        &["test", "--workspace", "--locked", "--all-targets", "--no-fail-fast"]
    };
    let mut command = cargo(workspace, args);
    if long {
        command.env(crate::LONG_VARIABLE, "1");
    }
    command.envs(variables.iter().map(|(name, value)| (name, value)));
    let said = process::follow(&mut command)?;
    let counts = if nextest { nextest_counts(&said.text) } else { libtest_counts(&said.text) };
    for (seconds, name) in slowest(&said.text) {
        eprintln!("{seconds:>8.1} s  {name}");
    }
    conclude(counts, said.success, "tests")
}

/// Runs the examples in documentation.
pub(crate) fn run_doc_tests(workspace: &Workspace) -> Result<Counts> {
    let said = process::follow(&mut cargo(
        workspace,
        &["test", "--workspace", "--locked", "--doc", "--no-fail-fast"],
    ))?;
    conclude(libtest_counts(&said.text), said.success, "documentation tests")
}

fn conclude(counts: Counts, success: bool, what: &str) -> Result<Counts> {
    if success || counts.failed > 0 {
        return Ok(counts);
    }
    Err(Error::new(ErrorKind::Program, format!("the {what} did not run to their end")))
}

fn cargo(workspace: &Workspace, args: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args).current_dir(workspace.root());
    if let Some(mirror) = terraform::mirror() {
        command.env(terraform::MIRROR_VARIABLE, mirror);
    }
    command
}

/// Reads `Summary [ 1.2s] 5 tests run: 4 passed (1 slow), 1 failed, 2 skipped`.
fn nextest_counts(text: &str) -> Counts {
    let summary =
        text.lines().rev().find(|line| line.trim_start().starts_with("Summary [")).unwrap_or_default();
    let (_, counts) = summary.split_once(" run: ").unwrap_or_default();
    let count = |word: &str| -> usize {
        let part = counts.split(", ").find(|part| part.split(' ').nth(1) == Some(word));
        part.and_then(|part| part.split(' ').next()?.parse().ok()).unwrap_or(0)
    };
    Counts { passed: count("passed"), failed: count("failed") + count("timed"), skipped: count("skipped") }
}

/// Adds up lines like `test result: ok. 4 passed; 0 failed; 1 ignored; ...`.
fn libtest_counts(text: &str) -> Counts {
    let mut sum = Counts::default();
    for line in text.lines().filter_map(|line| line.trim_start().strip_prefix("test result: ")) {
        let count = |word: &str| -> usize {
            let words: Vec<&str> = line.split([' ', ';']).collect();
            words.windows(2).find(|pair| pair[1] == word).and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
        };
        sum += Counts { passed: count("passed"), failed: count("failed"), skipped: count("ignored") };
    }
    sum
}

/// Reads the slowest tests from lines like `PASS [ 1.234s] (1/3) crate module::test`.
fn slowest(text: &str) -> Vec<(f64, String)> {
    let mut tests: Vec<(f64, String)> = text
        .lines()
        .filter_map(|line| {
            let line = line.trim_start();
            let rest = line.strip_prefix("PASS [").or_else(|| line.strip_prefix("FAIL ["))?;
            let (seconds, name) = rest.split_once("s] ")?;
            Some((seconds.trim().parse().ok()?, name.trim().to_owned()))
        })
        .collect();
    tests.sort_by(|a, b| b.0.total_cmp(&a.0));
    tests.truncate(SLOWEST);
    tests
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_summary_is_read() {
        let text = "    PASS [  67.475s] (3/3) a::it b::c\n     Summary [  67.481s] 8 tests run: 5 passed (1 slow), 2 failed, 1 timed out, 4 skipped\n";
        assert_eq!(nextest_counts(text), Counts { passed: 5, failed: 3, skipped: 4 });
        assert_eq!(slowest(text), [(67.475, "(3/3) a::it b::c".to_owned())]);
    }

    #[test]
    fn libtest_results_are_added_up() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\nx\ntest result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured\n";
        assert_eq!(libtest_counts(text), Counts { passed: 4, failed: 2, skipped: 1 });
    }
}
