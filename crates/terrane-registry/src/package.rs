//! Packages: the published files of a module, with an identity that does not depend on where they were built.
//!
//! The tree digest is the identity. The archives are deterministic as well: the same files give the same bytes.

mod archive;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use sha2::{Digest as _, Sha256};
use terrane_contract::{Checkout, Contract, Diff, refused};

use crate::Error;

/// The files of one module version.
///
/// - Paths are relative, use `/`, and have no `.` or `..` part.
/// - No two paths differ by case alone.
/// - At most 16 MiB altogether.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    files: BTreeMap<String, Vec<u8>>,
}

/// The most that all files of a package may hold.
const MAX_BYTES: usize = 16 << 20;

impl Package {
    /// Reads the files to publish from a module's directory, which may be a checkout as it was cloned.
    ///
    /// Terraform files, documentation, diagrams, templates, licences, `contract.json`, and every file that the code
    /// reads are published. All else is left out. A `.terraformignore` leaves out more; with `!` it publishes more.
    ///
    /// # Errors
    ///
    /// Refuses, naming every path, what is not left out and cannot be published: states, variable files, and links.
    pub fn from_directory(directory: &Path) -> Result<Package, Error> {
        Package::from_selection(walk::read(directory)?)
    }

    /// Makes a package of a module's directory that was read elsewhere, such as from a commit.
    ///
    /// # Errors
    ///
    /// As [`Package::from_directory`].
    pub fn from_tree(files: BTreeMap<String, Vec<u8>>) -> Result<Package, Error> {
        Package::from_selection(walk::choose(files)?)
    }

    /// Returns the files of a module's directory that a package of it would hold, whether or not one can be made.
    ///
    /// # Errors
    ///
    /// Fails where a directory or file cannot be read.
    pub fn files_of_directory(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        Ok(walk::read(directory)?.files)
    }

    /// Returns which of a directory's files a package of it would hold, whether or not one can be made.
    ///
    /// # Errors
    ///
    /// Refuses a `.terraformignore` that is not one.
    pub fn files_of_tree(files: BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        Ok(walk::choose(files)?.files)
    }

    fn from_selection(selection: walk::Selection) -> Result<Package, Error> {
        match selection.problems.as_slice() {
            [] => Package::from_files(selection.files),
            problems => Err(Error::input(problems.join("\n"))),
        }
    }

    /// Makes a package of exactly these files by path.
    ///
    /// # Errors
    ///
    /// Refuses, naming every path, what breaks an invariant of this type.
    pub fn from_files(files: BTreeMap<String, Vec<u8>>) -> Result<Package, Error> {
        let mut problems: Vec<String> = files.keys().filter_map(|path| walk::refusal(path)).collect();
        let mut folded: BTreeMap<String, &str> = BTreeMap::new();
        for path in files.keys() {
            if let Some(other) = folded.insert(path.to_lowercase(), path) {
                problems.push(format!("`{other}` and `{path}` differ by case alone"));
            }
        }
        let size: usize = files.values().map(Vec::len).sum();
        if size > MAX_BYTES {
            problems.push(format!("{size} bytes altogether, but a package holds at most {MAX_BYTES}"));
        }
        if !files
            .keys()
            .any(|path| !path.contains('/') && (path.ends_with(".tf") || path.ends_with(".tf.json")))
        {
            problems.push("no Terraform file at the root".to_owned());
        }
        if problems.is_empty() { Ok(Package { files }) } else { Err(Error::input(problems.join("\n"))) }
    }

    /// Reads a package back from its `.tar.gz`.
    ///
    /// # Errors
    ///
    /// Returns an error when the archive is damaged or holds what no package may hold.
    pub fn from_tar_gz(bytes: &[u8]) -> Result<Package, Error> {
        Package::from_files(archive::read_tar_gz(bytes)?)
    }

    /// Returns the files by path.
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }

    /// Returns the tree digest: `h1:` and the base64 of a SHA-256 over the sorted files' digests.
    pub fn tree_digest(&self) -> String {
        let mut hash = Sha256::new();
        for (path, bytes) in &self.files {
            hash.update(format!("{}  {path}\n", sha256_hex(bytes)));
        }
        format!("h1:{}", base64::engine::general_purpose::STANDARD.encode(hash.finalize()))
    }

    /// Returns the package as `.tar.gz`.
    ///
    /// # Errors
    ///
    /// Returns an error when a path is too long for the format.
    pub fn tar_gz(&self) -> Result<Vec<u8>, Error> {
        archive::write_tar_gz(&self.files)
    }

    /// Returns the package as `.zip`.
    ///
    /// # Errors
    ///
    /// Returns an error when a path or the whole is too long for the format.
    pub fn zip(&self) -> Result<Vec<u8>, Error> {
        archive::write_zip(&self.files)
    }

    /// Returns what changed since an earlier package of the module: what the contracts say, and changed arguments.
    pub fn changes(&self, contract: &Contract, earlier: Option<(&Contract, &Package)>) -> Diff {
        match earlier {
            Some((before, package)) => {
                let read = |contract: &Contract, package: &Package| {
                    let mut checkout = Checkout::read(&contract.module, package.files.clone());
                    // What was written knows more than can be read.
                    checkout.contract = contract.clone();
                    checkout
                };
                read(contract, self).changes_since(&read(before, package))
            }
            // The first release may be anything that Terraform accepts.
            None => refused(contract),
        }
    }

    /// Returns the version as which the module was compiled, if it says so.
    pub(crate) fn compiled_version(&self) -> Option<String> {
        Checkout::read("module", self.files.clone()).compiled_version()
    }

    fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, bytes)| Some((path.as_str(), std::str::from_utf8(bytes).ok()?)))
    }

    /// Returns the module's name, where a `contract.json` says it.
    pub fn module_name(&self) -> Option<String> {
        let contract: serde_json::Value = serde_json::from_slice(self.files.get("contract.json")?).ok()?;
        contract["module"].as_str().map(str::to_owned)
    }

    /// Reads the module's contract.
    ///
    /// A `contract.json` knows more about output types than the files say. It is used where it
    /// contradicts them in nothing else.
    ///
    /// # Errors
    ///
    /// Returns every problem of the files, and what a `contract.json` says differently.
    pub fn contract(&self, module: &str) -> Result<Contract, Error> {
        let read =
            Contract::from_files(module, self.texts()).map_err(|error| Error::input(error.to_string()))?;
        let Some(bytes) = self.files.get("contract.json") else { return Ok(read) };
        let written: Contract = serde_json::from_slice(bytes)
            .map_err(|error| Error::input(format!("contract.json is no contract: {error}")))?;
        let contradictions = written.contradictions(&read);
        if contradictions.is_empty() {
            return Ok(written);
        }
        let lines: Vec<String> = contradictions.iter().map(|line| format!("contract.json: {line}")).collect();
        Err(Error::input(format!("{}\nhint: compile the module again", lines.join("\n"))))
    }
}

/// Returns the SHA-256 of some bytes in hexadecimal.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Returns some bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
