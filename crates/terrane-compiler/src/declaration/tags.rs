//! Checks tags against what AWS takes, and against those that the module sets itself.

use std::collections::BTreeMap;

use crate::diagnostics::{Code, Diagnostics, Origin, report};
use crate::features;
use crate::topology::Topology;

/// The most tags of one resource, and the most characters of a key and of a value:
/// <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.
const MAX_TAGS: usize = 50;
const MAX_KEY: usize = 128;
const MAX_VALUE: usize = 256;

/// Tags that the module may set on a subnet beside one for each cluster: `Name`, its role, and one for Karpenter.
const OWN_TAGS: usize = 4;

/// Reports the tags that cannot be; `place` says where the tag with a key was declared.
pub(super) fn check(
    tags: &BTreeMap<String, String>,
    subject: &str,
    place: impl Fn(&str) -> Origin,
    found: &mut Diagnostics,
) {
    for (key, value) in tags {
        let origin = &place(key);
        if key.to_ascii_lowercase().starts_with("aws:") {
            report!(
                found, Code::INVALID_TAG, &origin.of_key(),
                "tag `{key}` of {subject} begins with `aws:`, which AWS keeps for itself";
                "take a key with another beginning"
            );
        } else if let Some(problem) = key_problem(key).or_else(|| value_problem(value)) {
            let origin = if key_problem(key).is_some() { &origin.of_key() } else { origin };
            report!(
                found, Code::INVALID_TAG, origin,
                "tag `{key}` of {subject} {problem}";
                "use letters, digits, spaces, and _ . : / = + - @; at most {MAX_KEY} characters in a key and {MAX_VALUE} in a value"
            );
        } else if let Some(owner) = owner(key) {
            report!(
                found, Code::RESERVED_TAG, &origin.of_key(),
                "tag `{key}` of {subject} is one that {owner}";
                "leave it to the module: it sets this tag where it belongs, and nowhere else"
            );
        }
    }
}

/// Reports tiers whose subnets would have too many tags, with those of the network and of its clusters.
pub(super) fn count(topology: &Topology, found: &mut Diagnostics) {
    let own = OWN_TAGS + features::tags(topology);
    let mut report = |subject: &str, count: usize, origin: &Origin| {
        let too_many = count + own > MAX_TAGS;
        if too_many {
            let hint = match MAX_TAGS.checked_sub(own) {
                Some(most) => format!("declare at most {most}"),
                None => "declare fewer clusters".to_owned(),
            };
            report!(
                found, Code::TOO_MANY_TAGS, origin,
                "{subject} has {count} tags, but AWS allows {MAX_TAGS} and the module sets up to {own}";
                "{hint}"
            );
        }
        too_many
    };
    if report("the network", topology.tags.len(), topology.place("tags")) {
        return;
    }
    for tier in &topology.tiers {
        let shared = tier.tags.keys().filter(|key| !topology.tags.contains_key(*key)).count();
        let subject = format!("tier `{}`, with those of the network,", tier.name);
        report(&subject, topology.tags.len() + shared, &tier.origin.at("tags"));
    }
}

fn key_problem(key: &str) -> Option<String> {
    if key.is_empty() { Some("has an empty key".to_owned()) } else { text_problem(key, "key", MAX_KEY) }
}

fn value_problem(value: &str) -> Option<String> {
    text_problem(value, "value", MAX_VALUE)
}

fn text_problem(text: &str, part: &str, most: usize) -> Option<String> {
    let length = text.chars().count();
    if length > most {
        return Some(format!("has {length} characters in its {part}, more than {most}"));
    }
    let valid = |c: char| c.is_alphanumeric() || c == ' ' || "_.:/=+-@".contains(c);
    text.chars().find(|c| !valid(*c)).map(|c| format!("has {c:?} in its {part}"))
}

/// Returns who sets or reads a tag that no author may set.
fn owner(key: &str) -> Option<&'static str> {
    if key == "Name" {
        Some("the module makes from the names of network, tier, and zone")
    } else {
        features::tag_reader(key)
    }
}
