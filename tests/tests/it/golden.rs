//! `tests/ok`: topologies, and the whole tree of files that each compiles to.
//!
//! `<name>.ledger.toml` beside `<name>.toml` is the ledger of the version before; without it, a case is a first version.
//! `TERRANE_BLESS=1` writes the trees anew; read the difference before it is committed.
//! Terraform validates and plans them beside random ones; `cargo xtask test --long` runs the tests of each as well.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use semver::Version;
use terrane_compiler::{Compilation, compile, document, ledger::Ledger, topology::Topology};

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/ok");
const VERSION: Version = Version::new(1, 0, 0);

/// A topology and what there was before it.
pub(crate) struct Case {
    /// Where its tree lies.
    pub(crate) golden: PathBuf,
    pub(crate) topology: Topology,
    /// The ledger of the version before.
    pub(crate) ledger: Ledger,
}

/// Returns each case.
pub(crate) fn cases() -> Vec<Case> {
    let is_topology = |path: &PathBuf| {
        let name = path.to_str().unwrap();
        name.ends_with(".toml") && !name.ends_with(".ledger.toml")
    };
    let mut cases: Vec<PathBuf> =
        std::fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).filter(is_topology).collect();
    cases.sort();
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap();
        let topology = document::from_toml(&text).unwrap_or_else(|found| panic!("{path:?}\n{found}"));
        let ledger = std::fs::read_to_string(path.with_extension("ledger.toml"));
        let ledger = ledger.map_or_else(|_| Ledger::default(), |text| Ledger::parse(&text).unwrap());
        Case { golden: path.with_extension(""), topology, ledger }
    };
    cases.into_iter().map(read).collect()
}

fn compiled(topology: &Topology, ledger: &Ledger) -> Compilation {
    compile(topology, ledger, &VERSION).unwrap_or_else(|found| panic!("{}\n{found}", topology.name))
}

/// Reads every file below a directory, by its name inside it.
fn read_tree(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

fn write_tree(dir: &Path, files: &BTreeMap<String, String>) {
    if dir.exists() {
        std::fs::remove_dir_all(dir).unwrap();
    }
    for (name, text) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn every_case_compiles_to_its_golden_tree() {
    let bless = std::env::var_os("TERRANE_BLESS").is_some();
    let mut different = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 5, "{CASES} has its cases");
    for Case { golden, topology, ledger } in cases {
        let files = compiled(&topology, &ledger).files;
        let files = files.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        if bless {
            write_tree(&golden, &files);
        }
        let found = read_tree(&golden);
        let differs = |name: &&String| files.get(*name) != found.get(*name);
        different.extend(files.keys().chain(found.keys()).filter(differs).map(|name| golden.join(name)));
    }
    different.sort();
    different.dedup();
    assert!(
        different.is_empty(),
        "not as the compiler writes them; see with TERRANE_BLESS=1: {different:#?}"
    );
}

/// Returns every golden network and every one of the catalog, with the ledger of the version before.
fn all() -> impl Iterator<Item = (Topology, Ledger)> {
    let first = terrane_catalog::all().into_iter().map(|topology| (topology, Ledger::default()));
    cases().into_iter().map(|case| (case.topology, case.ledger)).chain(first)
}

/// Nothing depends on being compiled for the first time.
#[test]
fn compiling_again_with_the_ledger_changes_nothing() {
    for (topology, ledger) in all() {
        let first = compiled(&topology, &ledger);
        let ledger = Ledger::parse(first.files.get("ledger.toml").unwrap()).unwrap();
        assert_eq!(first.files, compiled(&topology, &ledger).files, "{}", topology.name);
    }
}

/// No emitted file says where its declaration stood, or on which machine it was compiled.
#[test]
fn emitted_files_name_no_source() {
    for (topology, ledger) in all() {
        for (name, text) in compiled(&topology, &ledger).files.iter() {
            for forbidden in [".rs", ".toml:", env!("CARGO_MANIFEST_DIR")] {
                assert!(!text.contains(forbidden), "{}/{name} contains {forbidden}", topology.name);
            }
        }
    }
}

/// What a removed tier gave up is used again; what a grown one held stays its own.
#[test]
fn a_second_generation_lies_beside_the_first() {
    let case = cases().into_iter().find(|case| case.golden.ends_with("second-generation")).unwrap();
    let ledger = compiled(&case.topology, &case.ledger).files.get("ledger.toml").unwrap().to_owned();
    let block = |ledger: &str, tier: &str, generation: u32| {
        let head = format!("tier = \"{tier}\"\ngeneration = {generation}\nstate = ");
        let (_, rest) = ledger.split_once(&head).unwrap_or_else(|| panic!("{tier} {generation} in {ledger}"));
        rest.lines().take(3).map(str::to_owned).collect::<Vec<_>>()
    };
    let before = case.ledger.to_string();
    let (old, grown) = (block(&ledger, "app", 1), block(&ledger, "app", 2));
    assert_eq!((old[0].as_str(), grown[0].as_str()), ("\"reserved\"", "\"live\""));
    assert_eq!(old[1..], block(&before, "app", 1)[1..]);
    assert_eq!(block(&ledger, "queue", 1)[1..], block(&before, "cache", 1)[1..], "the best free block");
    assert_eq!(block(&ledger, "db", 1), block(&before, "db", 1));
}

/// Names that outputs have of their own are names that no tier may have.
#[test]
fn tiers_cannot_have_the_names_of_other_outputs() {
    for (topology, ledger) in all() {
        let compilation = compiled(&topology, &ledger);
        let names = topology.tiers.iter().flat_map(|tier| tier.renamed_from.iter().chain([&tier.name]));
        let own: Vec<String> = names.map(|name| format!("{}_subnet_ids", name.replace('-', "_"))).collect();
        let others = compilation.module.outputs.iter().filter(|output| !own.contains(&output.name));
        for name in others.filter_map(|output| output.name.strip_suffix("_subnet_ids")) {
            let mut taken = topology.clone();
            taken.tiers[0].name = name.replace('_', "-");
            let found = compile(&taken, &ledger, &VERSION).unwrap_err();
            assert!(found.iter().any(|found| found.code == "reserved-name"), "{name}: {found}");
        }
    }
}
