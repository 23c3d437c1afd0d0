//! A module's directory under kills, full disks, races, and links; and releases.
#![expect(clippy::unwrap_used, reason = "a test fails by unwrapping, in its helpers as well")]

#[path = "../../../terrane-registry/tests/it/common.rs"]
#[expect(dead_code, reason = "shared with the tests of terrane-registry, which use more of it")]
mod common;
mod release;
mod writing;

/// Returns whether there is a Terraform; where `CI` is set, there must be.
fn available() -> bool {
    let found = std::process::Command::new("terraform").arg("version").output().is_ok();
    let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    assert!(found || !in_ci, "terraform is not on PATH, and CI is set, where nothing is skipped");
    if !found {
        eprintln!("skipped: terraform is not on PATH");
    }
    found
}
