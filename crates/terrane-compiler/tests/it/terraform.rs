//! The `terraform` program, where there is one.

use std::path::Path;
use std::process::{Command, Output};

/// Returns whether there is a `terraform`; says that the test is skipped if not, and fails where CI requires one.
pub(crate) fn is_installed() -> bool {
    let found = Command::new("terraform").arg("version").output().is_ok();
    if !found {
        assert!(std::env::var_os("CI").is_none(), "terraform not found, and CI requires it");
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
