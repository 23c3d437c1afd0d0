//! What Terraform writes, read by us: `terraform output -json` must say the same, byte for byte.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::setup::{cases, with_text};

/// Runs `terraform` in a directory, alone with its own configuration.
fn terraform(dir: &Path, args: &[&str]) -> String {
    let config = dir.join("terraform.rc");
    std::fs::write(&config, "").unwrap();
    let output = Command::new("terraform")
        .args(args)
        .current_dir(dir)
        .env("CHECKPOINT_DISABLE", "1")
        .env("TF_CLI_CONFIG_FILE", config)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => write!(quoted, "\\{char}").unwrap(),
            '$' | '%' => write!(quoted, "{char}{char}").unwrap(),
            char if char.is_control() => write!(quoted, "\\u{:04x}", u32::from(char)).unwrap(),
            char => quoted.push(char),
        }
    }
    quoted + "\""
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9 <>&_.:/-]{0,12}",
        2 => "\\PC{0,8}",
        1 => prop::sample::select(vec!["e\u{301}", "\u{2028}", "\u{1f600}", "\t\n\"\\", "\u{7f}", "ﬁ", "\u{0}"])
            .prop_map(str::to_owned),
    ]
    // A doubled sign before a brace is an escape of its own.
    .prop_map(|text| text.replace(['$', '%', '{'], ""))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,40})\\.[0-9]{1,40}",
        "[1-9]e-?[0-9]{1,2}",
        prop::sample::select(vec![
            "1 / 3",
            "0.1 + 0.2",
            "18446744073709551616",
            "9007199254740993",
            "1e400",
            "-0"
        ])
        .prop_map(str::to_owned),
    ]
}

/// An expression of any type.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        text().prop_map(|text| quoted(&text)),
        number(),
        any::<bool>().prop_map(|value| value.to_string()),
    ];
    let texts = prop::collection::vec(text().prop_map(|text| quoted(&text)), 0..5).boxed();
    let numbers = prop::collection::vec(number(), 0..5);
    let flat = prop_oneof![
        4 => leaf,
        1 => texts.clone().prop_map(|texts| format!("tolist([{}])", texts.join(", "))),
        1 => texts.prop_map(|texts| format!("toset([{}])", texts.join(", "))),
        1 => numbers.prop_map(|numbers| format!("toset([{}])", numbers.join(", "))),
    ];
    flat.prop_recursive(4, 40, 5, |inner| {
        let members = |function: &'static str| {
            prop::collection::btree_map("[a-z][a-z0-9_-]{0,5}", inner.clone(), 0..4).prop_map(
                move |members| {
                    let members: Vec<String> =
                        members.iter().map(|(name, value)| format!("{} = {value}", quoted(name))).collect();
                    format!("{function}({{ {} }})", members.join(", ")).replace("object(", "(")
                },
            )
        };
        let same = (inner.clone(), 1..4_usize);
        prop_oneof![
            members("object"),
            prop::collection::vec(prop_oneof![5 => inner.clone(), 1 => Just("null".to_owned())], 0..4)
                .prop_map(|elements| format!("[{}]", elements.join(", "))),
            same.clone().prop_map(|(value, count)| format!("tolist([{}])", vec![value; count].join(", "))),
            same.clone().prop_map(|(value, _)| format!("toset([{value}])")),
            same.prop_map(|(value, _)| format!("tomap({{ \"k e\" = {value}, n = null }})")),
        ]
    })
}

#[tokio::test]
async fn outputs_are_those_that_terraform_shows() {
    if Command::new("terraform").arg("version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "terraform not found, and CI requires it");
        println!("skipped: terraform not found");
        return;
    }
    let rounds = cases(1, 60);
    for round in 0..rounds {
        let seed = [u8::try_from(round).unwrap(); 32];
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let dir = tempfile::tempdir().unwrap();
        let mut configuration = String::new();
        for idx in 0..150 {
            let value = expression().new_tree(&mut runner).unwrap().current();
            let sensitive = if idx % 10 == 0 { "\n  sensitive = true" } else { "" };
            writeln!(configuration, "output \"o{idx}\" {{\n  value = {value}{sensitive}\n}}").unwrap();
        }
        std::fs::write(dir.path().join("main.tf"), configuration).unwrap();
        terraform(dir.path(), &["apply", "-auto-approve", "-no-color"]);
        let shown = terraform(dir.path(), &["output", "-json"]);
        let (_, reader) = with_text(std::fs::read(dir.path().join("terraform.tfstate")).unwrap()).await;
        let state = reader.read().await.unwrap();
        assert_eq!(state.iter().count(), 150);
        let (ours, theirs) = (state.to_json(), shown.trim_end());
        if let Some((ours, theirs)) = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs) {
            let file = std::fs::read_to_string(dir.path().join("terraform.tfstate")).unwrap();
            let near: String = file.lines().filter(|line| line.contains(theirs.trim())).take(3).collect();
            panic!("round {round}: ours {ours:?}, Terraform's {theirs:?}; in the state: {near}");
        }
        assert_eq!(ours.len(), theirs.len());
    }
}
