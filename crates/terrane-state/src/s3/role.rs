//! A role of AWS to take on, with credentials or with a token.

use std::collections::BTreeMap;
use std::time::Duration;

/// A role to take on.
#[derive(Clone)]
pub(crate) struct Role {
    pub(crate) arn: String,
    pub(crate) session_name: Option<String>,
    pub(crate) duration: Option<Duration>,
    pub(crate) external_id: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) policy_arns: Vec<String>,
    pub(crate) source_identity: Option<String>,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) transitive_tag_keys: Vec<String>,
}

/// A role to take on with a token in place of credentials.
#[derive(Clone)]
pub(crate) struct WebRole {
    pub(crate) role: Role,
    pub(crate) token: WebToken,
}

#[derive(Clone)]
pub(crate) enum WebToken {
    Text(String),
    File(String),
}

impl Role {
    pub(crate) fn new(arn: &str) -> Role {
        Role {
            arn: arn.to_owned(),
            session_name: None,
            duration: None,
            external_id: None,
            policy: None,
            policy_arns: Vec::new(),
            source_identity: None,
            tags: BTreeMap::new(),
            transitive_tag_keys: Vec::new(),
        }
    }

    /// Returns what is set, by the names of Terraform's arguments.
    pub(crate) fn parts(&self) -> Vec<(&'static str, String)> {
        let joined = |list: &[String]| Some(list.join(", ")).filter(|text| !text.is_empty());
        let tags: Vec<String> = self.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let parts = [
            ("role_arn", Some(self.arn.clone())),
            ("session_name", self.session_name.clone()),
            ("duration", self.duration.map(|duration| format!("{}s", duration.as_secs()))),
            ("external_id", self.external_id.clone()),
            ("policy", self.policy.clone()),
            ("policy_arns", joined(&self.policy_arns)),
            ("source_identity", self.source_identity.clone()),
            ("tags", joined(&tags)),
            ("transitive_tag_keys", joined(&self.transitive_tag_keys)),
        ];
        parts.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Reads a duration as Go spells it, such as `1h30m`.
pub(crate) fn go_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let unit_at = rest.find(|char: char| !char.is_ascii_digit() && char != '.')?;
        let number: f64 = rest[..unit_at].parse().ok()?;
        let after = &rest[unit_at..];
        let end = after.find(|char: char| char.is_ascii_digit() || char == '.').unwrap_or(after.len());
        seconds += number
            * match &after[..end] {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &after[end..];
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        assert_eq!(go_duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(go_duration("1.5h"), Some(Duration::from_secs(5400)));
        assert_eq!(go_duration("0s"), Some(Duration::ZERO));
        for text in ["", "h", "1", "1d", "-1h"] {
            assert_eq!(go_duration(text), None, "{text:?}");
        }
    }
}
