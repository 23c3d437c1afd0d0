//! The rule table, one or more cases per rule: old, new, and the rules that fire.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;
use terrane_contract::{
    AddressBlock, Addresses, BlockState, Bodies, Bump, Contract, Diff, Holds, RULES, diff,
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
    covered.extend(["O10", "R14", "R15", "S01", "S02", "B01", "B02"]);
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
    check(&private, &package(false, "variable \"b\" {}\n"), &[]);
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

/// What changed of a resource's arguments, by the packages of which the contracts are.
#[test]
fn changed_arguments_are_found_in_packages() {
    let check = |old: &str, new: &str, expected: &[&str]| {
        let read = |text: &str| {
            let files = [("main.tf", text), ("modules/s/main.tf", text), ("examples/e/main.tf", text)];
            (Contract::from_files("m", files).unwrap(), Bodies::from_files(files))
        };
        let ((before, old_bodies), (after, new_bodies)) = (read(old), read(new));
        let diff = diff(&before, &after).with_bodies(&old_bodies, &new_bodies);
        let found: Vec<&str> = diff.findings.iter().map(|finding| finding.address.as_str()).collect();
        assert_eq!(found, expected, "{old}\n=>\n{new}");
        assert!(diff.findings.iter().all(|finding| finding.rule == "R15" && finding.bump == Bump::Minor));
    };
    let both = ["aws_vpc.a", "modules/s: aws_vpc.a"];
    let vpc = |body: &str| format!("resource \"aws_vpc\" \"a\" {{\n{body}\n}}\n");
    check(&vpc("x = 1"), &vpc("x = 2"), &both);
    check(&vpc("x = 1"), &vpc(""), &both);
    check(&vpc("x {\n  y = 1\n}"), &vpc("x {\n  y = 2\n}"), &both);
    check(&vpc("x {\n  y = 1\n}"), &vpc(""), &both);
    check(&vpc("x = 1"), &vpc("# Why.\nx   =  (1)"), &[]);
    // Through local values, and through those that they use.
    let locals = |value: &str| {
        format!(
            "{}locals {{\n  a = local.b\n  b = {value}\n  c = 1\n  ab = {value}\n}}\n",
            vpc("x = local.a")
        )
    };
    check(&locals("1"), &locals("2"), &both);
    check(&locals("1"), &locals("1").replace("c = 1", "c = 2"), &[]);
    // A resource that is new or gone has rules of its own, and lifecycle too.
    check(&vpc("lifecycle {\n  postcondition {\n    condition = true\n  }\n}"), &vpc(""), &[]);
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
