//! A proof as SARIF 2.1.0, the format in which CI systems take annotations:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use serde_json::{Value, json};

use crate::diagnostics::Origin;
use crate::proof::{Finding, Proof, Property, Status};

/// Returns the claims that do not simply hold, as one SARIF run; places are given where they are known.
pub fn sarif(proof: &Proof) -> Value {
    let mut used: Vec<Property> = proof.findings.iter().map(|finding| finding.property).collect();
    used.sort_unstable();
    used.dedup();
    let rules: Vec<Value> = used
        .iter()
        .map(|property| json!({ "id": property.code(), "shortDescription": { "text": property.title() } }))
        .collect();
    let results: Vec<Value> =
        proof.findings.iter().filter(|finding| finding.status != Status::Proved).map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "terrane", "rules": rules } },
            "results": results,
        }],
    })
}

fn result(finding: &Finding) -> Value {
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
    if let Origin::Rust(place) = &finding.origin {
        result["locations"] = json!([{
            "physicalLocation": {
                "artifactLocation": { "uri": place.file() },
                "region": { "startLine": place.line(), "startColumn": place.column() },
            },
        }]);
    }
    result
}
