//! Publishing: the gate, and then writes in an order that a crash cannot spoil.
//!
//! The archive comes first and claims the version. The version list comes last and makes it visible.
//! Each write happens only if nobody else wrote, so running it again completes what a crash left.

use semver::Version;
use terrane_contract::{Bump, Contract, Diff, Finding};

use crate::layout::{Allowance, File, Manifest, download, file_key, get_page};
use crate::package::sha256_hex;
use crate::page::version_page;
use crate::registry::{Registry, create};
use crate::{Error, ErrorKind, ModuleName, Package};

/// A version to publish.
#[derive(Clone, Copy, Debug)]
pub struct Publication<'a> {
    /// The module.
    pub module: &'a ModuleName,
    /// The version.
    pub version: &'a Version,
    /// The files.
    pub package: &'a Package,
    /// Breaking findings that are accepted.
    pub allow: &'a [Allowance],
    /// The commit that the package was built from.
    pub commit: Option<&'a str>,
}

/// What publishing did.
#[derive(Clone, Debug, PartialEq)]
pub enum Published {
    /// The version is new, or a crashed attempt was completed.
    New(Manifest),
    /// The version was there, with the same tree.
    Already(Manifest),
}

impl Registry<'_> {
    /// Publishes a version.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Gate`]: the version does not carry what changed, or nothing changed.
    /// - [`ErrorKind::Taken`]: the version belongs to another tree.
    pub fn publish(&self, publication: &Publication<'_>) -> Result<Published, Error> {
        let Publication { module, version, package, .. } = *publication;
        let (bytes, again) = (package.tar_gz()?, package.tar_gz()?);
        assert!(bytes == again, "packages are reproducible");
        if let Some(manifest) = self.already_published(publication)? {
            self.write_page(&manifest, publication)?;
            self.refresh_pages(module)?;
            return Ok(Published::Already(manifest));
        }
        let mut manifest = self.prepare(publication)?;

        let archive = match create(self.store(), &file_key(module, version, File::Archive), &bytes)? {
            None => bytes,
            Some(claim) => {
                same_tree(publication, &tree_digest_of(&claim.bytes))?;
                claim.bytes
            }
        };
        manifest.sha256 = sha256_hex(&archive);
        manifest.size = archive.len() as u64;
        let manifest_key = file_key(module, version, File::Manifest);
        if let Some(existing) = create(self.store(), &manifest_key, &manifest.to_bytes())? {
            manifest = Manifest::parse(&existing.bytes)?;
            same_tree(publication, &manifest.h1)?;
        }
        let get = get_page(&self.settings().base_url(), module, version, &manifest.sha256);
        create(self.store(), &file_key(module, version, File::Get), &get)?;
        create(self.store(), &file_key(module, version, File::Download), &download(&manifest))?;
        self.write_page(&manifest, publication)?;
        self.update_index(module, |index| {
            if !index.has(version) {
                index.listed.insert(version.clone());
            }
            Ok(())
        })?;
        self.read_back(module, version, &manifest)?;
        Ok(Published::New(manifest))
    }

    fn write_page(&self, manifest: &Manifest, publication: &Publication<'_>) -> Result<(), Error> {
        let page = version_page(&self.settings().host, manifest, publication.package);
        let key = file_key(publication.module, publication.version, File::Page);
        create(self.store(), &key, &page).map(drop)
    }

    /// Returns what publishing would record, writing nothing.
    ///
    /// # Errors
    ///
    /// As [`Registry::publish`].
    pub fn prepare(&self, publication: &Publication<'_>) -> Result<Manifest, Error> {
        let Publication { module, version, package, allow, commit } = *publication;
        if module.namespace() != self.settings().namespace {
            return Err(Error::input(format!(
                "the store holds the namespace `{}`, not `{}`",
                self.settings().namespace,
                module.namespace()
            )));
        }
        if !version.build.is_empty() {
            return Err(Error::input(format!("version {version} has build metadata, which clients ignore")));
        }
        if let Some(compiled) = package.compiled_version().filter(|compiled| *compiled != version.to_string())
        {
            return Err(Error::input(format!(
                "the module was compiled as {compiled}, so states of {version} would name the wrong version\n\
                 hint: compile it as {version}, or publish it as {compiled}"
            )));
        }
        let contract = package.contract(module.name())?;
        let previous = self.previous(module, version)?;
        let changes = self.changes(module, previous.as_ref(), package, &contract)?;
        let previous_version = previous.as_ref().map(|manifest| &manifest.version);
        let accepted = gate(&changes, previous_version, version, allow)?;
        if let Some(previous) = &previous
            && previous.h1 == package.tree_digest()
        {
            let message = format!("nothing changed since {}; there is nothing to release", previous.version);
            return Err(Error::new(ErrorKind::Gate, message));
        }
        let archive = package.tar_gz()?;
        Ok(Manifest {
            module: module.to_string(),
            version: version.clone(),
            h1: package.tree_digest(),
            sha256: sha256_hex(&archive),
            size: archive.len() as u64,
            previous: previous_version.cloned(),
            findings: changes.findings,
            accepted,
            commit: commit.map(str::to_owned),
            tool: format!("terrane {}", env!("CARGO_PKG_VERSION")),
            contract,
        })
    }

    /// Returns what changed between a published version and a package.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`] if the version has no archive; else as the store fails.
    pub fn changes(
        &self,
        module: &ModuleName,
        previous: Option<&Manifest>,
        package: &Package,
        contract: &Contract,
    ) -> Result<Diff, Error> {
        let Some(previous) = previous else { return Ok(package.changes(contract, None)) };
        let key = file_key(module, &previous.version, File::Archive);
        let Some(archive) = self.store().get(&key)? else {
            let message = format!("{module} {} is listed, but has no archive; run fsck", previous.version);
            return Err(Error::new(ErrorKind::Damaged, message));
        };
        let earlier = Package::from_tar_gz(&archive.bytes)?;
        Ok(package.changes(contract, Some((&previous.contract, &earlier))))
    }

    /// Returns the record of the release before a version: the highest one below that clients see.
    ///
    /// # Errors
    ///
    /// Fails when the store does, or lacks the record.
    pub fn previous(&self, module: &ModuleName, version: &Version) -> Result<Option<Manifest>, Error> {
        let index = self.index(module)?;
        let Some(previous) =
            index.listed.iter().rev().find(|listed| listed.pre.is_empty() && *listed < version)
        else {
            return Ok(None);
        };
        match self.manifest(module, previous)? {
            Some(manifest) => Ok(Some(manifest)),
            None => {
                let message = format!("{module} {previous} is listed, but has no manifest; run fsck");
                Err(Error::new(ErrorKind::Damaged, message))
            }
        }
    }

    fn already_published(&self, publication: &Publication<'_>) -> Result<Option<Manifest>, Error> {
        let Publication { module, version, .. } = *publication;
        let index = self.index(module)?;
        if index.yanked.contains(version) {
            let message = format!(
                "{module} {version} is yanked, and its number stays taken; un-yank it, or take another"
            );
            return Err(Error::new(ErrorKind::Taken, message));
        }
        let Some(manifest) = self.manifest(module, version)? else { return Ok(None) };
        same_tree(publication, &manifest.h1)?;
        Ok(index.listed.contains(version).then_some(manifest))
    }

    fn read_back(&self, module: &ModuleName, version: &Version, manifest: &Manifest) -> Result<(), Error> {
        let archive = self.store().get(&file_key(module, version, File::Archive))?;
        let found = archive.map(|object| sha256_hex(&object.bytes));
        if found.as_ref() == Some(&manifest.sha256) {
            return Ok(());
        }
        let message = format!(
            "{module} {version} was written, but reads back as {}; expected sha256:{}",
            found.map_or_else(|| "missing".to_owned(), |found| format!("sha256:{found}")),
            manifest.sha256
        );
        Err(Error::new(ErrorKind::Damaged, message))
    }
}

fn tree_digest_of(archive: &[u8]) -> String {
    match Package::from_tar_gz(archive) {
        Ok(package) => package.tree_digest(),
        Err(_) => "an unreadable archive".to_owned(),
    }
}

fn same_tree(publication: &Publication<'_>, claimed: &str) -> Result<(), Error> {
    let Publication { module, version, package, .. } = publication;
    let ours = package.tree_digest();
    if ours == claimed {
        return Ok(());
    }
    let message = format!(
        "{module} {version} is claimed by {claimed}, and this tree is {ours}; take another version, \
         or, if it was never listed, give the claim up with `fsck --abandon`"
    );
    Err(Error::new(ErrorKind::Taken, message))
}

/// Returns the allowance for a finding in a major version.
fn allowance<'a>(finding: &Finding, major: u64, allow: &'a [Allowance]) -> Option<&'a Allowance> {
    allow
        .iter()
        .find(|entry| entry.rule == finding.rule && entry.address == finding.address && entry.major == major)
}

/// Returns what remains of the changes when those that a major version accepts count as minor.
fn softened(changes: &Diff, major: u64, allow: &[Allowance]) -> Diff {
    changes.accepting(|finding| allowance(finding, major, allow).is_some())
}

/// Checks that a version carries the changes; returns the allowances that were needed.
fn gate(
    changes: &Diff,
    previous: Option<&Version>,
    version: &Version,
    allow: &[Allowance],
) -> Result<Vec<Allowance>, Error> {
    let declared = previous.map_or(Bump::Major, |previous| Bump::declared(previous, version));
    if changes.required_bump <= declared {
        return Ok(Vec::new());
    }
    let softened = softened(changes, version.major, allow);
    if softened.required_bump <= declared {
        let used = changes.findings.iter().filter(|finding| finding.bump == Bump::Major);
        return Ok(used.filter_map(|finding| allowance(finding, version.major, allow).cloned()).collect());
    }
    let reasons: Vec<String> = softened
        .findings
        .iter()
        .filter(|finding| finding.bump > declared)
        .map(|finding| {
            format!("  {} needs {}: {}: {}", finding.rule, finding.bump, finding.address, finding.message)
        })
        .collect();
    let step = previous.map_or_else(String::new, |previous| format!("from {previous} "));
    let next = previous.and_then(|previous| softened.required_bump.next_version(previous));
    let hint = next.map_or_else(String::new, |next| format!("\nhint: release it as {next}"));
    let message = format!(
        "{step}to {version} is a {declared} bump, but the changes need {}:\n{}{hint}",
        softened.required_bump,
        reasons.join("\n")
    );
    Err(Error::new(ErrorKind::Gate, message))
}

/// Chooses the version that the changes need, or checks the one that was asked for by the gate of publishing.
///
/// # Errors
///
/// [`ErrorKind::Gate`] if no version may carry the changes, or the one that was asked for does not.
pub fn choose(
    changes: &Diff,
    previous: Option<&Version>,
    asked: Option<&Version>,
    allow: &[Allowance],
) -> Result<Version, Error> {
    let refused = |message: String| Err(Error::new(ErrorKind::Gate, message));
    let no_version = || {
        let findings: Vec<String> = changes.findings.iter().map(|finding| format!("  {finding}")).collect();
        refused(format!("no version may carry this:\n{}", findings.join("\n")))
    };
    let Some(previous) = previous else {
        return match changes.required_bump {
            Bump::Refused => no_version(),
            _ => Ok(asked.unwrap_or(&Version::new(1, 0, 0)).clone()),
        };
    };
    match asked {
        Some(asked) if asked <= previous => refused(format!("{asked} is not above {previous}")),
        Some(asked) => gate(changes, Some(previous), asked, allow).map(|_| asked.clone()),
        None => {
            let needed = softened(changes, previous.major, allow).required_bump.max(Bump::Patch);
            needed.next_version(previous).map_or_else(no_version, Ok)
        }
    }
}
