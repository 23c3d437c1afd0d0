//! What the README and `docs/topology.md` say of topologies: their examples compile, and every key is explained.

use std::collections::BTreeSet;

use semver::Version;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::{compile, document};

const TOPOLOGY: &str = include_str!("../../../../docs/topology.md");
const README: &str = include_str!("../../../../README.md");

#[test]
fn the_examples_compile() {
    let mut examples = 0;
    for page in [README, TOPOLOGY] {
        for block in page.split("```toml\n").skip(1) {
            let (text, _) = block.split_once("```").unwrap();
            let topology = document::from_toml(text).unwrap_or_else(|found| panic!("{text}\n{found}"));
            let compiled = compile(&topology, &Ledger::default(), &Version::new(1, 0, 0));
            assert!(compiled.is_ok_and(|compiled| compiled.warnings.is_empty()), "{text}");
            examples += 1;
        }
    }
    assert!(examples >= 2, "{examples} examples");
}

/// A table with a key that nobody knows is told all that it may have.
#[test]
fn every_key_is_explained() {
    let sections: Vec<&str> = TOPOLOGY.split("\n## ").collect();
    let section = |title: &str| *sections.iter().find(|section| section.starts_with(title)).unwrap();
    for (title, table) in [
        ("The network", ""),
        ("The network", "[[secondary]]\n"),
        ("The network", "[dns]\n"),
        ("The network", "[[keep_clear]]\n"),
        ("The network", "[[subnet_groups]]\n"),
        ("A tier", "[[tiers]]\n"),
        ("A tier", "[tiers.need]\n"),
        ("Egress", "[egress]\n"),
        ("A flow", "[[flows]]\n"),
        ("EKS", "[eks]\n"),
    ] {
        let parent = if table == "[tiers.need]\n" { "[[tiers]]\n" } else { "" };
        let found =
            document::from_toml(&format!("{parent}{table}qqqqqqqqqqqqqqqqqqqqqqqqq = 1\n")).unwrap_err();
        let unknown = found.iter().find(|found| found.code == "unknown-key").unwrap();
        let known: BTreeSet<&str> = unknown.hints[0].split('`').skip(1).step_by(2).collect();
        assert!(known.len() >= 2, "{found}");
        for key in known {
            assert!(section(title).contains(&format!("`{key}`")), "{title} does not explain `{key}`");
        }
    }
}
