//! Where a module's tiers lie: what a ledger records, and what rebuilds a lost one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The blocks of a network, independent of where its ranges start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addresses {
    /// The declared prefix length of each range by name.
    pub ranges: BTreeMap<String, u8>,
    /// Zone letter → slot in the block of each tier, spare letters included.
    pub slots: BTreeMap<String, u32>,
    /// Blocks by range, tier, and generation.
    #[serde(default)]
    pub blocks: Vec<AddressBlock>,
    /// Numbers of network ACL rules by tier, direction, and what the rule says.
    #[serde(default)]
    pub rules: BTreeMap<String, BTreeMap<String, BTreeMap<String, u16>>>,
}

/// The block of one tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddressBlock {
    /// The name of the range.
    pub range: String,
    /// The name of the tier.
    pub tier: String,
    /// The generation, counted from 1.
    pub generation: u32,
    /// Who may have the block.
    pub state: BlockState,
    /// How many bits longer its prefix is than the range's; absent where each zone has a block of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newbits: Option<u8>,
    /// Which of the `2^newbits` parts of the range it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub netnum: Option<u32>,
    /// `[newbits, netnum]` by zone letter, for explicit ranges.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub zones: BTreeMap<String, (u8, u32)>,
}

/// Who may have a recorded block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BlockState {
    /// The tier has it.
    Live,
    /// The tier is gone, and gets it back when it returns.
    Reserved,
    /// Anyone: the tier is gone, and its author has given the block up.
    Reclaimed,
}
