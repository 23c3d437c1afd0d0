//! Edits of a network that stands destroy only what they remove, and docs/churn.md says what was measured.

use terrane_xtask::{Workspace, emulator::Emulators, terraform::Terraform};
use xtask::churn;

/// What is planned where time is short; `TERRANE_LONG=1` plans every edit.
const SHORT: [&str; 3] = ["remove the middle zone", "insert a tier in the middle", "rename a tier"];

#[test]
fn edits_destroy_only_what_they_remove() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let emulators = Emulators::install(&workspace.cache()).unwrap();
    let long = terrane_xtask::is_long();
    let edits = terrane_xtask::cases(3, 60);
    let churn::Churn { rows, flow_edits } =
        churn::run(&terraform, &emulators, |edit| long || SHORT.contains(&edit), edits).unwrap();
    assert!(rows.len() >= SHORT.len());
    let wrong: Vec<_> = rows.iter().filter(|row| !row.wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    assert_eq!(flow_edits.len(), edits as usize);
    let wrong: Vec<_> = flow_edits.iter().filter(|edit| edit.rules == 0 || !edit.wrong.is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");

    let page = std::fs::read_to_string(workspace.root().join("docs/churn.md")).unwrap();
    for line in churn::markdown(&rows).lines() {
        assert!(page.contains(line), "docs/churn.md lacks {line}\nrun `cargo xtask bench churn`");
    }
}
