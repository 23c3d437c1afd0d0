//! Golden cases of bad input: `tests/err/<code>.toml`, with `<code>.ledger.toml` beside it where the ledger matters,
//! and what is reported in `<code>.stderr`; `<code>.contract.json` in place of the topology is the contract of a compiled module.
//!
//! `TERRANE_BLESS=1` writes what is reported; read it before it is committed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use semver::Version;
use terrane_compiler::compile;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::document;
use terrane_compiler::ledger::Ledger;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/err");

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

fn report(files: &BTreeMap<String, String>) -> Result<Diagnostics, Diagnostics> {
    if let Some(contract) = files.get("contract.json") {
        let contract = serde_json::from_str(contract).unwrap();
        return match files.get("ledger.toml") {
            Some(ledger) => Ledger::parse(ledger)?.check_against(&contract).map(|()| Diagnostics::default()),
            None => Ledger::recover(&contract).map(|_| Diagnostics::default()),
        };
    }
    let topology = document::from_toml(&files["toml"])?;
    let ledger = files.get("ledger.toml").map_or(Ok(Ledger::default()), |text| Ledger::parse(text))?;
    Ok(compile(&topology, &ledger, &Version::new(1, 0, 0))?.warnings)
}

#[test]
fn each_case_reports_its_code_and_nothing_else_changes() {
    let bless = std::env::var_os("TERRANE_BLESS").is_some();
    let mut wrong = Vec::new();
    for (code, files) in files() {
        let found = report(&files).unwrap_or_else(|found| found);
        if !found.iter().any(|diagnostic| diagnostic.code == code) {
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
fn each_code_in_the_source_has_a_case() {
    let mut codes = BTreeSet::new();
    scan(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut codes);
    let cases: BTreeSet<String> = files().into_keys().collect();
    assert!(codes.contains("duplicate-tier"), "the scan finds codes");
    assert_eq!(codes.difference(&cases).collect::<Vec<_>>(), Vec::<&String>::new(), "codes without a case");
    assert_eq!(cases.difference(&codes).collect::<Vec<_>>(), Vec::<&String>::new(), "cases without a code");
}

/// Collects string literals in kebab case that stand where a diagnostic has its code.
fn scan(directory: &Path, codes: &mut BTreeSet<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scan(&path, codes);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let source = text.split("#[cfg(test)]").next().unwrap_or_default();
        if !source.contains("Diagnostic") {
            continue;
        }
        let parts: Vec<&str> = source.split('"').collect();
        for around in parts.windows(3) {
            let first =
                around[0].trim_end().ends_with(['(', '|']) || around[0].trim_end().ends_with("found,");
            if first && around[2].starts_with(',') && is_kebab(around[1]) {
                codes.insert(around[1].to_owned());
            }
        }
    }
}

fn is_kebab(word: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    word.contains('-') && word.split('-').all(part)
}
