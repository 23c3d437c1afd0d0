//! A release from a workspace under git, in two parts that can be run again after a crash.
//!
//! [`Release::prepare`] chooses the version and commits it; [`Release::publish`] publishes that commit and tags it.
//! What was done is read from git and the store, never from memory, so each part picks up where it was killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use semver::Version;
use terrane_contract::{Contract, Diff};
use terrane_registry::{
    Allowance, Error, ErrorKind, Git, Manifest, ModuleName, Package, Publication, Published, Registry,
    Server, Settings, Store, choose,
};
use tokio::net::TcpListener;

use crate::git::Releasing as _;
use crate::version::{self, UNRELEASED};

/// A module of a workspace and the store it is released to.
#[derive(Debug)]
pub struct Release {
    root: PathBuf,
    module: ModuleName,
    store: Arc<dyn Store>,
    settings: Settings,
    /// Settings of the Terraform that reads the release back.
    terraform: String,
}

/// What a release will be.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The version.
    pub version: Version,
    /// The release before it.
    pub previous: Option<Version>,
    /// What changed since then.
    pub changes: Diff,
    /// The changes as an entry of the change log.
    pub changelog: String,
    /// Whether the version is committed already, so that publishing is what is left.
    pub prepared: bool,
}

impl Release {
    /// Names the module `modules/NAME` of the workspace at `root`, and where it goes.
    pub fn new(root: &Path, module: ModuleName, store: Arc<dyn Store>, settings: Settings) -> Release {
        Release { root: root.to_owned(), module, store, settings, terraform: String::new() }
    }

    /// Adds CLI settings of Terraform for reading the release back, such as where it finds providers.
    ///
    /// Without any, `terraform init` downloads the providers that the module needs.
    #[must_use]
    pub fn with_terraform(mut self, settings: &str) -> Release {
        settings.clone_into(&mut self.terraform);
        self
    }

    fn directory(&self) -> String {
        format!("modules/{}", self.module.name())
    }

    fn git(&self) -> Git<'_> {
        Git { root: &self.root }
    }

    /// Marks a prepare that has begun on a clean tree and has not been committed.
    fn marker(&self) -> Result<PathBuf, Error> {
        Ok(self.git().directory()?.join(format!("terrane-release-{}", self.module.name())))
    }

    /// Returns the tag of a version.
    pub fn tag(&self, version: &Version) -> String {
        format!("{}-v{version}", self.module.name())
    }

    /// Returns whether a prepare was begun and killed before its commit, so that the tree holds some of its files.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`] if git cannot say where it keeps its files.
    pub fn is_interrupted(&self) -> Result<bool, Error> {
        Ok(self.marker()?.exists())
    }

    /// Reads what `.semver-allow.toml` beside the module accepts, as of a commit.
    fn allowances(&self, commit: &str) -> Result<Vec<Allowance>, Error> {
        let path = format!("{}/{ALLOW_FILE}", self.directory());
        let Some(text) = self.git().show(commit, &path)? else { return Ok(Vec::new()) };
        Allowance::parse_file(&text).map_err(|error| Error::input(format!("`{path}`: {error}")))
    }

    /// Returns what [`prepare`](Release::prepare) would do, writing nothing.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Input`]: the tree has uncommitted changes, or the module cannot be read.
    /// - [`ErrorKind::Gate`]: nothing changed, or the version asked for does not carry what did.
    /// - [`ErrorKind::Taken`]: the version's tag exists on another commit.
    pub fn plan(&self, version: Option<&Version>) -> Result<Plan, Error> {
        let git = self.git();
        // Of an interrupted attempt, only what it writes itself may lie about.
        let own =
            [format!("{}/", self.directory()), "crates/terrane-outputs/".to_owned(), "outputs/".to_owned()];
        git.check_clean(if self.is_interrupted()? { &own } else { &[] })?;
        let package = git.package("HEAD", &self.directory())?;
        let committed = self.committed_version("HEAD")?;
        let contract = package.contract(self.module.name())?;
        let (last, changes) = self.since_last(&package, &contract)?;
        let previous = last.as_ref().map(|last| last.version.clone());
        // What was published without a tag was killed in between, and is completed first.
        let is_open = |committed: &Version| match &previous {
            Some(last) if committed == last => Ok(!git.has_tag(&self.tag(committed))?),
            last => Ok(last.as_ref().is_none_or(|last| committed > last)),
        };
        if let Some(prepared) = committed
            && is_open(&prepared)?
        {
            if let Some(asked) = version.filter(|asked| **asked != prepared) {
                let message =
                    format!("{prepared} is prepared, not {asked}; publish it, or revert its commit");
                return Err(Error::new(ErrorKind::Gate, message));
            }
            return Ok(Plan {
                version: prepared,
                previous,
                changes,
                changelog: String::new(),
                prepared: true,
            });
        }
        if last.as_ref().is_some_and(|last| last.h1 == package.tree_digest()) {
            let message = format!("nothing changed since {}", previous.as_ref().unwrap_or(&UNRELEASED));
            return Err(Error::new(ErrorKind::Gate, message));
        }
        let allow = self.allowances("HEAD")?;
        let version = choose(&changes, previous.as_ref(), version, &allow)?;
        // Its commit is still to be made, so a tag that exists is on another.
        git.is_tagged(&self.tag(&version), "the commit of this release")?;
        let changelog = changelog(&version, last.as_ref(), &changes, &contract);
        Ok(Plan { version, previous, changes, changelog, prepared: false })
    }

    /// Chooses or checks the version, writes it, compiles again, and commits.
    ///
    /// `recompile` writes the module's files for the version that `module.toml` now has.
    ///
    /// # Errors
    ///
    /// As [`plan`](Release::plan), and what `recompile` returns; [`ErrorKind::Input`] if git cannot commit to a branch.
    pub fn prepare(
        &self,
        version: Option<&Version>,
        recompile: impl FnOnce() -> Result<(), String>,
    ) -> Result<Plan, Error> {
        let plan = self.plan(version)?;
        let marker = self.marker()?;
        if plan.prepared {
            // Killed right after the commit.
            if marker.exists() {
                self.git().check_clean(&[])?;
                end(&marker)?;
            }
            return Ok(plan);
        }
        self.git().check_can_commit()?;
        write(&marker, &format!("{}\n", plan.version))?;
        let directory = self.root.join(self.directory());
        write(&directory.join(version::FILE), &format!("version = \"{}\"\n", plan.version))?;
        // From the commit, not the file: a killed attempt may have written its entry already.
        let history =
            self.git().show("HEAD", &format!("{}/CHANGELOG.md", self.directory()))?.unwrap_or_default();
        let history = history.strip_prefix(CHANGELOG_HEAD).unwrap_or(&history);
        write(&directory.join("CHANGELOG.md"), &format!("{CHANGELOG_HEAD}{}{history}", plan.changelog))?;
        recompile().map_err(|error| {
            Error::input(format!("the module does not compile as {}: {error}", plan.version))
        })?;
        let message = format!("{}: release {}", self.module.name(), plan.version);
        self.git().commit_all(&message)?;
        end(&marker)?;
        Ok(Plan { prepared: true, ..plan })
    }

    /// Publishes the commit that set the version, reads it back, and tags it.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Input`]: no version is prepared.
    /// - As [`Registry::publish`].
    /// - [`ErrorKind::Taken`]: the tag exists on another commit.
    pub fn publish(&self) -> Result<Published, Error> {
        let git = self.git();
        let version_file = format!("{}/{}", self.directory(), version::FILE);
        let Some(commit) = git.last_commit(&version_file)? else {
            return Err(Error::input(format!(
                "`{version_file}` is not committed; prepare the release first"
            )));
        };
        let Some(version) = self.committed_version(&commit)? else {
            return Err(Error::input(format!("`{version_file}` holds no version")));
        };
        // What is published stays, so the tag has to be free before.
        let tag = self.tag(&version);
        git.is_tagged(&tag, &commit)?;
        let package = git.package(&commit, &self.directory())?;
        let allow = self.allowances(&commit)?;
        let registry = Registry::open_or_create(self.store.as_ref(), &self.settings)?;
        let published = registry.publish(&Publication {
            module: &self.module,
            version: &version,
            package: &package,
            allow: &allow,
            commit: Some(&commit),
        })?;
        let (Published::New(manifest) | Published::Already(manifest)) = &published;
        self.install(manifest)?;
        let message = format!("{} {version}\n\n{}\nsha256:{}\n", self.module, manifest.h1, manifest.sha256);
        git.tag(&tag, &commit, &message)?;
        Ok(published)
    }

    /// Initialises a root that calls the version, with the real Terraform and a server over the store.
    fn install(&self, manifest: &Manifest) -> Result<(), Error> {
        let failed = |what: &str, error: std::io::Error| Error::unavailable(what.to_owned(), error);
        let runtime =
            tokio::runtime::Runtime::new().map_err(|error| failed("cannot start a server", error))?;
        let listener = runtime
            .block_on(TcpListener::bind("127.0.0.1:0"))
            .map_err(|error| failed("cannot listen", error))?;
        let port = listener.local_addr().map_err(|error| failed("cannot listen", error))?.port();
        let server = Server::new(Arc::clone(&self.store), Arc::new(|_| {}));
        runtime.spawn(server.run(listener, std::future::pending()));

        // One place for each module, so that what a killed attempt left is in nobody's way for long.
        let root = self.git().directory()?.join(format!("terrane-install-{}", self.module.name()));
        let _ = fs::remove_dir_all(&root);
        let (host, module, version) = (&self.settings.host, &self.module, &manifest.version);
        let services = format!(
            "host \"{host}\" {{\n  services = {{ \"modules.v1\" = \"http://127.0.0.1:{port}/v1/modules/\" }}\n}}\n"
        );
        write(&root.join("terraformrc"), &format!("{}{services}", self.terraform))?;
        let call =
            format!("module \"m\" {{\n  source  = \"{host}/{module}\"\n  version = \"{version}\"\n}}\n");
        write(&root.join("main.tf"), &call)?;
        let output = Command::new("terraform")
            .args(["init", "-backend=false", "-input=false", "-no-color"])
            .current_dir(&root)
            .env("TF_CLI_CONFIG_FILE", root.join("terraformrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .output();
        let result = match output {
            Ok(output) if output.status.success() => same(&root.join(".terraform/modules/m"), manifest),
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(Error::new(ErrorKind::Damaged, format!("{module} {version} does not install:\n{text}")))
            }
            Err(error) => Err(failed("terraform is needed to read the release back", error)),
        };
        let _ = fs::remove_dir_all(&root);
        runtime.shutdown_background();
        result
    }

    fn committed_version(&self, commit: &str) -> Result<Option<Version>, Error> {
        let Some(text) = self.git().show(commit, &format!("{}/{}", self.directory(), version::FILE))? else {
            return Ok(None);
        };
        let place = format!("`{}/{}`", self.directory(), version::FILE);
        version::parse(&text, &place).map(Some).map_err(|error| Error::input(error.to_string()))
    }

    /// Returns the last release, if there is one, and what changed since.
    fn since_last(&self, package: &Package, contract: &Contract) -> Result<(Option<Manifest>, Diff), Error> {
        let registry = match Registry::open(self.store.as_ref()) {
            Ok(registry) => registry,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok((None, package.changes(contract, None)));
            }
            Err(error) => return Err(error),
        };
        let last = registry.previous(&self.module, &Version::new(u64::MAX, 0, 0))?;
        let changes = registry.changes(&self.module, last.as_ref(), package, contract)?;
        Ok((last, changes))
    }
}

/// Breaking findings that are accepted, with reasons; committed beside the module.
const ALLOW_FILE: &str = ".semver-allow.toml";
const CHANGELOG_HEAD: &str = "# Changes\n";

fn changelog(version: &Version, previous: Option<&Manifest>, changes: &Diff, contract: &Contract) -> String {
    let mut text = format!("\n## {version}\n\n");
    let lines = match previous {
        None => vec!["The first release.".to_owned()],
        Some(previous) => changes.changelog(&previous.contract, contract),
    };
    if lines.is_empty() {
        text.push_str("- The interface is unchanged.\n");
    }
    for line in lines {
        text.push_str(&format!("- {line}\n"));
    }
    text
}

fn end(marker: &Path) -> Result<(), Error> {
    fs::remove_file(marker).map_err(|error| Error::unavailable("cannot end the prepare", error))
}

fn same(installed: &Path, manifest: &Manifest) -> Result<(), Error> {
    let found = Package::from_directory(installed)?.tree_digest();
    if found == manifest.h1 {
        return Ok(());
    }
    let message = format!("what installs is {found}, but {} was published", manifest.h1);
    Err(Error::new(ErrorKind::Damaged, message))
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Error::unavailable(format!("cannot write `{}`", path.display()), error))
}
