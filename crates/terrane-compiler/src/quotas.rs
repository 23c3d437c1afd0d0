//! What AWS allows, from the data file `quotas.toml`: numbers, codes of Service Quotas, and when they were read.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

static ALL: LazyLock<BTreeMap<String, Quota>> =
    LazyLock::new(|| toml::from_str(include_str!("quotas.toml")).expect("the data file is tested"));

/// One quota.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quota {
    /// What is counted, such as `subnets of a VPC`.
    pub about: String,
    /// How many AWS allows by default.
    pub limit: u64,
    /// How many it allows after an increase; `None` if it states no bound.
    pub most: Option<u64>,
    /// The code by which Service Quotas knows it.
    pub code: Option<String>,
    /// The year and month in which the page was read.
    pub as_of: String,
    /// The page: `vpc` or `nau`; the data file says which those are.
    pub page: String,
}

impl Quota {
    /// Returns the code and the date, as far as they are known.
    pub fn source(&self) -> String {
        match &self.code {
            Some(code) => format!("{code}, {}", self.as_of),
            None => self.as_of.clone(),
        }
    }
}

/// Returns a quota of the data file.
///
/// # Panics
///
/// Panics if the file has none of this name; callers name only those that it has.
pub fn quota(name: &str) -> &'static Quota {
    ALL.get(name).unwrap_or_else(|| panic!("quotas.toml has no `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_quota_is_dated_and_bounded() {
        assert!(ALL.len() >= 14);
        for (name, quota) in ALL.iter() {
            assert!(quota.most.is_none_or(|most| most > quota.limit), "{name}");
            let (year, month) = quota.as_of.split_once('-').unwrap();
            assert!(
                year.parse::<u32>().unwrap() >= 2023 && (1..=12).contains(&month.parse().unwrap()),
                "{name}"
            );
            assert!(["vpc", "nau"].contains(&quota.page.as_str()), "{name}");
            assert!(
                quota.code.as_ref().is_none_or(|code| code.starts_with("L-") && code.len() == 10),
                "{name}"
            );
        }
    }
}
