//! Which ranges AWS takes in one VPC, and in which order:
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html#add-cidr-block-restrictions>.

use crate::names::{Cidr, PRIVATE_SPACE};

/// The space of carrier-grade NAT, the only one that AWS takes beside any private range.
pub(crate) const SHARED_SPACE: &str = "100.64.0.0/10";

/// Returns whether AWS takes two ranges in one VPC in this order only.
pub(crate) fn comes_first(first: Cidr, second: Cidr) -> bool {
    refused(first, second).is_none() && refused(second, first).is_some()
}

/// Returns why AWS refuses to add a range to a VPC that has another.
pub(crate) fn refused(present: Cidr, added: Cidr) -> Option<&'static str> {
    let (present_space, added_space) = (space(present)?, space(added)?);
    let inside = |cidr: Cidr, text: &str| parse(text).contains(cidr);
    if inside(present, "10.0.0.0/15") && inside(added, "10.0.0.0/16") {
        Some("with a range in 10.0.0.0/15, AWS adds none in 10.0.0.0/16")
    } else if present_space == added_space {
        inside(added, "172.31.0.0/16").then_some("AWS adds no range in 172.31.0.0/16")
    } else if added_space == parse(SHARED_SPACE) {
        None
    } else {
        Some("AWS mixes no two private spaces, and adds none to 100.64.0.0/10")
    }
}

/// Returns the spaces in which a range may lie so that AWS takes every combination with the others.
///
/// Reads the rules of [`refused`] backwards: what may stand beside every place that the other ranges may take.
pub(crate) fn admitted_spaces(ranges: &[Cidr], idx: usize) -> Vec<Cidr> {
    let shared = parse(SHARED_SPACE);
    let own = ranges[idx];
    let Some(own_space) = space(own) else { return Vec::new() };
    if ranges.len() == 1 {
        return spaces().collect();
    }
    if idx == 0 && own_space != shared && ranges[1..].iter().all(|range| shared.contains(*range)) {
        return spaces().filter(|space| *space != shared).collect();
    }
    let ten = parse("10.0.0.0/8");
    if own_space == ten {
        let first = parse("10.0.0.0/16");
        let is_first = |range: &Cidr| first.contains(*range);
        return match ranges[1..].iter().any(is_first) {
            true if idx > 0 && is_first(&ranges[idx]) => vec![first],
            true => without(ten, parse("10.0.0.0/15")),
            false if idx > 0 => without(ten, first),
            false => vec![ten],
        };
    }
    if idx > 0 && own_space == parse("172.16.0.0/12") {
        return without(own_space, parse("172.31.0.0/16"));
    }
    vec![own_space]
}

/// Returns the parts of a space that remain when a hole is cut into it, largest last.
fn without(space: Cidr, hole: Cidr) -> Vec<Cidr> {
    (space.prefix_length() + 1..=hole.prefix_length())
        .rev()
        .filter_map(|length| Cidr::around(hole.first(), length)?.sibling())
        .collect()
}

fn parse(text: &str) -> Cidr {
    Cidr::parse(text).expect("the ranges of AWS's rules are written in canonical form")
}

/// Returns the address spaces in which a range of a VPC may lie.
fn spaces() -> impl Iterator<Item = Cidr> {
    PRIVATE_SPACE.iter().map(|text| parse(text))
}

/// Returns the address space in which a range lies.
pub(crate) fn space(cidr: Cidr) -> Option<Cidr> {
    spaces().find(|space| space.contains(cidr))
}
