//! Reads tiers: their names, ranges, and sizes.

mod route_tables;
mod sites;

use std::collections::BTreeMap;

use crate::declaration::{Range, Size, Tier, names, tags};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::family::{Address, V4};
use crate::features;
use crate::names::{Cidr, Name, PrefixLength, Zone};
use crate::sizing::{self, SUBNET_LENGTHS};
use crate::suggest;
use crate::topology::{self, Topology};

/// Reads all tiers; `None` in the place of each that is wrong.
pub(super) fn read(
    topology: &Topology,
    zones: &[Zone],
    ranges: &[Option<Range>],
    found: &mut Diagnostics,
) -> Vec<Option<Tier>> {
    if topology.tiers.is_empty() {
        found.push(
            Diagnostic::error(
                "no-tiers",
                &topology.origin,
                format!("network `{}` has no tiers", topology.name),
            )
            .hint("declare one tier or more"),
        );
    }
    check_names(topology, found);
    let tiers: Vec<Option<Tier>> =
        topology.tiers.iter().map(|tier| one(topology, tier, zones, ranges, found)).collect();
    pinned_pairs(&tiers, found);
    route_tables::check(topology, found);
    sites::check(topology, found);
    tiers
}

/// Reports names that two tiers have or had, and those that nobody may have.
fn check_names(topology: &Topology, found: &mut Diagnostics) {
    for (idx, tier) in topology.tiers.iter().enumerate() {
        let mut report = |code, message: String, hint: &str| {
            found.push(Diagnostic::error(code, &tier.origin, message).hint(hint));
        };
        let name = &tier.name;
        let others = || topology.tiers.iter().enumerate().filter(|(other, _)| *other != idx);
        if topology.tiers[..idx].iter().any(|other| other.name == *name) {
            report(
                "duplicate-tier",
                format!("tier `{name}` is declared twice"),
                "give each tier a name of its own",
            );
        }
        if let Some(meaning) = features::reserved(name) {
            report(
                "reserved-name",
                format!("the name `{name}` of a tier already means {meaning}"),
                "give the tier another name",
            );
        }
        if topology.retired.contains(name) {
            report(
                "retired-name",
                format!("tier `{name}` has a name that is retired"),
                "give the tier another name, or release a new major version and drop the name from `retired`",
            );
        }
        for (nth, old) in tier.renamed_from.iter().enumerate() {
            // Outputs keep the earlier names beside the new one.
            if let Some(meaning) = features::reserved(old) {
                report(
                    "reserved-name",
                    format!("the earlier name `{old}` of tier `{name}` means {meaning}"),
                    "drop the rename: no tier can have had this name",
                );
            }
            if tier.renamed_from[..nth].contains(old) {
                report(
                    "renamed-twice",
                    format!("tier `{name}` is renamed from `{old}` twice"),
                    "name each earlier name once",
                );
            }
            if topology.tiers.iter().any(|other| other.name == *old) {
                report(
                    "renamed-from-declared",
                    format!("tier `{name}` is renamed from `{old}`, but a tier `{old}` is declared"),
                    "drop the rename, or the other tier",
                );
            }
            if others().any(|(other, tier)| other < idx && tier.renamed_from.contains(old)) {
                report(
                    "renamed-twice",
                    format!("two tiers are renamed from `{old}`"),
                    "keep the rename at the tier that takes over the subnets",
                );
            }
        }
    }
}

fn one(
    topology: &Topology,
    tier: &topology::Tier,
    zones: &[Zone],
    ranges: &[Option<Range>],
    found: &mut Diagnostics,
) -> Option<Tier> {
    let name = names::name(&tier.name, "a tier", &tier.origin, found);
    let renamed_from: Vec<Option<Name>> = tier
        .renamed_from
        .iter()
        .map(|old| names::name(old, &format!("tier `{}` before", tier.name), &tier.origin, found))
        .collect();
    tags::check(&tier.tags, &format!("tier `{}`", tier.name), |_| &tier.origin, found);
    if tier.generation == 0 {
        found.push(
            Diagnostic::error(
                "invalid-generation",
                &tier.origin,
                format!("tier `{}` has generation 0, but the first is 1", tier.name),
            )
            .hint("leave the generation out, or count from 1"),
        );
    }
    let range = range(topology, tier, found);
    let own_zones = own_zones(tier, zones, found);
    let used = own_zones.as_deref().unwrap_or(zones);
    let size = size(topology, tier, used, range.and_then(|range| ranges[range].as_ref()), found);
    Some(Tier {
        name: name?,
        access: tier.access,
        zones: own_zones.clone(),
        site: tier.site,
        route_table: route_tables::read(topology, tier, found)?,
        range: range?,
        size: size?,
        sized_by_need: tier.prefix_length.is_none() && tier.need.is_some(),
        max_length: max_length(topology, tier, used),
        generation: tier.generation,
        renamed_from: renamed_from.into_iter().collect::<Option<Vec<Name>>>()?,
        client_groups: tier.client_security_groups,
        tags: tier.tags.clone(),
        origin: tier.origin.clone(),
    })
}

/// Reads the zones that a tier names; `None` where it names none or cannot have those.
fn own_zones(tier: &topology::Tier, zones: &[Zone], found: &mut Diagnostics) -> Option<Vec<Zone>> {
    let letters = tier.zones.as_ref()?;
    let name = &tier.name;
    let known: Vec<String> = zones.iter().map(Zone::to_string).collect();
    let mut report = |code, message: String, hint: String| {
        found.push(Diagnostic::error(code, &tier.origin, message).hint(hint));
    };
    if letters.is_empty() {
        report(
            "tier-without-zones",
            format!("tier `{name}` has an empty list of zones, so it would have no subnet"),
            "name one zone or more, or leave `zones` out for every zone".to_owned(),
        );
    }
    let mut own = Vec::new();
    for letter in letters {
        match Zone::parse(letter).ok().filter(|zone| zones.contains(zone)) {
            None => report(
                "tier-unknown-zone",
                format!("tier `{name}` has zone `{letter}`, which the network does not have"),
                format!(
                    "name one of {}, or declare the zone",
                    suggest::list(known.iter().map(String::as_str))
                ),
            ),
            Some(zone) if own.contains(&zone) => report(
                "duplicate-zone",
                format!("tier `{name}` names zone `{zone}` twice"),
                "name each zone once".to_owned(),
            ),
            Some(zone) => own.push(zone),
        }
    }
    own.sort();
    (!own.is_empty()).then_some(own)
}

fn range(topology: &Topology, tier: &topology::Tier, found: &mut Diagnostics) -> Option<usize> {
    let Some(name) = tier.range.as_deref().filter(|name| *name != super::ranges::BASE) else {
        return Some(0);
    };
    let position = topology.secondary.iter().position(|range| range.name == name);
    if position.is_none() {
        let known = topology.secondary.iter().map(|range| range.name.as_str());
        found.push(
            Diagnostic::error(
                "unknown-range",
                &tier.origin,
                format!(
                    "tier `{}` takes its addresses from range `{name}`, which is not declared",
                    tier.name
                ),
            )
            .hint(suggest::hint(name, known.chain([super::ranges::BASE]))),
        );
    }
    position.map(|position| position + 1)
}

fn size(
    topology: &Topology,
    tier: &topology::Tier,
    zones: &[Zone],
    range: Option<&Range>,
    found: &mut Diagnostics,
) -> Option<Size> {
    let mut report = |code, message: String, hint: &str| {
        found.push(Diagnostic::error(code, &tier.origin, message).hint(hint));
    };
    let name = &tier.name;
    if tier.ranges.is_some() && (tier.prefix_length.is_some() || tier.need.is_some()) {
        report(
            "tier-size-conflict",
            format!("tier `{name}` has explicit ranges and a prefix length or a need"),
            "keep one of them",
        );
        return None;
    }
    if let Some(ranges) = &tier.ranges {
        return pinned(tier, ranges, zones, range, found).map(Size::Pinned);
    }
    if tier.prefix_length.is_none() && tier.need.is_none() {
        report(
            "tier-size-missing",
            format!("tier `{name}` has no size"),
            "give it a prefix length, explicit ranges, or a need",
        );
        return None;
    }
    let declared = tier.prefix_length.map(|length| PrefixLength::new(length).ok_or(length));
    if let Some(Err(length)) = declared {
        report(
            "tier-prefix-length",
            format!("tier `{name}` has subnets of /{length}, but AWS takes a /16 to a /28"),
            "take a prefix length from 16 to 28",
        );
        return None;
    }
    let room = match &tier.need {
        Some(need) => {
            let control_plane = features::has_control_plane(topology, name);
            let subject = format!("tier `{name}`");
            Some(sizing::room(need, zones.len(), control_plane, &subject, &tier.origin, found)?)
        }
        None => None,
    };
    let length = match (declared.and_then(Result::ok), &room) {
        (Some(length), Some(room)) if !room.fits(length.get()) => {
            let fitting = room.prefix_length();
            found.push(
                Diagnostic::error(
                    "need-exceeds-size",
                    &tier.origin,
                    format!(
                        "tier `{name}` needs {} addresses in each subnet ({}){}, but a /{length} has {}",
                        room.addresses,
                        room.reason,
                        match (room.prefixes, room.longest) {
                            (0, 28..) => String::new(),
                            (0, longest) => format!(", and a /{longest} for load balancers"),
                            (prefixes, _) => format!(", {prefixes} whole /28 among them"),
                        },
                        V4::addresses(length.get())
                    ),
                )
                .hint(match fitting {
                    Some(fitting) => format!("take a /{fitting}, or leave the prefix length out"),
                    None => "spread the need over several tiers".to_owned(),
                }),
            );
            return None;
        }
        (Some(length), _) => length,
        (None, room) => {
            let room = room.as_ref()?;
            let Some(length) = room.prefix_length() else {
                found.push(
                    Diagnostic::error(
                        "need-too-large",
                        &tier.origin,
                        format!(
                            "tier `{name}` needs {} addresses in each subnet ({}), but the largest subnet, a /16, has 65536",
                            room.addresses, room.reason
                        ),
                    )
                    .hint("spread the need over several tiers, or let pods have a tier of their own"),
                );
                return None;
            };
            length
        }
    };
    Some(Size::PrefixLength { length, need: room })
}

fn max_length(topology: &Topology, tier: &topology::Tier, zones: &[Zone]) -> PrefixLength {
    let mut ignored = Diagnostics::default();
    let control_plane = features::has_control_plane(topology, &tier.name);
    let room = tier.need.as_ref().and_then(|need| {
        sizing::room(need, zones.len(), control_plane, "the tier", &tier.origin, &mut ignored)
    });
    room.and_then(|room| room.prefix_length()).unwrap_or(PrefixLength::MAX)
}

/// Reads explicit ranges: one for each zone of the tier, inside the tier's range.
fn pinned(
    tier: &topology::Tier,
    ranges: &BTreeMap<String, String>,
    zones: &[Zone],
    range: Option<&Range>,
    found: &mut Diagnostics,
) -> Option<BTreeMap<Zone, Cidr>> {
    let name = &tier.name;
    let (owner, hint) = match tier.zones {
        Some(_) => ("the tier", "add the letter to the tier's `zones`"),
        None => ("the network", "declare the zone"),
    };
    let mut read = BTreeMap::new();
    let mut sound = true;
    let mut report = |code, message: String, hint: String| {
        found.push(Diagnostic::error(code, &tier.origin, message).hint(hint));
        sound = false;
    };
    for (letter, text) in ranges {
        let zone = Zone::parse(letter).ok().filter(|zone| zones.contains(zone));
        if zone.is_none() {
            report(
                "pinned-unknown-zone",
                format!("tier `{name}` has a range for zone `{letter}`, which {owner} does not have"),
                format!("drop the range, or {hint}"),
            );
        }
        let cidr = match Cidr::parse(text) {
            Ok(cidr) => cidr,
            Err(problem) => {
                report(
                    "invalid-range",
                    format!("`{text}` as the range of tier `{name}` in zone `{letter}` {problem}"),
                    "write the first address and the prefix length, such as 10.0.1.0/24".to_owned(),
                );
                continue;
            }
        };
        if !SUBNET_LENGTHS.contains(&cidr.prefix_length()) {
            report(
                "tier-prefix-length",
                format!(
                    "tier `{name}` has the range {cidr} in zone `{letter}`, but AWS takes subnets from /16 to /28"
                ),
                "take a prefix length from 16 to 28".to_owned(),
            );
        } else if let Some(range) = range.filter(|range| !range.cidr.contains(cidr)) {
            report(
                "pinned-outside",
                format!(
                    "tier `{name}` has the range {cidr} in zone `{letter}`, outside its range `{}` ({})",
                    range.name, range.cidr
                ),
                format!("take a part of {}", range.cidr),
            );
        }
        if let Some(zone) = zone {
            read.insert(zone, cidr);
        }
    }
    for zone in zones.iter().filter(|zone| !ranges.contains_key(&zone.to_string())) {
        report(
            "pinned-missing-zone",
            format!("tier `{name}` has explicit ranges, but none for zone `{zone}`"),
            format!("add a range for `{zone}`"),
        );
    }
    sound.then_some(read)
}

/// Reports explicit ranges that overlap, of one tier or two.
fn pinned_pairs(tiers: &[Option<Tier>], found: &mut Diagnostics) {
    let mut before: Vec<(&Tier, Zone, Cidr)> = Vec::new();
    for tier in tiers.iter().flatten() {
        let Size::Pinned(ranges) = &tier.size else { continue };
        for (zone, cidr) in ranges {
            for (other, other_zone, other_cidr) in &before {
                if other_cidr.overlaps(*cidr) {
                    found.push(
                        Diagnostic::error(
                            "pinned-overlap",
                            &tier.origin,
                            format!(
                                "tier `{}` in zone `{zone}` ({cidr}) overlaps tier `{}` in zone `{other_zone}` ({other_cidr})",
                                tier.name, other.name
                            ),
                        )
                        .hint("take ranges that share no address"),
                    );
                }
            }
            before.push((tier, *zone, *cidr));
        }
    }
}
