//! States of every format, and the weight of the crate.

mod formats;

use std::process::Command;

#[test]
fn the_tree_holds_at_most_fifteen_crates_and_neither_hcl_nor_a_runtime() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--package", "terrane-value", "--edges", "normal", "--prefix", "none", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let text = String::from_utf8(tree.stdout).unwrap();
    let mut crates: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    crates.sort_unstable();
    crates.dedup();
    assert!(crates.contains(&"serde_json"), "{crates:?}");
    assert!(crates.len() <= 15, "{} crates: {crates:?}", crates.len());
    for heavy in ["hcl-rs", "hcl-edit", "tokio", "indexmap"] {
        assert!(!crates.contains(&heavy), "{heavy} among {crates:?}");
    }
}
