//! The catalog compiles, and always to the same bytes.

use semver::Version;
use terrane_compiler::compile;
use terrane_compiler::ledger::Ledger;

/// The ledger that a compilation yields gives the same files again: nothing depends on being first.
#[test]
fn compiling_again_with_the_ledger_changes_nothing() {
    for topology in terrane_catalog::all() {
        let version = Version::new(1, 0, 0);
        let first = compile(&topology, &Ledger::default(), &version).unwrap();
        let ledger = Ledger::parse(first.files.get("ledger.toml").unwrap()).unwrap();
        let again = compile(&topology, &ledger, &version).unwrap();
        assert_eq!(first.files, again.files, "{}", topology.name);
    }
}

/// No emitted file says where its declaration stood, when it was compiled, or on which machine.
#[test]
fn emitted_files_name_no_source() {
    for topology in terrane_catalog::all() {
        let compilation = compile(&topology, &Ledger::default(), &Version::new(1, 0, 0)).unwrap();
        for (name, text) in compilation.files.iter() {
            for forbidden in [".rs", env!("CARGO_MANIFEST_DIR")] {
                assert!(!text.contains(forbidden), "{}/{name} contains {forbidden}", topology.name);
            }
        }
    }
}

/// `all()` is sorted by name, and no name stands twice.
#[test]
fn names_are_sorted_and_distinct() {
    let names: Vec<String> = terrane_catalog::all().into_iter().map(|topology| topology.name).collect();
    assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
}

#[test]
fn every_claim_about_every_network_is_decided_and_none_is_refuted() {
    use terrane_compiler::proof::{Status, prove};
    for topology in terrane_catalog::all() {
        let compilation = terrane_compiler::compile(
            &topology,
            &terrane_compiler::ledger::Ledger::default(),
            &semver::Version::new(1, 0, 0),
        )
        .unwrap_or_else(|problems| panic!("{}: {problems}", topology.name));
        let proof = prove(&compilation.network);
        assert!(!proof.has_refuted(), "{}\n{proof}", topology.name);
        assert_eq!(proof.with_status(Status::Unknown).count(), 0, "{}\n{proof}", topology.name);
    }
}
