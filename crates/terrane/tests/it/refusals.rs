//! `terrane compile` and `terrane prove` say the same of one file, in the same words and by the same exit code.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/err");

fn terrane(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_terrane")).args(arguments).output().expect("the program was built")
}

/// Returns each topology among the cases of bad input.
fn topologies() -> Vec<PathBuf> {
    let paths = fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path());
    let is_topology = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".toml") && !name.ends_with(".ledger.toml")
    };
    let mut paths: Vec<PathBuf> = paths.filter(is_topology).collect();
    paths.sort();
    paths
}

/// Returns what is printed about problems, without the line about files that `compile` ends with.
fn problems(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().filter(|line| !line.starts_with("wrote ")).map(|line| format!("{line}\n")).collect()
}

/// Compiles and proves one file, and returns what both say of it.
#[track_caller]
fn both(file: &Path) -> (Option<i32>, String) {
    let directory = tempfile::tempdir().unwrap();
    let module = directory.path().join("module");
    let (file, module) = (file.display().to_string(), module.display().to_string());
    let mut prove = vec!["prove", &file];
    let given = file.replace(".toml", ".ledger.toml");
    if fs::exists(&given).unwrap() {
        fs::create_dir(&module).unwrap();
        fs::copy(&given, format!("{module}/ledger.toml")).unwrap();
        prove.extend(["--ledger", &given]);
    }
    let compiled = terrane(&["compile", &file, "-o", &module]);
    let proved = terrane(&prove);
    // The two read the ledger from different places; the directory of the cases is that of no other machine.
    let short =
        |text: String, ledger: &str| text.replace(ledger, "ledger.toml").replace(&format!("{CASES}/"), "");
    let by_compile = short(problems(&compiled), &format!("{module}/ledger.toml"));
    let by_prove = short(problems(&proved), &given);
    assert_eq!(by_compile, by_prove, "{file}");
    assert_eq!(compiled.status.code(), proved.status.code(), "{file}\n{by_prove}");
    (proved.status.code(), by_prove)
}

#[test]
fn compile_and_prove_refuse_the_same_files_in_the_same_words() {
    let cases = topologies();
    assert!(cases.len() > 60, "{CASES} has its cases");
    for file in cases {
        let (code, problems) = both(&file);
        let expected = fs::read_to_string(file.with_extension("stderr")).unwrap();
        assert!(!expected.is_empty() && problems.starts_with(&expected), "{file:?}\n{problems}");
        let is_refused = expected.contains("error[");
        assert_eq!(code, Some(i32::from(is_refused)), "{file:?}\n{problems}");
        assert_eq!(problems.contains("is not a network that can be built"), is_refused, "{problems}");
    }
}

/// A floor that the module does not reach is found by lowering, after everything that `prove` is about.
#[test]
fn a_terraform_that_is_too_old_is_refused_by_both() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("old.toml");
    for version in ["0.12", "1.0", "1.4"] {
        let text = format!(
            "name = \"shop\"\nterraform = \"{version}\"\nbase = \"10.0.0.0/16\"\nzones = [\"a\", \"b\"]\n\n\
             [[tiers]]\nname = \"app\"\naccess = \"private\"\nprefix_length = 24\n"
        );
        fs::write(&file, text).unwrap();
        let (code, problems) = both(&file);
        assert_eq!(code, Some(1), "{problems}");
        let expected = format!("error[terraform-too-old]: terraform {version} is asked for");
        assert!(problems.contains(&expected), "{problems}");
    }
}
