//! Allocate: every tier and zone letter has its block, as an offset in its range.

mod admitted;
mod allocate;
mod space;

use std::collections::BTreeMap;

use crate::diagnostics::Diagnostics;
use crate::names::{Block, Name, Zone};

pub use crate::address_plan::allocate::allocate;

/// Where everything lies, independent of where the ranges start.
///
/// - Blocks of one range are aligned, disjoint, and inside it for every admitted base.
/// - `tiers` stands in the order of [`crate::declaration::Declaration::tiers`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPlan {
    /// The layout of each tier.
    pub tiers: Vec<Layout>,
    /// Letter → slot, the spare letters included; the same for all tiers that are not pinned.
    pub slots: BTreeMap<Zone, u32>,
    /// The bits of a slot number: every tier's block has `2^slot_bits` slots.
    pub slot_bits: u8,
    /// Where the caller may put each range, in the order of [`crate::declaration::Declaration::ranges`].
    pub admitted: Vec<terrane_contract::Admitted>,
    /// Tiers that are gone and whose blocks stay reserved, by the last name they had.
    pub removed: Vec<Name>,
    /// What is worth knowing though it stops nothing, such as a block with more room than it needs.
    pub warnings: Diagnostics,
}

/// The layout of one tier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One aligned block with a slot for each letter.
    Block(Block),
    /// A block of its own for each letter.
    Pinned(BTreeMap<Zone, Block>),
}

impl Layout {
    /// Returns the tier's parts of its range.
    pub fn blocks(&self) -> Vec<Block> {
        match self {
            Layout::Block(block) => vec![*block],
            Layout::Pinned(blocks) => blocks.values().copied().collect(),
        }
    }

    /// Returns the block of the subnet in a zone; `None` where a letter has no slot, or no range of its own.
    pub fn subnet(&self, slots: &BTreeMap<Zone, u32>, slot_bits: u8, zone: Zone) -> Option<Block> {
        match self {
            Layout::Block(block) => Some(block.subnet(slot_bits, *slots.get(&zone)?)),
            Layout::Pinned(blocks) => blocks.get(&zone).copied(),
        }
    }
}

impl AddressPlan {
    /// Returns the block of a tier's subnet in a zone; `None` where a pinned tier has no range for the letter.
    pub fn subnet(&self, tier: usize, zone: Zone) -> Option<Block> {
        self.tiers.get(tier)?.subnet(&self.slots, self.slot_bits, zone)
    }
}
