//! `terrane prove` of a declaration, a plan, and a state, ours and somebody else's.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use terrane_compiler::document;
use terrane_compiler::topology::Flow;
use terrane_xtask::Workspace;
use terrane_xtask::e2e::{self, Call};
use terrane_xtask::emulator::Emulators;
use terrane_xtask::terraform::Terraform;

const FIXTURES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures");

fn terrane(arguments: &[&str], endpoint: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_terrane"))
        .arg("prove")
        .args(arguments)
        .env("AWS_ENDPOINT_URL_S3", endpoint)
        .env("AWS_REGION", e2e::REGION)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env_remove("AWS_PROFILE")
        .output()
        .unwrap()
}

#[track_caller]
fn check(arguments: &[&str], endpoint: &str, code: i32) -> String {
    let output = terrane(arguments, endpoint);
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{error}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the verdicts of the only network, without the properties that are about all bases and zones.
#[track_caller]
fn verdicts(arguments: &[&str], endpoint: &str, code: i32) -> BTreeMap<String, String> {
    let arguments = [arguments, &["--json"]].concat();
    let report: Value = serde_json::from_str(&check(&arguments, endpoint, code)).unwrap();
    let [network] = report["networks"].as_array().unwrap().as_slice() else { panic!("{report:#}") };
    let words = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    network["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let claim = format!("{} {}", words(finding, "property"), words(finding, "subject"));
            (claim, words(finding, "status"))
        })
        .filter(|(claim, _)| !["P9 ", "P10 ", "P11 "].iter().any(|code| claim.starts_with(code)))
        .collect()
}

#[track_caller]
fn expect(found: &BTreeMap<String, String>, wanted: &[(&str, &str)]) {
    for (claim, status) in wanted {
        assert_eq!(found.get(*claim).map(String::as_str), Some(*status), "{claim} in {found:#?}");
    }
}

#[test]
fn applied_state_of_somebody_elses_module_has_findings() {
    let state = format!("{FIXTURES}/somebody-elses.tfstate");
    let of = |module| ["--state", &state, "--module", module, "--isolated", "database"];
    let found = verdicts(&of("module.simple"), "", 1);
    expect(
        &found,
        &[
            ("P1 internet ↛ database", "PROVED"),
            ("P1 public ↛ database", "REFUTED"),
            ("P1 database ↛ internet", "REFUTED"),
            ("P1 public ↛ private", "RESIDUAL"),
            ("P4 database", "PROVED"),
            ("P5 database", "RESIDUAL"),
        ],
    );
    let found = verdicts(&of("module.reachable"), "", 1);
    expect(
        &found,
        &[
            ("P1 internet ↛ database", "REFUTED"),
            ("P4 database", "REFUTED"),
            ("P1 internet ↛ private", "PROVED"),
            ("P4 private", "PROVED"),
            ("P5 private", "PROVED"),
        ],
    );
    let table = check(&of("module.reachable"), "", 1);
    let witness = "witness    tcp 1.0.0.0:443 → 10.1.21.4:22 (internet → module.reachable.aws_subnet.database[0])\n  \
        forward    network ACL module.reachable.aws_network_acl.database[0] ingress #100 allow all from 0.0.0.0/0";
    assert!(table.contains(witness), "{table}");
    // What nobody claims is not refuted, but a private subnet on the internet's route is, whoever made it.
    let unclaimed = verdicts(&["--state", &state, "--module", "module.simple"], "", 0);
    assert!(!unclaimed.values().any(|status| status == "REFUTED"), "{unclaimed:#?}");
}

#[test]
fn no_verdict_about_somebody_elses_module_became_unknown() {
    let state = format!("{FIXTURES}/somebody-elses.tfstate");
    let before = fs::read_to_string(format!("{FIXTURES}/somebody-elses.verdicts")).unwrap();
    let found = |arguments: &[&str]| {
        let output = terrane(&[&["--state", &state, "--json"], arguments].concat(), "");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut verdicts = BTreeMap::new();
        for network in report["networks"].as_array().unwrap() {
            for finding in network["findings"].as_array().unwrap() {
                let word = |field: &str| finding[field].as_str().unwrap().to_owned();
                let claim = format!("{} {}", word("property"), word("subject"));
                verdicts.insert((network["network"].as_str().unwrap().to_owned(), claim), word("status"));
            }
        }
        verdicts
    };
    let questions = BTreeMap::from([("plain", found(&[])), ("isolated", found(&["--isolated", "database"]))]);
    let (mut before_by, mut after_by): (BTreeMap<String, u32>, BTreeMap<String, u32>) = Default::default();
    for line in before.lines() {
        let [question, network, claim, status] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let now = questions[question].get(&(network.to_owned(), claim.to_owned()));
        assert_eq!(now.map(String::as_str), Some(status), "{line}");
        *before_by.entry(status.to_owned()).or_default() += 1;
    }
    for status in questions.values().flat_map(BTreeMap::values) {
        *after_by.entry(status.clone()).or_default() += 1;
    }
    println!("verdicts before: {before_by:?}; now: {after_by:?}");
    assert_eq!(after_by.get("UNKNOWN"), before_by.get("UNKNOWN"));
}

#[test]
fn strictness_fails_where_a_claim_is_not_decided() {
    let directory = tempfile::tempdir().unwrap();
    let old = format!("{FIXTURES}/somebody-elses.tfstate");
    let mut state: Value = serde_json::from_str(&fs::read_to_string(&old).unwrap()).unwrap();
    let of = |state: &str| {
        ["--state".to_owned(), state.to_owned(), "--module".to_owned(), "module.simple".to_owned()]
    };
    let code = |state: &str, strict: &[&str]| {
        let arguments = of(state);
        let arguments: Vec<&str> =
            arguments.iter().map(String::as_str).chain(strict.iter().copied()).collect();
        terrane(&arguments, "").status.code()
    };
    assert_eq!((code(&old, &[]), code(&old, &["--strict"])), (Some(0), Some(0)));
    let tables = state["resources"].as_array_mut().unwrap().iter_mut();
    for table in
        tables.filter(|resource| resource["type"] == "aws_route_table" && resource["name"] == "private")
    {
        table["instances"][0]["attributes"]["propagating_vgws"] = serde_json::json!(["vgw-1"]);
    }
    let new = directory.path().join("new.tfstate");
    fs::write(&new, state.to_string()).unwrap();
    let new = new.display().to_string();
    assert_eq!((code(&new, &[]), code(&new, &["--strict"])), (Some(0), Some(1)));
}

#[test]
fn wrong_questions_are_answered_by_what_there_is() {
    let state = format!("{FIXTURES}/somebody-elses.tfstate");
    let error = |arguments: &[&str]| {
        let output = terrane(arguments, "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let found = error(&["--state", &state, "--module", "module.other"]);
    assert!(
        found.contains("no VPC in `module.other`; VPCs are in: module.reachable, module.simple"),
        "{found}"
    );
    let found = error(&["--state", &state, "--isolated", "databases"]);
    assert!(found.contains("has no subnets `databases`, but"), "{found}");
}

#[test]
fn difference_of_two_topologies_is_in_flows() {
    let directory = tempfile::tempdir().unwrap();
    let old = terrane_catalog::single_nat_network();
    let new = old.clone().flow(Flow::tcp([22]).from("pub").to("db"));
    let write = |name: &str, topology| {
        let path = directory.path().join(name);
        fs::write(&path, document::to_toml(topology)).unwrap();
        path.display().to_string()
    };
    let (old, new) = (write("old.toml", &old), write("new.toml", &new));
    let newly = |file: &str, against: &str| -> Vec<String> {
        let table = check(&[file, "--against", against], "", 0);
        table.lines().filter(|line| line.starts_with("newly")).map(str::to_owned).collect()
    };
    assert_eq!(newly(&new, &old), ["newly permitted pub → db tcp 22"]);
    assert_eq!(newly(&old, &new), ["newly denied    pub → db tcp 22"]);
    assert!(check(&[&old, "--against", &old], "", 0).contains("nothing is newly permitted"));
    let json: Value = serde_json::from_str(&check(&[&new, "--against", &old, "--json"], "", 0)).unwrap();
    assert_eq!(json["changes"][0]["permitted"], "tcp 22", "{:#}", json["changes"]);
}

#[test]
fn difference_of_two_states_is_in_flows() {
    let directory = tempfile::tempdir().unwrap();
    let old = format!("{FIXTURES}/somebody-elses.tfstate");
    let mut state: Value = serde_json::from_str(&fs::read_to_string(&old).unwrap()).unwrap();
    let inbound = state["resources"]
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|resource| resource["name"] == "database_inbound")
        .unwrap();
    let rule = &mut inbound["instances"][0]["attributes"];
    for (field, value) in
        [("protocol", "tcp".into()), ("from_port", 5432.into()), ("to_port", Value::from(5432))]
    {
        rule[field] = value;
    }
    let new = directory.path().join("new.tfstate");
    fs::write(&new, state.to_string()).unwrap();
    let new = new.display().to_string();
    let newly = |new: &str, old: &str| -> Vec<String> {
        let arguments = ["--state", new, "--against", old, "--module", "module.reachable"];
        let table = check(&arguments, "", 0);
        table.lines().filter(|line| line.starts_with("newly")).map(str::to_owned).collect()
    };
    // What databases ask is no longer answered either: the narrowed rule admits no answers.
    let denied = newly(&new, &old);
    assert!(
        denied.contains(&"newly denied    internet → database tcp 0-5431, tcp 5433-65535, udp, icmp 8/0, icmp 13/0, icmp 15/0, icmp 17/0, other".to_owned()),
        "{denied:#?}"
    );
    assert!(denied.iter().all(|line| line.contains("denied")), "{denied:#?}");
    assert!(newly(&old, &new).iter().all(|line| line.contains("permitted")));
    assert_eq!(newly(&old, &old), Vec::<String>::new());
    let output = terrane(&["--state", &new, "--against", &old, "--module", "module.nothing"], "");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn annotations_name_lines_of_the_document() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("network.toml");
    fs::write(&path, document::to_toml(&terrane_catalog::single_nat_network())).unwrap();
    let path = path.display().to_string();
    let log: Value = serde_json::from_str(&check(&[&path, "--sarif"], "", 0)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert!(!results.is_empty());
    let text = fs::read_to_string(&path).unwrap();
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], path.as_str(), "{result:#}");
        let line = place["region"]["startLine"].as_u64().unwrap() as usize;
        assert!(line >= 1 && line <= text.lines().count(), "{result:#}");
    }
    let tiers = |result: &&Value| result["partialFingerprints"]["claim"].as_str().unwrap().contains("P5 ");
    let crossing = results.iter().find(tiers).unwrap();
    let line = crossing["locations"][0]["physicalLocation"]["region"]["startLine"].as_u64().unwrap() as usize;
    assert!(text.lines().nth(line - 1).unwrap().contains("[[tiers]]"), "{crossing:#}");
}

#[test]
fn declaration_plan_and_state_give_the_same_verdicts() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let emulators = Emulators::install(&workspace.cache()).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let topology = terrane_catalog::kubernetes_network();
    let declared = directory.path().join("topology.toml");
    fs::write(&declared, document::to_toml(&topology)).unwrap();
    let by_hand = directory.path().join("handwritten");
    fs::create_dir(&by_hand).unwrap();
    fs::copy(Path::new(FIXTURES).join("handwritten.tf"), by_hand.join("main.tf")).unwrap();
    let ours = Call::of(&workspace, &topology.name);
    let ledger = ours.source.join("ledger.toml").display().to_string();
    let theirs = Call { label: "handwritten".to_owned(), source: by_hand, arguments: String::new() };

    let applied = e2e::apply(&terraform, &emulators, &[ours, theirs]).unwrap();
    let endpoint = applied.emulator.endpoint();
    let state = ["--state", "s3://states/network/terraform.tfstate", "--module"];
    let plan = directory.path().join("plan.json").display().to_string();
    fs::write(&plan, applied.root.plan_without_refresh().unwrap().json().to_string()).unwrap();
    let plan = ["--plan", plan.as_str(), "--module"];

    let declared = [declared.to_str().unwrap(), "--ledger", &ledger];
    let by_declaration = verdicts(&declared, endpoint, 0);
    expect(&by_declaration, &[("P1 pub ↛ db", "PROVED"), ("P1 internet ↛ db", "PROVED")]);
    for deployed in [state, plan] {
        let ours = [&declared[..], &deployed, &["module.kubernetes_network"]].concat();
        assert_eq!(verdicts(&ours, endpoint, 0), by_declaration, "{deployed:?}");
        let theirs = [&deployed[..], &["module.handwritten", "--isolated", "database"]].concat();
        expect(
            &verdicts(&theirs, endpoint, 1),
            &[
                ("P1 internet ↛ database", "PROVED"),
                ("P1 public ↛ database", "REFUTED"),
                ("P1 database ↛ internet", "REFUTED"),
                ("P5 database", "REFUTED"),
                ("P8 default security group, network ACL, and main route table", "UNKNOWN"),
            ],
        );
    }
}

/// The same network as Terraform 0.11 and as Terraform 1 keep it.
#[test]
fn a_state_of_terraform_0_11_is_proved_as_one_of_today() {
    let dir = tempfile::tempdir().unwrap();
    let resource =
        |ty: &str, name: &str, attributes: &str| (ty.to_owned(), name.to_owned(), attributes.to_owned());
    let flat = [
        resource(
            "aws_vpc",
            "v",
            r#""id":"vpc-1","cidr_block":"10.0.0.0/16","default_network_acl_id":"acl-0""#,
        ),
        resource("aws_subnet", "a", r#""id":"subnet-1","vpc_id":"vpc-1","cidr_block":"10.0.1.0/24""#),
        resource("aws_internet_gateway", "g", r#""id":"igw-1","vpc_id":"vpc-1""#),
        resource(
            "aws_route_table",
            "t",
            r##""id":"rtb-1","vpc_id":"vpc-1","route.#":"1","route.77.cidr_block":"0.0.0.0/0","route.77.gateway_id":"igw-1""##,
        ),
        resource(
            "aws_route_table_association",
            "t",
            r#""id":"a-1","subnet_id":"subnet-1","route_table_id":"rtb-1""#,
        ),
        resource(
            "aws_network_acl",
            "n",
            r##""id":"acl-1","vpc_id":"vpc-1","subnet_ids.#":"1","subnet_ids.9":"subnet-1","ingress.#":"1","ingress.5.action":"allow","ingress.5.protocol":"6","ingress.5.from_port":"443","ingress.5.to_port":"443","ingress.5.rule_no":"100","ingress.5.cidr_block":"0.0.0.0/0","egress.#":"1","egress.6.action":"allow","egress.6.protocol":"-1","egress.6.from_port":"0","egress.6.to_port":"0","egress.6.rule_no":"100","egress.6.cidr_block":"0.0.0.0/0""##,
        ),
    ];
    let nested = |attributes: &str| {
        let whole: terrane_state::WholeState = terrane_state::WholeState::parse(
            format!(
                r#"{{"version":3,"modules":[{{"path":["root"],"resources":{{"t.n":{{"primary":{{"id":"","attributes":{{{attributes}}}}}}}}}}}]}}"#
            )
            .as_bytes(),
        )
        .unwrap();
        let text = whole.instance("t.n").unwrap().attributes().to_json();
        // Numbers are numbers today.
        ["from_port", "to_port", "rule_no"].iter().fold(text, |text, name| {
            ["0", "443", "100"].iter().fold(text, |text, number| {
                text.replace(&format!("\"{name}\":\"{number}\""), &format!("\"{name}\":{number}"))
            })
        })
    };
    let old: Vec<String> = flat
        .iter()
        .map(|(ty, name, attributes)| {
            format!(r#""{ty}.{name}":{{"type":"{ty}","primary":{{"id":"x","attributes":{{{attributes}}}}},"provider":"provider.aws"}}"#)
        })
        .collect();
    let new: Vec<String> = flat
        .iter()
        .map(|(ty, name, attributes)| {
            format!(
                r#"{{"mode":"managed","type":"{ty}","name":"{name}","provider":"p","instances":[{{"attributes":{}}}]}}"#,
                nested(attributes)
            )
        })
        .collect();
    let write = |name: &str, text: String| {
        let path = dir.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let old = write(
        "old.tfstate",
        format!(
            r#"{{"version":3,"modules":[{{"path":["root"],"outputs":{{}},"resources":{{{}}}}}]}}"#,
            old.join(",")
        ),
    );
    let new =
        write("new.tfstate", format!(r#"{{"version":4,"outputs":{{}},"resources":[{}]}}"#, new.join(",")));
    let [old, new] = [old, new].map(|path| check(&["--state", &path], "", 0));
    assert!(old.starts_with("aws_vpc.v: "), "{old}");
    assert_eq!(old, new);
}
