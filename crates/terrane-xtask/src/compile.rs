//! `cargo xtask compile`: the catalog → `modules/` and the crate of output structs.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use terrane_compiler::{Compilation, Resolved, topology::Topology};
use terrane_contract::Contract;
use terrane_workspace::{Directory, LockedModule, ModuleDir, UNRELEASED, Whose};

use crate::{
    error::{Error, ErrorKind, Result},
    outputs::{self, RELEASED},
    workspace::Workspace,
};

pub use terrane_workspace::{Difference, LedgerSource};

/// Compiles topologies into `modules/` and returns which files changed.
///
/// # Errors
///
/// [`ErrorKind::Refused`] with every diagnostic of every topology; then nothing is written.
pub fn write(workspace: &Workspace, catalog: &[&Topology], source: LedgerSource) -> Result<Vec<Difference>> {
    let modules: BTreeMap<&str, ModuleDir> =
        catalog.iter().map(|topology| (topology.name.as_str(), module(workspace, &topology.name))).collect();
    // In the order of their names, so that two writers never wait for each other.
    let locked: BTreeMap<&str, LockedModule<'_>> =
        modules.iter().map(|(name, module)| Ok((*name, module.lock()?))).collect::<Result<_>>()?;
    let compiled = compile_all(workspace, catalog, source)?;
    let mut changed = Vec::new();
    for (name, compilation) in &compiled {
        changed.extend(locked[name.as_str()].write(compilation)?);
    }
    if let Some(src) = workspace.outputs() {
        // What they say follows from all modules, so nobody else may come between.
        let released = Directory::at(src.with_file_name(RELEASED), Whose::Ours);
        let released = released.lock()?;
        let outputs = outputs::files(&src, &contracts(workspace)?)?;
        let sources = Directory::at(&src, Whose::Ours).keeping(outputs.kept.iter().cloned());
        changed.extend(sources.write(&outputs.sources)?);
        changed.extend(released.write(&outputs.released)?);
    }
    Ok(changed)
}

/// Returns how `modules/` differs from what would be compiled, and writes nothing.
///
/// With the whole catalog, a module that no topology compiles to is a difference too.
///
/// # Errors
///
/// As [`write`].
pub fn check(workspace: &Workspace, catalog: &[&Topology], whole: bool) -> Result<Vec<Difference>> {
    let mut differences = Vec::new();
    let compiled = compile_all(workspace, catalog, LedgerSource::File)?;
    for (name, compilation) in &compiled {
        differences.extend(module(workspace, name).compare(compilation)?);
    }
    if let Some(src) = workspace.outputs() {
        let outputs = outputs::files(&src, &contracts(workspace)?)?;
        let sources = Directory::at(&src, Whose::Ours).keeping(outputs.kept.iter().cloned());
        differences.extend(sources.compare(&outputs.sources)?);
        differences
            .extend(Directory::at(src.with_file_name(RELEASED), Whose::Ours).compare(&outputs.released)?);
    }
    if whole {
        let names: BTreeSet<&String> = compiled.keys().collect();
        for stale in crate::modules::names(&workspace.modules())?.iter().filter(|name| !names.contains(name))
        {
            let stale = Directory::at(workspace.modules().join(stale), Whose::Ours);
            differences.extend(stale.compare(&BTreeMap::new())?);
        }
    }
    Ok(differences)
}

/// Compiles one topology with the ledger and the version in its module's directory.
///
/// # Errors
///
/// [`ErrorKind::Refused`] with every diagnostic; [`ErrorKind::File`] if ledger or version cannot be read.
pub fn compile(workspace: &Workspace, topology: &Topology) -> Result<Compilation> {
    compile_with(workspace, topology, LedgerSource::File)
}

/// Returns the directory of a module of the workspace.
fn module(workspace: &Workspace, name: &str) -> ModuleDir {
    ModuleDir::at(workspace.modules().join(name), Whose::Ours)
}

fn compile_with(workspace: &Workspace, topology: &Topology, source: LedgerSource) -> Result<Compilation> {
    let module = module(workspace, &topology.name);
    let (ledger, version) = (module.ledger(source)?, module.version()?.unwrap_or(UNRELEASED));
    let address = workspace.address(&topology.name)?;
    let resolved = Resolved::of_read(Ok(topology), ledger);
    let compiled = resolved.and_then(|resolved| resolved.check().emit_for(&version, address.as_deref()));
    compiled.map_err(|diagnostics| {
        Error::new(ErrorKind::Refused, format!("`{}` does not compile\n{diagnostics}", topology.name))
    })
}

fn compile_all(
    workspace: &Workspace,
    catalog: &[&Topology],
    source: LedgerSource,
) -> Result<BTreeMap<String, Compilation>> {
    let (mut modules, mut problems) = (BTreeMap::new(), Vec::new());
    for topology in catalog {
        match compile_with(workspace, topology, source) {
            Ok(compilation) => {
                if !compilation.warnings.is_empty() {
                    eprintln!("{}", compilation.warnings);
                }
                modules.insert(topology.name.clone(), compilation);
            }
            Err(error) if error.kind() == ErrorKind::Refused => problems.push(error.chain()),
            Err(error) => return Err(error),
        }
    }
    if problems.is_empty() { Ok(modules) } else { Err(Error::new(ErrorKind::Refused, problems.join("\n"))) }
}

/// Reads the contracts of all compiled modules, and the versions of those that were released.
fn contracts(workspace: &Workspace) -> Result<BTreeMap<String, (Contract, Option<Version>)>> {
    let mut contracts = BTreeMap::new();
    for name in crate::modules::names(&workspace.modules())? {
        let module = module(workspace, &name);
        let contract = module.contract()?.ok_or_else(|| {
            let message = format!(
                "{} has no contract.json, so it is not a compiled module; remove it",
                module.path().display()
            );
            Error::new(ErrorKind::Refused, message)
        })?;
        contracts.insert(name, (contract, module.version()?));
    }
    Ok(contracts)
}

#[cfg(test)]
mod tests {
    use terrane_compiler::topology::{Flow, Tier};

    use super::*;

    fn topology() -> Topology {
        Topology::new("shop")
            .base("10.0.0.0/16")
            .zones(["a", "b"])
            .tier(Tier::isolated("app").prefix_length(24))
            .tier(Tier::isolated("db").prefix_length(26))
            .flow(Flow::tcp([5432]).from("app").to("db"))
    }

    #[track_caller]
    fn refused(result: Result<Vec<Difference>>, says: &str) {
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert!(error.to_string().contains(says), "{error}");
    }

    #[test]
    fn a_lost_or_broken_ledger_is_recovered_from_the_contract_alone() {
        let dir = tempfile::tempdir().unwrap();
        let workspace = Workspace::at(dir.path());
        let ledger = dir.path().join("modules/shop/ledger.toml");
        write(&workspace, &[&topology()], LedgerSource::File).unwrap();
        // Without its ledger, the network that is left would get other addresses.
        let mut left = topology();
        (left.tiers, left.flows) = (vec![left.tiers.remove(1)], Vec::new());
        write(&workspace, &[&left], LedgerSource::File).unwrap();
        let whole = std::fs::read_to_string(&ledger).unwrap();

        let merging = format!("<<<<<<< ours\n{whole}");
        for (broken, says) in [(None, "--recover-ledger"), (Some(merging), "cannot be read")] {
            match broken {
                None => std::fs::remove_file(&ledger).unwrap(),
                Some(text) => std::fs::write(&ledger, text).unwrap(),
            }
            refused(write(&workspace, &[&left], LedgerSource::File), says);
            write(&workspace, &[&left], LedgerSource::Contract).unwrap();
            assert_eq!(std::fs::read_to_string(&ledger).unwrap(), whole);
        }
        assert_eq!(check(&workspace, &[&left], true).unwrap(), []);

        std::fs::write(dir.path().join("modules/shop/contract.json"), "{}").unwrap();
        refused(write(&workspace, &[&left], LedgerSource::Contract), "contract.json");
    }
}
