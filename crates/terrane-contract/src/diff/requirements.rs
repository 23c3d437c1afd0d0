//! What a module asks of its surroundings: Terraform, providers, other modules.

use super::{Bump, Report};
use crate::range::Range;
use crate::{Contract, Provider};

/// Providers that need no configuration from the caller.
const SELF_CONFIGURED: [&str; 8] = [
    "hashicorp/archive",
    "hashicorp/cloudinit",
    "hashicorp/external",
    "hashicorp/local",
    "hashicorp/null",
    "hashicorp/random",
    "hashicorp/time",
    "hashicorp/tls",
];

pub(super) fn compare(old: &Contract, new: &Contract, report: &mut Report) {
    for (name, before) in &old.providers {
        let address = format!("provider.{name}");
        match new.providers.get(name) {
            Some(after) => provider(&address, before, after, report),
            None => report.add("P04", Bump::Major, address, "objects of this provider in a state lose it"),
        }
    }
    for (name, provider) in new.providers.iter().filter(|(name, _)| !old.providers.contains_key(*name)) {
        let address = format!("provider.{name}");
        if SELF_CONFIGURED.contains(&short(&provider.source)) && provider.aliases.is_empty() {
            report.add("P06", Bump::Minor, address, "a new provider that needs no configuration");
        } else {
            report.add("P06", Bump::Major, address, "a new provider that callers may have to configure");
        }
    }
    // One that was there before keeps nobody from upgrading.
    configured(new.configured_providers.difference(&old.configured_providers), report);
    required_version(old, new, report);
    calls(old, new, report);
}

/// Reports providers that a module configures itself.
pub(super) fn configured<'a>(providers: impl Iterator<Item = &'a String>, report: &mut Report) {
    for name in providers {
        let message = "a module that configures providers cannot be used with count, for_each, or depends_on; \
                       leave the configuration to the caller";
        report.add("P08", Bump::Refused, format!("provider.{name}"), message);
    }
}

fn short(source: &str) -> &str {
    source.strip_prefix("registry.terraform.io/").unwrap_or(source)
}

fn provider(address: &str, old: &Provider, new: &Provider, report: &mut Report) {
    if short(&old.source) != short(&new.source) {
        let message = format!("`{}` instead of `{}`; states name the old one", new.source, old.source);
        report.add("P04", Bump::Major, address, message);
        return;
    }
    for alias in new.aliases.difference(&old.aliases) {
        report.add("P06", Bump::Major, address, format!("callers must pass a configuration for `{alias}`"));
    }
    for alias in old.aliases.difference(&new.aliases) {
        report.add("P07", Bump::Major, address, format!("callers that pass `{alias}` are refused"));
    }
    let (before, after) = (Range::parse(old.version.as_deref()), Range::parse(new.version.as_deref()));
    let (Some(before), Some(after)) = (before, after) else {
        if old.version != new.version {
            report.add(
                "P02",
                Bump::Major,
                address,
                "the version constraint cannot be read, so it may exclude versions",
            );
        }
        return;
    };
    if before == after {
        return;
    }
    let change = format!("`{after}` instead of `{before}`");
    if before.is_within(&after) {
        report.add("P03", Bump::Minor, address, change);
    } else if after.raises_only_the_floor_of(&before) && after.floor_major() == before.floor_major() {
        report.add("P01", Bump::Minor, address, change);
    } else {
        report.add("P02", Bump::Major, address, format!("{change}; init fails where the old one is locked"));
    }
}

fn required_version(old: &Contract, new: &Contract, report: &mut Report) {
    let ranges =
        (Range::parse(old.required_version.as_deref()), Range::parse(new.required_version.as_deref()));
    match ranges {
        (Some(before), Some(after)) if before == after => {}
        (Some(before), Some(after)) if before.is_within(&after) => {
            report.add("P05", Bump::Minor, "required_version", format!("`{after}` instead of `{before}`"));
        }
        (Some(before), Some(after)) => {
            let message = format!("`{after}` instead of `{before}`; init fails with an excluded version");
            report.add("P05", Bump::Major, "required_version", message);
        }
        _ if old.required_version == new.required_version => {}
        _ => report.add(
            "P05",
            Bump::Major,
            "required_version",
            "it cannot be read, so it may exclude versions",
        ),
    }
}

fn calls(old: &Contract, new: &Contract, report: &mut Report) {
    for (name, before) in &old.modules {
        let Some(after) = new.modules.get(name) else { continue };
        let local = |source: &str| source.starts_with("./") || source.starts_with("../");
        let address = format!("module.{name}");
        if before.source != after.source && !(local(&before.source) && local(&after.source)) {
            let message = format!(
                "calls `{}` instead of `{}`, whose effects are not compared",
                after.source, before.source
            );
            report.add("M01", Bump::Major, address, message);
        } else if before.version != after.version {
            let floor = |version: &Option<String>| {
                Range::parse(version.as_deref()).and_then(|range| range.floor_major())
            };
            let same_major =
                floor(&before.version).is_some() && floor(&before.version) == floor(&after.version);
            let bump = if same_major { Bump::Minor } else { Bump::Major };
            let show = |version: &Option<String>| version.clone().unwrap_or_else(|| "any".to_owned());
            let message =
                format!("calls version `{}` instead of `{}`", show(&after.version), show(&before.version));
            report.add("M01", bump, address, message);
        }
    }
}
