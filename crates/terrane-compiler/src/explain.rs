//! The explanations of all codes that a user meets: diagnostics, claims of the proof, and rules of `terrane diff`.

use std::fmt::Write as _;

use serde::Serialize;
use terrane_contract::RULES;

use crate::diagnostics::{GENERAL, Severity};
use crate::proof::Property;
use crate::{features, suggest};

/// A code with its explanation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// The code, such as `range-overlap`, `P1`, or `R04`.
    pub code: &'static str,
    /// The kind of thing that has the code.
    pub kind: Kind,
    /// Whether it stops a compilation, for diagnostics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Its meaning in a line.
    pub title: &'static str,
    /// The reason, the bound, and the remedy.
    pub explanation: &'static str,
}

/// The kind of thing that has a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A problem of the input.
    Diagnostic,
    /// A claim that the proof decides.
    Claim,
    /// A rule of the comparison of two modules.
    Rule,
}

/// A claim that a feature makes of a network, such as a requirement of EKS.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// The code, such as `E1`.
    pub(crate) code: &'static str,
    /// The claim in a line.
    pub(crate) title: &'static str,
    /// The reason, the bound, and the remedy.
    pub(crate) explanation: &'static str,
}

/// Returns every code: diagnostics by name, claims and rules in their order.
pub fn entries() -> Vec<Entry> {
    let mut codes: Vec<_> = GENERAL.iter().copied().chain(features::codes()).collect();
    codes.sort_unstable_by_key(|code| code.name());
    let diagnostics = codes.into_iter().map(|code| Entry {
        code: code.name(),
        kind: Kind::Diagnostic,
        severity: Some(code.severity()),
        title: code.title(),
        explanation: code.explanation(),
    });
    let entry = |kind, code, title, explanation| Entry { code, kind, severity: None, title, explanation };
    let claims = Property::ALL
        .into_iter()
        .map(|claim| entry(Kind::Claim, claim.code(), claim.title(), claim.explanation()));
    let of_features =
        features::claims().map(|claim| entry(Kind::Claim, claim.code, claim.title, claim.explanation));
    let rules = RULES.iter().map(|rule| entry(Kind::Rule, rule.id, rule.doc, rule.explanation));
    diagnostics.chain(claims).chain(of_features).chain(rules).collect()
}

/// Returns the entry of a code, in whichever case it is written.
///
/// # Errors
///
/// Returns the codes that are closest to an unknown one, or none if none is close.
pub fn find(code: &str) -> Result<Entry, Vec<&'static str>> {
    let entries = entries();
    match entries.iter().find(|entry| entry.code.eq_ignore_ascii_case(code)) {
        Some(entry) => Ok(entry.clone()),
        None => Err(suggest::closest(code, entries.iter().map(|entry| entry.code))),
    }
}

/// Lists every code with its explanation in Markdown: the latter part of `docs/diagnostics.md`.
pub fn reference() -> String {
    let sections = [
        (
            Kind::Diagnostic,
            "Diagnostics",
            "Problems of topologies and ledgers. An error stops the compilation, a warning does not.",
        ),
        (
            Kind::Claim,
            "Claims",
            "What the proof decides of each network; [the proof as data](proof.md) says more.",
        ),
        (
            Kind::Rule,
            "Rules",
            "Changes between two modules, with the version bump that each needs; [the schema of contracts](contract.md) says more.",
        ),
    ];
    let entries = entries();
    let mut text = String::new();
    for (kind, title, about) in sections {
        let _ = write!(text, "## {title}\n\n{about}\n\n");
        for entry in entries.iter().filter(|entry| entry.kind == kind) {
            let severity = entry.severity.map_or_else(String::new, |severity| format!(" ({severity})"));
            let _ = write!(
                text,
                "### {}\n\n**{}**{severity}\n\n{}\n\n",
                entry.code, entry.title, entry.explanation
            );
        }
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_code_is_explained() {
        let entries = entries();
        let codes: BTreeSet<String> = entries.iter().map(|entry| entry.code.to_lowercase()).collect();
        assert_eq!(codes.len(), entries.len(), "two entries have one code");
        for Entry { code, title, explanation, kind, .. } in &entries {
            let sentences = explanation.matches(". ").count() + 1;
            assert!((2..=6).contains(&sentences), "{code} has {sentences} sentences");
            assert!(explanation.ends_with('.') && !title.ends_with('.') && !title.is_empty(), "{code}");
            assert!(!title.contains('\n') && title.len() <= 110, "{code}: {title}");
            let words = [*title, *explanation].join(" ");
            assert!(
                !words.contains("What ") && !words.replace("is no longer", "").contains(" is no "),
                "{code}: {words}"
            );
            let no_number = code.trim_end_matches(|c: char| c.is_ascii_digit());
            assert!(*kind == Kind::Diagnostic || no_number.len() == 1, "{code}");
            let kebab = code.chars().all(|c| c.is_ascii_lowercase() || c == '-') && code.contains('-');
            assert_eq!(kebab, *kind == Kind::Diagnostic, "{code}");
        }
    }

    #[test]
    fn codes_are_found_in_any_case_and_unknown_ones_have_neighbours() {
        assert_eq!(find("Range-Overlap").unwrap().code, "range-overlap");
        assert_eq!(find("p10").unwrap().code, "P10");
        assert_eq!(find("p1").unwrap().kind, Kind::Claim);
        assert_eq!(find("p01").unwrap().kind, Kind::Rule);
        assert_eq!(find("range-overlaps").unwrap_err()[0], "range-overlap");
        assert!(find("").unwrap_err().is_empty());
        assert!(find("é\u{301}").is_err());
    }
}
