//! Documents with many VPCs, and two that are compared.

use serde_json::{Value, json};

use crate::proof::deployed::{Measure, diff_documents, prove_document};

/// Returns a state with this many VPCs, each in a module of its own, with a subnet on its own table and ACL.
fn many(vpcs: usize, block: &str, action: &str) -> Value {
    let mut resources = Vec::new();
    for vpc in 0..vpcs {
        let module = format!("module.m[{vpc}]");
        let base = format!("10.{}.{}", vpc / 256 % 256, vpc % 256);
        let mut add = |ty: &str, name: &str, attributes: Value| {
            resources.push(json!({
                "module": module, "mode": "managed", "type": ty, "name": name,
                "instances": [{"attributes": attributes}],
            }));
        };
        let id = |what: &str| format!("{what}-{vpc}");
        add("aws_vpc", block, json!({"id": id("vpc"), "cidr_block": format!("{base}.0/24")}));
        add("aws_internet_gateway", "g", json!({"id": id("igw"), "vpc_id": id("vpc")}));
        add("aws_route_table", "t", json!({"id": id("rtb"), "vpc_id": id("vpc")}));
        add(
            "aws_route",
            "r",
            json!({
                "id": id("r"), "route_table_id": id("rtb"),
                "destination_cidr_block": "0.0.0.0/0", "gateway_id": id("igw"),
            }),
        );
        for (name, first) in [("a", 0), ("b", 64)] {
            let subnet = format!("subnet-{name}-{vpc}");
            add(
                "aws_subnet",
                name,
                json!({"id": subnet, "vpc_id": id("vpc"), "cidr_block": format!("{base}.{first}/26")}),
            );
            add(
                "aws_route_table_association",
                name,
                json!({"id": format!("assoc-{subnet}"), "subnet_id": subnet, "route_table_id": id("rtb")}),
            );
        }
        let row = super::acl_row(1, action, "-1", "0.0.0.0/0");
        add(
            "aws_network_acl",
            "n",
            json!({
                "id": id("acl"), "vpc_id": id("vpc"), "subnet_ids": [format!("subnet-a-{vpc}")],
                "ingress": [row], "egress": [row],
            }),
        );
    }
    json!({"version": 4, "resources": resources})
}

#[test]
fn vpcs_are_the_same_by_id_though_their_blocks_were_renamed() {
    let (old, new) = (many(3, "before", "allow"), many(3, "after", "allow"));
    assert_eq!(diff_documents(&old, &new, None), Ok(Vec::new()));
    let closed = diff_documents(&old, &many(3, "after", "deny"), None).unwrap();
    assert!(!closed.is_empty() && closed.iter().all(|change| change.permitted.is_empty()), "{closed:#?}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn work_grows_with_the_number_of_vpcs_and_no_faster() {
    let time = |vpcs: usize, module: Option<&str>| {
        let document = many(vpcs, "v", "allow");
        let measure = Measure { module, ..Measure::default() };
        let once = || {
            let start = std::time::Instant::now();
            let proofs = prove_document(&document, &measure).unwrap();
            assert_eq!(proofs.len(), if module.is_some() { 1 } else { vpcs });
            start.elapsed()
        };
        (0..5).map(|_| once()).min().unwrap()
    };
    let (few, many) = (time(50, None), time(400, None));
    // Eight times the work, on a machine that may be busy; quadratic work would take 64 times as long.
    assert!(many < few * 8 * 4, "{few:?} for 50 VPCs, {many:?} for 400");
    let one = time(400, Some("module.m[7]"));
    // Most of what is left is the reading of the document.
    assert!(one < many * 3 / 4, "{one:?} for one of 400 VPCs, {many:?} for all");
}
