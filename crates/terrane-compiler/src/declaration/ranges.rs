//! Reads the ranges of the VPC and those it must keep clear of.

use crate::declaration::{KeepClear, Range, names};
use crate::diagnostics::{Code, Diagnostics, Origin, report};
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
            report!(
                found, Code::DUPLICATE_RANGE, &secondary.origin.at("name"),
                "two ranges have the name `{}`", secondary.name;
                "give each secondary range a name of its own; the base range is `base`"
            );
        }
        if secondary.name == VPC {
            report!(
                found, Code::RESERVED_NAME, &secondary.origin.at("name"),
                "the name `{VPC}` of a range already means the base range among the module's outputs";
                "give the range another name"
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
        let Some(cidr) = cidr(&declared.cidr, &subject, &declared.origin.at("cidr"), found) else { continue };
        for range in ranges.iter().flatten().filter(|range| range.cidr.overlaps(cidr)) {
            report!(
                found, Code::KEEP_CLEAR_OVERLAP, &range.origin,
                "range `{}` ({}) overlaps `{}` ({cidr})", range.name, range.cidr, declared.name;
                "move range `{}`, or make it smaller", range.name
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
            report!(
                found, Code::INVALID_RANGE, origin,
                "`{text}` as {subject} {problem}";
                "write the first address and the prefix length, such as 10.0.0.0/16"
            );
        })
        .ok()
}

fn range(name: &str, text: &str, origin: &Origin, found: &mut Diagnostics) -> Option<Range> {
    let subject = format!("range `{name}`");
    if name == BASE && text.is_empty() {
        report!(
            found, Code::NO_BASE, origin,
            "the network has no base range";
            "declare one, such as 10.0.0.0/16"
        );
        return None;
    }
    let name: Option<Name> = names::name(name, "a range", &origin.at("name"), found);
    let origin = &origin.at("cidr");
    let cidr = cidr(text, &subject, origin, found)?;
    let length = cidr.prefix_length();
    if !LENGTHS.contains(&length) {
        let hint = if length < *LENGTHS.start() {
            "take a /16 of it, and declare secondary ranges if that is too small"
        } else {
            "take a shorter prefix length"
        };
        report!(
            found, Code::RANGE_SIZE, origin,
            "{subject} is {cidr}, but AWS takes a /{} to a /{}", LENGTHS.start(), LENGTHS.end();
            "{hint}"
        );
        return None;
    }
    if space(cidr).is_none() {
        report!(
            found, Code::RANGE_NOT_PRIVATE, origin,
            "{subject} is {cidr}, which is not inside any of {}", suggest::list(PRIVATE_SPACE);
            "take a range in private space, so that it hides no address of the internet and AWS takes it"
        );
        return None;
    }
    let docker = Cidr::parse(DOCKER).expect("the range of Docker is written in canonical form");
    if docker.overlaps(cidr) {
        report!(
            found, Code::DOCKER_RANGE, origin,
            "{subject} is {cidr}, which overlaps {DOCKER}, the bridge network of Docker";
            "hosts with Docker may be unable to reach it; take another range"
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
                report!(
                    found, Code::RANGE_OVERLAP, &range.origin,
                    "range `{}` ({}) overlaps range `{}` ({})", range.name, range.cidr, before.name, before.cidr;
                    "take ranges that share no address"
                );
            } else if let Some(reason) = refused(before.cidr, range.cidr) {
                let hint = if position > 0 && comes_first(range.cidr, before.cidr) {
                    format!("declare it before `{}`: ranges are added in this order", before.name)
                } else {
                    format!("take a range in {SHARED_SPACE}, or in the space of the base range")
                };
                report!(
                    found, Code::RANGE_ASSOCIATION, &range.origin,
                    "range `{}` ({}) cannot be in one VPC with range `{}` ({}): {reason}",
                    range.name, range.cidr, before.name, before.cidr;
                    "{hint}"
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
