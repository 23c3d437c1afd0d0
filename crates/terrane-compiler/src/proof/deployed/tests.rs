//! Plans and states that hold what the proof does not model, or say it in ways of their own: never PROVED.

mod documents;
mod evaluator;
mod mutants;
mod plans;
mod states;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Measure, prove_document};
use crate::proof::{Finding, Status};

/// A state of version 4 while it is written.
#[derive(Clone)]
pub(super) struct State(Vec<(String, String, Value)>);

impl State {
    /// Returns one VPC with a public subnet `pub` and a private one `db`, whose ACL admits its own subnet alone.
    pub(super) fn two_subnets() -> State {
        State(Vec::new())
            .with("aws_vpc", "main", json!({"id": "vpc-1", "cidr_block": "10.0.0.0/16"}))
            .with("aws_internet_gateway", "main", json!({"id": "igw-1", "vpc_id": "vpc-1"}))
            .with(
                "aws_subnet",
                "db",
                json!({"id": "subnet-db", "vpc_id": "vpc-1", "cidr_block": "10.0.1.0/24"}),
            )
            .with(
                "aws_subnet",
                "pub",
                json!({"id": "subnet-pub", "vpc_id": "vpc-1", "cidr_block": "10.0.2.0/24"}),
            )
            .with("aws_route_table", "db", json!({"id": "rtb-db", "vpc_id": "vpc-1", "route": []}))
            .with("aws_route_table", "pub", json!({"id": "rtb-pub", "vpc_id": "vpc-1", "route": []}))
            .with(
                "aws_route",
                "pub",
                json!({
                    "id": "r-pub", "route_table_id": "rtb-pub",
                    "destination_cidr_block": "0.0.0.0/0", "gateway_id": "igw-1",
                }),
            )
            .with(
                "aws_route_table_association",
                "db",
                json!({"id": "rtbassoc-db", "subnet_id": "subnet-db", "route_table_id": "rtb-db"}),
            )
            .with(
                "aws_route_table_association",
                "pub",
                json!({"id": "rtbassoc-pub", "subnet_id": "subnet-pub", "route_table_id": "rtb-pub"}),
            )
            .with(
                "aws_network_acl",
                "db",
                json!({
                    "id": "acl-db", "vpc_id": "vpc-1", "subnet_ids": ["subnet-db"],
                    "ingress": [acl_row(100, "allow", "-1", "10.0.1.0/24")],
                    "egress": [acl_row(100, "allow", "-1", "10.0.1.0/24")],
                }),
            )
    }

    /// Returns the same, with an ACL of `db` that lets everything through, so that routes alone decide.
    pub(super) fn by_routes_alone() -> State {
        State::two_subnets()
            .set("aws_network_acl", "db", "ingress", json!([acl_row(1, "allow", "-1", "0.0.0.0/0")]))
            .set("aws_network_acl", "db", "egress", json!([acl_row(1, "allow", "-1", "0.0.0.0/0")]))
    }

    pub(super) fn with(mut self, ty: &str, name: &str, attributes: Value) -> State {
        self.0.push((ty.to_owned(), name.to_owned(), attributes));
        self
    }

    pub(super) fn set(mut self, ty: &str, name: &str, attribute: &str, value: Value) -> State {
        let found = self.0.iter_mut().find(|(own, named, _)| own == ty && named == name);
        found.unwrap().2[attribute] = value;
        self
    }

    pub(super) fn document(&self) -> Value {
        let resources = self.0.iter().map(|(ty, name, attributes)| {
            json!({"mode": "managed", "type": ty, "name": name, "instances": [{"attributes": attributes}]})
        });
        json!({"version": 4, "resources": resources.collect::<Vec<_>>()})
    }
}

/// Returns a row of a network ACL as the provider keeps it.
pub(super) fn acl_row(number: u16, action: &str, protocol: &str, cidr: &str) -> Value {
    json!({
        "rule_no": number, "action": action, "protocol": protocol, "cidr_block": cidr, "ipv6_cidr_block": "",
        "from_port": 0, "to_port": 0, "icmp_type": 0, "icmp_code": 0,
    })
}

/// Returns the findings about a document's first VPC by property and subject, or why there are none.
pub(super) fn examined(document: &Value, isolated: &[&str]) -> Result<BTreeMap<String, Finding>, String> {
    let isolated: Vec<String> = isolated.iter().map(|name| (*name).to_owned()).collect();
    let measure = Measure { isolated: &isolated, ..Measure::default() };
    let proofs = prove_document(document, &measure)?;
    let claim = |finding: &Finding| format!("{} {}", finding.property.code(), finding.subject);
    Ok(proofs[0].findings.iter().map(|finding| (claim(finding), finding.clone())).collect())
}

/// Returns the findings about a document's only VPC by property and subject.
pub(super) fn findings(document: &Value, isolated: &[&str]) -> BTreeMap<String, Finding> {
    examined(document, isolated).unwrap_or_else(|problem| panic!("{problem}\n{document:#}"))
}

/// Checks the status of a claim, and that its finding names something.
#[track_caller]
pub(super) fn check(document: &Value, isolated: &[&str], claim: &str, status: Status, names: &str) {
    let found = findings(document, isolated);
    let finding = found.get(claim).unwrap_or_else(|| panic!("no {claim} in {:#?}", found.keys()));
    assert_eq!(finding.status, status, "{claim}: {finding:#?}");
    let text = format!("{} {:?} {:?}", finding.detail, finding.decided_by, finding.residuals);
    assert!(text.contains(names), "{names} in {finding:#?}");
}
