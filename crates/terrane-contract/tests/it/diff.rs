//! The rule table, one or more cases per rule: old, new, and the rules that fire.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use terrane_contract::{
    AddressBlock, Addresses, BlockState, Bump, Checkout, Contract, Diff, Holds, RULES, diff,
};

use crate::addresses;

fn contract(text: &str) -> Contract {
    // A constant declaration keeps an otherwise empty module readable.
    let text = format!("data \"terraform_remote_state\" \"always\" {{}}\n{text}");
    Contract::from_files("m", [("main.tf", text)]).unwrap_or_else(|error| panic!("{error}"))
}

fn compare(old: &str, new: &str) -> Diff {
    diff(&contract(old), &contract(new))
}

/// `(old, new, rules in order of id, required bump)`.
const CASES: &[(&str, &str, &[&str], Bump)] = &[
    ("", r#"variable "a" {}"#, &["V01"], Bump::Major),
    ("", r#"variable "a" { default = 1 }"#, &["V02"], Bump::Minor),
    (r#"variable "a" {}"#, "", &["V03"], Bump::Major),
    (r#"variable "a" { default = 1 }"#, r#"variable "a" {}"#, &["V04"], Bump::Major),
    (r#"variable "a" {}"#, r#"variable "a" { default = 1 }"#, &["V05"], Bump::Minor),
    (r#"variable "a" { default = 1 }"#, r#"variable "a" { default = 2 }"#, &["V06"], Bump::Major),
    (r#"variable "a" { type = number }"#, r#"variable "a" { type = string }"#, &["V07"], Bump::Minor),
    (r#"variable "a" { type = string }"#, r#"variable "a" { type = any }"#, &["V07"], Bump::Minor),
    (
        r#"variable "a" { type = list(bool) }"#,
        r#"variable "a" { type = set(string) }"#,
        &["V07"],
        Bump::Minor,
    ),
    (
        r#"variable "a" { type = object({ x = bool }) }"#,
        r#"variable "a" { type = map(string) }"#,
        &["V07"],
        Bump::Minor,
    ),
    (r#"variable "a" { type = string }"#, r#"variable "a" { type = number }"#, &["V08"], Bump::Major),
    (r#"variable "a" {}"#, r#"variable "a" { type = list(string) }"#, &["V08"], Bump::Major),
    (
        r#"variable "a" { type = map(string) }"#,
        r#"variable "a" { type = object({ x = string }) }"#,
        &["V08"],
        Bump::Major,
    ),
    (
        r#"variable "a" { type = map(object({ x = string })) }"#,
        r#"variable "a" { type = map(object({ x = number })) }"#,
        &["V08"],
        Bump::Major,
    ),
    (
        r#"variable "a" { type = object({ x = string }) }"#,
        r#"variable "a" { type = object({ x = string, y = string }) }"#,
        &["V09"],
        Bump::Major,
    ),
    (
        r#"variable "a" { type = object({ x = string }) }"#,
        r#"variable "a" { type = object({ x = string, y = optional(string, "z") }) }"#,
        &["V10"],
        Bump::Minor,
    ),
    (
        r#"variable "a" { type = list(object({ x = string, y = string })) }"#,
        r#"variable "a" { type = list(object({ x = string })) }"#,
        &["V11"],
        Bump::Major,
    ),
    (
        r#"variable "a" { type = object({ x = optional(string) }) }"#,
        r#"variable "a" { type = object({ x = string }) }"#,
        &["V12"],
        Bump::Major,
    ),
    (
        r#"variable "a" { type = object({ x = string }) }"#,
        r#"variable "a" { type = object({ x = optional(string) }) }"#,
        &["V12"],
        Bump::Minor,
    ),
    (
        r#"variable "a" { type = map(object({ x = optional(number, 1) })) }"#,
        r#"variable "a" { type = map(object({ x = optional(number, 2) })) }"#,
        &["V13"],
        Bump::Major,
    ),
    (r#"variable "a" {}"#, r#"variable "a" { nullable = false }"#, &["V14"], Bump::Major),
    (
        r#"variable "a" { default = 1 }"#,
        "variable \"a\" {\n  default = 1\n  nullable = false\n}",
        &["V15"],
        Bump::Minor,
    ),
    (r#"variable "a" { nullable = false }"#, r#"variable "a" {}"#, &["V16"], Bump::Major),
    (
        r#"variable "a" {}"#,
        "variable \"a\" {\n  validation {\n    condition = var.a > 1\n    error_message = \"e\"\n  }\n}",
        &["V17"],
        Bump::Major,
    ),
    (
        "variable \"a\" {\n  validation {\n    condition = var.a > 1\n    error_message = \"e\"\n  }\n}",
        r#"variable "a" {}"#,
        &["V18"],
        Bump::Minor,
    ),
    (r#"variable "a" {}"#, r#"variable "a" { sensitive = true }"#, &["V19"], Bump::Major),
    (r#"variable "a" { sensitive = true }"#, r#"variable "a" {}"#, &["V20"], Bump::Major),
    (r#"variable "a" {}"#, r#"variable "a" { ephemeral = true }"#, &["V21"], Bump::Major),
    (r#"variable "a" { ephemeral = true }"#, r#"variable "a" {}"#, &["V22"], Bump::Major),
    (r#"variable "a" {}"#, r#"variable "a" { const = true }"#, &["V23"], Bump::Major),
    (r#"variable "a" { const = true }"#, r#"variable "a" {}"#, &["V23"], Bump::Minor),
    (r#"variable "a" {}"#, r#"variable "a" { deprecated = "use b" }"#, &["V24"], Bump::Minor),
    (r#"output "a" { value = 1 }"#, "", &["O01"], Bump::Major),
    ("", r#"output "a" { value = 1 }"#, &["O02"], Bump::Minor),
    (
        r#"output "a" { value = tolist(["x"]) }"#,
        r#"output "a" { value = toset(["x"]) }"#,
        &["O03"],
        Bump::Major,
    ),
    (
        r#"output "a" { value = { x = 1, y = 2 } }"#,
        r#"output "a" { value = { x = 1 } }"#,
        &["O04"],
        Bump::Major,
    ),
    (
        r#"output "a" { value = { x = 1 } }"#,
        r#"output "a" { value = { x = 1, y = 2 } }"#,
        &["O04"],
        Bump::Minor,
    ),
    (r#"output "a" { value = a.b.c }"#, r#"output "a" { value = null }"#, &["O05", "U02"], Bump::Major),
    (
        r#"output "a" { value = 1 }"#,
        "output \"a\" {\n  value = 1\n  sensitive = true\n}",
        &["O06"],
        Bump::Major,
    ),
    (
        "output \"a\" {\n  value = 1\n  sensitive = true\n}",
        r#"output "a" { value = 1 }"#,
        &["O07"],
        Bump::Major,
    ),
    (
        r#"output "a" { value = 1 }"#,
        "output \"a\" {\n  value = 1\n  ephemeral = true\n}",
        &["O08"],
        Bump::Major,
    ),
    (
        r#"output "a" { value = 1 }"#,
        "output \"a\" {\n  value = 1\n  precondition {\n    condition = var.x\n    error_message = \"e\"\n  }\n}",
        &["O09"],
        Bump::Major,
    ),
    (r#"output "a" { value = 1 }"#, r#"output "a" { value = aws_vpc.this.id }"#, &["U01"], Bump::Major),
    (
        r#"output "a" { value = aws_vpc.this.id }"#,
        r#"output "a" { value = aws_vpc.this.arn }"#,
        &["U02"],
        Bump::None,
    ),
    (
        r#"resource "a" "b" {}"#,
        "resource \"a\" \"b\" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}",
        &["R16"],
        Bump::Major,
    ),
    (
        "resource \"a\" \"b\" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}",
        r#"resource "a" "b" {}"#,
        &["R16"],
        Bump::Minor,
    ),
    (
        r#"resource "a" "b" {}"#,
        "resource \"a\" \"b\" {\n  lifecycle {\n    ignore_changes = [tags]\n  }\n}",
        &["R16"],
        Bump::Minor,
    ),
    ("", r#"data "a" "b" {}"#, &["R17"], Bump::Minor),
    (r#"data "a" "b" {}"#, "", &["R17"], Bump::Patch),
    (AWS_5_0, AWS_5_1, &["P01"], Bump::Minor),
    (AWS_5_0, AWS_6_0, &["P02"], Bump::Major),
    (AWS_5_0, AWS_5_ONLY, &["P02"], Bump::Major),
    (AWS_5_1, AWS_5_0, &["P03"], Bump::Minor),
    (AWS_5_0, AWS_FORK, &["P04"], Bump::Major),
    (AWS_5_0, "", &["P04"], Bump::Major),
    (
        r#"terraform { required_version = ">= 1.5" }"#,
        r#"terraform { required_version = ">= 1.6" }"#,
        &["P05"],
        Bump::Major,
    ),
    (
        r#"terraform { required_version = ">= 1.6" }"#,
        r#"terraform { required_version = ">= 1.5" }"#,
        &["P05"],
        Bump::Minor,
    ),
    (
        r#"terraform { required_version = "~> 1.5" }"#,
        r#"terraform { required_version = ">= 1.5, < 2" }"#,
        &[],
        Bump::None,
    ),
    ("", AWS_5_0, &["P06"], Bump::Major),
    (AWS_5_0, AWS_ALIAS, &["P06"], Bump::Major),
    (AWS_ALIAS, AWS_5_0, &["P07"], Bump::Major),
    ("", r#"provider "aws" { region = "eu-west-1" }"#, &["P08"], Bump::Refused),
    (
        "module \"x\" {\n  source = \"a/b/c\"\n  version = \"~> 1.0\"\n}",
        "module \"x\" {\n  source = \"a/b/c\"\n  version = \"~> 1.2\"\n}",
        &["M01"],
        Bump::Minor,
    ),
    (
        "module \"x\" {\n  source = \"a/b/c\"\n  version = \"~> 1.0\"\n}",
        "module \"x\" {\n  source = \"a/b/c\"\n  version = \"~> 2.0\"\n}",
        &["M01"],
        Bump::Major,
    ),
    (
        "module \"x\" {\n  source = \"a/b/c\"\n}",
        "module \"x\" {\n  source = \"a/b/d\"\n}",
        &["M01"],
        Bump::Major,
    ),
    // The floor of Terraform rises with the first declared type.
    (
        r#"output "a" { value = "x" }"#,
        "terraform {\n  required_version = \">= 1.15\"\n}\noutput \"a\" {\n  type  = string\n  value = \"x\"\n}",
        &["O11", "P05"],
        Bump::Major,
    ),
    (
        "terraform {\n  required_version = \">= 1.15\"\n}\noutput \"a\" {\n  value = \"x\"\n}",
        "terraform {\n  required_version = \">= 1.15\"\n}\noutput \"a\" {\n  type  = string\n  value = \"x\"\n}",
        &["O11"],
        Bump::Minor,
    ),
    (
        "output \"a\" {\n  type  = string\n  value = \"x\"\n}",
        r#"output "a" { value = "x" }"#,
        &["O11"],
        Bump::Patch,
    ),
    (
        "output \"a\" {\n  type  = string\n  value = var.b\n}",
        "output \"a\" {\n  type  = number\n  value = var.b\n}",
        &["O03"],
        Bump::Major,
    ),
    (r#"variable "a" { description = "x" }"#, r#"variable "a" { description = "y" }"#, &["D01"], Bump::Patch),
];

const AWS_5_0: &str = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n      version = \">= 5.0\"\n    }\n  }\n}";
const AWS_5_1: &str = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n      version = \">= 5.1\"\n    }\n  }\n}";
const AWS_6_0: &str = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n      version = \">= 6.0\"\n    }\n  }\n}";
const AWS_5_ONLY: &str = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n      version = \"~> 5.0\"\n    }\n  }\n}";
const AWS_FORK: &str = "terraform {\n  required_providers {\n    aws = {\n      source = \"fork/aws\"\n      version = \">= 5.0\"\n    }\n  }\n}";
const AWS_ALIAS: &str = "terraform {\n  required_providers {\n    aws = {\n      source = \"hashicorp/aws\"\n      version = \">= 5.0\"\n      configuration_aliases = [aws.peer]\n    }\n  }\n}";

#[test]
fn each_change_fires_its_rule() {
    for (old, new, rules, bump) in CASES {
        let diff = compare(old, new);
        let mut found: Vec<&str> = diff.findings.iter().map(|finding| finding.rule.as_str()).collect();
        found.sort_unstable();
        assert_eq!(found, *rules, "{old}\n=>\n{new}\n{:#?}", diff.findings);
        assert_eq!(diff.required_bump, *bump, "{old}\n=>\n{new}");
    }
}

#[test]
fn a_module_does_not_differ_from_itself() {
    for (old, new, ..) in CASES {
        for text in [old, new].into_iter().filter(|text| !text.contains("provider \"aws\"")) {
            assert_eq!(compare(text, text).required_bump, Bump::None, "{text}");
        }
    }
}

#[test]
fn every_rule_has_a_case() {
    let mut covered: BTreeSet<&str> =
        CASES.iter().flat_map(|(_, _, rules, _)| rules.iter().copied()).collect();
    covered.extend(addresses::CASES.iter().flat_map(|case| case.rules.iter().copied()));
    // These have tests of their own below.
    covered.extend(["O10", "O12", "R14", "R15", "R17", "R18", "S01", "S02", "B01", "B02", "U03", "U04"]);
    // No contract holds archives; the registry's tests have this one.
    covered.insert("D02");
    let table: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(covered, table);
    assert_eq!(table.len(), RULES.len(), "no id twice");
}

#[test]
fn public_submodules_are_part_of_the_interface() {
    let package = |public: bool, inner: &str| {
        let readme = if public { "modules/s/README.md" } else { "modules/s/NOTES.md" };
        Contract::from_files(
            "m",
            [("main.tf", "variable \"x\" {}\n"), ("modules/s/main.tf", inner), (readme, "")],
        )
        .unwrap()
    };
    let check = |old: &Contract, new: &Contract, expected: &[(&str, &str)]| {
        let diff = diff(old, new);
        let found: Vec<(&str, &str)> =
            diff.findings.iter().map(|finding| (finding.rule.as_str(), finding.address.as_str())).collect();
        assert_eq!(found, expected);
    };
    let (public, private) = (package(true, "variable \"a\" {}\n"), package(false, "variable \"a\" {}\n"));
    check(&public, &private, &[("S01", "modules/s")]);
    check(&private, &public, &[("S02", "modules/s")]);
    check(
        &public,
        &package(true, "variable \"b\" {}\n"),
        &[("V01", "modules/s: var.b"), ("V03", "modules/s: var.a")],
    );
    // Nobody else can be meant by one that the package does not call.
    check(
        &private,
        &package(false, "variable \"b\" {}\n"),
        &[("V01", "modules/s: var.b"), ("V03", "modules/s: var.a")],
    );
    let internal = |inner: &str| {
        let main = "module \"s\" {\n  source = \"./modules/s\"\n}\n";
        Contract::from_files("m", [("main.tf", main), ("modules/s/main.tf", inner)]).unwrap()
    };
    let diff = diff(&internal("variable \"a\" {}\n"), &internal("variable \"b\" {}\n"));
    assert_eq!(diff.required_bump, Bump::Minor, "{diff:?}");
}

#[test]
fn admitted_base_ranges_are_compared() {
    let admitted = |min: u8, max: u8, within: &[&str]| {
        let mut contract = contract("variable \"cidr\" {}");
        let within = within.iter().map(|space| space.parse().unwrap()).collect();
        let admitted = terrane_contract::Admitted { min_prefix_length: min, max_prefix_length: max, within };
        contract.admitted.insert("cidr".to_owned(), admitted);
        contract
    };
    let wide = admitted(16, 20, &["10.0.0.0/8", "172.16.0.0/12"]);
    for narrow in [admitted(16, 19, &["10.0.0.0/8", "172.16.0.0/12"]), admitted(16, 20, &["10.0.0.0/9"])] {
        assert_eq!(diff(&wide, &narrow).findings[0].rule, "B01");
        assert_eq!(diff(&narrow, &wide).findings[0].rule, "B02");
    }
    assert_eq!(diff(&wide, &wide), Diff::default());
}

#[test]
fn a_block_or_slot_that_moves_replaces_subnets() {
    let block = |tier: &str, state, newbits, netnum| AddressBlock {
        range: "main".to_owned(),
        tier: tier.to_owned(),
        generation: 1,
        state,
        newbits,
        netnum,
        zones: BTreeMap::new(),
    };
    let addresses = |blocks: Vec<AddressBlock>, slots: &[(&str, u32)]| {
        let slots = slots.iter().map(|(letter, slot)| ((*letter).to_owned(), *slot)).collect();
        let mut contract = contract("variable \"cidr\" {}");
        contract.addresses = Some(Addresses { slots, blocks, ..Addresses::default() });
        contract
    };
    let (live, gone) = (BlockState::Live, BlockState::Reserved);
    let explicit = |zones: &[(&str, (u8, u32))]| {
        let zones = zones.iter().map(|(letter, place)| ((*letter).to_owned(), *place)).collect();
        AddressBlock { zones, ..block("db", live, None, None) }
    };
    let db = addresses(vec![block("db", live, Some(4), Some(1))], &[("a", 0), ("b", 1)]);
    let two = addresses(vec![explicit(&[("a", (8, 1)), ("b", (8, 2))])], &[]);
    let cases = [
        (&db, addresses(vec![block("db", live, Some(4), Some(2))], &[("a", 0), ("b", 1)]), vec!["tier.db"]),
        (&db, addresses(vec![block("db", live, Some(5), Some(1))], &[("a", 0), ("b", 1)]), vec!["tier.db"]),
        (
            &db,
            addresses(vec![block("db", live, Some(4), Some(1))], &[("a", 1), ("b", 0)]),
            vec!["zone.a", "zone.b"],
        ),
        (&db, addresses(vec![block("db", live, Some(4), Some(1))], &[("a", 0), ("b", 1), ("c", 2)]), vec![]),
        (&db, addresses(vec![block("db", gone, Some(4), Some(2))], &[("a", 0)]), vec![]),
        (&two, addresses(vec![explicit(&[("a", (8, 1)), ("b", (8, 3))])], &[]), vec!["tier.db"]),
        (&two, addresses(vec![explicit(&[("a", (8, 1)), ("c", (8, 3))])], &[]), vec![]),
    ];
    for (old, new, expected) in cases {
        let diff = diff(old, &new);
        let found: Vec<&str> = diff.findings.iter().map(|finding| finding.address.as_str()).collect();
        assert_eq!(found, expected, "{:?}", new.addresses);
        assert!(diff.findings.iter().all(|finding| finding.rule == "R14" && finding.bump == Bump::Major));
    }
}

#[test]
fn an_output_that_holds_another_kind_of_thing_breaks_its_readers() {
    let holding = |holds| {
        let mut contract = contract("output \"o\" { value = \"x-${var.a}\" }");
        contract.outputs.get_mut("o").unwrap().holds = holds;
        contract
    };
    let rules = |old, new| diff(&holding(old), &holding(new)).findings;
    let found = rules(Some(Holds::SubnetId), Some(Holds::Arn));
    assert_eq!((found[0].rule.as_str(), found[0].bump), ("O10", Bump::Major));
    assert_eq!(rules(Some(Holds::SubnetId), Some(Holds::SubnetId)), []);
    assert_eq!(rules(None, Some(Holds::SubnetId)), [], "what becomes known need not have changed");
}

fn checkout(files: &[(&str, &str)]) -> Checkout {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()));
    Checkout::read("m", files.collect())
}

/// Returns `BUMP RULE ADDRESS` of each finding between two modules.
fn found(old: &[(&str, &str)], new: &[(&str, &str)]) -> Vec<String> {
    let diff = checkout(new).changes_since(&checkout(old));
    let line = |finding: &terrane_contract::Finding| {
        format!("{} {} {}", finding.bump, finding.rule, finding.address)
    };
    diff.findings.iter().map(line).collect()
}

#[track_caller]
fn check_code(old: &str, new: &str, expected: &[&str]) {
    assert_eq!(found(&[("main.tf", old)], &[("main.tf", new)]), expected, "{old}\n=>\n{new}");
}

#[test]
fn changed_arguments_are_found_in_every_module_of_the_package() {
    let check = |old: &str, new: &str, expected: &[&str]| {
        let read = |text| [("main.tf", text), ("modules/s/main.tf", text), ("examples/e/main.tf", text)];
        assert_eq!(found(&read(old), &read(new)), expected, "{old}\n=>\n{new}");
    };
    let both = ["minor R15 aws_vpc.a", "minor R15 modules/s: aws_vpc.a"];
    let vpc = |body: &str| format!("resource \"aws_vpc\" \"a\" {{\n{body}\n}}\n");
    check(&vpc("x = 1"), &vpc("x = 2"), &both);
    check(&vpc("x = 1"), &vpc(""), &both);
    check(&vpc("x {\n  y = 1\n}"), &vpc("x {\n  y = 2\n}"), &both);
    check(&vpc("x {\n  y = 1\n}"), &vpc(""), &both);
    check(&vpc("x = 1"), &vpc("# Why.\nx   =  (1)"), &["patch D01 package"]);
    // Through local values, and through those that they use.
    let locals = |value: &str| {
        format!(
            "{}locals {{\n  a = local.b\n  b = {value}\n  c = 1\n  ab = {value}\n}}\n",
            vpc("x = local.a")
        )
    };
    check(&locals("1"), &locals("2"), &both);
    check(&locals("1"), &locals("1").replace("c = 1", "c = 2"), &["patch D01 package"]);
}

/// Each change and what it is, where only the code tells: `(old, new, findings)`.
const CODE: &[(&str, &str, &[&str])] = &[
    // Local values, by the part that is used.
    (
        "locals {\n  b = { app = { n = 1 }, db = { n = 2 } }\n}\nresource \"a\" \"b\" {\n  x = local.b.app\n}\n",
        "locals {\n  b = { app = { n = 1 }, db = { n = 3 }, new = {} }\n}\nresource \"a\" \"b\" {\n  x = local.b.app\n}\n",
        &["patch D01 package"],
    ),
    (
        "locals {\n  b = { app = { n = 1 } }\n}\nresource \"a\" \"b\" {\n  x = local.b.app.n\n}\n",
        "locals {\n  b = { app = { n = 2 } }\n}\nresource \"a\" \"b\" {\n  x = local.b.app.n\n}\n",
        &["minor R15 a.b"],
    ),
    // Instances, through local values.
    (
        "locals {\n  n = 1\n}\nresource \"a\" \"b\" {\n  count = local.n\n}\n",
        "locals {\n  n = 2\n}\nresource \"a\" \"b\" {\n  count = local.n\n}\n",
        &["minor R13 a.b"],
    ),
    (
        "locals {\n  n = var.x\n}\nresource \"a\" \"b\" {\n  count = local.n ? 1 : 0\n}\nvariable \"x\" {}\n",
        "locals {\n  n = !var.x\n}\nresource \"a\" \"b\" {\n  count = local.n ? 1 : 0\n}\nvariable \"x\" {}\n",
        &["minor U03 a.b"],
    ),
    (
        "locals {\n  m = { x = 1, y = 2 }\n}\nresource \"a\" \"b\" {\n  for_each = local.m\n}\n",
        "locals {\n  m = { x = 1, z = 2 }\n}\nresource \"a\" \"b\" {\n  for_each = local.m\n}\n",
        &["major R07 a.b", "minor R13 a.b"],
    ),
    (
        "variable \"m\" {}\nresource \"a\" \"b\" {\n  for_each = { for k, v in var.m : k => v if v.on }\n  x = each.key\n}\n",
        "variable \"m\" {}\nlocals {\n  on = { for name, it in var.m : \"${name}\" => it if it.on }\n}\nresource \"a\" \"b\" {\n  for_each = local.on\n  x = each.key\n}\n",
        &["patch D01 package"],
    ),
    (
        "variable \"m\" {}\nresource \"a\" \"b\" {\n  for_each = { for v in var.m : \"${v.name}\" => v }\n}\n",
        "variable \"m\" {}\nresource \"a\" \"b\" {\n  for_each = { for v in var.m : v.name => { name = v.name } }\n}\n",
        &["patch D01 package"],
    ),
    (
        "variable \"m\" {}\nresource \"a\" \"b\" {\n  for_each = { for k, v in var.m : k => v }\n}\n",
        "variable \"m\" {}\nresource \"a\" \"b\" {\n  for_each = { for k, v in var.m : \"x-${k}\" => v }\n}\n",
        &["major R07 a.b"],
    ),
    (
        "variable \"m\" {}\nresource \"a\" \"b\" {\n  for_each = { for k, v in var.m : k => v }\n}\n",
        "variable \"m\" {}\nresource \"a\" \"b\" {\n  for_each = { for k, v in var.m : v.id => v }\n}\n",
        &["minor U03 a.b"],
    ),
    (
        "resource \"a\" \"b\" {\n  for_each = toset([\"x\", \"y\"])\n  v = each.value\n}\n",
        "resource \"a\" \"b\" {\n  for_each = { for k in [\"y\", \"x\"] : k => k }\n  v = each.value\n}\n",
        &["patch D01 package"],
    ),
    (
        "resource \"a\" \"b\" {\n  for_each = { x = { n = 1, m = 1 } }\n  v = each.value.n\n}\n",
        "resource \"a\" \"b\" {\n  for_each = { x = { n = 1, m = 2 } }\n  v = each.value.n\n}\n",
        &["patch D01 package"],
    ),
    (
        "resource \"a\" \"b\" {\n  for_each = { x = { n = 1 } }\n  v = each.value.n\n}\n",
        "resource \"a\" \"b\" {\n  for_each = { x = { n = 2 } }\n  v = each.value.n\n}\n",
        &["minor R15 a.b"],
    ),
    // A variable that no caller could set has its default.
    (
        "variable \"on\" {}\nresource \"a\" \"b\" {\n  count = var.on ? 1 : 0\n}\n",
        "variable \"on\" {}\nvariable \"too\" {\n  default = true\n}\nresource \"a\" \"b\" {\n  count = var.on && var.too ? 1 : 0\n}\n",
        &["minor V02 var.too"],
    ),
    // Module calls and data sources.
    (
        "module \"m\" {\n  source = \"x/y/z\"\n  n = 1\n}\n",
        "module \"m\" {\n  source = \"x/y/z\"\n  n = 2\n}\n",
        &["minor R15 module.m"],
    ),
    (
        "module \"m\" {\n  source = \"x/y/z\"\n}\n",
        "module \"m\" {\n  source = \"x/y/z\"\n  depends_on = [a.b]\n}\n",
        &["minor R15 module.m"],
    ),
    ("module \"m\" {\n  source = \"x/y/z\"\n}\nlocals {}\n", "locals {}\n", &["major R01 module.m"]),
    ("locals {}\n", "module \"m\" {\n  source = \"x/y/z\"\n}\nlocals {}\n", &["minor R13 module.m"]),
    (
        "module \"m\" {\n  source = \"x/y/z\"\n}\n",
        "module \"n\" {\n  source = \"x/y/z\"\n}\nmoved {\n  from = module.m\n  to   = module.n\n}\n",
        &["minor R03 module.m"],
    ),
    ("data \"a\" \"b\" {\n  x = 1\n}\n", "data \"a\" \"b\" {\n  x = 2\n}\n", &["minor R17 data.a.b"]),
    (
        "variable \"n\" {}\ndata \"a\" \"b\" {\n  count = var.n\n}\n",
        "variable \"n\" {}\ndata \"a\" \"b\" {\n  count = var.n + 1\n}\n",
        &["minor R17 data.a.b"],
    ),
    // Nested blocks that are made for each of something.
    (
        "resource \"a\" \"b\" {\n  dynamic \"x\" {\n    for_each = [1]\n    content {}\n  }\n}\n",
        "resource \"a\" \"b\" {\n  dynamic \"x\" {\n    for_each = [1, 2]\n    content {}\n  }\n}\n",
        &["minor R15 a.b"],
    ),
    (
        "resource \"a\" \"b\" {\n  provider = aws.x\n}\n",
        "resource \"a\" \"b\" {\n  provider = aws.y\n}\n",
        &["minor R15 a.b"],
    ),
    (
        "resource \"a\" \"b\" {}\n",
        "resource \"a\" \"b\" {\n  lifecycle {\n    replace_triggered_by = [a.c]\n  }\n}\n",
        &["minor R15 a.b"],
    ),
    // Outputs.
    ("output \"o\" {\n  value = a.b.x\n}\n", "output \"o\" {\n  value = a.b.y\n}\n", &["major O10 output.o"]),
    (
        "output \"o\" {\n  value = a.b.x\n}\n",
        "output \"o\" {\n  value = try(a.b.x, null)\n}\n",
        &["minor O12 output.o"],
    ),
    (
        "output \"t\" {\n  value = { module = \"m\", version = \"1.0.0\", fingerprint = \"x\" }\n}\n",
        "output \"t\" {\n  value = { module = \"m\", version = \"1.1.0\", fingerprint = \"y\" }\n}\n",
        &["patch D01 package"],
    ),
    // Conditions.
    (
        "resource \"a\" \"b\" {}\n",
        "resource \"a\" \"b\" {\n  lifecycle {\n    precondition {\n      condition = var.x\n      error_message = \"e\"\n    }\n  }\n}\n",
        &["major R18 a.b"],
    ),
    (
        "data \"a\" \"b\" {\n  lifecycle {\n    postcondition {\n      condition = self.x\n      error_message = \"e\"\n    }\n  }\n}\n",
        "data \"a\" \"b\" {}\n",
        &["minor R18 data.a.b"],
    ),
    ("check \"c\" {\n  x = 1\n}\n", "check \"c\" {\n  x = 2\n}\n", &["patch D01 check.c"]),
    // Roots may configure providers, and a change of that may change everything.
    ("provider \"aws\" {\n  region = \"x\"\n}\n", "provider \"aws\" {\n  region = \"x\"\n}\n", &[]),
    (
        "provider \"aws\" {\n  region = \"x\"\n}\n",
        "provider \"aws\" {\n  region = \"y\"\n}\n",
        &["minor R15 provider.aws"],
    ),
    // A map that became an object, all of which may be left out.
    (
        "variable \"a\" {\n  type = map(string)\n}\n",
        "variable \"a\" {\n  type = object({ create = optional(string) })\n}\n",
        &["major V11 var.a"],
    ),
    // No successor is guessed where several could be one, or of another type.
    (
        "resource \"a\" \"x\" {}\nresource \"a\" \"y\" {}\n",
        "resource \"a\" \"z\" {}\n",
        &["major R01 a.x", "major R01 a.y", "minor R13 a.z"],
    ),
    ("resource \"a\" \"x\" {}\n", "resource \"b\" \"x\" {}\n", &["major R01 a.x", "minor R13 b.x"]),
];

#[test]
fn everything_that_decides_what_stands_is_compared() {
    for (old, new, expected) in CODE {
        check_code(old, new, expected);
        check_code(old, old, &[]);
    }
}

#[test]
fn files_that_the_code_reads_are_compared() {
    let main = "resource \"a\" \"b\" {\n  x = file(\"${path.module}/policies/${var.n}.json\")\n}\nvariable \"n\" {}\n";
    let package = |policy: &str, other: &str| {
        checkout(&[("main.tf", main), ("policies/p.json", policy), ("other.json", other)])
    };
    let old = package("{}", "{}");
    assert_eq!(old.paths_read().into_iter().collect::<Vec<_>>(), ["policies/"]);
    let diff = package("[]", "{}").changes_since(&old);
    assert_eq!((diff.findings[0].rule.as_str(), diff.findings.len()), ("R15", 1), "{diff:?}");
    assert!(diff.findings[0].message.contains("`policies/p.json`"), "{diff:?}");
    assert_eq!(package("{}", "[]").changes_since(&old).required_bump, Bump::Patch);
}

#[test]
fn a_file_that_cannot_be_read_is_one_finding() {
    let good = "variable \"a\" {}\nresource \"a\" \"b\" {}\noutput \"o\" {\n  value = 1\n}\n";
    let old = [("main.tf", "variable \"m\" {}\n"), ("b.tf", good)];
    let new = [("main.tf", "variable \"m\" {}\n"), ("b.tf", "variable \"a\" {\n")];
    assert_eq!(found(&old, &new), ["major U04 b.tf"]);
    assert_eq!(found(&new, &old), ["major U04 b.tf"]);
    assert_eq!(found(&new, &new), ["none U04 b.tf"]);
    // What the other files say is compared all the same.
    let other = [("main.tf", "variable \"m\" {\n  default = 1\n}\n"), ("b.tf", "variable \"a\" {\n")];
    assert_eq!(
        found(&new, &other),
        ["none U04 b.tf", "minor V05 var.m"].map(str::to_owned).into_iter().rev().collect::<Vec<_>>()
    );
}

/// A list of rules shows the one that changed, not the whole list.
#[test]
fn of_a_list_the_changed_elements_are_shown() {
    let acl = |rules: &str| format!("resource \"a\" \"b\" {{\n  ingress = [{rules}]\n}}\n");
    let (one, two, three) =
        ("{ rule_no = 100, to = 443 }", "{ rule_no = 110, to = 80 }", "{ rule_no = 120, to = var.p }");
    let message = |old: String, new: String| {
        let diff = checkout(&[("main.tf", &new)]).changes_since(&checkout(&[("main.tf", &old)]));
        diff.findings[0].message.clone()
    };
    let added = message(acl(&format!("{one}, {two}")), acl(&format!("{one}, {two}, {three}")));
    assert!(
        added.starts_with("its arguments changed (`ingress` with `{ rule_no = 120, to = var.p }`):"),
        "{added}"
    );
    let gone = message(acl(&format!("{one}, {two}")), acl(two));
    assert!(gone.contains("(`ingress` without `{ rule_no = 100, to = 443 }`)"), "{gone}");
}

/// The network first, in its own words; then what callers write; addresses in few lines.
#[test]
fn a_changelog_speaks_of_the_network_first() {
    let network = |tiers: &[&str], rules: &[(&str, &str, &str, u16)], extra: &str| {
        let resources = tiers.iter().flat_map(|tier| {
            ["aws_subnet", "aws_network_acl"].map(|kind| format!("resource \"{kind}\" \"{tier}\" {{}}\n"))
        });
        let mut contract = contract(&format!("{}{extra}", resources.collect::<String>()));
        let mut addresses = Addresses::default();
        for tier in tiers {
            addresses.blocks.push(AddressBlock {
                range: "base".to_owned(),
                tier: (*tier).to_owned(),
                generation: 1,
                state: BlockState::Live,
                newbits: Some(4),
                netnum: Some(1),
                zones: BTreeMap::new(),
            });
        }
        for (tier, direction, rule, number) in rules {
            let directions = addresses.rules.entry((*tier).to_owned()).or_default();
            directions.entry((*direction).to_owned()).or_default().insert((*rule).to_owned(), *number);
        }
        contract.addresses = Some(addresses);
        contract
    };
    let old = network(&["app", "db"], &[("app", "egress", "allow tcp 443 0.0.0.0/0", 900)], "");
    let new = network(
        &["app", "queue"],
        &[
            ("app", "egress", "allow tcp 443 0.0.0.0/0", 910),
            ("app", "egress", "allow tcp 5672 queue", 100),
            ("app", "ingress", "allow tcp 1024-65535 queue", 100),
        ],
        "variable \"x\" {\n  default = 1\n}\n",
    );
    assert_eq!(
        diff(&old, &new).changelog(&old, &new),
        [
            "The tier `queue` is new.",
            "**breaking** The tier `db` is gone.",
            "`app` may send tcp 5672 to `queue`.",
            "`var.x`: a new optional variable (V02)",
            "**breaking** `aws_network_acl.db`, `aws_subnet.db` are destroyed, and may have successors that need `moved` blocks (R04)",
            "`aws_network_acl.queue`, `aws_subnet.queue` are new (R13)",
        ]
    );
    assert_eq!(diff(&old, &old).changelog(&old, &old), Vec::<String>::new());
}

/// Many outputs of unknown type are one line, and none where their values are compared.
#[test]
fn unknown_types_are_said_once() {
    let text: String = (0..50).map(|n| format!("output \"o{n}\" {{\n  value = a.b.x{n}\n}}\n")).collect();
    let contract = contract(&text);
    let diff = diff(&contract, &contract);
    assert_eq!(diff.findings.len(), 1, "{diff:?}");
    assert!(diff.findings[0].message.contains("50 values"), "{diff:?}");
    assert_eq!(found(&[("main.tf", &text)], &[("main.tf", &text)]), Vec::<String>::new());
}

#[test]
fn submodules_that_callers_can_name_are_whole_modules() {
    let package = |inner: &str| {
        [
            ("main.tf".to_owned(), "locals {}\n".to_owned()),
            ("wrappers/x/main.tf".to_owned(), inner.to_owned()),
        ]
    };
    let check = |old: &str, new: &str, expected: &[&str]| {
        let (old, new) = (package(old), package(new));
        let old: Vec<(&str, &str)> = old.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let new: Vec<(&str, &str)> = new.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        assert_eq!(found(&old, &new), expected);
    };
    check("resource \"a\" \"x\" {}\n", "locals {}\n", &["major R01 wrappers/x: a.x"]);
    check(
        "resource \"a\" \"x\" {}\n",
        "resource \"a\" \"y\" {}\nmoved {\n  from = a.x\n  to   = a.y\n}\n",
        &["minor R03 wrappers/x: a.x"],
    );
    check(
        "resource \"a\" \"x\" {\n  for_each = toset([\"p\"])\n}\n",
        "resource \"a\" \"x\" {\n  for_each = toset([\"q\"])\n}\n",
        &["major R07 wrappers/x: a.x", "minor R13 wrappers/x: a.x"],
    );
}

#[test]
fn versions_follow_from_bumps() {
    let cases = [
        (Bump::Major, "1.2.3", Some("2.0.0")),
        (Bump::Minor, "1.2.3", Some("1.3.0")),
        (Bump::Patch, "1.2.3", Some("1.2.4")),
        (Bump::None, "1.2.3", None),
        (Bump::Refused, "1.2.3", None),
        (Bump::Major, "0.2.3", Some("0.3.0")),
        (Bump::Minor, "0.2.3", Some("0.2.4")),
        (Bump::Minor, "1.3.0-rc.1", Some("1.3.0")),
        (Bump::Major, "18446744073709551615.0.0", None),
    ];
    for (bump, last, next) in cases {
        let last = Version::parse(last).unwrap();
        let found = bump.next_version(&last);
        assert_eq!(found.as_ref().map(ToString::to_string).as_deref(), next, "{bump} after {last}");
        if let Some(next) = found.filter(|_| last.pre.is_empty()) {
            assert!(Bump::declared(&last, &next) >= bump, "{last} to {next} declares {bump}");
        }
    }
}

#[test]
fn an_accepted_finding_needs_a_minor_bump_and_a_refused_one_stays() {
    let breaking = compare(r#"variable "a" {}"#, "");
    assert_eq!(breaking.accepting(|finding| finding.rule == "V03").required_bump, Bump::Minor);
    assert_eq!(breaking.accepting(|finding| finding.rule == "V01").required_bump, Bump::Major);
    let refused = compare("", r#"provider "aws" { region = "x" }"#);
    assert_eq!(refused.accepting(|_| true).required_bump, Bump::Refused);
}
