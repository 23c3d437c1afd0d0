//! The Terraform side of the tests: what each compiled module promises, without AWS and without an emulator.
//!
//! In a long run, golden modules (`tests/ok`) are held to the same as those of the catalog.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use crate::{
    error::{Error, Result},
    files,
    report::Counts,
    terraform::Terraform,
    workspace::Workspace,
};

/// Checks each compiled module: canonical format, `validate`, its own `terraform test`, and `validate` of each example;
/// with `long`, golden modules too.
///
/// Each is checked in a copy, so that nothing is left behind in the workspace.
pub fn check(workspace: &Workspace, terraform: &Terraform, long: bool) -> Result<Counts> {
    let mut counts = Counts::default();
    let golden = Some(workspace.golden_modules()).filter(|_| long);
    for dir in [Some(workspace.modules()), golden].into_iter().flatten() {
        let names = names(&dir)?;
        if names.is_empty() {
            continue;
        }
        terraform.check_format(&dir)?;
        counts += Counts::PASSED;
        for name in names {
            let start = Instant::now();
            match check_one(&dir.join(&name), terraform) {
                Ok(passed) => {
                    eprintln!("{name}: {passed} checks passed ({:.1} s)", start.elapsed().as_secs_f64());
                    counts.passed += passed;
                }
                Err(error) => {
                    eprintln!("error: {name}: {}", error.chain());
                    counts.failed += 1;
                }
            }
        }
    }
    Ok(counts)
}

/// Returns the names of the compiled modules in a directory, sorted.
pub fn names(dir: &Path) -> Result<Vec<String>> {
    if !dir.exists() {
        return Ok(Vec::new());
    }
    let mut names: Vec<String> = entries(dir)?
        .into_iter()
        .filter(|path| path.is_dir())
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// Copies a directory, without what Terraform leaves in it.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    files::make_dir(to)?;
    for path in entries(from)? {
        let Some(name) = path.file_name() else { continue };
        let target = to.join(name);
        if path.is_dir() && name != ".terraform" {
            copy(&path, &target)?;
        } else if path.is_file() {
            std::fs::copy(&path, &target).map_err(|source| Error::file("copy", &path, source))?;
        }
    }
    Ok(())
}

/// Checks one compiled module in a copy and returns how many checks passed.
pub fn check_one(module: &Path, terraform: &Terraform) -> Result<usize> {
    let scratch = files::scratch()?;
    let dir = scratch.path().join("module");
    copy(module, &dir)?;
    let root = terraform.root(&dir);
    root.init()?;
    root.validate()?;
    let mut passed = 1;
    if dir.join("tests").is_dir() {
        passed += root.test()?;
    }
    let examples = dir.join("examples");
    if examples.is_dir() {
        for example in entries(&examples)? {
            let root = terraform.root(example);
            root.init()?;
            root.validate()?;
            passed += 1;
        }
    }
    Ok(passed)
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let read = std::fs::read_dir(dir).map_err(|source| Error::file("read", dir, source))?;
    let mut paths = Vec::new();
    for entry in read {
        paths.push(entry.map_err(|source| Error::file("read", dir, source))?.path());
    }
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_modules_are_checked_in_a_long_run_only() {
        let Some(terraform) = Terraform::find_or_skip(&Workspace::find().unwrap().cache()).unwrap() else {
            return;
        };
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        files::write(&workspace.golden_modules().join("case/outputs.tf"), "output \"a\" {\n  value = 1\n}\n")
            .unwrap();
        assert_eq!(check(&workspace, &terraform, false).unwrap(), Counts::default());
        let format_and_validate = Counts { passed: 2, ..Counts::default() };
        assert_eq!(check(&workspace, &terraform, true).unwrap(), format_and_validate);
    }
}
