//! Reads a topology: the parts in order, each collecting its problems.

use crate::declaration::{Declaration, Dns, egress, eks, flows, limits, ranges, tags, tiers};
use crate::diagnostics::{Diagnostic, Diagnostics, Origin};
use crate::features::endpoints;
use crate::names::{Name, Zone};
use crate::suggest;
use crate::topology::{INTERNET, Topology};

impl Declaration {
    /// Reads a topology.
    ///
    /// # Errors
    ///
    /// Returns every problem that a topology alone shows.
    pub fn read(topology: &Topology) -> Result<Declaration, Diagnostics> {
        let mut found = Diagnostics::default();
        let name = network_name(topology, &mut found);
        let zones = zones(topology, &mut found);
        let ranges = ranges::read(topology, &mut found);
        let keep_clear = ranges::keep_clear(topology, &ranges, &mut found);
        let tiers = tiers::read(topology, &zones, &ranges, &mut found);
        let egress = egress::read(topology, &zones, &mut found);
        gateway_endpoints(topology, &mut found);
        dns(topology, &mut found);
        let flows = flows::read(topology, &mut found);
        let subnet_groups = flows::groups(topology, &zones, &mut found);
        let eks = eks::read(topology, &zones, &ranges, &tiers, &mut found);
        tags::check(&topology.tags, "the network", |key| topology.place(&format!("tags.{key}")), &mut found);
        tags::count(topology, &mut found);
        let terraform = terraform(topology, &mut found);
        limits::check(topology, &zones, &tiers, &flows, &mut found);
        let reclaim = reclaim(topology, &mut found);
        let (Some(name), Some(egress), false) = (name, egress, found.has_errors()) else {
            return Err(found);
        };
        Ok(Declaration {
            name,
            description: topology.description.clone(),
            terraform,
            ranges: ranges.into_iter().flatten().collect(),
            zones,
            tiers: tiers.into_iter().flatten().collect(),
            egress,
            places: Vec::new(),
            attachments: Vec::new(),
            flows: flows.into_iter().flatten().collect(),
            subnet_groups: subnet_groups.into_iter().flatten().collect(),
            eks,
            endpoints: topology.endpoints.clone(),
            keep_clear,
            dns: topology.dns,
            tags: topology.tags.clone(),
            close_defaults: topology.close_defaults,
            reclaim,
            origin: topology.origin.clone(),
            warnings: found,
        })
    }
}

/// Returns the position of a tier, and reports a name that no tier has.
pub(super) fn tier(
    topology: &Topology,
    name: &str,
    user: &str,
    origin: &Origin,
    found: &mut Diagnostics,
) -> Option<usize> {
    let position = topology.tiers.iter().position(|tier| tier.name == name);
    if position.is_none() {
        let known = topology.tiers.iter().map(|tier| tier.name.as_str());
        found.push(
            Diagnostic::error(
                "unknown-tier",
                origin,
                format!("{user} names tier `{name}`, which is not declared"),
            )
            .hint(suggest::hint(name, known)),
        );
    }
    position
}

/// Reads a name, and reports what is wrong with it.
pub(super) fn name(text: &str, subject: &str, origin: &Origin, found: &mut Diagnostics) -> Option<Name> {
    Name::parse(text)
        .map_err(|problem| {
            let diagnostic = Diagnostic::error(
                "invalid-name",
                origin,
                format!("the name `{text}` of {subject} {problem}"),
            );
            found.push(diagnostic.hint(format!(
                "use 1 to {} lower-case letters, digits, and single hyphens, beginning with a letter",
                Name::MAX_LENGTH
            )));
        })
        .ok()
}

fn network_name(topology: &Topology, found: &mut Diagnostics) -> Option<Name> {
    let name = name(&topology.name, "the network", &topology.origin, found)?;
    // AWS keeps these for itself in the names of security groups and of subnet groups.
    if name.as_str().starts_with("sg-") || name.as_str() == "default" {
        found.push(
            Diagnostic::error(
                "reserved-name",
                &topology.origin,
                format!("the name `{name}` of the network is one that AWS refuses for security groups or subnet groups"),
            )
            .hint("choose a name that is not `default` and does not begin with `sg-`"),
        );
    }
    Some(name)
}

fn zones(topology: &Topology, found: &mut Diagnostics) -> Vec<Zone> {
    let mut zones = Vec::new();
    for (idx, letter) in topology.zones.iter().enumerate() {
        let origin = topology.place(&format!("zones[{idx}]"));
        match Zone::parse(letter) {
            Err(problem) => found.push(
                Diagnostic::error("invalid-zone", origin, format!("zone `{letter}` {problem}"))
                    .hint("name zones by letter; the module's caller maps letters to availability zones"),
            ),
            Ok(zone) if zones.contains(&zone) => found.push(
                Diagnostic::error("duplicate-zone", origin, format!("zone `{zone}` is declared twice"))
                    .hint("declare each zone letter once"),
            ),
            Ok(zone) => zones.push(zone),
        }
    }
    if topology.zones.is_empty() {
        found.push(
            Diagnostic::error(
                "no-zones",
                topology.place("zones"),
                format!("network `{}` has no zones", topology.name),
            )
            .hint("declare one zone letter or more, such as a, b, and c"),
        );
    }
    zones.sort();
    zones
}

fn gateway_endpoints(topology: &Topology, found: &mut Diagnostics) {
    for (idx, service) in topology.endpoints.iter().enumerate() {
        let origin = topology.place(&format!("endpoints[{idx}]"));
        if endpoints::kind(service).is_none() {
            found.push(
                Diagnostic::error(
                    "unknown-endpoint",
                    origin,
                    format!("there is no gateway endpoint for `{service}`"),
                )
                .hint(suggest::hint(service, endpoints::KINDS.iter().map(|kind| kind.name))),
            );
        } else if topology.endpoints[..idx].contains(service) {
            found.push(
                Diagnostic::error(
                    "duplicate-endpoint",
                    origin,
                    format!("the gateway endpoint `{service}` is declared twice"),
                )
                .hint("declare it once"),
            );
        }
    }
}

fn dns(topology: &Topology, found: &mut Diagnostics) {
    let Dns { support, hostnames } = topology.dns;
    if hostnames && !support {
        found.push(
            Diagnostic::error(
                "dns-hostnames-without-support",
                topology.place("dns.hostnames"),
                "DNS hostnames are on but DNS support is off, which AWS refuses",
            )
            .hint("turn DNS support on, or hostnames off"),
        );
    }
}

fn terraform(topology: &Topology, found: &mut Diagnostics) -> Option<(u64, u64)> {
    let text = topology.terraform.as_deref()?;
    let version = text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    if version.is_none() {
        found.push(
            Diagnostic::error(
                "invalid-terraform-version",
                topology.place("terraform"),
                format!("the Terraform version `{text}` is not a major and a minor number"),
            )
            .hint("write it as 1.5"),
        );
    }
    version
}

/// Reads digits without sign or leading zero.
fn number(text: &str) -> Option<u64> {
    let number = text.parse().ok()?;
    (text == format!("{number}")).then_some(number)
}

fn reclaim(topology: &Topology, found: &mut Diagnostics) -> Vec<Name> {
    let names = topology.reclaim.iter().enumerate();
    let place = |idx| topology.place(&format!("reclaim[{idx}]"));
    names.filter_map(|(idx, text)| name(text, "a tier to reclaim", place(idx), found)).collect()
}

/// Returns whether a word means something else where tiers are named.
pub(super) fn taken(name: &str) -> Option<&'static str> {
    match name {
        INTERNET => Some("everything outside the network"),
        _ if endpoints::kind(name).is_some() => Some("a gateway endpoint"),
        "eks-cluster" => Some("the subnets of control planes among the module's outputs"),
        _ => None,
    }
}
