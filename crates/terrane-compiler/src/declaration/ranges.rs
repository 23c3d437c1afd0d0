//! Reads the ranges of the VPC and those it must keep clear of.

use crate::declaration::{KeepClear, Range, names};
use crate::diagnostics::{Diagnostic, Diagnostics, Origin};
use crate::names::{Cidr, Name, PRIVATE_SPACE};
use crate::suggest;
use crate::topology::Topology;
use crate::vpc_ranges::{SHARED_SPACE, comes_first, refused, space};

/// The name of the base range.
pub(crate) const BASE: &str = "base";

/// What the output `vpc_cidr_block` calls the base range.
const VPC: &str = "vpc";

/// AWS takes IPv4 ranges of these prefix lengths for a VPC:
/// <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>.
pub(crate) const LENGTHS: std::ops::RangeInclusive<u8> = 16..=28;

/// Docker's own bridge, with which hosts confuse a VPC's range.
const DOCKER: &str = "172.17.0.0/16";

/// Reads all ranges, the base range first; `None` in the place of each that is wrong.
pub(super) fn read(topology: &Topology, found: &mut Diagnostics) -> Vec<Option<Range>> {
    let mut ranges = vec![range(BASE, &topology.base, topology.place("base"), found)];
    for (idx, secondary) in topology.secondary.iter().enumerate() {
        let taken = topology.secondary[..idx].iter().any(|other| other.name == secondary.name);
        if taken || secondary.name == BASE {
            found.push(
                Diagnostic::error(
                    "duplicate-range",
                    &secondary.origin,
                    format!("two ranges have the name `{}`", secondary.name),
                )
                .hint("give each secondary range a name of its own; the base range is `base`"),
            );
        }
        if secondary.name == VPC {
            found.push(
                Diagnostic::error(
                    "reserved-name",
                    &secondary.origin,
                    format!(
                        "the name `{VPC}` of a range already means the base range among the module's outputs"
                    ),
                )
                .hint("give the range another name"),
            );
        }
        ranges.push(range(&secondary.name, &secondary.cidr, &secondary.origin, found));
    }
    pairs(&ranges, found);
    ranges
}

/// Reads the ranges elsewhere, and reports each that a range of the VPC overlaps.
pub(super) fn keep_clear(
    topology: &Topology,
    ranges: &[Option<Range>],
    found: &mut Diagnostics,
) -> Vec<KeepClear> {
    let mut clear = Vec::new();
    for declared in &topology.keep_clear {
        let subject = format!("range `{}` to keep clear of", declared.name);
        let Some(cidr) = cidr(&declared.cidr, &subject, &declared.origin, found) else { continue };
        for range in ranges.iter().flatten().filter(|range| range.cidr.overlaps(cidr)) {
            found.push(
                Diagnostic::error(
                    "keep-clear-overlap",
                    &range.origin,
                    format!("range `{}` ({}) overlaps `{}` ({cidr})", range.name, range.cidr, declared.name),
                )
                .hint(format!("move range `{}`, or make it smaller", range.name)),
            );
        }
        clear.push(KeepClear { name: declared.name.clone(), cidr });
    }
    clear
}

/// Reads a range in canonical form, and reports what is wrong with it.
pub(crate) fn cidr(text: &str, subject: &str, origin: &Origin, found: &mut Diagnostics) -> Option<Cidr> {
    Cidr::parse(text)
        .map_err(|problem| {
            found.push(
                Diagnostic::error("invalid-range", origin, format!("`{text}` as {subject} {problem}"))
                    .hint("write the first address and the prefix length, such as 10.0.0.0/16"),
            );
        })
        .ok()
}

fn range(name: &str, text: &str, origin: &Origin, found: &mut Diagnostics) -> Option<Range> {
    let subject = format!("range `{name}`");
    if name == BASE && text.is_empty() {
        found.push(
            Diagnostic::error("no-base", origin, "the network has no base range")
                .hint("declare one, such as 10.0.0.0/16"),
        );
        return None;
    }
    let name: Option<Name> = names::name(name, "a range", origin, found);
    let cidr = cidr(text, &subject, origin, found)?;
    let length = cidr.prefix_length();
    if !LENGTHS.contains(&length) {
        found.push(
            Diagnostic::error(
                "range-size",
                origin,
                format!("{subject} is {cidr}, but AWS takes a /{} to a /{}", LENGTHS.start(), LENGTHS.end()),
            )
            .hint(if length < *LENGTHS.start() {
                "take a /16 of it, and declare secondary ranges if that is too small"
            } else {
                "take a shorter prefix length"
            }),
        );
        return None;
    }
    if space(cidr).is_none() {
        found.push(
            Diagnostic::error(
                "range-not-private",
                origin,
                format!("{subject} is {cidr}, which is not inside any of {}", suggest::list(PRIVATE_SPACE)),
            )
            .hint(
                "take a range in private space, so that it hides no address of the internet and AWS takes it",
            ),
        );
        return None;
    }
    let docker = Cidr::parse(DOCKER).expect("the range of Docker is written in canonical form");
    if docker.overlaps(cidr) {
        found.push(
            Diagnostic::warning(
                "docker-range",
                origin,
                format!("{subject} is {cidr}, which overlaps {DOCKER}, the bridge network of Docker"),
            )
            .hint("hosts with Docker may be unable to reach it; take another range"),
        );
    }
    Some(Range { name: name?, cidr, origin: origin.clone() })
}

/// Reports ranges that overlap, and those that AWS refuses in one VPC.
fn pairs(ranges: &[Option<Range>], found: &mut Diagnostics) {
    for (idx, range) in ranges.iter().enumerate() {
        let Some(range) = range else { continue };
        for (position, before) in ranges[..idx].iter().enumerate() {
            let Some(before) = before else { continue };
            if range.cidr.overlaps(before.cidr) {
                found.push(
                    Diagnostic::error(
                        "range-overlap",
                        &range.origin,
                        format!(
                            "range `{}` ({}) overlaps range `{}` ({})",
                            range.name, range.cidr, before.name, before.cidr
                        ),
                    )
                    .hint("take ranges that share no address"),
                );
            } else if let Some(reason) = refused(before.cidr, range.cidr) {
                found.push(
                    Diagnostic::error(
                        "range-association",
                        &range.origin,
                        format!(
                            "range `{}` ({}) cannot be in one VPC with range `{}` ({}): {reason}",
                            range.name, range.cidr, before.name, before.cidr
                        ),
                    )
                    .hint(match position > 0 && comes_first(range.cidr, before.cidr) {
                        true => {
                            format!("declare it before `{}`: ranges are added in this order", before.name)
                        }
                        false => format!("take a range in {SHARED_SPACE}, or in the space of the base range"),
                    }),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::ledger::Ledger;
    use crate::topology::{Tier, Topology};

    const VERSION: semver::Version = semver::Version::new(1, 0, 0);

    fn with(secondary: [(&str, &str); 2]) -> Topology {
        let topology = Topology::new("net")
            .base("10.8.0.0/16")
            .zones(["a"])
            .tier(Tier::isolated("db").prefix_length(24));
        secondary.iter().fold(topology, |topology, (name, cidr)| topology.secondary(name, cidr))
    }

    #[test]
    fn ranges_that_aws_takes_in_one_order_are_added_in_it() {
        let (more, pods) = (("more", "10.9.0.0/20"), ("pods", "100.64.0.0/16"));
        let compiled = crate::compile(&with([more, pods]), &Ledger::default(), &VERSION).unwrap();
        let text = compiled.files.get("vpc.tf").unwrap();
        assert!(text.contains("depends_on = [aws_vpc_ipv4_cidr_block_association.more]"), "{text}");

        let found = crate::compile(&with([pods, more]), &Ledger::default(), &VERSION).unwrap_err();
        assert!(found.to_string().contains("declare it before `pods`"), "{found}");

        let either = with([("more", "10.9.0.0/20"), ("rest", "10.10.0.0/20")]);
        let compiled = crate::compile(&either, &Ledger::default(), &VERSION).unwrap();
        assert!(!compiled.files.get("vpc.tf").unwrap().contains("depends_on"));
    }
}
