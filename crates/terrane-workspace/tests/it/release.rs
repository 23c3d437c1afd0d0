//! A release from a git repository to a directory, and again after it was killed.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use terrane_registry::{DirectoryStore, ErrorKind, MemoryStore, Published, Registry, Store, parse_version};
use terrane_workspace::Release;

use crate::available;
use crate::common::{Death, FaultyStore, Killed, network, settings};

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

struct Workspace {
    directory: tempfile::TempDir,
    store: Arc<dyn Store>,
}

impl Workspace {
    fn new() -> Workspace {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("workspace");
        fs::create_dir_all(root.join("modules/network")).unwrap();
        git(&root, &["init", "--quiet", "-b", "main"]);
        for (name, value) in
            [("user.name", "t"), ("user.email", "t@example.test"), ("commit.gpgsign", "false")]
        {
            git(&root, &["config", name, value]);
        }
        let store: Arc<dyn Store> = Arc::new(DirectoryStore::new(directory.path().join("registry")));
        Workspace { directory, store }
    }

    fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("workspace")
    }

    fn commit(&self, main: &str) {
        fs::write(self.root().join("modules/network/main.tf"), main).unwrap();
        git(&self.root(), &["add", "-A"]);
        git(&self.root(), &["commit", "--quiet", "-m", "change"]);
    }

    fn release(&self) -> Release {
        Release::new(&self.root(), network(), Arc::clone(&self.store), settings())
    }

    /// What a compiler does: the version lands in the module's files.
    fn recompile(&self) -> Result<(), String> {
        let module = self.root().join("modules/network");
        let version = fs::read_to_string(module.join("module.toml")).unwrap();
        fs::write(module.join("version.tf"), format!("locals {{\n  {version}}}\n")).unwrap();
        Ok(())
    }

    fn run(&self) -> Result<Published, terrane_registry::Error> {
        self.release().prepare(None, || self.recompile())?;
        self.release().publish()
    }
}

const ONE: &str = "variable \"a\" {\n  default = 1\n}\n";
const TWO: &str = "variable \"a\" {\n  default = 1\n}\nvariable \"b\" {\n  default = 1\n}\n";

#[test]
fn versions_follow_from_what_changed() {
    if !available() {
        return;
    }
    let workspace = Workspace::new();
    workspace.commit(ONE);
    workspace.run().unwrap();
    workspace.commit(TWO);
    workspace.run().unwrap();
    workspace.commit(ONE);
    workspace.run().unwrap();

    let index = Registry::open(workspace.store.as_ref()).unwrap().index(&network()).unwrap();
    let listed: Vec<String> = index.listed.iter().map(ToString::to_string).collect();
    assert_eq!(listed, ["1.0.0", "1.1.0", "2.0.0"]);
    assert_eq!(git(&workspace.root(), &["tag"]), "network-v1.0.0\nnetwork-v1.1.0\nnetwork-v2.0.0");
    assert_eq!(git(&workspace.root(), &["cat-file", "-t", "network-v2.0.0"]), "tag");
    let manifest = Registry::open(workspace.store.as_ref()).unwrap();
    let manifest = manifest.manifest(&network(), &parse_version("2.0.0").unwrap()).unwrap().unwrap();
    assert!(git(&workspace.root(), &["tag", "-n9", "network-v2.0.0"]).contains(&manifest.h1));
    assert_eq!(manifest.commit, Some(git(&workspace.root(), &["rev-parse", "network-v2.0.0^{commit}"])));
    let changes = fs::read_to_string(workspace.root().join("modules/network/CHANGELOG.md")).unwrap();
    let order: Vec<usize> =
        ["## 2.0.0", "**breaking** `var.b`", "## 1.1.0", "## 1.0.0\n\n- The first release.\n"]
            .map(|text| changes.find(text).unwrap_or_else(|| panic!("{text} in {changes}")))
            .into();
    assert!(order.is_sorted(), "{changes}");
}

#[test]
fn what_cannot_be_released_is_refused_before_anything_is_written() {
    if !available() {
        return;
    }
    let workspace = Workspace::new();
    workspace.commit(ONE);
    workspace.run().unwrap();
    let head = git(&workspace.root(), &["rev-parse", "HEAD"]);
    let unchanged = workspace.run();
    assert!(
        matches!(unchanged, Err(ref error) if error.to_string().contains("nothing changed since 1.0.0")),
        "{unchanged:?}"
    );

    fs::write(workspace.root().join("modules/network/main.tf"), TWO).unwrap();
    let dirty = workspace.run().unwrap_err();
    assert_eq!(dirty.kind(), ErrorKind::Input);
    assert!(dirty.to_string().contains("modules/network/main.tf"), "{dirty}");
    assert_eq!(git(&workspace.root(), &["rev-parse", "HEAD"]), head);
}

#[test]
fn a_release_names_what_git_cannot_do() {
    let workspace = Workspace::new();
    let refused = |workspace: &Workspace, kind: ErrorKind, expected: &[&str]| {
        let error = workspace.run().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        for expected in expected {
            assert!(error.to_string().contains(expected), "{expected}: {error}");
        }
        assert!(Registry::open(workspace.store.as_ref()).is_err(), "nothing was published");
    };
    refused(&workspace, ErrorKind::Input, &["`modules/network` is not committed"]);
    workspace.commit(ONE);
    let head = git(&workspace.root(), &["rev-parse", "HEAD"]);
    git(&workspace.root(), &["checkout", "--quiet", "--detach"]);
    git(&workspace.root(), &["config", "user.name", ""]);
    let both = ["HEAD is detached at", head.as_str(), "git knows no author", "`user.name`"];
    refused(&workspace, ErrorKind::Input, &both);
    assert_eq!(git(&workspace.root(), &["status", "--porcelain"]), "");
    git(&workspace.root(), &["checkout", "--quiet", "main"]);
    git(&workspace.root(), &["config", "user.name", "t"]);

    // A tag that somebody made by hand is found before anything is written, and before anything is published.
    git(&workspace.root(), &["tag", "network-v1.0.0"]);
    refused(&workspace, ErrorKind::Taken, &["`network-v1.0.0`", head.as_str(), "git tag -d network-v1.0.0"]);
    assert_eq!(git(&workspace.root(), &["rev-parse", "HEAD"]), head);
    git(&workspace.root(), &["tag", "-d", "network-v1.0.0"]);
    workspace.release().prepare(None, || workspace.recompile()).unwrap();
    git(&workspace.root(), &["tag", "network-v1.0.0", &head]);
    refused(&workspace, ErrorKind::Taken, &["`network-v1.0.0`", head.as_str()]);

    fs::remove_dir_all(workspace.root().join(".git")).unwrap();
    let expected = ["is in no git repository", &workspace.root().display().to_string(), "git init"];
    refused(&workspace, ErrorKind::Input, &expected);
}

#[test]
fn a_release_that_was_killed_can_be_run_again() {
    if !available() {
        return;
    }
    let workspace = Workspace::new();
    workspace.commit(ONE);
    // Killed while compiling: files are written, and nothing is committed.
    workspace.release().prepare(None, || Err("killed".to_owned())).unwrap_err();
    assert_ne!(git(&workspace.root(), &["status", "--porcelain"]), "");
    workspace.release().prepare(None, || workspace.recompile()).unwrap();
    assert_eq!(git(&workspace.root(), &["status", "--porcelain"]), "");
    // Killed between the two parts: preparing again does nothing.
    let head = git(&workspace.root(), &["rev-parse", "HEAD"]);
    let plan = workspace.release().prepare(None, || panic!("compiled already")).unwrap();
    assert!(plan.prepared && plan.version.to_string() == "1.0.0");
    assert_eq!(git(&workspace.root(), &["rev-parse", "HEAD"]), head);
    // Killed after publishing, before the tag.
    workspace.release().publish().unwrap();
    git(&workspace.root(), &["tag", "-d", "network-v1.0.0"]);
    // The next attempt completes the release instead of saying that nothing changed.
    assert!(matches!(workspace.run().unwrap(), Published::Already(_)));
    assert_eq!(git(&workspace.root(), &["tag"]), "network-v1.0.0");
    let changes = fs::read_to_string(workspace.root().join("modules/network/CHANGELOG.md")).unwrap();
    assert_eq!(changes.matches("## 1.0.0").count(), 1, "{changes}");
}

/// What was left by a kill is completed; what somebody else changed meanwhile is not swept into the release.
#[test]
fn an_interrupted_release_takes_nothing_but_its_own_files() {
    if !available() {
        return;
    }
    let workspace = Workspace::new();
    workspace.commit(ONE);
    // Killed in the commit, by a hook that stands for it.
    let hook = workspace.root().join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, "#!/bin/sh\nexit 1\n").unwrap();
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    workspace.release().prepare(None, || workspace.recompile()).unwrap_err();
    fs::remove_file(hook).unwrap();
    assert!(workspace.release().is_interrupted().unwrap());

    fs::write(workspace.root().join("notes.txt"), "mine").unwrap();
    let refused = workspace.release().prepare(None, || workspace.recompile()).unwrap_err();
    assert!(refused.to_string().contains("notes.txt"), "{refused}");
    assert!(!refused.to_string().contains("module.toml"), "{refused}");
    fs::remove_file(workspace.root().join("notes.txt")).unwrap();
    workspace.release().prepare(None, || workspace.recompile()).unwrap();
    assert!(!workspace.release().is_interrupted().unwrap());

    // Killed between the commit and the end of the prepare.
    fs::write(workspace.root().join(".git/terrane-release-network"), "1.0.0\n").unwrap();
    workspace.run().unwrap();
    assert!(!workspace.release().is_interrupted().unwrap());
    fs::write(workspace.root().join("modules/network/main.tf"), TWO).unwrap();
    assert_eq!(
        workspace.run().unwrap_err().kind(),
        ErrorKind::Input,
        "the next one starts from a clean tree"
    );
}

/// A4: `publish` dies at each write to the store, and the release is run again.
#[test]
fn a04_a_release_killed_at_any_write_can_be_run_again() {
    if !available() {
        return;
    }
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Killed>() {
            hook(info);
        }
    }));
    let store: &'static MemoryStore = Box::leak(Box::default());
    let mut workspace = Workspace::new();
    workspace.commit(ONE);
    workspace.release().prepare(None, || workspace.recompile()).unwrap();
    let mut n_crashes = 0;
    // Each attempt goes one write further than the one before, on what that one left.
    for attempt in 0.. {
        let death = if attempt % 2 == 0 { Death::Before } else { Death::After };
        workspace.store = Arc::new(FaultyStore::new(store, attempt / 2, death));
        match catch_unwind(AssertUnwindSafe(|| workspace.run())) {
            Ok(published) => {
                assert!(matches!(published.unwrap(), Published::Already(_)), "the list was written last");
                break;
            }
            Err(panic) => assert!(panic.is::<Killed>()),
        }
        n_crashes += 1;
        assert_eq!(git(&workspace.root(), &["tag"]), "", "no tag before the version is whole");
    }
    assert!(n_crashes >= 10, "{n_crashes}");
    assert_eq!(git(&workspace.root(), &["tag"]), "network-v1.0.0");
    assert_eq!(Registry::open(store).unwrap().fsck().unwrap(), []);
}

#[test]
fn a_version_that_does_not_carry_the_changes_is_refused_before_it_is_committed() {
    if !available() {
        return;
    }
    let workspace = Workspace::new();
    workspace.commit(TWO);
    workspace.run().unwrap();
    workspace.commit(ONE);
    let head = git(&workspace.root(), &["rev-parse", "HEAD"]);
    let minor = parse_version("1.1.0").unwrap();
    let refused = workspace.release().prepare(Some(&minor), || panic!("not compiled")).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Gate);
    assert!(refused.to_string().contains("V03 needs major: var.b"), "{refused}");
    assert_eq!(git(&workspace.root(), &["rev-parse", "HEAD"]), head);
    assert_eq!(git(&workspace.root(), &["status", "--porcelain"]), "");

    let allow = "[[allow]]\nrule = \"V03\"\naddress = \"var.b\"\nreason = \"nobody sets it\"\nmajor = 1\n";
    fs::write(workspace.root().join("modules/network/.semver-allow.toml"), allow).unwrap();
    git(&workspace.root(), &["add", "-A"]);
    git(&workspace.root(), &["commit", "--quiet", "-m", "accept"]);
    assert_eq!(workspace.release().plan(None).unwrap().version, minor);
    let Published::New(manifest) = workspace.run().unwrap() else { panic!("it is new") };
    assert_eq!((manifest.version, manifest.accepted[0].reason.as_str()), (minor, "nobody sets it"));
}

/// Names the workspace to a copy of this program that releases from it and is killed.
const KILLED: &str = "TERRANE_TEST_RELEASE";

/// `publish` is killed while `terraform init` reads the version back, and the release is run again.
#[test]
fn a_release_killed_while_it_is_read_back_can_be_run_again() {
    if let Some(root) = std::env::var_os(KILLED) {
        let root = Path::new(&root);
        let store = Arc::new(DirectoryStore::new(root.with_file_name("registry")));
        Release::new(root, network(), store, settings()).publish().unwrap();
        return;
    }
    if !available() {
        return;
    }
    let workspace = Workspace::new();
    workspace.commit(ONE);
    workspace.release().prepare(None, || workspace.recompile()).unwrap();
    // A Terraform that kills who started it.
    let programs = workspace.directory.path().join("bin");
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("terraform"), "#!/bin/sh\nkill -9 $PPID\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(programs.join("terraform"), mode).unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let killed = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "release::a_release_killed_while_it_is_read_back_can_be_run_again"])
        .env(KILLED, workspace.root())
        .env("PATH", path)
        .output()
        .unwrap();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&killed.status), Some(9), "{killed:?}");
    let left = workspace.root().join(".git/terrane-install-network");
    assert!(left.exists(), "it was killed in the middle");
    assert_eq!(git(&workspace.root(), &["tag"]), "", "what was not read back has no tag");

    assert!(matches!(workspace.run().unwrap(), Published::Already(_)));
    assert_eq!(git(&workspace.root(), &["tag"]), "network-v1.0.0");
    assert!(!left.exists());
    assert_eq!(git(&workspace.root(), &["status", "--porcelain"]), "");
    assert_eq!(Registry::open(workspace.store.as_ref()).unwrap().fsck().unwrap(), []);
}

/// A version that installs and cannot be initialised has no tag.
#[test]
fn a_release_that_terraform_refuses_has_no_tag() {
    if !available() {
        return;
    }
    let workspace = Workspace::new();
    workspace.commit("terraform {\n  required_version = \"< 1.0\"\n}\n");
    let refused = workspace.run().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Damaged);
    assert!(refused.to_string().contains("Unsupported Terraform Core version"), "{refused}");
    assert_eq!(git(&workspace.root(), &["tag"]), "");
}
