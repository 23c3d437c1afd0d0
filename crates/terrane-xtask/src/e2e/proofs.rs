//! The proof of what Terraform planned or applied, against the proof of what was declared.

use std::collections::BTreeMap;

use serde_json::Value;
use terrane_compiler::{
    network::Network,
    proof::{
        Proof, Property, Status,
        deployed::{Measure, prove_document},
        prove,
    },
};

use super::Findings;

/// Compares the verdicts about a declared network with those about a plan or a state that holds it at `module`.
pub fn check(network: &Network, module: &str, what: &str, document: &Value, findings: &mut Findings) {
    let measure = Measure { network: Some(network), module: Some(module), isolated: &[] };
    let found = match prove_document(document, &measure) {
        Ok(proofs) => proofs,
        Err(problem) => return findings.expect(false, || format!("the {what} {problem}")),
    };
    let mut found = found.iter().map(verdicts).fold(BTreeMap::new(), |mut all, more| {
        all.extend(more);
        all
    });
    for ((property, subject), declared) in verdicts(&prove(network)) {
        let status = found.remove(&(property, subject.clone()));
        findings.equal(&format!("{} {subject} by the {what}", property.code()), status, Some(declared));
    }
    findings.expect(found.is_empty(), || format!("by the {what}, there is more: {found:?}"));
}

/// Returns the verdicts that do not depend on spare zones or on other bases, which nothing applied has.
fn verdicts(proof: &Proof) -> BTreeMap<(Property, String), Status> {
    let is_about_all = |property| matches!(property, Property::P9 | Property::P10 | Property::P11);
    proof
        .findings
        .iter()
        .filter(|finding| !is_about_all(finding.property))
        .map(|finding| ((finding.property, finding.subject.clone()), finding.status))
        .collect()
}
