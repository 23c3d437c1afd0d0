//! What can be said of a document beside the problems of its structure, so that its author hears of both at once.
//!
//! A part whose structure is wrong is not judged at all, and of the others only what no other part can change:
//! nothing is reported that is gone once the structure is mended.

use std::collections::BTreeSet;

use crate::declaration::Declaration;
use crate::diagnostics::{Diagnostics, Judged};
use crate::topology::Topology;

/// Returns the problems of a topology that stay when the structure of its document, in which `wrong` was found, is mended.
pub(super) fn judge(topology: &Topology, wrong: &Diagnostics) -> Diagnostics {
    let wrong: BTreeSet<&str> = wrong.iter().filter_map(|diagnostic| diagnostic.origin.path()).collect();
    let parts: BTreeSet<&str> = wrong.iter().map(|path| part(path)).collect();
    let names = !wrong.iter().any(|path| hides_names(path));
    let all = match Declaration::read(topology) {
        Ok(declaration) => declaration.warnings,
        Err(found) => found,
    };
    let mut judged = Diagnostics::default();
    for diagnostic in all.iter() {
        let stays = match diagnostic.code.judged() {
            Judged::No => false,
            Judged::ByItself => true,
            Judged::ByNames => names,
        };
        let is_readable = diagnostic.origin.path().is_some_and(|path| !parts.contains(part(path)));
        if stays && is_readable {
            judged.push(diagnostic.clone());
        }
    }
    judged
}

/// Returns the part of a document that a path lies in: an element of a list, a table, or a key at the top.
fn part(path: &str) -> &str {
    if path.is_empty() || path == "name" {
        // The network itself, whose other values have places of their own.
        return "network";
    }
    let end = match (path.find(']'), path.find('.')) {
        (Some(bracket), Some(dot)) if dot < bracket => dot,
        (Some(bracket), _) => bracket + 1,
        (None, Some(dot)) => dot,
        (None, None) => path.len(),
    };
    &path[..end]
}

/// Returns whether a problem at this path may hide the name of a tier, a range, or an endpoint.
fn hides_names(path: &str) -> bool {
    let is_named = ["tiers", "secondary"].iter().any(|list| part(path).starts_with(list));
    let is_whole = part(path) == path || path.strip_prefix(part(path)) == Some(".name");
    let is_at_top = !path.contains(['[', '.']);
    is_at_top || (is_named && is_whole)
}

#[cfg(test)]
mod tests {
    use crate::document::from_toml;

    #[track_caller]
    fn check(document: &str, expected: &[&str]) {
        let found = from_toml(document).unwrap_err();
        let codes: Vec<String> =
            found.iter().map(|found| format!("{} {}", found.origin, found.code)).collect();
        assert_eq!(codes, expected, "{found}");
    }

    const REST: &str = "\
[[tiers]]
name = \"app\"
access = \"private\"
prefix_length = 99

[[flows]]
from = \"app\"
to = \"bd\"
ports = [70000]
";

    #[test]
    fn values_are_judged_beside_a_structure_that_is_wrong() {
        let document = format!(
            "name = \"Shop\"\nbase = \"10.0.0.0/16\"\nzones = [\"a\", \"?\"]\n\n{REST}\n[dns]\nsuport = true\n"
        );
        check(
            &document,
            &[
                "16:1 (dns.suport) unknown-key",
                "1:8 (name) invalid-name",
                "3:15 (zones[1]) invalid-zone",
                "8:17 (tiers[0].prefix_length) tier-prefix-length",
                "12:6 (flows[0].to) unknown-peer",
                "13:10 (flows[0].ports[0]) invalid-port",
            ],
        );
    }

    #[test]
    fn what_a_mended_structure_would_change_is_not_judged() {
        // The zones are hidden, the tier `bd` may be one of those, and the tier that is broken has no size.
        let document = format!(
            "name = \"shop\"\nbase = \"10.0.0.0/16\"\nzone = [\"a\"]\n\n{REST}\n[[tiers]]\nnmae = \"bd\"\naccess = \"private\"\nprefix_lenght = 24\n"
        );
        check(
            &document,
            &[
                "15:1 (tiers[1]) missing-key",
                "16:1 (tiers[1].nmae) unknown-key",
                "18:1 (tiers[1].prefix_lenght) unknown-key",
                "3:1 (zone) unknown-key",
                "8:17 (tiers[0].prefix_length) tier-prefix-length",
                "13:10 (flows[0].ports[0]) invalid-port",
            ],
        );
    }
}
