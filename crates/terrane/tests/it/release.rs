//! `cargo xtask release` in a workspace of its own, and the registry that it fills, with real Terraform.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use terrane_compiler::topology::{Flow, Tier, Topology};
use terrane_registry::{DirectoryStore, ModuleName, Settings};
use terrane_workspace::Release;
use terrane_xtask::emulator::{Emulators, Kind};
use terrane_xtask::terraform::{Action, Change, Root, Terraform};
use terrane_xtask::{EXIT_FINE, EXIT_PROBLEMS, Workspace};

use crate::serving::Serving;

const MODULE: &str = "kubernetes-network";
const HOST: &str = "modules.example.test";

/// A workspace under git with some networks, and a directory to release to.
pub(crate) struct Releasing {
    directory: tempfile::TempDir,
    pub(crate) workspace: Workspace,
}

impl Releasing {
    pub(crate) fn new(catalog: &[Topology]) -> Releasing {
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
        releasing.change(catalog);
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

    fn compile(&self, catalog: &[Topology]) {
        assert_eq!(terrane_xtask::run(&self.workspace, catalog, &["compile"]), EXIT_FINE);
    }

    /// Compiles topologies and commits the modules, as somebody who changes a network does.
    pub(crate) fn change(&self, catalog: &[Topology]) {
        self.compile(catalog);
        self.git(&["add", "-A"]);
        self.git(&["commit", "--quiet", "-m", "change"]);
    }

    /// The command, with all that it checks.
    fn release(&self, catalog: &[Topology], arguments: &[&str]) -> u8 {
        let store = self.store().display().to_string();
        let arguments = [&["release", MODULE, "--to", &store], arguments].concat();
        terrane_xtask::run(&self.workspace, catalog, &arguments)
    }

    /// Both parts of a release without the tests of the module, and the version that it chose.
    pub(crate) fn release_untested(&self, topology: &Topology) -> String {
        let module = ModuleName::new("acme", &topology.name, "aws").unwrap();
        let settings = Settings::new(HOST, "acme").unwrap();
        let store = Arc::new(DirectoryStore::new(self.store()));
        let terraform = Terraform::find(&Workspace::find().unwrap().cache()).unwrap().unwrap();
        let release = Release::new(self.workspace.root(), module, store, settings)
            .with_terraform(&terraform.settings().unwrap());
        let recompile = || {
            self.compile(std::slice::from_ref(topology));
            Ok(())
        };
        let plan = release.prepare(None, recompile).unwrap_or_else(|error| panic!("{error}"));
        release.publish().unwrap_or_else(|error| panic!("{error}"));
        plan.version.to_string()
    }

    fn versions(&self) -> String {
        self.git(&["tag", "--list", &format!("{MODULE}-v*"), "--sort=version:refname"])
    }
}

/// Each catalog module is applied at 1.0.0 by a caller that uses what it knows of it, and upgraded twice.
#[test]
fn a23_released_networks_are_upgraded_without_loss() {
    let cache = Workspace::find().unwrap().cache();
    let Some(terraform) = Terraform::find_or_skip(&cache).unwrap() else { return };
    let first = terrane_catalog::all();
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
    for topology in others(&first) {
        assert_eq!(releasing.release_untested(topology), "1.0.0", "{}", topology.name);
    }

    let serving = Serving::start(&releasing.store());
    let emulator = Emulators::install(&cache).unwrap().start(Kind::Moto).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = consumer(&terraform, &serving, directory.path(), &emulator.provider_override());
    root.init().unwrap();
    assert_eq!(installed(directory.path()), all_at("1.0.0", "1.0.0"));
    root.apply(&[]).unwrap();

    // A tier has another name, another tier and a flow are new: what callers know stays, so it is a minor version.
    let second: Vec<Topology> =
        first.iter().cloned().map(|topology| grown(renamed(topology, "r1"))).collect();
    assert_eq!(releasing.release(&second, &[]), EXIT_PROBLEMS, "compiled must be what is committed");
    releasing.change(&second);
    assert_eq!(releasing.release(&second, &["--version", "1.0.1"]), EXIT_PROBLEMS, "too small a step");
    assert_eq!(releasing.git(&["status", "--porcelain"]), "");
    for topology in &second {
        assert_eq!(releasing.release_untested(topology), "1.1.0", "{}", topology.name);
    }
    assert_eq!(releasing.versions(), "kubernetes-network-v1.0.0\nkubernetes-network-v1.1.0");
    root.upgrade().unwrap();
    assert_eq!(installed(directory.path()), all_at("1.1.0", "1.1.0"));
    check_nothing_is_lost(&root);

    // The same tier again has another name: from the oldest release to the newest, nothing is lost either.
    let third: Vec<Topology> = second.iter().cloned().map(|topology| renamed(topology, "r2")).collect();
    releasing.change(&third);
    let reference = third.iter().find(|topology| topology.name == MODULE).unwrap();
    assert_eq!(releasing.release_untested(reference), "1.2.0");
    root.upgrade().unwrap();
    assert_eq!(installed(directory.path()), all_at("1.2.0", "1.1.0"));
    check_nothing_is_lost(&root);

    // Who forgets the rename has to release a major version.
    let mut forgetful = third.clone();
    forgetful.iter_mut().flat_map(|topology| &mut topology.tiers).for_each(|tier| tier.renamed_from.clear());
    releasing.change(&forgetful);
    assert_eq!(releasing.release(&forgetful, &["--version", "1.3.0"]), EXIT_PROBLEMS);
}

/// What a plan says of a standing network after an upgrade: much is new, and nothing goes.
fn check_nothing_is_lost(root: &Root) {
    let changes = root.plan(&[]).unwrap().changes();
    let modules = terrane_catalog::all();
    for label in modules.iter().map(|topology| label(&topology.name)) {
        let is_new = |change: &&Change| {
            change.action == Action::Create && change.address.starts_with(&format!("module.{label}."))
        };
        assert!(changes.iter().any(|change| is_new(&change)), "{label}: {changes:?}");
    }
    let lost: Vec<&Change> =
        changes.iter().filter(|change| matches!(change.action, Action::Destroy | Action::Replace)).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

fn others(catalog: &[Topology]) -> impl Iterator<Item = &Topology> {
    catalog.iter().filter(|topology| topology.name != MODULE)
}

/// The same network whose last tier has another name.
fn renamed(mut topology: Topology, suffix: &str) -> Topology {
    let position = topology.tiers.iter().rposition(|tier| tier.name != "extra").unwrap();
    let old = topology.tiers[position].name.clone();
    let new = format!("{}-{suffix}", old.split('-').next().unwrap());
    topology.tiers[position] =
        Tier { name: new.clone(), ..topology.tiers[position].clone() }.renamed_from(&old);
    let ends = topology.flows.iter_mut().flat_map(|flow| [&mut flow.from, &mut flow.to]);
    let groups = topology.features.subnet_groups.iter_mut().map(|group| &mut group.tier);
    ends.chain(groups).filter(|tier| **tier == old).for_each(|tier| tier.clone_from(&new));
    topology
}

/// The same network with one more tier and a flow to it; with a flow alone where a tier would shrink what is admitted.
fn grown(topology: Topology) -> Topology {
    let from = topology.tiers[0].name.clone();
    if ["isolated-databases", "public-network", "single-nat-network"].contains(&topology.name.as_str()) {
        return topology.flow(Flow::tcp([5671]).within(&from).purpose("queues"));
    }
    topology
        .tier(Tier::isolated("extra").prefix_length(28))
        .flow(Flow::tcp([5671]).from(&from).to("extra").purpose("queues"))
}

fn label(module: &str) -> String {
    module.replace('-', "_")
}

/// The versions of the reference network and of every other, by label.
fn all_at(reference: &str, other: &str) -> BTreeMap<String, String> {
    let version = |name: &str| if name == MODULE { reference } else { other };
    terrane_catalog::all()
        .iter()
        .map(|topology| (label(&topology.name), version(&topology.name).to_owned()))
        .collect()
}

/// A root that calls every network from the registry, and reads from each what may change its name.
fn consumer(terraform: &Terraform, serving: &Serving, directory: &Path, provider: &str) -> Root {
    let mut main = "provider \"aws\" {\n  region = \"us-east-1\"\n}\n".to_owned();
    for topology in terrane_catalog::all() {
        let (label, name) = (label(&topology.name), &topology.name);
        let tier = topology.tiers.last().unwrap().name.replace('-', "_");
        main += &format!(
            r#"
module "{label}" {{
  source  = "{HOST}/acme/{name}/aws"
  version = "~> 1.0"
}}

output "{label}" {{
  value = {{
    list  = module.{label}.{tier}_subnet_ids
    one   = module.{label}.subnet_ids["{tier}"]["a"]
    group = module.{label}.security_group_ids["{tier}"]
  }}
}}
"#
        );
    }
    fs::write(directory.join("main.tf"), main).unwrap();
    fs::write(directory.join("emulator_override.tf"), provider).unwrap();
    terraform.with_registry(HOST, &serving.modules(), &directory.join("terraformrc")).unwrap().root(directory)
}

/// Returns the installed version of each called module.
fn installed(root: &Path) -> BTreeMap<String, String> {
    let text = fs::read_to_string(root.join(".terraform/modules/modules.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let called = value["Modules"].as_array().unwrap().iter().filter(|module| module["Key"] != "");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    called.map(|module| (text(&module["Key"]), text(&module["Version"]))).collect()
}

/// The program in a workspace without Rust.
fn in_topologies(root: &Path, arguments: &[&str], code: i32) -> String {
    let output =
        Command::new(env!("CARGO_BIN_EXE_terrane")).args(arguments).current_dir(root).output().unwrap();
    let text =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text
}

#[test]
fn topologies_are_released_without_rust() {
    if Terraform::find_or_skip(&Workspace::find().unwrap().cache()).unwrap().is_none() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    in_topologies(directory.path(), &["new", "--toml", "shop", "--namespace", "acme", "--host", HOST], 0);
    let releasing = Releasing { workspace: Workspace::at(directory.path().join("shop")), directory };
    let root = releasing.workspace.root().to_owned();
    for (name, value) in [("user.name", "t"), ("user.email", "t@example.test"), ("commit.gpgsign", "false")] {
        releasing.git(&["config", name, value]);
    }
    let commit = || {
        releasing.git(&["add", "-A"]);
        releasing.git(&["commit", "--quiet", "-m", "change"]);
    };
    // Its workflow checks that the modules are what the topologies compile to.
    in_topologies(&root, &["compile", "--check"], 0);
    commit();
    let readme = fs::read_to_string(root.join("modules/network/README.md")).unwrap();
    assert!(readme.contains(&format!("source  = \"{HOST}/acme/network/aws\"")), "{readme}");
    let store = releasing.store().display().to_string();
    let release = ["release", "network", "--to", &store];
    let planned = in_topologies(&root, &[&release[..], &["--dry-run"]].concat(), 0);
    assert!(planned.contains("acme/network/aws 1.0.0, the first release"), "{planned}");
    assert!(!releasing.store().exists());
    let said = in_topologies(&root, &release, 0);
    assert!(said.contains("published acme/network/aws 1.0.0"), "{said}");
    assert!(in_topologies(&root, &release, 1).contains("nothing changed since 1.0.0"));

    // An edit that is not compiled is not taken for none.
    let topology = root.join("topologies/network.toml");
    let queue = "tiers = [\n  { name = \"queue\", access = \"isolated\", prefix_length = 24 },";
    let text = fs::read_to_string(&topology).unwrap().replace("tiers = [", queue);
    fs::write(&topology, text).unwrap();
    commit();
    let refused = in_topologies(&root, &release, 1);
    assert!(refused.contains("run `terrane compile`, and commit"), "{refused}");
    in_topologies(&root, &["compile", "--check"], 3);
    in_topologies(&root, &["compile"], 0);
    commit();
    let planned = in_topologies(&root, &[&release[..], &["--dry-run"]].concat(), 0);
    assert!(planned.contains("acme/network/aws 1.1.0, after 1.0.0"), "{planned}");

    // What only the whole workspace shows.
    assert!(in_topologies(&root, &["release", "shop", "--to", &store], 1).contains("it has network"));
    fs::copy(&topology, root.join("topologies/second.toml")).unwrap();
    assert!(in_topologies(&root, &["compile"], 1).contains("both declare the topology `network`"));
    fs::remove_file(&topology).unwrap();
    fs::remove_file(root.join("topologies/second.toml")).unwrap();
    assert!(in_topologies(&root, &["compile", "--check"], 1).contains("holds no topology"));
    assert!(in_topologies(releasing.directory.path(), &["compile"], 1).contains("terrane new --toml DIR"));
    fs::write(releasing.directory.path().join("net.toml"), "name = \"net\"\n").unwrap();
    assert!(in_topologies(releasing.directory.path(), &["compile", "net.toml"], 2).contains("-o DIR"));
}
