//! A proof as SARIF 2.1.0, the format in which CI systems take annotations:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use serde_json::{Value, json};

use crate::diagnostics::Origin;
use crate::proof::{Finding, Proof, Property, Status};

/// Returns the claims that do not simply hold, as one SARIF run; places are given where they are known.
///
/// `document` is the path of the topology, if it was read from one: what it declares has lines there.
pub fn sarif(proof: &Proof, document: Option<&str>) -> Value {
    let mut used: Vec<Property> = proof.findings.iter().map(|finding| finding.property).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Value> = used
        .iter()
        .map(|property| json!({ "id": property.code(), "shortDescription": { "text": property.title() } }))
        .collect();
    let results: Vec<Value> = proof
        .findings
        .iter()
        .filter(|finding| finding.status != Status::Proved)
        .map(|finding| result(finding, document))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "terrane", "rules": rules } },
            "results": results,
        }],
    })
}

fn result(finding: &Finding, document: Option<&str>) -> Value {
    let level = match finding.status {
        Status::Proved => "none",
        Status::Residual => "note",
        Status::Unknown => "warning",
        Status::Refuted => "error",
    };
    let mut text = format!("{}: {}", finding.subject, finding.detail);
    if let Some(witness) = &finding.witness {
        text.push_str(&format!("; for example {} ({})", witness.packet, witness.ends));
    }
    let mut result = json!({
        "ruleId": finding.property.code(),
        "level": level,
        "message": { "text": text },
        "partialFingerprints": { "claim": format!("{} {}", finding.property.code(), finding.subject) },
    });
    let place = match (&finding.origin, document) {
        (Origin::Rust(place), _) => Some((place.file(), place.line() as usize, place.column() as usize)),
        (Origin::Document { position: Some((line, column)), .. }, Some(file)) => Some((file, *line, *column)),
        (Origin::Document { .. } | Origin::Unknown, _) => None,
    };
    if let Some((file, line, column)) = place {
        result["locations"] = json!([{
            "physicalLocation": {
                "artifactLocation": { "uri": file },
                "region": { "startLine": line, "startColumn": column },
            },
        }]);
    }
    result
}
