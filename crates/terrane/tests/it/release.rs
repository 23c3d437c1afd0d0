//! `cargo xtask release` in a workspace of its own, and the registry that it fills, with real Terraform.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use terrane_compiler::topology::{SubnetGroup, Topology};
use terrane_xtask::emulator::{Emulators, Kind};
use terrane_xtask::terraform::{Action, Terraform};
use terrane_xtask::{EXIT_FINE, EXIT_PROBLEMS, Workspace};

use crate::serving::Serving;

const MODULE: &str = "kubernetes-network";
const HOST: &str = "modules.example.test";

/// A workspace under git with the catalog's reference network, and a directory to release to.
struct Releasing {
    directory: tempfile::TempDir,
    workspace: Workspace,
}

impl Releasing {
    fn new(topology: &Topology) -> Releasing {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("workspace");
        fs::create_dir_all(&root).unwrap();
        let manifest =
            format!("[workspace]\n\n[workspace.metadata.terrane]\nhost = \"{HOST}\"\nnamespace = \"acme\"\n");
        fs::write(root.join("Cargo.toml"), manifest).unwrap();
        fs::write(root.join(".gitignore"), "/.cache\n").unwrap();
        let releasing = Releasing { directory, workspace: Workspace::at(root) };
        releasing.git(&["init", "--quiet", "-b", "main"]);
        for (name, value) in
            [("user.name", "t"), ("user.email", "t@example.test"), ("commit.gpgsign", "false")]
        {
            releasing.git(&["config", name, value]);
        }
        releasing.change(topology);
        releasing
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("registry")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git").args(arguments).current_dir(self.workspace.root()).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    /// Compiles a topology and commits the module, as somebody who changes a network does.
    fn change(&self, topology: &Topology) {
        let code = terrane_xtask::run(&self.workspace, std::slice::from_ref(topology), &["compile"]);
        assert_eq!(code, EXIT_FINE);
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", "change"]);
    }

    fn release(&self, topology: &Topology, arguments: &[&str]) -> u8 {
        let store = self.store().display().to_string();
        let arguments = [&["release", MODULE, "--to", &store], arguments].concat();
        terrane_xtask::run(&self.workspace, std::slice::from_ref(topology), &arguments)
    }

    fn versions(&self) -> String {
        self.git(&["tag", "--sort=version:refname"])
    }
}

#[test]
fn released_network_is_installed_by_constraint_and_upgraded_without_loss() {
    let cache = Workspace::find().unwrap().cache();
    let Some(terraform) = Terraform::find_or_skip(&cache).unwrap() else { return };
    let first = terrane_catalog::kubernetes_network();
    let releasing = Releasing::new(&first);

    // A dry run changes nothing; the release makes one commit and one tag; without a change there is no other.
    let head = releasing.git(&["rev-parse", "HEAD"]);
    assert_eq!(releasing.release(&first, &["--dry-run"]), EXIT_FINE);
    assert!(!releasing.store().exists() && releasing.git(&["rev-parse", "HEAD"]) == head);
    assert_eq!(releasing.release(&first, &[]), EXIT_FINE);
    assert_eq!(releasing.git(&["rev-parse", "HEAD~1"]), head);
    assert_eq!(releasing.versions(), "kubernetes-network-v1.0.0");
    assert_eq!(releasing.release(&first, &[]), EXIT_PROBLEMS);
    assert_eq!(releasing.git(&["status", "--porcelain"]), "");

    let serving = Serving::start(&releasing.store());
    let emulator = Emulators::install(&cache).unwrap().start(Kind::Moto).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = consumer(&terraform, &serving, directory.path(), &emulator.provider_override());
    root.init().unwrap();
    assert_eq!(installed(directory.path()), "1.0.0");
    root.apply(&[]).unwrap();

    // The network as compiled must be the network as committed.
    let second = first.clone().subnet_group(SubnetGroup::new("docdb", "db"));
    assert_eq!(releasing.release(&second, &[]), EXIT_PROBLEMS);
    releasing.change(&second);
    assert_eq!(releasing.release(&second, &["--version", "1.0.1"]), EXIT_PROBLEMS);
    assert_eq!(releasing.git(&["status", "--porcelain"]), "");
    assert_eq!(releasing.release(&second, &["--version", "1.1.0"]), EXIT_FINE);
    assert_eq!(releasing.versions(), "kubernetes-network-v1.0.0\nkubernetes-network-v1.1.0");

    root.upgrade().unwrap();
    assert_eq!(installed(directory.path()), "1.1.0");
    let changes = root.plan(&[]).unwrap().changes();
    assert!(changes.iter().any(|change| change.resource_type == "aws_docdb_subnet_group"), "{changes:?}");
    assert!(changes.iter().all(|change| change.action == Action::Create), "{changes:?}");
}

/// A root that calls the network from the registry.
fn consumer(
    terraform: &Terraform,
    serving: &Serving,
    directory: &Path,
    provider: &str,
) -> terrane_xtask::terraform::Root {
    let main = format!(
        "provider \"aws\" {{\n  region = \"us-east-1\"\n}}\n\nmodule \"network\" {{\n  source  = \"{HOST}/acme/{MODULE}/aws\"\n  version = \"~> 1.0\"\n}}\n"
    );
    fs::write(directory.join("main.tf"), main).unwrap();
    fs::write(directory.join("emulator_override.tf"), provider).unwrap();
    terraform.with_registry(HOST, &serving.modules(), &directory.join("terraformrc")).unwrap().root(directory)
}

fn installed(root: &Path) -> String {
    let text = fs::read_to_string(root.join(".terraform/modules/modules.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let called =
        value["Modules"].as_array().unwrap().iter().find(|module| module["Key"] == "network").unwrap();
    called["Version"].as_str().unwrap().to_owned()
}
