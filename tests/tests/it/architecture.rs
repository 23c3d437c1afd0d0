//! What `ARCHITECTURE.md` says of the house, held.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

use serde_json::Value;
use terrane_xtask::Workspace;

/// Where problems of an input may be reported, by stage. Lowering, printing, and emitting know none.
const REPORTERS: [(&str, &[&str]); 4] = [
    ("declare", &["declaration.rs", "declaration/", "document.rs", "document/"]),
    ("allocate", &["address_plan.rs", "address_plan/", "ledger.rs", "ledger/", "sizing.rs"]),
    ("resolve", &["resolve.rs", "features.rs", "features/"]),
    ("prove", &["proof.rs", "floor.rs"]),
];

/// Parts of the compiler, and what they may not know.
const STRANGERS: [(&[&str], &[&str]); 4] = [
    // A module is Terraform and nothing else; which types the schema is taken of is for the features to say.
    (&["module.rs", "module/"], &["address_plan", "declaration", "network", "proof", "resolve", "topology"]),
    // A network is AWS and no Terraform; a proof is about networks.
    (&["network.rs", "proof.rs", "proof/", "resolve.rs"], &["emit", "lower", "module"]),
    (
        &["declaration.rs", "declaration/", "document.rs", "document/", "topology.rs", "topology/"],
        &["emit", "lower", "module", "proof"],
    ),
    (
        &["address_plan.rs", "address_plan/", "ledger.rs", "ledger/"],
        &["emit", "lower", "module", "network", "proof"],
    ),
];

/// Crates that know no network of ours: what works over any catalog.
const DRIVERS: [&str; 5] =
    ["terrane", "terrane-compiler", "terrane-registry", "terrane-workspace", "terrane-xtask"];

fn root() -> std::path::PathBuf {
    Workspace::find().unwrap().root().to_owned()
}

/// Returns the text of each Rust file below a directory, without its unit tests, by its path there.
fn sources(dir: &Path) -> BTreeMap<String, String> {
    let (mut found, mut open) = (BTreeMap::new(), vec![dir.to_owned()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default().to_owned();
                found.insert(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned(), text);
            }
        }
    }
    assert!(!found.is_empty(), "{dir:?} has sources");
    found
}

fn compiler() -> BTreeMap<String, String> {
    let mut sources = sources(&root().join("crates/terrane-compiler/src"));
    sources.retain(|path, _| {
        !path.contains("tests/") && !path.ends_with("tests.rs") && !path.ends_with("testing.rs")
    });
    sources
}

fn is_among(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| path == *place || place.ends_with('/') && path.starts_with(place))
}

/// Returns the lines of code of a text, each with its number.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().enumerate().filter(move |(_, line)| code(line)).map(|(at, line)| (at + 1, line))
}

fn reports_elsewhere(sources: &BTreeMap<String, String>) -> Vec<String> {
    let may = |path: &str| {
        is_among(path, &["diagnostics.rs", "diagnostics/"])
            || REPORTERS.iter().any(|(_, places)| is_among(path, places))
    };
    let mut found = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| !may(path)) {
        let makes =
            |line: &str| ["Diagnostic::new", "Diagnostic {", "report!("].iter().any(|way| line.contains(way));
        found.extend(
            lines(text).filter(|(_, line)| makes(line)).map(|(at, line)| format!("{path}:{at}: {line}")),
        );
    }
    found
}

#[test]
fn only_four_stages_report_problems() {
    let mut sources = compiler();
    assert_eq!(reports_elsewhere(&sources), Vec::<String>::new());
    for (stage, places) in REPORTERS {
        let reports = |path: &String| {
            is_among(path, places)
                && ["Diagnostic::new", "report!("].iter().any(|way| sources[path].contains(way))
        };
        assert!(sources.keys().any(reports), "{stage} reports something");
    }
    let planted = "    report!(found, Code::NO_TIERS, origin, \"some words\"; \"a hint\");\n    Diagnostic::new(code, origin, words);\n";
    sources.get_mut("lower.rs").unwrap().push_str(planted);
    assert_eq!(reports_elsewhere(&sources).len(), 2, "the test sees what it looks for");
}

/// Returns the parts of the crate that a line names, such as `network` in `use crate::network::Network`.
fn imported(line: &str) -> BTreeSet<&str> {
    let end =
        |text: &str| text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    let mut found = BTreeSet::new();
    for rest in line.split("crate::").skip(1) {
        match rest.strip_prefix('{').and_then(|rest| rest.split('}').next()) {
            Some(group) => found.extend(group.split(',').map(str::trim).map(|name| &name[..end(name)])),
            None => _ = found.insert(&rest[..end(rest)]),
        }
    }
    found
}

fn forbidden_imports(sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (places, strangers) in STRANGERS {
        for (path, text) in sources.iter().filter(|(path, _)| is_among(path, places)) {
            for (at, line) in lines(text) {
                let named = imported(line);
                let names = |stranger: &&&str| named.contains(**stranger);
                found.extend(
                    strangers.iter().filter(names).map(|name| format!("{path}:{at} names {name}: {line}")),
                );
            }
        }
    }
    found
}

#[test]
fn parts_of_the_compiler_know_only_what_comes_before() {
    let mut sources = compiler();
    assert_eq!(forbidden_imports(&sources), Vec::<String>::new());
    sources.get_mut("network.rs").unwrap().push_str("use crate::{diagnostics, module};\n");
    sources.get_mut("module/language.rs").unwrap().push_str("let n: crate::network::Network;\n");
    assert_eq!(forbidden_imports(&sources).len(), 2, "the test sees what it looks for");
}

fn named(names: &[String], sources: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in sources {
        for (at, line) in lines(text) {
            let has = |name: &&String| {
                line.contains(&format!("\"{name}\"")) || line.contains(&name.replace('-', "_"))
            };
            found.extend(names.iter().filter(has).map(|name| format!("{path}:{at} names {name}")));
        }
    }
    found
}

#[test]
fn drivers_know_no_network_of_the_catalog() {
    let names: Vec<String> = terrane_catalog::all().into_iter().map(|topology| topology.name).collect();
    assert!(names.len() > 3);
    for driver in DRIVERS {
        let mut sources = sources(&root().join("crates").join(driver).join("src"));
        assert_eq!(named(&names, &sources), Vec::<String>::new(), "{driver}");
        sources.insert("planted.rs".to_owned(), format!("const REFERENCE: &str = \"{}\";", names[0]));
        assert_eq!(named(&names, &sources).len(), 1, "the test sees what it looks for");
    }
}

/// Crates of the workspace, by name, with those of the workspace that they are built from, and that their tests use too.
fn crates() -> BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version=1", "--no-deps", "--locked", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    let all: BTreeSet<String> = packages.iter().map(|package| text(&package["name"])).collect();
    let used = |package: &Value, dev: bool| -> BTreeSet<String> {
        let dependencies = package["dependencies"].as_array().unwrap().iter();
        let wanted = dependencies.filter(|dependency| dev || dependency["kind"] != "dev");
        wanted.map(|dependency| text(&dependency["name"])).filter(|name| all.contains(name)).collect()
    };
    packages
        .iter()
        .map(|package| (text(&package["name"]), (used(package, false), used(package, true))))
        .collect()
}

/// Returns the crates in the order of the code map: each may be built from those above it.
fn code_map() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let (_, map) = text.split_once("## Code map").unwrap();
    let rows = map.lines().skip_while(|line| !line.starts_with("|---")).skip(1);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.filter_map(|row| Some(row.split('`').nth(1)?.to_owned())).collect()
}

fn upward(map: &[String], crates: &BTreeMap<String, (BTreeSet<String>, BTreeSet<String>)>) -> Vec<String> {
    let floor = |name: &str| map.iter().position(|known| known == name);
    let mut found = Vec::new();
    for (name, (uses, _)) in crates {
        match floor(name) {
            None => found.push(format!("{name} is not in the code map")),
            Some(own) => {
                let up = uses.iter().filter(|used| floor(used).is_none_or(|used| used >= own));
                found.extend(up.map(|used| format!("{name} uses {used}, which is not above it")));
            }
        }
    }
    found
}

#[test]
fn arrows_between_crates_go_one_way() {
    let (map, mut crates) = (code_map(), crates());
    assert_eq!(upward(&map, &crates), Vec::<String>::new());
    assert_eq!(map.len(), crates.len(), "the code map has the crates that there are: {map:?}");
    for (one, other) in [("terrane-compiler", "terrane-state"), ("terrane-state", "terrane-compiler")] {
        assert!(
            !crates[one].1.contains(other),
            "{one} and {other} never depend on each other, not even in tests"
        );
    }
    assert_eq!(crates["terrane-outputs"].0, BTreeSet::from(["terrane-state".to_owned()]));
    crates.get_mut("terrane-contract").unwrap().0.insert("terrane-registry".to_owned());
    assert_eq!(upward(&map, &crates).len(), 1, "the test sees what it looks for");
}

/// Returns the lines by which a part of the compiler writes Terraform as text, to have it parsed.
fn written_as_text(sources: &BTreeMap<String, String>) -> Vec<String> {
    let ways =
        ["expr(\"", "expr(&", "expr(r#", ".hcl(", "template(format!", "template(\"", "parse::expression"];
    let mut found = Vec::new();
    for (path, text) in sources {
        let writes = |line: &str| ways.iter().any(|way| line.contains(way));
        found.extend(
            lines(text).filter(|(_, line)| writes(line)).map(|(at, line)| format!("{path}:{at}: {line}")),
        );
    }
    found
}

#[test]
fn expressions_are_built() {
    let mut sources = compiler();
    assert_eq!(written_as_text(&sources), Vec::<String>::new());
    let planted = "    let id = expr(&format!(\"aws_vpc.{name}.id\"));\n";
    sources.get_mut("features/vpc.rs").unwrap().push_str(planted);
    assert_eq!(written_as_text(&sources).len(), 1, "the test sees what it looks for");
}

/// Returns the lines outside of `terrane-hcl` by which a crate sees the parser.
fn parser_seen(sources: &BTreeMap<String, String>) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let names = |line: &str| line.match_indices("hcl::").any(|(at, _)| !line[..at].ends_with(is_word));
    let mut found = Vec::new();
    for (path, text) in sources.iter().filter(|(path, _)| !path.starts_with("terrane-hcl/")) {
        found.extend(
            lines(text).filter(|(_, line)| names(line)).map(|(at, line)| format!("{path}:{at}: {line}")),
        );
    }
    found
}

#[test]
fn one_crate_knows_the_parser_of_hcl() {
    let mut sources = sources(&root().join("crates"));
    assert_eq!(parser_seen(&sources), Vec::<String>::new());
    let public =
        |path: &String| path.starts_with("terrane-hcl/src/") && !path.starts_with("terrane-hcl/src/parse");
    for (path, text) in sources.iter().filter(|(path, _)| public(path)) {
        assert!(lines(text).all(|(_, line)| !line.contains(" hcl::")), "{path} shows the parser");
    }
    let planted = "use hcl::Expression;\nuse terrane_hcl::expr::Expr;\n";
    sources.insert("terrane-state/src/planted.rs".to_owned(), planted.to_owned());
    assert_eq!(parser_seen(&sources).len(), 1, "the test sees what it looks for");
}

#[test]
fn outputs_are_data() {
    for (path, text) in sources(&root().join("crates/terrane-outputs/src")) {
        for (at, line) in lines(&text) {
            assert!(
                !line.contains("fn ") && !line.contains("macro_rules!"),
                "{path}:{at} has behaviour: {line}"
            );
        }
    }
}
