//! Golden cases of bad input: `tests/err/<code>.toml`, with `<code>.ledger.toml` beside it where the ledger matters,
//! and what is reported in `<code>.stderr`; `<code>.contract.json` in place of the topology is the contract of a compiled module.
//!
//! `TERRANE_BLESS=1` writes what is reported; read it before it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use semver::Version;
use terrane_compiler::compile;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::document;
use terrane_compiler::explain::{self, Kind};
use terrane_compiler::ledger::Ledger;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/err");

/// Codes without a case, and why.
const EXCEPTIONS: [(&str, &str); 2] = [
    (
        "proof-refuted",
        "whatever would refute a claim about a topology is refused by an earlier stage; tests of the proof hold it",
    ),
    (
        "proof-unknown",
        "a topology says everything that its claims are about; tests of plans and states hold what is unknown",
    ),
];

/// Returns the files of each case by code and the rest of their names.
fn files() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut files: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for entry in fs::read_dir(CASES).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let (code, kind) = name.split_once('.').unwrap();
        let text = fs::read_to_string(&path).unwrap();
        files.entry(code.to_owned()).or_default().insert(kind.to_owned(), text);
    }
    files
}

fn report(code: &str, files: &BTreeMap<String, String>) -> Result<Diagnostics, Diagnostics> {
    if let Some(contract) = files.get("contract.json") {
        let contract = serde_json::from_str(contract).unwrap();
        return match files.get("ledger.toml") {
            Some(ledger) => Ledger::parse(ledger)?.check_against(&contract).map(|()| Diagnostics::default()),
            None => Ledger::recover(&contract).map(|_| Diagnostics::default()),
        };
    }
    let topology = match files.get("json") {
        Some(text) => document::read(&format!("{code}.json"), text)?,
        None => document::read(&format!("{code}.toml"), &files["toml"])?,
    };
    let ledger = files.get("ledger.toml").map_or(Ok(Ledger::default()), |text| Ledger::parse(text))?;
    Ok(compile(&topology, &ledger, &Version::new(1, 0, 0))?.warnings)
}

#[test]
fn each_case_reports_its_code_and_nothing_else_changes() {
    let bless = std::env::var_os("TERRANE_BLESS").is_some();
    let mut wrong = Vec::new();
    for (code, files) in files() {
        let found = report(&code, &files).unwrap_or_else(|found| found);
        if !found.iter().any(|diagnostic| diagnostic.code == code.as_str()) {
            wrong.push(format!("{code} is not reported:\n{found}"));
        }
        wrong.extend(
            found
                .iter()
                .filter(|diagnostic| diagnostic.hints.is_empty())
                .map(|diagnostic| format!("{code}: no hint:\n{diagnostic}")),
        );
        let found = found.to_string();
        if bless {
            fs::write(format!("{CASES}/{code}.stderr"), &found).unwrap();
        } else if files.get("stderr") != Some(&found) {
            wrong.push(format!("{code}.stderr differs; found:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_code_has_a_case() {
    let entries = explain::entries();
    let codes = entries.iter().filter(|entry| entry.kind == Kind::Diagnostic).map(|entry| entry.code);
    let codes: BTreeSet<&str> = codes.collect();
    let files = files();
    let mut cases: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    for (code, reason) in EXCEPTIONS {
        assert!(!reason.is_empty() && cases.insert(code), "{code} has a case and is an exception");
    }
    assert_eq!(codes.difference(&cases).collect::<Vec<_>>(), Vec::<&&str>::new(), "codes without a case");
    assert_eq!(cases.difference(&codes).collect::<Vec<_>>(), Vec::<&&str>::new(), "cases without a code");
}
