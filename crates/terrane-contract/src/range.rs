//! Version constraints of Terraform as ranges.

use std::collections::BTreeSet;
use std::fmt;

use semver::Version;

/// The versions that a constraint such as `>= 5.0, < 7.0` admits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    /// The lowest version, and whether it is admitted itself.
    floor: Option<(Version, bool)>,
    /// The highest version, and whether it is admitted itself.
    ceiling: Option<(Version, bool)>,
    /// Versions left out by `!=`.
    holes: BTreeSet<Version>,
}

impl Range {
    /// Reads a constraint; no constraint admits everything.
    pub(crate) fn parse(constraint: Option<&str>) -> Option<Range> {
        let mut range = Range::default();
        for term in constraint.unwrap_or_default().split(',').map(str::trim).filter(|term| !term.is_empty()) {
            let digits = term.find(|c: char| c.is_ascii_digit() || c == 'v')?;
            let (operator, text) = term.split_at(digits);
            let (version, n_parts) = parse_version(text.trim())?;
            match operator.trim() {
                "" | "=" => {
                    range.raise(version.clone(), true);
                    range.lower(version, true);
                }
                "!=" => drop(range.holes.insert(version)),
                ">" => range.raise(version, false),
                ">=" => range.raise(version, true),
                "<" => range.lower(version, false),
                "<=" => range.lower(version, true),
                "~>" => {
                    let next = match n_parts {
                        // `~> 1` admits every later major as well.
                        1 => None,
                        2 => Some(Version::new(version.major.checked_add(1)?, 0, 0)),
                        _ => Some(Version::new(version.major, version.minor.checked_add(1)?, 0)),
                    };
                    range.raise(version, true);
                    if let Some(next) = next {
                        range.lower(next, false);
                    }
                }
                _ => return None,
            }
        }
        Some(range)
    }

    fn raise(&mut self, version: Version, included: bool) {
        let candidate = Some((version, included));
        if !floor_admits(self.floor.as_ref(), candidate.as_ref()) {
            return;
        }
        self.floor = candidate;
    }

    fn lower(&mut self, version: Version, included: bool) {
        let candidate = Some((version, included));
        if !ceiling_admits(self.ceiling.as_ref(), candidate.as_ref()) {
            return;
        }
        self.ceiling = candidate;
    }

    /// Whether `other` admits every version that this range admits.
    pub(crate) fn is_within(&self, other: &Range) -> bool {
        floor_admits(other.floor.as_ref(), self.floor.as_ref())
            && ceiling_admits(other.ceiling.as_ref(), self.ceiling.as_ref())
            && other.holes.iter().all(|hole| self.holes.contains(hole) || !self.contains(hole))
    }

    /// Whether this range differs from `other` by a higher floor and in nothing else that excludes versions.
    pub(crate) fn raises_only_the_floor_of(&self, other: &Range) -> bool {
        let lowered = Range { floor: other.floor.clone(), ..self.clone() };
        other.is_within(&lowered)
    }

    /// Returns the major version of the floor.
    pub(crate) fn floor_major(&self) -> Option<u64> {
        self.floor.as_ref().map(|(version, _)| version.major)
    }

    fn contains(&self, version: &Version) -> bool {
        let point = Some((version.clone(), true));
        floor_admits(self.floor.as_ref(), point.as_ref())
            && ceiling_admits(self.ceiling.as_ref(), point.as_ref())
    }
}

/// Whether everything above `inner` is above `outer` as well.
fn floor_admits(outer: Option<&(Version, bool)>, inner: Option<&(Version, bool)>) -> bool {
    match (outer, inner) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((outer, admits)), Some((inner, admitted))) => {
            inner > outer || (inner == outer && (*admits || !admitted))
        }
    }
}

/// Whether everything below `inner` is below `outer` as well.
fn ceiling_admits(outer: Option<&(Version, bool)>, inner: Option<&(Version, bool)>) -> bool {
    match (outer, inner) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some((outer, admits)), Some((inner, admitted))) => {
            inner < outer || (inner == outer && (*admits || !admitted))
        }
    }
}

/// Reads `1`, `1.2`, or `1.2.3-beta`, with the number of numeric parts.
fn parse_version(text: &str) -> Option<(Version, usize)> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (numbers, rest) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
    let n_parts = numbers.split('.').count();
    let padded = match n_parts {
        1 => format!("{numbers}.0.0{rest}"),
        2 => format!("{numbers}.0{rest}"),
        _ => text.to_owned(),
    };
    Some((Version::parse(&padded).ok()?, n_parts))
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut terms = Vec::new();
        if let Some((version, included)) = &self.floor {
            terms.push(format!("{} {version}", if *included { ">=" } else { ">" }));
        }
        if let Some((version, included)) = &self.ceiling {
            terms.push(format!("{} {version}", if *included { "<=" } else { "<" }));
        }
        terms.extend(self.holes.iter().map(|hole| format!("!= {hole}")));
        f.write_str(if terms.is_empty() { "any version" } else { "" })?;
        f.write_str(&terms.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_are_read_as_ranges() {
        for (constraint, expected) in [
            ("", "any version"),
            ("1.2", ">= 1.2.0, <= 1.2.0"),
            ("~> 5.0", ">= 5.0.0, < 6.0.0"),
            ("~> 5.1.2", ">= 5.1.2, < 5.2.0"),
            ("~> 5", ">= 5.0.0"),
            (">= 5.0, >= 5.2, < 7, != 6.1.0", ">= 5.2.0, < 7.0.0, != 6.1.0"),
        ] {
            assert_eq!(Range::parse(Some(constraint)).unwrap().to_string(), expected, "{constraint}");
        }
        assert_eq!(Range::parse(Some("latest")), None);
        assert_eq!(Range::parse(Some("=> 5")), None);
        for after in [format!("~> {}.0", u64::MAX), format!("~> 1.{}.0", u64::MAX)] {
            assert_eq!(Range::parse(Some(&after)), None, "nothing comes after {after}");
        }
    }
}
