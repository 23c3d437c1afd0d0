//! The contract that the compiler writes is the one that anybody reads from the module's files.

use terrane_compiler::{Compilation, ledger::Ledger};
use terrane_contract::Contract;

#[test]
fn written_contracts_are_those_of_the_files() {
    for topology in terrane_catalog::all() {
        let version = semver::Version::new(1, 0, 0);
        let compilation = terrane_compiler::compile(&topology, &Ledger::default(), &version)
            .unwrap_or_else(|problems| panic!("{}: {problems}", topology.name));
        let (mut written, read) = check(&topology.name, &compilation);

        // The comparison can fail: each part that is taken away is noticed.
        written.data.insert("aws_vpc.other".to_owned());
        written.outputs.remove("vpc_id").unwrap();
        written.resources.remove("aws_vpc.this").unwrap();
        assert_eq!(written.contradictions(&read).len(), 3, "{:#?}", written.contradictions(&read));
    }
}

/// Compares the two contracts of a compiled module and returns both.
pub(crate) fn check(name: &str, compilation: &Compilation) -> (Contract, Contract) {
    let files: Vec<(String, String)> =
        compilation.files.iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let (_, text) = files.iter().find(|(path, _)| path == "contract.json").unwrap();
    let written: Contract = serde_json::from_str(text).unwrap();
    let module = files.iter().filter(|(path, _)| !path.contains('/')).cloned();
    let read = Contract::from_files(name, module).unwrap();
    assert_eq!(written.contradictions(&read), Vec::<String>::new(), "{name}");
    (written, read)
}
