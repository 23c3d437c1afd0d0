//! What the README and `docs/topology.md` say of topologies: their examples compile, and every key is explained.

use semver::Version;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::{compile, document, explain};

const TOPOLOGY: &str = include_str!("../../../../docs/topology.md");
/// Where the part that the compiler writes begins.
const MARK: &str = "<!-- From here on, this page follows from the keys that the compiler knows. -->\n\n";
const DIAGNOSTICS: &str = include_str!("../../../../docs/diagnostics.md");
/// The same of `docs/diagnostics.md`.
const TABLES: &str = "<!-- From here on, this page follows from the tables that the programs know. -->\n\n";
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

/// Pages end with what the compiler says of its keys, and of its codes; `TERRANE_BLESS=1` writes that.
#[test]
fn the_pages_explain_every_key_and_every_code() {
    let pages = [
        ("topology.md", TOPOLOGY, MARK, document::reference()),
        ("diagnostics.md", DIAGNOSTICS, TABLES, explain::reference()),
    ];
    for (name, page, mark, reference) in pages {
        let (before, after) = page.split_once(mark).unwrap();
        if std::env::var_os("TERRANE_BLESS").is_some() {
            let path = format!("{}/../../docs/{name}", env!("CARGO_MANIFEST_DIR"));
            std::fs::write(path, format!("{before}{mark}{reference}")).unwrap();
        } else {
            assert_eq!(after, reference, "{name}: run with TERRANE_BLESS=1, and read the difference");
        }
    }
}

/// Editors complete and check topologies by `docs/topology.schema.json`; `TERRANE_BLESS=1` writes it.
#[test]
fn the_schema_of_the_docs_is_that_of_the_keys() {
    let path = format!("{}/../../docs/topology.schema.json", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("TERRANE_BLESS").is_some() {
        std::fs::write(&path, document::schema()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(written, document::schema(), "{path}: run with TERRANE_BLESS=1, and read the difference");
}
