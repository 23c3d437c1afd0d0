//! The proof of what Terraform plans and applies, against the proof of what was declared.

use std::collections::BTreeMap;

use serde_json::Value;
use terrane_compiler::{
    ledger::Ledger,
    network::Network,
    proof::{
        Proof, Property, Status,
        deployed::{Measure, prove_document},
        prove,
    },
};
use terrane_xtask::{
    Workspace,
    e2e::{self, Call},
    terraform::Terraform,
};

use crate::random::OFFLINE;

fn networks() -> Vec<Network> {
    let compile =
        |topology| terrane_compiler::compile(topology, &Ledger::default(), &semver::Version::new(1, 0, 0));
    terrane_catalog::all().iter().map(|topology| compile(topology).unwrap().network).collect()
}

/// Returns the verdict about each claim that does not depend on the spare zones.
fn verdicts(proof: &Proof) -> BTreeMap<(Property, String), Status> {
    let about_all = |property: Property| matches!(property, Property::P10 | Property::P11 | Property::P9);
    proof
        .findings
        .iter()
        .filter(|finding| !about_all(finding.property))
        .map(|finding| ((finding.property, finding.subject.clone()), finding.status))
        .collect()
}

fn measured<'a>(network: &'a Network, module: &'a str) -> Measure<'a> {
    Measure { network: Some(network), module: Some(module), isolated: &[] }
}

#[test]
fn a_plan_of_each_module_gives_the_verdicts_of_its_network() {
    let workspace = Workspace::find().unwrap();
    let Some(terraform) = Terraform::find_or_skip(&workspace.cache()).unwrap() else { return };
    let dir = tempfile::tempdir().unwrap();
    let networks = networks();
    let calls: Vec<Call> =
        networks.iter().map(|network| Call::of(&workspace, network.name.as_str())).collect();
    let root = e2e::write_root(dir.path(), &calls).unwrap();
    std::fs::write(root.join("provider_override.tf"), OFFLINE).unwrap();
    let root = terraform.root(root);
    root.init().unwrap();
    let plan = root.plan_without_refresh().unwrap();
    for (network, call) in networks.iter().zip(&calls) {
        let module = format!("module.{}", call.label);
        let found = prove_document(plan.json(), &measured(network, &module)).unwrap();
        assert_eq!(verdicts(&found[0]), verdicts(&prove(network)), "{}\n{}", network.name, found[0]);
    }
    let idx = networks.iter().position(|network| network.name.as_str() == "kubernetes-network").unwrap();
    ambiguity(plan.json(), &networks[idx], &format!("module.{}", calls[idx].label));
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
