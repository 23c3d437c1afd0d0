//! Outputs as Rust types.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde::Deserialize;
use terrane_state::{ErrorKind, NatGatewayId, State, SubnetId, VpcId};

use crate::setup::state_with;

#[derive(Debug, PartialEq, Deserialize)]
struct Network {
    vpc_id: VpcId,
    cidr_block: Ipv4Net,
    subnet_ids: BTreeMap<String, SubnetId>,
    nat_gateway_id: Option<NatGatewayId>,
}

const NETWORK: &str =
    r#"{"vpc_id":"vpc-1","cidr_block":"10.0.0.0/16","subnet_ids":{"a":"subnet-a"},"unknown":true}"#;
const NETWORK_TYPE: &str =
    r#"["object",{"vpc_id":"string","cidr_block":"string","subnet_ids":["map","string"],"unknown":"bool"}]"#;

fn state() -> State {
    let text = state_with(&format!(
        r#"{{"network":{{"value":{NETWORK},"type":{NETWORK_TYPE}}},"name":{{"value":"n","type":"string"}}}}"#
    ));
    State::parse(text.as_bytes()).unwrap()
}

#[test]
fn an_object_output_is_a_struct() {
    let network: Network = state().outputs_of("network").unwrap();
    assert_eq!((network.vpc_id.as_str(), network.subnet_ids["a"].as_str()), ("vpc-1", "subnet-a"));
    assert_eq!((network.cidr_block.prefix_len(), network.nat_gateway_id), (16, None));
    #[derive(Deserialize)]
    struct Root {
        network: Network,
    }
    assert_eq!(state().outputs::<Root>().unwrap().network.vpc_id.as_str(), "vpc-1");
}

#[test]
fn errors_name_output_and_path() {
    let message = |error: terrane_state::Error| error.to_string();
    assert_eq!(
        message(state().outputs_of::<Network>("name").unwrap_err()),
        "output `name` is not as expected: expected an object, as in `value = module.NAME`, found string"
    );
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "decoding fails")]
    struct Wrong {
        subnet_ids: BTreeMap<String, VpcId>,
    }
    assert_eq!(
        message(state().outputs_of::<Wrong>("network").unwrap_err()),
        "output `network.subnet_ids.a` is not as expected: expected a VPC id (`vpc-` and more letters or digits), found another value"
    );
    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "decoding fails")]
    struct More {
        peering: String,
    }
    let error = state().outputs_of::<More>("network").unwrap_err();
    assert_eq!(
        error.kind(),
        &ErrorKind::MissingOutput { name: "network.peering".to_owned(), since: None, state_has: None }
    );
    assert!(matches!(
        state().outputs_of::<Network>("net").unwrap_err().kind(),
        ErrorKind::MissingOutput { .. }
    ));
}
