//! Which objects a registry consists of, and what they say to clients.
//!
//! | key | content | may change |
//! |---|---|---|
//! | `registry.toml` | host and namespace | no |
//! | `.well-known/terraform.json` | discovery | no |
//! | `index.json` | the modules | yes |
//! | `index.html` | the modules, for people | yes |
//! | `v1/modules/NS/NAME/SYSTEM/versions` | the version list: what is in it is published | yes |
//! | `.../index.html` | the version list for people | yes |
//! | `.../X.Y.Z/module.tar.gz` | the package | no |
//! | `.../X.Y.Z/manifest.json` | digests, contract, and what changed | no |
//! | `.../X.Y.Z/get` | a page that leads Terraform to the package, with its digest | no |
//! | `.../X.Y.Z/download` | the package's location for OpenTofu | no |
//! | `.../X.Y.Z/index.html` | a page for people | no |
//! | `.../X.Y.Z/module.tar.gz.sigstore.json` | a signature of the package, if anybody made one | no |
//!
//! A static host needs one header on `*/download`: `X-Terraform-Get: ./get`.

use std::collections::BTreeSet;

use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use terrane_contract::{Contract, Finding};

use crate::package::sha256_hex;
use crate::page::PAGE;
use crate::{Error, ErrorKind, ModuleName};

/// The key of the settings.
pub(crate) const SETTINGS: &str = "registry.toml";
/// The key of the discovery document.
pub(crate) const DISCOVERY: &str = ".well-known/terraform.json";
/// The key of the list of modules.
pub(crate) const MODULE_LIST: &str = "index.json";
/// Where all modules are.
pub(crate) const MODULES: &str = "v1/modules/";

/// The name of a signature bundle beside the package.
pub(crate) const BUNDLE: &str = "module.tar.gz.sigstore.json";

/// One object of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File {
    Archive,
    Manifest,
    Get,
    Download,
    Page,
}

impl File {
    pub(crate) const ALL: [File; 5] = [File::Archive, File::Manifest, File::Get, File::Download, File::Page];

    pub(crate) fn name(self) -> &'static str {
        match self {
            File::Archive => "module.tar.gz",
            File::Manifest => "manifest.json",
            File::Get => "get",
            File::Download => "download",
            File::Page => PAGE,
        }
    }
}

pub(crate) fn versions_key(module: &ModuleName) -> String {
    format!("{MODULES}{module}/versions")
}

/// Returns the key of the page that lists a module's versions.
pub(crate) fn page_key(module: &ModuleName) -> String {
    format!("{MODULES}{module}/{PAGE}")
}

/// Returns the key of a version's signature bundle.
pub(crate) fn bundle_key(module: &ModuleName, version: &Version) -> String {
    format!("{MODULES}{module}/{version}/{BUNDLE}")
}

pub(crate) fn file_key(module: &ModuleName, version: &Version, file: File) -> String {
    format!("{MODULES}{module}/{version}/{}", file.name())
}

/// Returns the discovery document.
pub(crate) fn discovery() -> Vec<u8> {
    text(&json!({"modules.v1": format!("/{MODULES}")}))
}

/// Returns where the package is, seen from `download`.
pub(crate) fn location(sha256: &str) -> String {
    format!("./{}?checksum=sha256:{sha256}", File::Archive.name())
}

/// Returns the list of modules.
pub(crate) fn module_list(modules: &BTreeSet<ModuleName>) -> Vec<u8> {
    let names: Vec<Value> = modules.iter().map(|module| Value::from(module.to_string())).collect();
    text(&json!({"modules": names}))
}

/// Reads a list of modules; `None` for one that is damaged.
pub(crate) fn read_module_list(bytes: &[u8]) -> Option<BTreeSet<ModuleName>> {
    #[derive(Deserialize)]
    struct List {
        modules: Vec<String>,
    }
    let list: List = serde_json::from_slice(bytes).ok()?;
    list.modules.iter().map(|name| ModuleName::parse(name).ok()).collect()
}

/// Returns the body of `download`, which also vouches for the manifest.
pub(crate) fn download(manifest: &Manifest) -> Vec<u8> {
    let vouched = format!("sha256:{}", sha256_hex(&manifest.to_bytes()));
    text(&json!({"location": location(&manifest.sha256), "manifest": vouched}))
}

/// Returns the page behind `X-Terraform-Get: ./get`, which has to name the package absolutely.
pub(crate) fn get_page(base_url: &str, module: &ModuleName, version: &Version, sha256: &str) -> Vec<u8> {
    let archive = file_key(module, version, File::Archive);
    format!(
        "<!DOCTYPE html>\n<html><head><meta name=\"terraform-get\" \
         content=\"{base_url}/{archive}?checksum=sha256:{sha256}\"></head></html>\n"
    )
    .into_bytes()
}

fn text(value: &Value) -> Vec<u8> {
    let mut text = serde_json::to_string_pretty(value).expect("JSON values are printable");
    text.push('\n');
    text.into_bytes()
}

/// The version list of one module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Index {
    /// The versions that clients see.
    pub listed: BTreeSet<Version>,
    /// The versions that are hidden from clients, and whose objects remain.
    pub yanked: BTreeSet<Version>,
}

/// The version list as clients read it.
#[derive(Deserialize)]
struct VersionList {
    modules: Vec<ListedModule>,
    #[serde(default)]
    yanked: Vec<String>,
}

#[derive(Deserialize)]
struct ListedModule {
    versions: Vec<ListedVersion>,
}

#[derive(Deserialize)]
struct ListedVersion {
    version: String,
}

impl Index {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Index, Error> {
        let damaged = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Damaged, format!("the version list is damaged: {error}"))
        };
        let list: VersionList = serde_json::from_slice(bytes).map_err(|error| damaged(&error))?;
        let [module] = list.modules.as_slice() else {
            return Err(damaged(&format!("it holds {} modules, not one", list.modules.len())));
        };
        let read = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| Version::parse(text)).collect::<Result<BTreeSet<_>, _>>()
        };
        let listed = read(&mut module.versions.iter().map(|entry| &entry.version));
        Ok(Index {
            listed: listed.map_err(|error| damaged(&error))?,
            yanked: read(&mut list.yanked.iter()).map_err(|error| damaged(&error))?,
        })
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let listed: Vec<Value> =
            self.listed.iter().map(|version| json!({"version": version.to_string()})).collect();
        let mut value = json!({"modules": [{"versions": listed}]});
        if !self.yanked.is_empty() {
            value["yanked"] = self.yanked.iter().map(|version| Value::from(version.to_string())).collect();
        }
        text(&value)
    }

    pub(crate) fn has(&self, version: &Version) -> bool {
        self.listed.contains(version) || self.yanked.contains(version)
    }
}

/// The record of one published version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The module, as `namespace/name/system`.
    pub module: String,
    /// The version.
    pub version: Version,
    /// The tree digest, which is the identity of the package.
    pub h1: String,
    /// The SHA-256 of the archive in hexadecimal.
    pub sha256: String,
    /// The length of the archive in bytes.
    pub size: u64,
    /// The release with which this one was compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Version>,
    /// What changed since then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// Breaking findings that were accepted in a minor release, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<Allowance>,
    /// The commit that the package was built from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The program that published it.
    pub tool: String,
    /// The interface.
    pub contract: Contract,
}

impl Manifest {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Manifest, Error> {
        serde_json::from_slice(bytes)
            .map_err(|error| Error::new(ErrorKind::Damaged, format!("the manifest is damaged: {error}")))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        text(&serde_json::to_value(self).expect("a manifest holds JSON values only"))
    }
}

/// One breaking finding that a release may carry without a major bump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowance {
    /// The rule's id.
    pub rule: String,
    /// The address, as the finding prints it.
    pub address: String,
    /// Why callers do not break, or may.
    pub reason: String,
    /// The major version in which it holds; it expires with the next.
    pub major: u64,
}

impl Allowance {
    /// Reads an allow-file: `[[allow]]` tables with `rule`, `address`, `reason`, and `major`.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the file.
    pub fn parse_file(text: &str) -> Result<Vec<Allowance>, Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct AllowFile {
            #[serde(default)]
            allow: Vec<Allowance>,
        }
        let file: AllowFile = toml::from_str(text)
            .map_err(|error| Error::input(format!("the allow-file is refused: {error}")))?;
        match file.allow.iter().find(|allowance| allowance.reason.trim().is_empty()) {
            Some(empty) => {
                let message =
                    format!("the allow-file gives no reason for {} at {}", empty.rule, empty.address);
                Err(Error::input(message))
            }
            None => Ok(file.allow),
        }
    }
}
