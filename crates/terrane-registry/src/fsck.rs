//! Checks what a store holds against what it should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use semver::Version;
use serde::Serialize;

use crate::layout::{
    BUNDLE, DISCOVERY, File, MODULE_LIST, MODULES, Manifest, bundle_key, discovery, download, file_key,
    get_page, module_list, page_key,
};
use crate::package::sha256_hex;
use crate::page::{PAGE, front_page, generator, module_link, module_page, version_link, version_page};
use crate::registry::Registry;
use crate::signature::{self, Trust};
use crate::store::content_type;
use crate::{Error, ErrorKind, ModuleName, Package};

/// One thing in a store that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fault {
    /// The object.
    pub key: String,
    /// What is wrong with it, and what to do.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

impl Registry<'_> {
    /// Reads every object and returns what is wrong.
    ///
    /// # Errors
    ///
    /// Fails when the store does; what it holds is reported instead.
    pub fn fsck(&self) -> Result<Vec<Fault>, Error> {
        let mut faults = Vec::new();
        self.check_object(DISCOVERY, Some(&discovery()), &mut faults)?;
        let mut versions: BTreeMap<ModuleName, BTreeSet<Version>> = BTreeMap::new();
        for key in self.store().list(MODULES)? {
            match read_key(&key) {
                Some((module, Some(version))) => drop(versions.entry(module).or_default().insert(version)),
                Some((module, None)) => drop(versions.entry(module).or_default()),
                None => faults.push(Fault { key, message: "does not belong to a registry".to_owned() }),
            }
        }
        self.check_front_page(&mut faults)?;
        for (module, claimed) in versions {
            self.check_module(&module, &claimed, &mut faults)?;
        }
        faults.sort();
        Ok(faults)
    }

    /// Checks one published version: digests, manifest, what leads clients to it, and its signature, if it has one.
    ///
    /// # Errors
    ///
    /// Fails when the store does, or the version is not published.
    pub fn verify(&self, module: &ModuleName, version: &Version) -> Result<Vec<Fault>, Error> {
        self.verify_trusting(module, version, &Trust::default())
    }

    /// Checks one published version as [`Registry::verify`] does, and that it is signed by whom one trusts.
    ///
    /// # Errors
    ///
    /// As [`Registry::verify`].
    pub fn verify_trusting(
        &self,
        module: &ModuleName,
        version: &Version,
        trust: &Trust,
    ) -> Result<Vec<Fault>, Error> {
        if !self.index(module)?.has(version) {
            return Err(Error::new(ErrorKind::NotFound, format!("{module} {version} is not published")));
        }
        let mut faults = Vec::new();
        self.check_version(module, version, trust, &mut faults)?;
        Ok(faults)
    }

    /// Gives up the claim of a version that was never listed, so that another tree may take it.
    ///
    /// # Errors
    ///
    /// Refuses a version that is or was published.
    pub fn abandon(&self, module: &ModuleName, version: &Version) -> Result<(), Error> {
        if self.index(module)?.has(version) {
            let message = format!("{module} {version} is published and cannot be abandoned; yank it instead");
            return Err(Error::new(ErrorKind::Taken, message));
        }
        if self.store().get(&file_key(module, version, File::Archive))?.is_none() {
            let message = format!("{module} {version} is not claimed, so there is nothing to give up");
            return Err(Error::new(ErrorKind::NotFound, message));
        }
        // The claim goes last, so that a crash leaves a version that can be abandoned again.
        for file in [File::Page, File::Download, File::Get, File::Manifest, File::Archive] {
            self.store().delete(&file_key(module, version, file))?;
        }
        Ok(())
    }

    fn check_front_page(&self, faults: &mut Vec<Fault>) -> Result<(), Error> {
        let modules: BTreeSet<ModuleName> = self.modules()?.into_iter().collect();
        if modules.is_empty() {
            return Ok(());
        }
        self.check_object(MODULE_LIST, Some(&module_list(&modules)), faults)?;
        let links: Vec<String> = modules.iter().map(module_link).collect();
        self.check_page(PAGE, &front_page(&self.settings().host, &modules), &links, faults)
    }

    fn check_module(
        &self,
        module: &ModuleName,
        claimed: &BTreeSet<Version>,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Error> {
        let index = match self.index(module) {
            Ok(index) => index,
            Err(error) if error.kind() == ErrorKind::Damaged => {
                faults.push(Fault { key: crate::layout::versions_key(module), message: error.to_string() });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        for version in claimed.iter().filter(|version| !index.has(version)) {
            let message =
                "claimed, but never listed: publish it again, or give it up with --abandon".to_owned();
            faults.push(Fault { key: file_key(module, version, File::Archive), message });
        }
        self.check_object(&crate::layout::versions_key(module), None, faults)?;
        let page = module_page(&self.settings().host, module, &index);
        let links: Vec<String> = index.listed.iter().map(version_link).collect();
        self.check_page(&page_key(module), &page, &links, faults)?;
        for version in index.listed.iter().chain(&index.yanked) {
            self.check_version(module, version, &Trust::default(), faults)?;
        }
        Ok(())
    }

    /// Checks a page: byte by byte if this release of the program wrote it, and otherwise for what it must show.
    fn check_page(
        &self,
        key: &str,
        expected: &[u8],
        shown: &[String],
        faults: &mut Vec<Fault>,
    ) -> Result<(), Error> {
        let Some(bytes) = self.check_object(key, None, faults)? else { return Ok(()) };
        let page = String::from_utf8_lossy(&bytes);
        let ours = page.contains(&generator());
        let whole = shown.iter().all(|text| page.contains(text)) && page.ends_with("</html>\n");
        if !whole || (ours && bytes != expected) {
            let message = "does not say what it has to; remove it and publish a version again".to_owned();
            faults.push(Fault { key: key.to_owned(), message });
        }
        Ok(())
    }

    fn check_version(
        &self,
        module: &ModuleName,
        version: &Version,
        trust: &Trust,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Error> {
        let key = file_key(module, version, File::Manifest);
        let Some(bytes) = self.check_object(&key, None, faults)? else { return Ok(()) };
        let manifest = match Manifest::parse(&bytes) {
            Ok(manifest) => manifest,
            Err(error) => {
                faults.push(Fault { key, message: error.to_string() });
                return Ok(());
            }
        };
        if manifest.to_bytes() != bytes {
            faults.push(Fault { key: key.clone(), message: "is not as it was written".to_owned() });
        }
        if manifest.module != module.to_string() || manifest.version != *version {
            let message = format!("speaks of {} {}", manifest.module, manifest.version);
            faults.push(Fault { key, message });
        }
        let key = file_key(module, version, File::Archive);
        if let Some(archive) = self.check_object(&key, None, faults)? {
            self.check_signature(&bundle_key(module, version), &archive, trust, faults)?;
            match checked(&archive, &manifest) {
                Ok(package) => {
                    let page = version_page(&self.settings().host, &manifest, &package);
                    let key = file_key(module, version, File::Page);
                    self.check_page(&key, &page, std::slice::from_ref(&manifest.h1), faults)?;
                }
                Err(message) => faults.push(Fault { key, message }),
            }
        }
        let get = get_page(&self.settings().base_url(), module, version, &manifest.sha256);
        self.check_object(&file_key(module, version, File::Get), Some(&get), faults)?;
        self.check_object(&file_key(module, version, File::Download), Some(&download(&manifest)), faults)?;
        Ok(())
    }

    fn check_signature(
        &self,
        key: &str,
        archive: &[u8],
        trust: &Trust,
        faults: &mut Vec<Fault>,
    ) -> Result<(), Error> {
        if !trust.is_demanding() && self.store().get(key)?.is_none() {
            return Ok(());
        }
        let Some(bundle) = self.check_object(key, None, faults)? else { return Ok(()) };
        if let Err(message) = signature::check(&bundle, archive, trust) {
            faults.push(Fault { key: key.to_owned(), message });
        }
        Ok(())
    }

    fn check_object(
        &self,
        key: &str,
        expected: Option<&[u8]>,
        faults: &mut Vec<Fault>,
    ) -> Result<Option<Vec<u8>>, Error> {
        let mut fault = |message: String| faults.push(Fault { key: key.to_owned(), message });
        let object = match self.store().get(key) {
            Ok(Some(object)) => object,
            Ok(None) => {
                fault("is missing".to_owned());
                return Ok(None);
            }
            Err(error) if error.kind() == ErrorKind::Damaged => {
                fault(error.to_string());
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if let Some(found) = object.content_type.filter(|found| found != content_type(key)) {
            fault(format!("has the content type `{found}`; clients need `{}`", content_type(key)));
        }
        if let Some(encoding) = object.content_encoding.filter(|encoding| !encoding.is_empty()) {
            fault(format!("has the content encoding `{encoding}`, which clients undo; remove it"));
        }
        if expected.is_some_and(|expected| expected != object.bytes) {
            fault("does not say what it has to".to_owned());
        }
        Ok(Some(object.bytes))
    }
}

/// Returns the package of an archive, or what is wrong with it.
fn checked(archive: &[u8], manifest: &Manifest) -> Result<Package, String> {
    let sha256 = sha256_hex(archive);
    if sha256 != manifest.sha256 {
        return Err(format!("is sha256:{sha256}, but was published as sha256:{}", manifest.sha256));
    }
    let package = Package::from_tar_gz(archive).map_err(|error| error.to_string())?;
    if package.tree_digest() != manifest.h1 {
        return Err(format!("holds {}, but was published as {}", package.tree_digest(), manifest.h1));
    }
    Ok(package)
}

/// Reads `NS/NAME/SYSTEM/versions`, the page beside it, or `NS/NAME/SYSTEM/X.Y.Z/FILE`.
fn read_key(key: &str) -> Option<(ModuleName, Option<Version>)> {
    let parts: Vec<&str> = key.strip_prefix(MODULES)?.split('/').collect();
    match parts.as_slice() {
        [namespace, name, system, "versions" | PAGE] => {
            Some((ModuleName::new(namespace, name, system).ok()?, None))
        }
        [namespace, name, system, version, file]
            if *file == BUNDLE || File::ALL.iter().any(|known| known.name() == *file) =>
        {
            let version = crate::parse_version(version).ok()?;
            Some((ModuleName::new(namespace, name, system).ok()?, Some(version)))
        }
        _ => None,
    }
}
