//! A workspace that `terrane new` makes for somebody else, used as they would use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use terrane_xtask::Workspace;
use terrane_xtask::emulator::{Emulators, Kind};
use terrane_xtask::terraform::{Root, Terraform};

use crate::serving::Serving;

const REPOSITORY: &str = "https://github.com/terrane-dev/terrane";
const TAG: &str = concat!("terrane-v", env!("CARGO_PKG_VERSION"));

fn terrane(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    command.arg("new").args(arguments).current_dir(directory).output().expect("the program was built")
}

/// Runs git and returns what it printed.
fn git(directory: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new("git");
    for variable in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
        command.env_remove(variable);
    }
    let output =
        command.args(arguments).current_dir(directory).envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Makes a repository with the tag of this version on the files of the checkout as they are, and returns the commit.
///
/// What it adds are objects of its own; nothing is written into the repository of the checkout.
fn upstream(checkout: &Path, at: &Path) -> String {
    fs::create_dir_all(at).unwrap();
    git(at, &["init", "--quiet", "--bare", "--initial-branch=main"], &[]);
    let theirs = git(checkout, &["rev-parse", "--path-format=absolute", "--git-path", "objects"], &[]);
    fs::write(at.join("objects/info/alternates"), format!("{theirs}\n")).unwrap();
    let index = at.join("index.of-checkout").display().to_string();
    let objects = at.join("objects").display().to_string();
    let variables = [
        ("GIT_INDEX_FILE", &*index),
        ("GIT_OBJECT_DIRECTORY", &objects),
        ("GIT_ALTERNATE_OBJECT_DIRECTORIES", &theirs),
    ];
    git(checkout, &["add", "--all"], &variables);
    let tree = git(checkout, &["write-tree"], &variables);
    // The same files make the same commit, so that what Cargo built of it stays good.
    let when = "2026-01-01T00:00:00Z";
    let identity = [
        ("GIT_AUTHOR_NAME", "t"),
        ("GIT_AUTHOR_EMAIL", "t@example.test"),
        ("GIT_AUTHOR_DATE", when),
        ("GIT_COMMITTER_NAME", "t"),
        ("GIT_COMMITTER_EMAIL", "t@example.test"),
        ("GIT_COMMITTER_DATE", when),
    ];
    let commit = git(at, &["commit-tree", &tree, "-m", "a release"], &identity);
    for name in ["refs/heads/main", &format!("refs/tags/{TAG}")] {
        git(at, &["update-ref", name, &commit], &[]);
    }
    commit
}

/// A workspace outside the repository, whose owner never saw a checkout: the repository's URL leads to `upstream`.
struct Stranger {
    directory: tempfile::TempDir,
}

impl Stranger {
    fn new(checkout: &Path) -> Stranger {
        let directory = tempfile::tempdir().unwrap();
        let made = terrane(directory.path(), &["shop"]);
        let said = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success() && said.contains(&format!("tag {TAG} of {REPOSITORY}")), "{said}");
        let commit = upstream(checkout, &directory.path().join("upstream"));
        let stranger = Stranger { directory };
        // The versions that are on this machine already; what Cargo finds out by itself takes a registry.
        let lock = fs::read_to_string(checkout.join("Cargo.lock")).unwrap();
        fs::write(stranger.root().join("Cargo.lock"), of_tag(&lock, &commit)).unwrap();
        stranger
    }

    /// Returns the commands of its workflow.
    fn workflow(&self) -> Vec<String> {
        let text = fs::read_to_string(self.root().join(".github/workflows/ci.yml")).unwrap();
        let commands = text.lines().filter_map(|line| line.trim().strip_prefix("- run: "));
        commands.map(str::to_owned).collect()
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("shop")
    }

    fn upstream(&self) -> PathBuf {
        self.directory.path().join("upstream")
    }

    fn store(&self) -> PathBuf {
        self.directory.path().join("registry")
    }

    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(self.root())
            .env("CARGO_TARGET_DIR", self.directory.path().join("target"))
            .env("CARGO_BUILD_BUILD_DIR", built())
            .env("GIT_CONFIG_COUNT", "1")
            .env("GIT_CONFIG_KEY_0", format!("url.file://{}.insteadOf", self.upstream().display()))
            .env("GIT_CONFIG_VALUE_0", REPOSITORY)
            .env("CARGO_NET_GIT_FETCH_WITH_CLI", "true")
            .env_remove("CARGO_MANIFEST_DIR")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let problems = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {text}{problems}");
        text
    }

    fn cargo(&self, arguments: &[&str]) -> String {
        self.run(&std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
    }

    fn replace(&self, file: &str, old: &str, new: &str) {
        let path = self.root().join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{old} in {text}");
        fs::write(path, text.replace(old, new)).unwrap();
    }
}

/// Returns a lock file of the checkout for a workspace that takes the crates of the tag.
fn of_tag(lock: &str, commit: &str) -> String {
    let (head, entries) = lock.split_once("[[package]]\n").unwrap();
    let mut text = head.to_owned();
    let version = env!("CARGO_PKG_VERSION");
    for entry in entries.split("[[package]]\n") {
        let entry = entry.trim_end();
        if entry.starts_with("name = \"xtask\"") {
            continue;
        }
        let own = format!("version = \"{version}\"\ndependencies");
        let source = format!(
            "version = \"{version}\"\nsource = \"git+{REPOSITORY}?tag={TAG}#{commit}\"\ndependencies"
        );
        let entry = if entry.starts_with("name = \"terrane") {
            entry.replace(&own, &source)
        } else {
            entry.to_owned()
        };
        text += &format!("[[package]]\n{entry}\n\n");
    }
    for (name, dependencies) in [
        ("catalog", "\"terrane-compiler\""),
        ("shop-outputs", "\"ipnet\", \"serde\", \"terrane-state\""),
        ("xtask", "\"catalog\", \"terrane-xtask\""),
    ] {
        text += &format!(
            "[[package]]\nname = \"{name}\"\nversion = \"0.1.0\"\ndependencies = [{dependencies}]\n\n"
        );
    }
    text
}

/// Where this program was built: the dependencies are the same, and need not be built again.
fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_terrane")).ancestors().nth(2).unwrap()
}

#[test]
fn new_workspace_is_refused_where_it_cannot_be() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("full")).unwrap();
    fs::write(directory.path().join("full/notes.txt"), "mine").unwrap();
    for (arguments, expected) in [
        (vec!["full"], "is not empty"),
        (vec!["shop", "--namespace", "no good"], "namespace \"no good\""),
        (vec!["shop", "--host", "localhost"], "host \"localhost\""),
        (vec!["Big Shop", "--host", "localhost"], "--namespace\nerror: host \"localhost\""),
        (vec!["shop", "--terrane-path", "full"], "is no checkout of Terrane"),
    ] {
        let output = terrane(directory.path(), &arguments);
        let problems = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && problems.contains(expected), "{arguments:?}: {problems}");
    }
    assert!(!directory.path().join("shop").exists());

    // Inside a checkout, no file that is committed says where it lies, and Cargo takes the crates from there.
    let checkout = Workspace::find().unwrap().root().to_owned();
    let made = terrane(directory.path(), &["shop", "--terrane-path", &checkout.display().to_string()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let root = directory.path().join("shop");
    git(&root, &["add", "--all"], &[]);
    let listed = git(&root, &["ls-files"], &[]);
    for file in listed.lines() {
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert!(!text.contains(checkout.to_str().unwrap()), "{file}: {text}");
    }
    assert!(listed.contains("modules/network/vpc.tf"), "{listed}");
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let tree = Command::new(cargo)
        .args(["tree", "--offline", "--package", "catalog", "--depth", "1"])
        .current_dir(&root)
        .env_remove("CARGO_MANIFEST_DIR")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    assert!(told.contains(&format!("({}/crates/terrane-compiler)", checkout.display())), "{told}");

    // In somebody's repository, no other one is made.
    assert!(terrane(&root, &["inside", "--toml"]).status.success());
    assert!(!root.join("inside/.git").exists());
}

/// Outside a checkout, from the first command over the workflow that it comes with to a release that is read back.
#[test]
fn new_workspace_passes_its_workflow_releases_a_network_and_reads_it_back() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let stranger = Stranger::new(workspace.root());
    // It releases to a directory here, and the S3 client takes long to build.
    stranger.replace(
        "Cargo.toml",
        &format!("{TAG:?} }}\nipnet"),
        &format!("{TAG:?}, default-features = false }}\nipnet"),
    );
    // What `new` compiled is what the catalog compiles to.
    stranger.cargo(&["xtask", "compile", "--check"]);
    stranger.replace(
        "catalog/src/network.rs",
        "        .egress(",
        "        .tier(Tier::private(\"cache\").prefix_length(24))\n        .flow(Flow::tcp([6379]).from(\"app\").to(\"cache\"))\n        .egress(",
    );
    stranger.cargo(&["xtask", "compile"]);
    let workflow = stranger.workflow();
    assert!(!workflow.is_empty());
    // The whole of it lints and tests a second build of every crate, which is for the long form.
    let (quick, whole) = (vec!["cargo xtask compile --check".to_owned()], workflow);
    for command in if terrane_xtask::is_long() { whole } else { quick } {
        let start = std::time::Instant::now();
        stranger.run("sh", &["-c", &command]);
        eprintln!("{:>6.1} s  {command}", start.elapsed().as_secs_f64());
    }
    for arguments in [
        &["config", "user.name", "t"][..],
        &["config", "user.email", "t@example.test"],
        &["config", "commit.gpgsign", "false"],
        &["add", "-A"],
        &["commit", "--quiet", "-m", "a network"],
    ] {
        stranger.run("git", arguments);
    }
    let store = stranger.store().display().to_string();
    let release =
        ["run", "--quiet", "--offline", "--package", "xtask", "--", "release", "network", "--to", &store];
    assert!(stranger.cargo(&release).contains("published shop/network/aws 1.0.0"));

    let serving = Serving::start(&stranger.store());
    let emulator = Emulators::install(&workspace.cache()).unwrap().start(Kind::Moto).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let root = consumer(&terraform, &serving, directory.path(), &emulator.provider_override());
    root.init().unwrap();
    root.apply(&[]).unwrap();

    // In their workspace, the state is a typed Rust value.
    fs::create_dir_all(stranger.root().join("outputs/tests")).unwrap();
    fs::write(stranger.root().join("outputs/tests/read.rs"), READ).unwrap();
    let state = directory.path().join("terraform.tfstate");
    stranger.replace("outputs/tests/read.rs", "STATE", &state.display().to_string());
    let test = [
        "test",
        "--quiet",
        "--offline",
        "--package",
        "shop-outputs",
        "--no-default-features",
        "--test",
        "read",
    ];
    let said = stranger.cargo(&[&test[..], &["--", "--nocapture"]].concat());
    let applied = root.state_pull().unwrap()["outputs"]["network"]["value"].clone();
    let caches = applied["cache_subnet_ids"].as_array().unwrap();
    assert_eq!(caches.len(), 3);
    for id in caches.iter().chain([&applied["vpc_id"]]) {
        assert!(said.contains(id.as_str().unwrap()), "{id} in {said}");
    }
}

const READ: &str = r#"
#[test]
fn read() {
    let text = std::fs::read("STATE").unwrap();
    let state = terrane_state::State::parse(&text).unwrap();
    let network: shop_outputs::network::v1::Network = state.module("network").unwrap();
    println!("{} {:?}", network.vpc_id.as_str(), network.cache_subnet_ids);
}
"#;

fn consumer(terraform: &Terraform, serving: &Serving, directory: &Path, provider: &str) -> Root {
    let main = "provider \"aws\" {\n  region = \"us-east-1\"\n}\n\nmodule \"network\" {\n  source  = \"modules.example.com/shop/network/aws\"\n  version = \"~> 1.0\"\n}\n\noutput \"network\" {\n  value = module.network\n}\n";
    fs::write(directory.join("main.tf"), main).unwrap();
    fs::write(directory.join("emulator_override.tf"), provider).unwrap();
    let terraform = terraform
        .with_registry("modules.example.com", &serving.modules(), &directory.join("terraformrc"))
        .unwrap();
    terraform.root(directory)
}
