//! Proofs and problems as SARIF 2.1.0, the format in which CI systems take annotations:
//! <https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>.

use serde_json::{Value, json};

use crate::diagnostics::{Code, Diagnostic, Diagnostics, Origin};
use crate::proof::{Finding, Proof, Property, Status};

/// Returns the claims that do not simply hold, one SARIF run for each network, and then a run with the problems of
/// topologies, if there are any; places are given where they are known.
pub fn sarif(proofs: &[Proof], found: &Diagnostics) -> Value {
    let mut runs: Vec<Value> = proofs.iter().map(proved).collect();
    // Claims that fail are among the problems, too.
    let problems = found.iter().filter(|problem| {
        proofs.is_empty() || ![Code::PROOF_REFUTED, Code::PROOF_UNKNOWN].contains(&problem.code)
    });
    let problems: Vec<&Diagnostic> = problems.collect();
    if !problems.is_empty() || runs.is_empty() {
        runs.push(reported(&problems));
    }
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": runs,
    })
}

fn proved(proof: &Proof) -> Value {
    let mut used: Vec<Property> = proof.findings.iter().map(|finding| finding.property).collect();
    used.sort_unstable();
    used.dedup();
    let rules = used.iter().map(|property| rule(property.code(), property.title(), property.explanation()));
    let findings = proof.findings.iter().filter(|finding| finding.status != Status::Proved);
    run(rules.collect(), findings.map(claim).collect())
}

fn reported(problems: &[&Diagnostic]) -> Value {
    let mut used: Vec<Code> = problems.iter().map(|problem| problem.code).collect();
    used.sort_unstable_by_key(|code| code.name());
    used.dedup();
    let rules = used.iter().map(|code| rule(code.name(), code.title(), code.explanation()));
    let result = |problem: &&Diagnostic| {
        let text = std::iter::once(&problem.message).chain(&problem.hints);
        let text: Vec<&str> = text.map(String::as_str).collect();
        let result = json!({
            "ruleId": problem.code,
            "level": problem.severity(),
            "message": { "text": text.join("; ") },
        });
        at(&problem.origin, result)
    };
    run(rules.collect(), problems.iter().map(result).collect())
}

fn run(rules: Vec<Value>, results: Vec<Value>) -> Value {
    let driver = json!({
        "name": "terrane",
        "version": env!("CARGO_PKG_VERSION"),
        "informationUri": env!("CARGO_PKG_HOMEPAGE"),
        "rules": rules,
    });
    json!({ "tool": { "driver": driver }, "results": results })
}

fn rule(id: &str, title: &str, explanation: &str) -> Value {
    json!({ "id": id, "shortDescription": { "text": title }, "help": { "text": explanation } })
}

fn claim(finding: &Finding) -> Value {
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
    let result = json!({
        "ruleId": finding.property.code(),
        "level": level,
        "message": { "text": text },
        "partialFingerprints": { "claim": format!("{} {}", finding.property.code(), finding.subject) },
    });
    at(&finding.origin, result)
}

/// Adds the place of a result, if it is known.
fn at(origin: &Origin, mut result: Value) -> Value {
    if let Some((file, Some((line, column)))) = origin.place().filter(|(file, _)| !file.is_empty()) {
        result["locations"] = json!([{
            "physicalLocation": {
                "artifactLocation": { "uri": file },
                "region": { "startLine": line, "startColumn": column },
            },
        }]);
    }
    result
}
