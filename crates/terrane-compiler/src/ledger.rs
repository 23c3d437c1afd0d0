//! The committed record of which block belongs to which tier and zone letter.

use std::ops::RangeInclusive;

/// Numbers of network ACL rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RuleNumbers {}

impl RuleNumbers {
    /// Returns the number of a rule.
    pub fn assign(
        &mut self,
        _tier: &str,
        _direction: &str,
        band: RangeInclusive<u16>,
        _key: &str,
    ) -> Option<u16> {
        Some(*band.start())
    }
}

/// The ledger of one network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Numbers of network ACL rules.
    pub rule_numbers: RuleNumbers,
}
