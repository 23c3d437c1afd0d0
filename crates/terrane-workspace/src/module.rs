//! The directory of one module: what the compiler emits, and two files that are input too, the ledger, which records
//! where everything lies, and `module.toml`, which holds the version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use semver::Version;
use terrane_compiler::Compilation;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::topology::Topology;
use terrane_contract::Contract;

use crate::changes::{Change, changes};
use crate::directory::{Difference, Directory, GUARD, Locked, Whose};
use crate::disk::Disk;
use crate::error::{Error, ErrorKind, Result};
use crate::version;

/// The committed record of a module's addresses.
const LEDGER: &str = "ledger.toml";
/// The module's interface, in which the ledger can be found again.
const CONTRACT: &str = "contract.json";
/// Files in a module's directory that the compiler does not write.
const KEPT: [&str; 3] = ["CHANGELOG.md", version::FILE, ".semver-allow.toml"];

/// Where the ledger of a module comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerSource {
    /// The file beside the module.
    File,
    /// The module's contract, which holds the same: for a ledger that is lost or broken.
    Contract,
}

/// The directory of a module, which need not exist.
#[derive(Clone, Debug)]
pub struct ModuleDir {
    directory: Directory,
}

/// A module's directory that nobody else writes to as long as this value lives: from reading its ledger to writing it.
#[derive(Debug)]
pub struct LockedModule<'a> {
    directory: Locked<'a>,
}

impl ModuleDir {
    /// Names the directory of a module, which may hold files of others as well if it is [`Whose::Mixed`].
    pub fn at(path: impl Into<PathBuf>, whose: Whose) -> ModuleDir {
        ModuleDir { directory: Directory::at(path, whose).keeping(KEPT).guarded(LEDGER) }
    }

    /// Returns where it is.
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the version of the module; `None` if it was never released.
    ///
    /// # Errors
    ///
    /// As [`version`](crate::version()).
    pub fn version(&self) -> Result<Option<Version>> {
        let place = self.path().join(version::FILE);
        let text = self.directory.read(version::FILE)?;
        text.map(|text| version::parse(&text, &place.display().to_string())).transpose()
    }

    /// Returns the module's interface; `None` if it was never compiled.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if `contract.json` is not a contract, [`ErrorKind::File`] if it cannot be read.
    pub fn contract(&self) -> Result<Option<Contract>> {
        let parse = |text: String| {
            serde_json::from_str(&text).map_err(|source| {
                let path = self.path().join(CONTRACT);
                let message = format!("{} is not a valid contract", path.display());
                Error::new(ErrorKind::Refused, message).because(source)
            })
        };
        self.directory.read(CONTRACT)?.map(parse).transpose()
    }

    /// Returns the ledger of the module, or what is wrong with it; it is empty before the first compilation only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`] if it is missing beside a compiled module, or is to come from a contract that is not one.
    pub fn ledger(&self, source: LedgerSource) -> Result<Result<Ledger, Diagnostics>> {
        let path = self.path().join(LEDGER);
        match source {
            LedgerSource::Contract => match self.contract()? {
                Some(contract) => Ok(Ledger::recover(&contract)),
                None if self.directory.is_empty()? => Ok(Ok(Ledger::default())),
                None => {
                    let message = format!(
                        "`{}` has no {CONTRACT} to rebuild the ledger from; restore one of the two from version control",
                        self.path().display()
                    );
                    Err(Error::new(ErrorKind::Refused, message))
                }
            },
            LedgerSource::File => match self.directory.read(LEDGER)? {
                Some(text) => {
                    let ledger = Ledger::read(&path.display().to_string(), &text);
                    Ok(ledger.and_then(|ledger| self.unmoved(ledger)))
                }
                None if self.path().join(CONTRACT).exists() => {
                    let message = format!(
                        "{} is missing beside a compiled module, so that its addresses could move; restore it from version control, or pass --recover-ledger",
                        path.display()
                    );
                    Err(Error::new(ErrorKind::Refused, message))
                }
                None => Ok(Ok(Ledger::default())),
            },
        }
    }

    /// Passes a ledger on if what the compiled module calls live is where it says.
    ///
    /// A contract that cannot be read says nothing, and one whose compilation was interrupted was never applied.
    fn unmoved(&self, ledger: Ledger) -> std::result::Result<Ledger, Diagnostics> {
        let is_interrupted = self.path().join(GUARD.0).exists();
        match self.contract() {
            Ok(Some(contract)) if !is_interrupted => ledger.check_against(&contract).map(|()| ledger),
            _ => Ok(ledger),
        }
    }

    /// Returns what a compilation changes of the one in the directory, what destroys first; nothing if there is none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::File`] if the contract cannot be read; one that is not valid, as in a merge, tells nothing.
    pub fn changes(&self, topology: &Topology, compilation: &Compilation) -> Result<Vec<Change>> {
        match self.contract() {
            Ok(Some(before)) => Ok(changes(&before, topology, compilation)),
            Err(error) if error.kind() != ErrorKind::Refused => Err(error),
            _ => Ok(Vec::new()),
        }
    }

    /// Returns the files that a compilation would replace although they were not written for its topology.
    ///
    /// Terraform files of ours begin with a line that names the topology; files without such a line are ours beside one
    /// that has it. The ledger is input, and never among them.
    ///
    /// # Errors
    ///
    /// As [`Directory::read`].
    pub fn foreign(&self, compilation: &Compilation) -> Result<Vec<String>> {
        let has_line = |name: &str| name.ends_with(".tf") || name.ends_with(".hcl");
        let (mut headed, mut plain) = (Vec::new(), Vec::new());
        let mut is_ours = self.path().join(GUARD.0).exists();
        for (name, text) in compilation.files.iter().filter(|(name, _)| *name != LEDGER) {
            let Some(found) = self.directory.read(name)? else { continue };
            if !has_line(name) {
                plain.push(name.to_owned());
            } else if found.lines().next() == text.lines().next() {
                is_ours = true;
            } else {
                headed.push(name.to_owned());
            }
        }
        if !is_ours {
            headed.extend(plain);
            headed.sort();
        }
        Ok(headed)
    }

    /// Returns how the directory differs from a compilation.
    ///
    /// # Errors
    ///
    /// As [`Directory::compare`].
    pub fn compare(&self, compilation: &Compilation) -> Result<Vec<Difference>> {
        self.directory.compare(&emitted(compilation))
    }

    /// Keeps all others from writing to the directory; take it before the ledger is read.
    ///
    /// # Errors
    ///
    /// As [`Directory::lock`].
    pub fn lock(&self) -> Result<LockedModule<'_>> {
        Ok(LockedModule { directory: self.directory.lock()? })
    }
}

impl LockedModule<'_> {
    /// Writes a compilation, whole or not at all, and returns which files that changed.
    ///
    /// # Errors
    ///
    /// As [`Locked::write`].
    pub fn write(&self, compilation: &Compilation) -> Result<Vec<Difference>> {
        self.directory.write(&emitted(compilation))
    }

    /// As [`write`](LockedModule::write), on a disk that may fail.
    ///
    /// # Errors
    ///
    /// As [`write`](LockedModule::write).
    pub fn write_on(&self, disk: &dyn Disk, compilation: &Compilation) -> Result<Vec<Difference>> {
        self.directory.write_on(disk, &emitted(compilation))
    }
}

/// Returns what the compiler emits, by path inside the module's directory.
fn emitted(compilation: &Compilation) -> BTreeMap<String, String> {
    compilation.files.iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}
