//! Numbers of network ACL rules, which stay with what a rule says.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Numbers of network ACL rules by tier, direction, and key: what the rule says.
///
/// - No two keys of one tier and direction have one number.
/// - A key keeps its number for as long as it is used, and afterwards until its band is full.
///   Then the lowest number that no rule uses goes to the newcomer, so that two rules never trade numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleNumbers {
    numbers: BTreeMap<String, BTreeMap<String, BTreeMap<String, u16>>>,
}

impl RuleNumbers {
    /// Returns the numbers of all rules of a tier in one direction, each in its band:
    /// the recorded ones, whatever is new beside them, and for what is new the free ones, tens first.
    ///
    /// Returns `None`, and records nothing, when a band has fewer numbers than rules.
    pub fn assign(
        &mut self,
        tier: &str,
        direction: &str,
        rules: &[(RangeInclusive<u16>, String)],
    ) -> Option<Vec<u16>> {
        if rules.is_empty() {
            return Some(Vec::new());
        }
        let recorded = self.numbers.get(tier).and_then(|directions| directions.get(direction));
        let mut held = recorded.cloned().unwrap_or_default();
        let kept = |(band, key): &(RangeInclusive<u16>, String)| {
            recorded?.get(key).copied().filter(|number| band.contains(number))
        };
        let mut assigned: Vec<Option<u16>> = rules.iter().map(kept).collect();
        let mut used: BTreeSet<u16> = assigned.iter().flatten().copied().collect();
        let mut taken: BTreeSet<u16> = held.values().copied().collect();
        for ((band, key), number) in rules.iter().zip(&mut assigned).filter(|(_, number)| number.is_none()) {
            let tens = band.clone().filter(|number| number % 10 == 0);
            let others = band.clone().filter(|number| number % 10 != 0);
            let free = tens
                .chain(others)
                .find(|number| !taken.contains(number))
                .or_else(|| band.clone().find(|number| !used.contains(number)))?;
            if !taken.insert(free) {
                held.retain(|_, other| *other != free);
            }
            if let Some(left) = held.insert(key.clone(), free) {
                taken.remove(&left);
            }
            used.insert(free);
            *number = Some(free);
        }
        self.numbers.entry(tier.to_owned()).or_default().insert(direction.to_owned(), held);
        assigned.into_iter().collect()
    }

    /// Returns numbers by tier, direction, and key.
    pub fn numbers(&self) -> &BTreeMap<String, BTreeMap<String, BTreeMap<String, u16>>> {
        &self.numbers
    }

    pub(super) fn recorded(
        numbers: BTreeMap<String, BTreeMap<String, BTreeMap<String, u16>>>,
    ) -> RuleNumbers {
        RuleNumbers { numbers }
    }

    /// Forgets a tier.
    pub(crate) fn forget(&mut self, tier: &str) {
        self.numbers.remove(tier);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assign(numbers: &mut RuleNumbers, band: RangeInclusive<u16>, keys: &[&str]) -> Option<Vec<u16>> {
        let rules: Vec<_> = keys.iter().map(|key| (band.clone(), (*key).to_owned())).collect();
        numbers.assign("app", "ingress", &rules)
    }

    #[test]
    fn tens_come_first_and_gaps_next() {
        let mut numbers = RuleNumbers::default();
        assert_eq!(assign(&mut numbers, 100..=111, &["a", "b", "c", "d"]), Some(vec![100, 110, 101, 102]));
        assert_eq!(assign(&mut numbers, 100..=111, &["d", "a"]), Some(vec![102, 100]));
    }

    #[test]
    fn keys_that_left_keep_their_number_until_the_band_is_full() {
        let mut numbers = RuleNumbers::default();
        assert_eq!(assign(&mut numbers, 1..=3, &["a", "b", "c"]), Some(vec![1, 2, 3]));
        let full = numbers.clone();
        assert_eq!(assign(&mut numbers, 1..=3, &["a", "b", "c", "d"]), None, "all are in use");
        assert_eq!(numbers, full);
        assert_eq!(assign(&mut numbers, 1..=3, &["b", "c"]), Some(vec![2, 3]));
        assert_eq!(assign(&mut numbers, 1..=3, &["a", "b", "c"]), Some(vec![1, 2, 3]), "`a` came back");
    }

    #[test]
    fn a_newcomer_in_a_full_band_takes_the_number_of_none_that_stays() {
        let mut numbers = RuleNumbers::default();
        assign(&mut numbers, 1..=3, &["a", "b", "c"]);
        assert_eq!(assign(&mut numbers, 1..=3, &["d", "c", "a"]), Some(vec![2, 3, 1]), "`b` left");
    }

    #[test]
    fn a_number_left_for_one_of_another_band_is_free_at_once() {
        let mut numbers = RuleNumbers::default();
        assign(&mut numbers, 1..=5, &["a", "b"]);
        let rules = [(11..=15, "a".to_owned()), (1..=5, "c".to_owned())];
        assert_eq!(numbers.assign("app", "ingress", &rules), Some(vec![11, 1]));
    }

    #[test]
    fn tiers_and_directions_number_alone() {
        let mut numbers = RuleNumbers::default();
        for (tier, direction) in [("app", "ingress"), ("app", "egress"), ("db", "ingress")] {
            let rules = [(100..=199, "x".to_owned())];
            assert_eq!(numbers.assign(tier, direction, &rules), Some(vec![100]));
        }
    }
}
