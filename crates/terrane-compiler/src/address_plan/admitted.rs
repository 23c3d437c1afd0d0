//! Where a caller may put the ranges of a network.

use terrane_contract::Admitted;

use crate::address_plan::Layout;
use crate::declaration::{Declaration, ranges::LENGTHS};
use crate::features;
use crate::names::Cidr;
use crate::sizing::SUBNET_LENGTHS;
use crate::vpc_ranges::admitted_spaces;

/// Returns what each range admits, in the order of the declaration.
pub(super) fn all(declaration: &Declaration, tiers: &[Layout], slot_bits: u8) -> Vec<Admitted> {
    (0..declaration.ranges.len()).map(|range| one(declaration, tiers, slot_bits, range)).collect()
}

/// A range may be so long that every subnet is still a /28 or larger and has room for its tier's need.
fn one(declaration: &Declaration, tiers: &[Layout], slot_bits: u8, range: usize) -> Admitted {
    let mut max_prefix_length = *SUBNET_LENGTHS.end();
    for (idx, layout) in tiers.iter().enumerate().filter(|(idx, _)| declaration.tiers[*idx].range == range) {
        let slot_bits = if matches!(layout, Layout::Block(_)) { slot_bits } else { 0 };
        for block in layout.blocks() {
            let longest = longest(declaration, idx).saturating_sub(block.newbits + slot_bits);
            max_prefix_length = max_prefix_length.min(longest);
        }
    }
    let ranges: Vec<Cidr> = declaration.ranges.iter().map(|range| range.cidr).collect();
    Admitted {
        min_prefix_length: *LENGTHS.start(),
        max_prefix_length: max_prefix_length.max(declaration.ranges[range].cidr.prefix_length()),
        within: admitted_spaces(&ranges, range).into_iter().map(Cidr::net).collect(),
    }
}

/// Returns the longest prefix length that the subnets of a tier may have.
fn longest(declaration: &Declaration, tier: usize) -> u8 {
    let limit = features::longest(declaration, tier).unwrap_or(*SUBNET_LENGTHS.end());
    declaration.tiers[tier].max_length.get().min(limit)
}
