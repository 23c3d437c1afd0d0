//! The proof of what Terraform plans and applies, against the proof of what was declared.

use serde_json::Value;
use terrane_compiler::{
    Resolved,
    ledger::Ledger,
    network::Network,
    proof::{
        Property, Status,
        deployed::{Measure, prove_document},
    },
};
use terrane_xtask::{
    Workspace,
    e2e::{self, Call, Findings},
    terraform::Terraform,
};

/// A network as many people write it.
const HANDWRITTEN: &str = include_str!("../../../crates/terrane/tests/fixtures/handwritten.tf");

fn networks() -> Vec<Network> {
    let resolved = |topology| Resolved::of(topology, &Ledger::default()).unwrap();
    terrane_catalog::all().iter().map(|topology| resolved(topology).network).collect()
}

fn measured<'a>(network: &'a Network, module: &'a str) -> Measure<'a> {
    Measure { network: Some(network), module: Some(module), isolated: &[] }
}

#[test]
fn a_plan_of_each_module_gives_the_verdicts_of_its_network() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut networks = networks();
    let own = networks.iter().map(|network| Call::of(&workspace, network.name.as_str()));
    let mut calls: Vec<Call> = own.map(with_clients).collect();
    for (network, call) in placed() {
        networks.push(network);
        calls.push(call);
    }
    let by_hand = dir.path().join("handwritten");
    std::fs::create_dir(&by_hand).unwrap();
    std::fs::write(by_hand.join("main.tf"), HANDWRITTEN).unwrap();
    let theirs = Call { label: "handwritten".to_owned(), source: by_hand, arguments: String::new() };
    let all: Vec<Call> = calls.iter().cloned().chain([theirs]).collect();
    let root = e2e::write_root(dir.path(), &all).unwrap();
    let region = terrane_xtask::region::Region::start(e2e::REGION).unwrap();
    std::fs::write(root.join("provider_override.tf"), region.provider()).unwrap();
    let root = terraform.root(root);
    root.init().unwrap();
    let plan = root.plan_without_refresh().unwrap();
    for (network, call) in networks.iter().zip(&calls) {
        let module = format!("module.{}", call.label);
        let mut findings = Findings::default();
        e2e::proofs::check(network, &module, "plan", plan.json(), &mut findings);
        assert!(findings.checked >= 10 && findings.problems.is_empty(), "{}: {findings:#?}", network.name);
    }
    clients_may_what_tiers_may(plan.json());
    unknown_until_applied(plan.json());
    let idx = networks.iter().position(|network| network.name.as_str() == "kubernetes-network").unwrap();
    ambiguity(plan.json(), &networks[idx], &format!("module.{}", calls[idx].label));
}

/// Returns the golden cases whose plans hold references by another letter than their own, and named route tables.
fn placed() -> impl Iterator<Item = (Network, Call)> {
    let cases = crate::golden::cases().into_iter();
    let named =
        cases.filter(|case| ["some-zones", "named-route-tables"].contains(&case.topology.name.as_str()));
    named.map(|case| {
        let compiled =
            terrane_compiler::compile(&case.topology, &case.ledger, &semver::Version::new(1, 0, 0));
        let label = case.topology.name.replace('-', "_");
        (compiled.unwrap().network, Call { label, source: case.golden, arguments: String::new() })
    })
}

/// Names the security group of a cluster to the reference network.
fn with_clients(call: Call) -> Call {
    if call.label != "kubernetes_network" {
        return call;
    }
    let arguments = "  db_client_security_group_ids = { cluster = \"sg-0123456789abcdef0\" }\n".to_owned();
    Call { arguments, ..call }
}

/// A caller's group gets one rule for each thing that another tier may do.
fn clients_may_what_tiers_may(plan: &Value) {
    let rules = plan["resource_changes"].as_array().unwrap().iter().filter(|change| {
        let address = change["address"].as_str().unwrap();
        address.starts_with("module.kubernetes_network.aws_vpc_security_group_ingress_rule.db__clients[")
    });
    let mut ports = Vec::new();
    for rule in rules {
        let after = &rule["change"]["after"];
        assert_eq!(after["referenced_security_group_id"], "sg-0123456789abcdef0", "{rule:#}");
        assert_eq!(rule["index"], format!("cluster-tcp-{}", after["from_port"]), "{rule:#}");
        ports.push(after["from_port"].as_u64().unwrap());
    }
    ports.sort_unstable();
    assert_eq!(ports, [443, 3306, 5432, 6379]);
}

/// What counts by index is not known before it is applied, and nobody guesses.
fn unknown_until_applied(plan: &Value) {
    let isolated = ["database".to_owned()];
    let measure = Measure { network: None, module: Some("module.handwritten"), isolated: &isolated };
    let found = prove_document(plan, &measure).unwrap();
    let about = |subject| found[0].findings.iter().find(|finding| finding.subject == subject).unwrap();
    for subject in ["internet ↛ database", "database ↛ internet", "database", "route tables"] {
        assert_eq!(about(subject).status, Status::Unknown, "{}", found[0]);
    }
    let why = &about("internet ↛ database").detail;
    for part in [
        "its route table: module.handwritten.aws_route_table_association.database[0] may be about it",
        "it refers to `aws_subnet.database`, `count.index`, which can mean any of 2 instances",
        "its network ACL: subnet_ids of module.handwritten.aws_network_acl.database: it refers to `aws_subnet.database`",
    ] {
        assert!(why.contains(part), "{why}");
    }
}

/// Makes one association of a plan take its table by a local, whose value no plan shows.
fn ambiguity(plan: &Value, network: &Network, module: &str) {
    let mut plan = plan.clone();
    let call = module.trim_start_matches("module.");
    let resources = plan["configuration"]["root_module"]["module_calls"][call]["module"]["resources"]
        .as_array_mut()
        .unwrap();
    let tier = network.tiers.iter().find(|tier| network.route_tables[tier.route_table].per_zone).unwrap();
    let name = tier.name.identifier();
    let association = resources
        .iter_mut()
        .find(|resource| {
            resource["type"] == "aws_route_table_association" && resource["name"] == name.as_str()
        })
        .unwrap();
    association["expressions"]["route_table_id"]["references"] =
        serde_json::json!(["aws_route_table.private", "local.table_of", "each.key"]);
    let found = prove_document(&plan, &measured(network, module)).unwrap();
    let unknown = found[0]
        .findings
        .iter()
        .find(|finding| {
            finding.property == Property::P1 && finding.subject == format!("internet ↛ {}", tier.name)
        })
        .unwrap();
    assert_eq!(unknown.status, Status::Unknown, "{unknown}");
    assert!(unknown.detail.contains("`local.table_of`"), "{unknown}");
    assert!(!found[0].findings.iter().any(|finding| finding.status == Status::Refuted), "{}", found[0]);
}
