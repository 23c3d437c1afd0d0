//! `terrane compile`: a topology as a file, the module it becomes, and the ledger beside it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use terrane_compiler::document;

const SHOP: &str = r#"name = "shop"
base = "10.0.0.0/16"
zones = ["a", "b"]

[[tiers]]
name = "web"
access = "public"
prefix_length = 24

[[tiers]]
name = "db"
access = "isolated"
prefix_length = 26

[[flows]]
from = "web"
to = "db"
ports = [5432]
"#;

/// A directory with a topology, and the module that it is compiled into.
struct Place(tempfile::TempDir);

impl Place {
    fn with(file: &str, text: &str) -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        fs::write(place.path(file), text).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Compiles a file with more arguments; returns standard output and standard error.
    #[track_caller]
    fn compile(&self, file: &str, more: &[&str], code: i32) -> (String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_terrane"));
        command.arg("compile").arg(self.path(file)).arg("-o").arg(self.path("module")).args(more);
        let output = command.output().expect("the program was built");
        let texts = (output.stdout, output.stderr);
        let (stdout, stderr) = (String::from_utf8(texts.0).unwrap(), String::from_utf8(texts.1).unwrap());
        assert_eq!(output.status.code(), Some(code), "{more:?}\n{stdout}\n{stderr}");
        (stdout, stderr)
    }

    fn module(&self) -> BTreeMap<PathBuf, String> {
        let mut files = BTreeMap::new();
        read(&self.path("module"), &mut files);
        files
            .into_iter()
            .map(|(path, text)| (path.strip_prefix(self.0.path()).unwrap().into(), text))
            .collect()
    }
}

fn read(directory: &Path, files: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, files);
        } else {
            files.insert(path.clone(), fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn toml_and_json_become_the_same_module() {
    let toml = Place::with("shop.toml", SHOP);
    let (stdout, stderr) = toml.compile("shop.toml", &[], 0);
    assert!(stdout.is_empty() && stderr.contains("files to"), "{stdout}{stderr}");
    let module = toml.module();
    assert!(module[Path::new("module/vpc.tf")].contains("resource \"aws_subnet\" \"db\""));

    let json = Place::with("shop.json", &document::to_json(&document::from_toml(SHOP).unwrap()));
    let (stdout, _) = json.compile("shop.json", &["--json"], 0);
    assert_eq!(json.module(), module);
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(report["written"].as_array().unwrap().len(), module.len());

    let (_, stderr) = toml.compile("shop.toml", &[], 0);
    assert_eq!(toml.module(), module, "compiled again, with its own ledger");
    assert!(stderr.contains(&format!("wrote 0 of {} files", module.len())), "{stderr}");
}

#[test]
fn files_that_the_network_no_longer_has_are_removed() {
    let with_group = format!("{SHOP}\n[[subnet_groups]]\nkind = \"rds\"\ntier = \"db\"\n");
    let place = Place::with("shop.toml", &with_group);
    place.compile("shop.toml", &[], 0);
    fs::write(place.path("module/own.tf"), "locals {}\n").unwrap();
    fs::write(place.path("shop.toml"), SHOP).unwrap();
    let report: Value =
        serde_json::from_str(&place.compile("shop.toml", &["--json", "--allow-destroy"], 0).0).unwrap();
    assert_eq!(report["removed"], serde_json::json!(["subnet_groups.tf"]));
    let module = place.module();
    assert!(!module.contains_key(Path::new("module/subnet_groups.tf")));
    assert!(module.contains_key(Path::new("module/own.tf")), "what people wrote stays");
}

#[test]
fn problems_are_told_all_at_once_and_nothing_is_written() {
    let place = Place::with("shop.toml", &SHOP.replace("to = \"db\"", "to = \"bd\"").replace("26", "29"));
    let (stdout, stderr) = place.compile("shop.toml", &[], 1);
    assert!(stdout.is_empty() && !place.path("module").exists());
    for expected in [
        "error[tier-prefix-length]",
        "error[unknown-peer]",
        ":13:17 (tiers[1].prefix_length)",
        "known are `web`, `db`",
    ] {
        assert!(stderr.contains(expected), "{expected} is not in\n{stderr}");
    }
    let report: Value = serde_json::from_str(&place.compile("shop.toml", &["--json"], 1).0).unwrap();
    let codes: Vec<&str> = report["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| found["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["tier-prefix-length", "unknown-peer"]);
    place.compile("shop.toml", &["--module-version", "one"], 2);
    assert!(place.compile("nowhere.toml", &[], 4).1.contains("cannot read"));
}

#[test]
fn a_ledger_that_is_lost_comes_back_from_the_contract() {
    let cache =
        "[[tiers]]\nname = \"cache\"\naccess = \"isolated\"\nprefix_length = 26\n\n[[tiers]]\nname = \"db\"";
    let place = Place::with("shop.toml", &SHOP.replace("[[tiers]]\nname = \"db\"", cache));
    place.compile("shop.toml", &[], 0);
    // From here on `db` lies where a first compilation would not put it.
    fs::write(place.path("shop.toml"), SHOP).unwrap();
    place.compile("shop.toml", &["--allow-destroy"], 0);
    let module = place.module();

    fs::remove_file(place.path("module/ledger.toml")).unwrap();
    let (_, stderr) = place.compile("shop.toml", &[], 1);
    assert!(stderr.contains("ledger.toml is missing beside a compiled module"), "{stderr}");
    assert!(!place.path("module/ledger.toml").exists());
    place.compile("shop.toml", &["--recover-ledger"], 0);
    assert_eq!(place.module(), module);

    fs::remove_file(place.path("module/ledger.toml")).unwrap();
    fs::remove_file(place.path("module/contract.json")).unwrap();
    place.compile("shop.toml", &[], 0);
    assert_ne!(place.module(), module, "the ledger mattered");
}

#[test]
fn a_bad_ledger_is_told_beside_the_problems_of_the_topology() {
    let place = Place::with("shop.toml", SHOP);
    place.compile("shop.toml", &[], 0);
    let ledger = place.path("module/ledger.toml");
    let sound = fs::read_to_string(&ledger).unwrap();
    let module = place.module();

    // Two branches each took the next free block.
    let at = sound.find("[[blocks]]").unwrap();
    let blocks: Vec<&str> = sound[at..].split("\n\n").collect();
    let db = blocks.iter().find(|block| block.contains("tier = \"db\"")).unwrap();
    let merged = format!("{}{}\n\n{}", &sound[..at], db.replace("\"db\"", "\"cache\""), &sound[at..]);
    fs::write(&ledger, merged).unwrap();
    fs::write(place.path("shop.toml"), SHOP.replace("26", "29")).unwrap();
    let (_, stderr) = place.compile("shop.toml", &[], 1);
    for expected in ["error[tier-prefix-length]", "error[ledger-overlap]", "tier `cache` and tier `db`"] {
        assert!(stderr.contains(expected), "{expected} is not in\n{stderr}");
    }

    fs::write(&ledger, sound.replace("[slots]", "<<<<<<< ours\n[slots]")).unwrap();
    assert!(place.compile("shop.toml", &[], 1).1.contains("error[ledger-syntax]"));

    fs::write(&ledger, &sound).unwrap();
    fs::write(place.path("shop.toml"), SHOP).unwrap();
    place.compile("shop.toml", &[], 0);
    assert_eq!(place.module(), module);
}

#[test]
fn files_that_were_not_written_for_the_topology_are_not_replaced() {
    let place = Place::with("shop.toml", SHOP);
    fs::create_dir(place.path("module")).unwrap();
    for (name, text) in
        [("variables.tf", "# my variables\n"), ("README.md", "# My root\n"), ("main.tf", "# mine\n")]
    {
        fs::write(place.path("module").join(name), text).unwrap();
    }
    let before = place.module();
    let (_, stderr) = place.compile("shop.toml", &[], 1);
    assert!(stderr.contains("not written for the topology `shop`: README.md, variables.tf;"), "{stderr}");
    assert!(stderr.contains("--force"), "{stderr}");
    assert_eq!(place.module(), before, "nothing is written");
    place.compile("shop.toml", &["--force"], 0);
    assert_eq!(place.module()[Path::new("module/main.tf")], "# mine\n");

    // Another network does not take the place of one, nor its ledger.
    fs::remove_file(place.path("module/main.tf")).unwrap();
    let before = place.module();
    fs::write(place.path("other.toml"), SHOP.replace("\"shop\"", "\"other\"")).unwrap();
    let (_, stderr) = place.compile("other.toml", &[], 1);
    assert!(
        stderr.contains("not written for the topology `other`: ") && stderr.contains("vpc.tf"),
        "{stderr}"
    );
    assert_eq!(place.module(), before);
}

#[test]
fn an_edit_that_destroys_is_told_before_anything_is_written() {
    let place = Place::with("shop.toml", SHOP);
    place.compile("shop.toml", &[], 0);
    let before = place.module();
    let refused = |text: &str, expected: &[&str]| {
        fs::write(place.path("shop.toml"), text).unwrap();
        let (_, stderr) = place.compile("shop.toml", &[], 1);
        for expected in expected {
            assert!(stderr.contains(expected), "{expected} is not in\n{stderr}");
        }
        assert!(stderr.contains("--allow-destroy"), "{stderr}");
        assert_eq!(place.module(), before, "nothing is written");
        let (_, stderr) = place.compile("shop.toml", &["--dry-run"], 0);
        assert!(stderr.contains("destroys: ") && stderr.contains("would write"), "{stderr}");
        assert_eq!(place.module(), before, "a dry run writes nothing");
    };
    let renamed = SHOP.replace("\"db\"", "\"data\"");
    refused(
        &renamed,
        &[
            "destroys: tier `db` is gone",
            "renamed to `data`, say `renamed_from = [\"db\"]`",
            "changes: tier `data` is new",
        ],
    );
    refused(&SHOP.replace("10.0.0.0/16", "10.1.0.0/16"), &["the range `cidr_block` is \"10.1.0.0/16\" now"]);

    // With what was meant, nothing is destroyed, and what changes is told.
    let meant = renamed.replace("name = \"data\"\n", "name = \"data\"\nrenamed_from = [\"db\"]\n");
    fs::write(place.path("shop.toml"), &meant).unwrap();
    let (_, stderr) = place.compile("shop.toml", &[], 0);
    assert!(stderr.contains("changes: tier `db` is `data` now; its subnets stay"), "{stderr}");
    assert!(!stderr.contains("destroys"), "{stderr}");
    fs::write(place.path("shop.toml"), meant.replace("ports = [5432]", "ports = [5433]")).unwrap();
    let (stdout, stderr) = place.compile("shop.toml", &["--json"], 0);
    assert!(
        stderr.contains("[\"web-tcp-5433\"] comes") && stderr.contains("[\"web-tcp-5432\"] goes"),
        "{stderr}"
    );
    let report: Value = serde_json::from_str(&stdout).unwrap();
    assert!(
        report["changes"].as_array().unwrap().iter().all(|change| change["destroys"] == false),
        "{report:#}"
    );
    let removed = SHOP
        .split("[[flows]]")
        .next()
        .unwrap()
        .replace("name = \"db\"\n", "name = \"data\"\nrenamed_from = [\"db\"]\n");
    fs::write(
        place.path("shop.toml"),
        removed.replace("[[tiers]]\nname = \"web\"\naccess = \"public\"\nprefix_length = 24\n", ""),
    )
    .unwrap();
    assert!(place.compile("shop.toml", &["--allow-destroy"], 0).1.contains("destroys: tier `web` is gone"));
}

#[test]
fn a_difference_is_found_by_check_and_nothing_is_written() {
    let place = Place::with("shop.toml", SHOP);
    let (_, stderr) = place.compile("shop.toml", &["--check"], 3);
    assert!(stderr.contains("missing: ") && !place.path("module").exists(), "{stderr}");
    place.compile("shop.toml", &[], 0);
    place.compile("shop.toml", &["--check"], 0);
    let path = place.path("module/vpc.tf");
    fs::write(&path, fs::read_to_string(&path).unwrap() + "# edited\n").unwrap();
    let before = place.module();
    let (stdout, stderr) = place.compile("shop.toml", &["--check", "--json"], 3);
    assert!(stderr.contains("changed: ") && stderr.contains("vpc.tf"), "{stderr}");
    assert!(serde_json::from_str::<Value>(&stdout).unwrap()["written"] == serde_json::json!(["vpc.tf"]));
    assert_eq!(place.module(), before);
    fs::write(place.path("shop.toml"), SHOP.replace("26", "29")).unwrap();
    place.compile("shop.toml", &["--check"], 1);
}
