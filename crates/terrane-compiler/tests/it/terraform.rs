//! The `terraform` program, where there is one.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

/// Returns whether there is a `terraform`; says that the test is skipped if not, and fails where CI requires one.
pub(crate) fn is_installed() -> bool {
    let found = Command::new("terraform").arg("version").output().is_ok();
    if !found {
        assert!(env::var("CI").as_deref() != Ok("true"), "terraform not found, and CI requires it");
        println!("skipped: terraform not found");
    }
    found
}

/// Runs `terraform` in a directory, alone with its own configuration.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Output {
    let config = dir.join("terraform.rc");
    std::fs::write(&config, "").unwrap();
    Command::new("terraform")
        .args(args)
        .current_dir(dir)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", config)
        .output()
        .unwrap()
}

/// Returns `few`, or `many` for a long run.
pub(crate) fn n_cases(few: usize, many: usize) -> usize {
    if env::var("TERRANE_LONG").as_deref() == Ok("1") { many } else { few }
}
