//! Reads a topology: the parts in order, each collecting its problems.

use crate::declaration::{Declaration, Dns, Reading, flows, limits, names, ranges, tags, tiers};
use crate::diagnostics::{Code, Diagnostics, report};
use crate::features::Declared;
use crate::names::{Name, Zone};
use crate::topology::{Site, Topology};

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
        let reading = Reading { topology, zones: &zones, ranges: &ranges, tiers: &tiers };
        let features = Declared::read(&reading, &mut found);
        dns(topology, &mut found);
        let flows = flows::read(topology, &mut found);
        tags::check(
            &topology.tags,
            "the network",
            |key| topology.place(&format!("tags.{key}")).clone(),
            &mut found,
        );
        tags::count(topology, &mut found);
        let terraform = terraform(topology, &mut found);
        limits::check(topology, &tiers, &flows, &mut found);
        let reclaim = reclaim(topology, &mut found);
        let (Some(name), Some(features), false) = (name, features, found.has_errors()) else {
            return Err(found);
        };
        Ok(Declaration {
            name,
            description: topology.description.clone(),
            terraform,
            ranges: ranges.into_iter().flatten().collect(),
            zones,
            tiers: tiers.into_iter().flatten().collect(),
            places: Vec::new(),
            attachments: Vec::new(),
            flows: flows.into_iter().flatten().collect(),
            features,
            keep_clear,
            dns: topology.dns,
            tags: topology.tags.clone(),
            reclaim,
            origin: topology.origin.clone(),
            warnings: found,
        })
    }
}

fn network_name(topology: &Topology, found: &mut Diagnostics) -> Option<Name> {
    let name = names::name(&topology.name, "the network", &topology.origin.at("name"), found)?;
    // AWS keeps these for itself in the names of security groups and of subnet groups.
    if name.as_str().starts_with("sg-") || name.as_str() == "default" {
        report!(
            found, Code::RESERVED_NAME, &topology.origin.at("name"),
            "the name `{name}` of the network is one that AWS refuses for security groups or subnet groups";
            "choose a name that is not `default` and does not begin with `sg-`"
        );
    }
    Some(name)
}

/// Letters of availability zones, as the region with the most has them, us-east-1.
const ZONES_OF_REGIONS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// Returns whether a letter is that of a Local Zone, which the caller of the module always maps.
fn is_local(topology: &Topology, letter: &str) -> bool {
    let local = topology.tiers.iter().filter(|tier| tier.site == Some(Site::LocalZone));
    local.flat_map(|tier| tier.zones.iter().flatten()).any(|zone| zone == letter)
}

fn zones(topology: &Topology, found: &mut Diagnostics) -> Vec<Zone> {
    let mut zones = Vec::new();
    for (idx, letter) in topology.zones.iter().enumerate() {
        let origin = topology.place(&format!("zones[{idx}]"));
        match Zone::parse(letter) {
            Err(problem) => report!(
                found, Code::INVALID_ZONE, origin,
                "zone `{letter}` {problem}";
                "name zones by letter; the module's caller maps letters to availability zones"
            ),
            Ok(zone) if zones.contains(&zone) => report!(
                found, Code::DUPLICATE_ZONE, origin,
                "zone `{zone}` is declared twice";
                "declare each zone letter once"
            ),
            Ok(zone) => {
                if !ZONES_OF_REGIONS.contains(&letter.as_str()) && !is_local(topology, letter) {
                    report!(
                        found, Code::UNUSUAL_ZONE, origin,
                        "zone `{zone}` is in no region of AWS, whose zones are a to f";
                        "take a letter from a to f, or let every caller of the module map `{zone}` to a zone"
                    );
                }
                zones.push(zone);
            }
        }
    }
    if topology.zones.is_empty() {
        report!(
            found, Code::NO_ZONES, topology.place("zones"),
            "network `{}` has no zones", topology.name;
            "declare one zone letter or more, such as a, b, and c"
        );
    }
    zones.sort();
    zones
}

fn dns(topology: &Topology, found: &mut Diagnostics) {
    let Dns { support, hostnames } = topology.dns;
    if hostnames && !support {
        report!(
            found, Code::DNS_HOSTNAMES_WITHOUT_SUPPORT, topology.place("dns.hostnames"),
            "DNS hostnames are on but DNS support is off, which AWS refuses";
            "turn DNS support on, or hostnames off"
        );
    }
}

fn terraform(topology: &Topology, found: &mut Diagnostics) -> Option<(u64, u64)> {
    let text = topology.terraform.as_deref()?;
    let version = text.split_once('.').and_then(|(major, minor)| Some((number(major)?, number(minor)?)));
    if version.is_none() {
        report!(
            found, Code::INVALID_TERRAFORM_VERSION, topology.place("terraform"),
            "the Terraform version `{text}` is not a major and a minor number";
            "write it as 1.5"
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
    names.filter_map(|(idx, text)| names::name(text, "a tier to reclaim", place(idx), found)).collect()
}
