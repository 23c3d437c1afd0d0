//! `terrane explain`, and problems as data.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

#[track_caller]
fn terrane(arguments: &[&str], code: i32) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_terrane")).args(arguments).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

#[test]
fn a_code_of_any_kind_is_explained() {
    let (text, _) = terrane(&["explain", "RANGE-size"], 0);
    assert!(
        text.starts_with("range-size (error): A range of the VPC is larger or smaller than AWS takes\n\n")
    );
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(terrane(&["explain", "p1"], 0).0.starts_with("P1: isolation\n"));
    assert!(terrane(&["explain", "e2"], 0).0.contains("recommends 16"));
    assert!(terrane(&["explain", "r04"], 0).0.contains("`moved` block"));
    let (json, _) = terrane(&["explain", "docker-range", "--json"], 0);
    let entry: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&entry["kind"], &entry["severity"]), (&json!("diagnostic"), &json!("warning")));
}

#[test]
fn all_codes_are_listed() {
    let (text, _) = terrane(&["explain"], 0);
    for part in ["diagnostics:\n", "  duplicate-tier  ", "claims:\n  P1 ", "rules of `terrane diff`:\n  V01 "]
    {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let (json, _) = terrane(&["explain", "--json"], 0);
    let entries: Vec<Value> = serde_json::from_str(&json).unwrap();
    let titles = text.lines().filter(|line| line.starts_with("  ")).count();
    assert_eq!(entries.len(), titles);
}

#[test]
fn the_neighbours_of_an_unknown_code_are_named() {
    let (_, text) = terrane(&["explain", "duplicate-tiers"], 2);
    assert!(
        text.contains("`duplicate-tiers` is not a known code; the closest are `duplicate-tier`"),
        "{text}"
    );
    let (_, text) = terrane(&["explain", "\u{1b}[2J and much more than a code"], 2);
    assert!(text.contains("`terrane explain` lists all") && !text.contains('\u{1b}'), "{text}");
}

const WRONG: &str = "name = \"shop\"\nbase = \"10.0.0.0/16\"\nzones = [\"a\"]\n\n[[tiers]]\nname = \"app\"\naccess = \"private\"\nprefix_length = 30\n";

#[test]
fn problems_are_data_with_a_place() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.toml");
    fs::write(&file, WRONG).unwrap();
    let (file, module) = (file.display().to_string(), directory.path().join("m").display().to_string());
    let by_compile = terrane(&["compile", &file, "-o", &module, "--json"], 1);
    let by_prove = terrane(&["prove", &file, "--json"], 1);
    for (stdout, stderr) in [&by_compile, &by_prove] {
        let found: Value = serde_json::from_str(stdout).unwrap();
        let problem = &found["diagnostics"][0];
        assert_eq!(problem["code"], "tier-prefix-length");
        assert_eq!(problem["severity"], "error");
        assert_eq!(problem["file"], json!(file));
        assert_eq!((&problem["line"], &problem["column"]), (&json!(8), &json!(17)));
        assert_eq!(problem["path"], "tiers[0].prefix_length");
        assert!(stderr.contains(" 8 | prefix_length = 30\n   |                 ^^\n"), "{stderr}");
        assert!(
            stderr.ends_with(&format!("error: `{file}` is not a network that can be built: 1 error\n")),
            "{stderr}"
        );
    }
    let (sarif, _) = terrane(&["prove", &file, "--sarif"], 1);
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "tier-prefix-length");
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 8);
}

#[test]
fn warnings_are_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.toml");
    fs::write(&file, WRONG.replace("10.0.0.0/16", "172.17.0.0/16").replace("30", "24")).unwrap();
    let (file, module) = (file.display().to_string(), directory.path().join("m").display().to_string());
    let summary = format!("warning: `{file}` has 1 warning\n");
    let (_, by_compile) = terrane(&["compile", &file, "-o", &module], 0);
    let (_, by_prove) = terrane(&["prove", &file], 0);
    assert!(by_compile.contains(&summary) && by_prove.ends_with(&summary), "{by_compile}\n{by_prove}");
}
