//! A workspace that `terrane new` makes for somebody else, used as they would use it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use terrane_xtask::Workspace;
use terrane_xtask::emulator::{Emulators, Kind};
use terrane_xtask::terraform::{Root, Terraform};

use crate::serving::Serving;

fn terrane(directory: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
    command.arg("new").args(arguments).current_dir(directory).output().expect("the program was built")
}

/// A workspace outside the repository.
struct Stranger {
    directory: tempfile::TempDir,
}

impl Stranger {
    fn new(repository: &Path) -> Stranger {
        let directory = tempfile::tempdir().unwrap();
        let made = terrane(directory.path(), &["shop", "--terrane-path", &repository.display().to_string()]);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let stranger = Stranger { directory };
        // The versions that are on this machine already.
        fs::copy(repository.join("Cargo.lock"), stranger.root().join("Cargo.lock")).unwrap();
        stranger
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("shop")
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

    // Away from a checkout, the published crates are what it depends on.
    assert!(terrane(directory.path(), &["shop"]).status.success());
    let manifest = fs::read_to_string(directory.path().join("shop/Cargo.toml")).unwrap();
    let table: toml::Table = manifest.parse().unwrap();
    let xtask = &table["workspace"]["dependencies"]["terrane-xtask"];
    assert_eq!(xtask["version"].as_str(), Some(env!("CARGO_PKG_VERSION")));
    assert!(xtask.get("path").is_none() && !manifest.contains('@'), "{manifest}");
}

#[test]
fn new_workspace_releases_a_network_and_reads_it_back_as_rust() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let stranger = Stranger::new(workspace.root());
    // It releases to a directory here, and the S3 client takes long to build.
    stranger.replace(
        "Cargo.toml",
        "version = \"0.1.0\" }\nipnet",
        "version = \"0.1.0\", default-features = false }\nipnet",
    );
    stranger.replace(
        "catalog/src/network.rs",
        "        .egress(",
        "        .tier(Tier::private(\"cache\").prefix_length(24))\n        .flow(Flow::tcp([6379]).from(\"app\").to(\"cache\"))\n        .egress(",
    );
    stranger.cargo(&["run", "--quiet", "--offline", "--package", "xtask", "--", "compile"]);
    stranger.cargo(&["fmt", "--check"]);
    for arguments in [
        &["init", "--quiet", "-b", "main"][..],
        &["config", "user.name", "t"],
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
