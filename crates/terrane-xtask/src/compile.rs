//! `cargo xtask compile`: the catalog → `modules/` and the crate of output structs.
//!
//! A module's directory holds what the compiler emits, and two files that are input too: the ledger, which records
//! where everything lies, and `module.toml`, which holds the version.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use terrane_compiler::{Compilation, ledger::Ledger, topology::Topology};
use terrane_contract::Contract;

use crate::{
    error::{Error, ErrorKind, Result},
    files,
    outputs::{self, RELEASED, UNRELEASED},
    sync::{self, Difference},
    workspace::Workspace,
};

/// The committed record of a module's addresses.
const LEDGER: &str = "ledger.toml";
/// The module's interface, in which the ledger can be found again.
const CONTRACT: &str = "contract.json";
/// The file with the module's version.
const VERSION: &str = "module.toml";
/// Files in a module's directory that the compiler does not write.
const KEPT: [&str; 2] = ["CHANGELOG.md", VERSION];

/// Where the ledger of a module comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerSource {
    /// The file beside the module.
    File,
    /// The module's contract, which holds the same: for a ledger that is lost or broken.
    Contract,
}

/// Compiles topologies into `modules/` and returns which files changed.
///
/// # Errors
///
/// [`ErrorKind::Refused`] with every diagnostic of every topology; then nothing is written.
pub fn write(workspace: &Workspace, catalog: &[&Topology], source: LedgerSource) -> Result<Vec<Difference>> {
    let compiled = compile_all(workspace, catalog, source)?;
    let mut changed = Vec::new();
    for (name, compilation) in &compiled {
        changed.extend(sync::write(&workspace.modules().join(name), &emitted(compilation), &KEPT)?);
    }
    if let Some(src) = workspace.outputs() {
        let outputs = outputs::files(&src, &contracts(workspace)?)?;
        let kept: Vec<&str> = outputs.kept.iter().map(String::as_str).collect();
        changed.extend(sync::write(&src, &outputs.sources, &kept)?);
        changed.extend(sync::write(&src.with_file_name(RELEASED), &outputs.released, &[])?);
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
        differences.extend(sync::compare(&workspace.modules().join(name), &emitted(compilation), &KEPT)?);
    }
    if let Some(src) = workspace.outputs() {
        let outputs = outputs::files(&src, &contracts(workspace)?)?;
        let kept: Vec<&str> = outputs.kept.iter().map(String::as_str).collect();
        differences.extend(sync::compare(&src, &outputs.sources, &kept)?);
        differences.extend(sync::compare(&src.with_file_name(RELEASED), &outputs.released, &[])?);
    }
    if whole {
        let names: BTreeSet<&String> = compiled.keys().collect();
        for stale in crate::modules::names(&workspace.modules())?.iter().filter(|name| !names.contains(name))
        {
            differences.extend(sync::compare(&workspace.modules().join(stale), &BTreeMap::new(), &[])?);
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

fn compile_with(workspace: &Workspace, topology: &Topology, source: LedgerSource) -> Result<Compilation> {
    let dir = workspace.modules().join(&topology.name);
    let ledger = match source {
        LedgerSource::File => read_ledger(&dir)?,
        LedgerSource::Contract => recover_ledger(&dir)?,
    };
    let version = read_version(&dir)?.unwrap_or(UNRELEASED);
    terrane_compiler::compile(topology, &ledger, &version).map_err(|diagnostics| {
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

/// Returns what the compiler emits, by path inside the module's directory.
pub fn emitted(compilation: &Compilation) -> BTreeMap<String, String> {
    compilation.files.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// Reads the contracts of all compiled modules, and the versions of those that were released.
fn contracts(workspace: &Workspace) -> Result<BTreeMap<String, (Contract, Option<semver::Version>)>> {
    let mut contracts = BTreeMap::new();
    for name in crate::modules::names(&workspace.modules())? {
        let dir = workspace.modules().join(&name);
        contracts.insert(name, (read_contract(&dir)?, read_version(&dir)?));
    }
    Ok(contracts)
}

fn read_contract(dir: &Path) -> Result<Contract> {
    let path = dir.join(CONTRACT);
    let text = files::read(&path)?;
    serde_json::from_str(&text).map_err(|source| {
        Error::new(ErrorKind::Refused, format!("{} is not a contract", path.display())).because(source)
    })
}

/// Reads the ledger of a module; a module that was compiled without one cannot be compiled again.
fn read_ledger(dir: &Path) -> Result<Ledger> {
    let path = dir.join(LEDGER);
    if let Some(text) = files::read_if_there(&path)? {
        return Ledger::parse(&text).map_err(|problems| {
            Error::new(ErrorKind::Refused, format!("{} cannot be used\n{problems}", path.display()))
        });
    }
    if dir.join(CONTRACT).exists() {
        let message = format!(
            "{} is missing beside a compiled module, and without it every address could move; restore it from version control, or pass --recover-ledger",
            path.display()
        );
        return Err(Error::new(ErrorKind::Refused, message));
    }
    Ok(Ledger::default())
}

/// Rebuilds the ledger of a module from its contract; a module that was never compiled has none to lose.
fn recover_ledger(dir: &Path) -> Result<Ledger> {
    if !dir.exists() {
        return Ok(Ledger::default());
    }
    Ledger::recover(&read_contract(dir)?).map_err(|problems| {
        let path = dir.join(CONTRACT);
        Error::new(ErrorKind::Refused, format!("{} gives no ledger\n{problems}", path.display()))
    })
}

fn read_version(dir: &Path) -> Result<Option<semver::Version>> {
    let path = dir.join(VERSION);
    let Some(text) = files::read_if_there(&path)? else { return Ok(None) };
    let table: toml::Table = text.parse().map_err(|source| {
        Error::new(ErrorKind::Refused, format!("{} is not TOML", path.display())).because(source)
    })?;
    let version = table.get("version").and_then(toml::Value::as_str).unwrap_or_default();
    version.parse().map(Some).map_err(|source| {
        Error::new(
            ErrorKind::Refused,
            format!("{}: version is {version:?}, but must be one like \"1.2.3\"", path.display()),
        )
        .because(source)
    })
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
