//! Which states the structs of published modules read, and which they refuse.

#![expect(clippy::unwrap_used, reason = "a test fails by unwrapping, in its helpers as well")]

use serde_json::{Value, json};
use terrane_outputs::kubernetes_network::v1::KubernetesNetwork;
use terrane_outputs::public_network::v1::PublicNetwork;
use terrane_state::{Error, ErrorKind, ModuleOutputs, State};

/// The contract that the struct was generated from.
const CONTRACT: &str = include_str!("../../../../modules/kubernetes-network/contract.json");

/// Returns the outputs that the contract promises, as a root would re-export them, written by a version of the module.
fn outputs(version: &str) -> serde_json::Map<String, Value> {
    let contract: terrane_contract::Contract = serde_json::from_str(CONTRACT).unwrap();
    let mut outputs = serde_json::Map::new();
    for (name, output) in &contract.outputs {
        let holds = serde_json::to_value(output.holds).unwrap();
        outputs.insert(name.clone(), example(&output.ty, holds.as_str()));
    }
    outputs["terrane"] = json!({"module": "kubernetes-network", "version": version, "fingerprint": "f"});
    outputs
}

/// Returns a value of a type, whose strings are what the contract says that they hold.
fn example(ty: &terrane_contract::Type, holds: Option<&str>) -> Value {
    use terrane_contract::Type;
    match ty {
        Type::String => match holds {
            Some("ipv4-range") => json!("10.0.0.0/16"),
            Some("ipv4-address") => json!("192.0.2.1"),
            Some("arn") => json!("arn:aws:ec2:eu-west-1:123456789012:vpc/vpc-1"),
            Some(id) => json!(format!("{}-1", prefix(id))),
            None => json!("text"),
        },
        Type::List(element) | Type::Set(element) => json!([example(element, holds)]),
        Type::Map(element) => json!({"a": example(element, holds)}),
        Type::Object { attributes, .. } => {
            attributes.iter().map(|(name, ty)| (name.clone(), example(ty, holds))).collect()
        }
        other => panic!("no output is {other}"),
    }
}

fn prefix(id: &str) -> &str {
    match id {
        "subnet-id" => "subnet",
        "security-group-id" => "sg",
        "route-table-id" => "rtb",
        "nat-gateway-id" => "nat",
        "internet-gateway-id" => "igw",
        "network-acl-id" => "acl",
        "vpc-id" => "vpc",
        other => other,
    }
}

/// Returns a state whose output `network` has these members; a map of outputs is an object of their types.
fn state(outputs: &serde_json::Map<String, Value>) -> State {
    let output = json!({"value": outputs, "type": ty(&Value::Object(outputs.clone()))});
    let text = json!({"version": 4, "outputs": {"network": output}}).to_string();
    State::parse(text.as_bytes()).unwrap()
}

fn ty(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let types: serde_json::Map<String, Value> =
                members.iter().map(|(name, value)| (name.clone(), ty(value))).collect();
            json!(["object", types])
        }
        Value::Array(elements) => json!(["tuple", elements.iter().map(ty).collect::<Vec<_>>()]),
        Value::Bool(_) => json!("bool"),
        Value::Number(_) => json!("number"),
        _ => json!("string"),
    }
}

#[track_caller]
fn refused<T: ModuleOutputs + std::fmt::Debug>(outputs: &serde_json::Map<String, Value>) -> Error {
    state(outputs).module::<T>("network").unwrap_err()
}

#[test]
fn the_version_of_the_struct_is_read() {
    let network: KubernetesNetwork = state(&outputs("1.0.0")).module("network").unwrap();
    assert_eq!(network.vpc_id.as_str(), "vpc-1");
    assert_eq!(network.nat_public_ips["a"].to_string(), "192.0.2.1");
    assert_eq!(network.terrane.version, "1.0.0");
}

#[test]
fn what_a_newer_minor_version_adds_is_ignored() {
    let mut newer = outputs("1.9.3");
    newer.insert("transit_gateway_ids".to_owned(), json!(["tgw-1"]));
    state(&newer).module::<KubernetesNetwork>("network").unwrap();
}

#[test]
fn what_an_older_version_lacks_is_named_with_both_versions() {
    let mut older = outputs("1.0.0-rc.1");
    older.remove("nat_public_ips");
    let error = refused::<KubernetesNetwork>(&older);
    let expected = ErrorKind::MissingOutput {
        name: "network.nat_public_ips".to_owned(),
        since: Some("1.0.0".to_owned()),
        state_has: Some("1.0.0-rc.1".to_owned()),
    };
    assert_eq!(error.kind(), &expected);
}

#[test]
fn another_major_version_is_refused_though_its_outputs_would_fit() {
    let error = refused::<KubernetesNetwork>(&outputs("2.0.0"));
    assert!(
        matches!(error.kind(), ErrorKind::WrongModule { found, .. } if found.contains("2.0.0")),
        "{error}"
    );
}

#[test]
fn another_module_is_refused_though_its_outputs_would_fit() {
    let error = refused::<PublicNetwork>(&outputs("1.0.0"));
    let text = error.to_string();
    assert!(text.contains("public-network") && text.contains("kubernetes-network"), "{text}");
}

#[test]
fn outputs_that_do_not_say_what_they_are_are_refused() {
    let mut anonymous = outputs("1.0.0");
    anonymous.remove("terrane");
    let error = refused::<KubernetesNetwork>(&anonymous);
    assert!(matches!(error.kind(), ErrorKind::WrongModule { .. }), "{error}");
}

#[test]
fn an_id_of_another_kind_is_refused_by_its_path() {
    let mut wrong = outputs("1.0.0");
    wrong["subnet_ids"] = json!({"app": {"a": "vpc-1"}});
    let error = refused::<KubernetesNetwork>(&wrong);
    let text = error.to_string();
    assert!(text.contains("network.subnet_ids.app.a") && text.contains("a subnet id"), "{text}");
}
