//! What holds of every network of the catalog. What holds of every module that is compiled from one stands in `tests`.

use semver::Version;
use terrane_compiler::compile;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::proof::Status;

/// `all()` is sorted by name, and no name stands twice.
#[test]
fn names_are_sorted_and_distinct() {
    let names: Vec<String> = terrane_catalog::all().into_iter().map(|topology| topology.name).collect();
    assert!(names.is_sorted_by(|left, right| left < right), "{names:?}");
}

#[test]
fn every_claim_about_every_network_is_decided_and_none_is_refuted() {
    for topology in terrane_catalog::all() {
        let proof = compile(&topology, &Ledger::default(), &Version::new(1, 0, 0))
            .unwrap_or_else(|problems| panic!("{}: {problems}", topology.name))
            .proof;
        assert!(!proof.has_refuted(), "{}\n{proof}", topology.name);
        assert_eq!(proof.with_status(Status::Unknown).count(), 0, "{}\n{proof}", topology.name);
    }
}
