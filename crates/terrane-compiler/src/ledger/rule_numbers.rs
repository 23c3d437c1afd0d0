//! Numbers of network ACL rules, which stay with what a rule says.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Numbers of network ACL rules by tier, direction, and key: what the rule says.
///
/// - No two keys of one tier and direction have one number.
/// - A key keeps its number for as long as it is used, and afterwards until its band is full.
///   Then the lowest number that no rule uses goes to the newcomer, so that two rules never trade numbers.
#[derive(Clone, Debug, Default)]
pub struct RuleNumbers {
    numbers: BTreeMap<String, BTreeMap<String, BTreeMap<String, u16>>>,
    /// What this compilation has assigned: tier, direction, and number.
    used: BTreeSet<(String, String, u16)>,
}

/// What this compilation has assigned is not part of the record.
impl PartialEq for RuleNumbers {
    fn eq(&self, other: &RuleNumbers) -> bool {
        self.numbers == other.numbers
    }
}

impl Eq for RuleNumbers {}

impl RuleNumbers {
    /// Returns the number of a rule: the recorded one, or else a free one of the band, tens first.
    ///
    /// Returns `None` when rules of this compilation use every number of the band.
    pub fn assign(
        &mut self,
        tier: &str,
        direction: &str,
        band: RangeInclusive<u16>,
        key: &str,
    ) -> Option<u16> {
        let numbers =
            self.numbers.entry(tier.to_owned()).or_default().entry(direction.to_owned()).or_default();
        let used = |number: u16| self.used.contains(&(tier.to_owned(), direction.to_owned(), number));
        let recorded = numbers.get(key).copied().filter(|number| band.contains(number));
        let number = recorded.or_else(|| {
            let held: BTreeSet<u16> = numbers.values().copied().collect();
            let tens = band.clone().filter(|number| number % 10 == 0);
            let others = band.clone().filter(|number| number % 10 != 0);
            tens.chain(others)
                .find(|number| !held.contains(number))
                .or_else(|| band.clone().find(|number| !used(*number)))
        })?;
        numbers.retain(|other, held| other == key || *held != number);
        numbers.insert(key.to_owned(), number);
        self.used.insert((tier.to_owned(), direction.to_owned(), number));
        Some(number)
    }

    /// Returns numbers by tier, direction, and key.
    pub fn numbers(&self) -> &BTreeMap<String, BTreeMap<String, BTreeMap<String, u16>>> {
        &self.numbers
    }

    pub(super) fn recorded(
        numbers: BTreeMap<String, BTreeMap<String, BTreeMap<String, u16>>>,
    ) -> RuleNumbers {
        RuleNumbers { numbers, used: BTreeSet::new() }
    }

    /// Begins a compilation: nothing is in use yet.
    pub(crate) fn begin(&mut self) {
        self.used.clear();
    }

    /// Forgets a tier.
    pub(crate) fn forget(&mut self, tier: &str) {
        self.numbers.remove(tier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tens_come_first_and_gaps_next() {
        let mut numbers = RuleNumbers::default();
        let mut assign = |key: &str| numbers.assign("app", "ingress", 100..=111, key);
        let assigned: Vec<_> = ["a", "b", "c", "d", "a"].into_iter().map(&mut assign).collect();
        assert_eq!(assigned, [Some(100), Some(110), Some(101), Some(102), Some(100)]);
    }

    #[test]
    fn keys_that_left_keep_their_number_until_the_band_is_full() {
        let mut numbers = RuleNumbers::default();
        let assign = |numbers: &mut RuleNumbers, key: &str| numbers.assign("app", "egress", 1..=3, key);
        for key in ["a", "b", "c"] {
            assign(&mut numbers, key);
        }
        let full = numbers.clone();
        assert_eq!(assign(&mut numbers, "d"), None, "all are in use");
        assert_eq!(numbers, full);

        numbers.begin();
        assert_eq!(assign(&mut numbers, "b"), Some(2));
        assert_eq!(assign(&mut numbers, "d"), Some(1), "`a` left");
        assert_eq!(assign(&mut numbers, "c"), Some(3));
        assert_eq!(assign(&mut numbers, "a"), None);
    }

    #[test]
    fn tiers_and_directions_number_alone() {
        let mut numbers = RuleNumbers::default();
        for (tier, direction) in [("app", "ingress"), ("app", "egress"), ("db", "ingress")] {
            assert_eq!(numbers.assign(tier, direction, 100..=199, "x"), Some(100));
        }
    }
}
