//! Reads tiers: their names, ranges, and sizes.

mod route_tables;
mod sites;

use std::collections::BTreeMap;

use crate::declaration::{Range, Size, Tier, names, tags};
use crate::diagnostics::{Code, Diagnostics, report};
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
        report!(
            found, Code::NO_TIERS, &topology.origin,
            "network `{}` has no tiers", topology.name;
            "declare one tier or more"
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
        let mut report = |code, key: &str, message: String, hint: &str| {
            report!(found, code, &tier.origin.at(key), "{message}"; "{hint}");
        };
        let name = &tier.name;
        let others = || topology.tiers.iter().enumerate().filter(|(other, _)| *other != idx);
        if topology.tiers[..idx].iter().any(|other| other.name == *name) {
            report(
                Code::DUPLICATE_TIER,
                "name",
                format!("tier `{name}` is declared twice"),
                "give each tier a name of its own",
            );
        }
        if let Some(meaning) = features::reserved(name) {
            report(
                Code::RESERVED_NAME,
                "name",
                format!("the name `{name}` of a tier already means {meaning}"),
                "give the tier another name",
            );
        }
        if topology.retired.contains(name) {
            report(
                Code::RETIRED_NAME,
                "name",
                format!("tier `{name}` has a name that is retired"),
                "give the tier another name, or release a new major version and drop the name from `retired`",
            );
        }
        for (nth, old) in tier.renamed_from.iter().enumerate() {
            let key = &format!("renamed_from[{nth}]");
            // Outputs keep the earlier names beside the new one.
            if let Some(meaning) = features::reserved(old) {
                report(
                    Code::RESERVED_NAME,
                    key,
                    format!("the earlier name `{old}` of tier `{name}` means {meaning}"),
                    "drop the rename: no tier can have had this name",
                );
            }
            if tier.renamed_from[..nth].contains(old) {
                report(
                    Code::RENAMED_TWICE,
                    key,
                    format!("tier `{name}` is renamed from `{old}` twice"),
                    "name each earlier name once",
                );
            }
            if topology.tiers.iter().any(|other| other.name == *old) {
                report(
                    Code::RENAMED_FROM_DECLARED,
                    key,
                    format!("tier `{name}` is renamed from `{old}`, but a tier `{old}` is declared"),
                    "drop the rename, or the other tier",
                );
            }
            if others().any(|(other, tier)| other < idx && tier.renamed_from.contains(old)) {
                report(
                    Code::RENAMED_TWICE,
                    key,
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
    let name = names::name(&tier.name, "a tier", &tier.origin.at("name"), found);
    let renamed_from: Vec<Option<Name>> = tier
        .renamed_from
        .iter()
        .enumerate()
        .map(|(nth, old)| {
            let origin = tier.origin.at(&format!("renamed_from[{nth}]"));
            names::name(old, &format!("tier `{}` before", tier.name), &origin, found)
        })
        .collect();
    tags::check(
        &tier.tags,
        &format!("tier `{}`", tier.name),
        |key| tier.origin.at(&format!("tags.{key}")),
        found,
    );
    if tier.generation == 0 {
        report!(
            found, Code::INVALID_GENERATION, &tier.origin.at("generation"),
            "tier `{}` has generation 0, but the first is 1", tier.name;
            "leave the generation out, or count from 1"
        );
    }
    if tier.public_ips && tier.access != topology::Access::Public {
        report!(
            found, Code::PUBLIC_IPS_OF_A_CLOSED_TIER, &tier.origin.at("public_ips"),
            "tier `{}` is {} and gives its instances public addresses, at which nothing reaches them", tier.name, tier.access;
            "drop `public_ips`, or make the tier public"
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
        max_length: max_length(topology, tier),
        generation: tier.generation,
        renamed_from: renamed_from.into_iter().collect::<Option<Vec<Name>>>()?,
        client_groups: tier.client_security_groups,
        public_ips: tier.public_ips,
        tags: tier.tags.clone(),
        origin: tier.origin.clone(),
    })
}

/// Reads the zones that a tier names; `None` where it names none or cannot have those.
fn own_zones(tier: &topology::Tier, zones: &[Zone], found: &mut Diagnostics) -> Option<Vec<Zone>> {
    let letters = tier.zones.as_ref()?;
    let name = &tier.name;
    let known: Vec<String> = zones.iter().map(Zone::to_string).collect();
    let mut report = |code, key: &str, message: String, hint: String| {
        report!(found, code, &tier.origin.at(key), "{message}"; "{hint}");
    };
    if letters.is_empty() {
        report(
            Code::TIER_WITHOUT_ZONES,
            "zones",
            format!("tier `{name}` has an empty list of zones, so it would have no subnet"),
            "name one zone or more, or leave `zones` out for every zone".to_owned(),
        );
    }
    let mut own = Vec::new();
    for (idx, letter) in letters.iter().enumerate() {
        let key = &format!("zones[{idx}]");
        match Zone::parse(letter).ok().filter(|zone| zones.contains(zone)) {
            None => report(
                Code::TIER_UNKNOWN_ZONE,
                key,
                format!("tier `{name}` has zone `{letter}`, which the network does not have"),
                format!(
                    "name one of {}, or declare the zone",
                    suggest::list(known.iter().map(String::as_str))
                ),
            ),
            Some(zone) if own.contains(&zone) => report(
                Code::DUPLICATE_ZONE,
                key,
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
        report!(
            found, Code::UNKNOWN_RANGE, &tier.origin.at("range"),
            "tier `{}` takes its addresses from range `{name}`, which is not declared", tier.name;
            "{}", suggest::hint(name, known.chain([super::ranges::BASE]))
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
    let mut report = |code, key: &str, message: String, hint: &str| {
        report!(found, code, &tier.origin.at(key), "{message}"; "{hint}");
    };
    let name = &tier.name;
    if tier.ranges.is_some() && (tier.prefix_length.is_some() || tier.need.is_some()) {
        report(
            Code::TIER_SIZE_CONFLICT,
            "ranges",
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
            Code::TIER_SIZE_MISSING,
            "",
            format!("tier `{name}` has no size"),
            "give it a prefix length, explicit ranges, or a need",
        );
        return None;
    }
    let declared = tier.prefix_length.map(|length| PrefixLength::new(length).ok_or(length));
    if let Some(Err(length)) = declared {
        report(
            Code::TIER_PREFIX_LENGTH,
            "prefix_length",
            format!("tier `{name}` has subnets of /{length}, but AWS takes a /16 to a /28"),
            "take a prefix length from 16 to 28",
        );
        return None;
    }
    let room = match &tier.need {
        Some(need) => {
            let control_plane = features::has_control_plane(topology, name);
            let subject = format!("tier `{name}`");
            Some(sizing::room(
                need,
                names::n_zones(topology, tier),
                control_plane,
                &subject,
                &tier.origin.at("need"),
                found,
            )?)
        }
        None => None,
    };
    let length = match (declared.and_then(Result::ok), &room) {
        (Some(length), Some(room)) if !room.fits(length.get()) => {
            let fitting = room.prefix_length();
            let also = match (room.prefixes, room.longest) {
                (0, 28..) => String::new(),
                (0, longest) => format!(", and a /{longest} for load balancers"),
                (prefixes, _) => format!(", {prefixes} whole /28 among them"),
            };
            let hint = match fitting {
                Some(fitting) => format!("take a /{fitting}, or leave the prefix length out"),
                None => "spread the need over several tiers".to_owned(),
            };
            report!(
                found, Code::NEED_EXCEEDS_SIZE, &tier.origin.at("prefix_length"),
                "tier `{name}` needs {} addresses in each subnet ({}){also}, but a /{length} has {}",
                room.addresses, room.reason, V4::addresses(length.get());
                "{hint}"
            );
            return None;
        }
        (Some(length), _) => length,
        (None, room) => {
            let room = room.as_ref()?;
            let Some(length) = room.prefix_length() else {
                report!(
                    found, Code::NEED_TOO_LARGE, &tier.origin.at("need"),
                    "tier `{name}` needs {} addresses in each subnet ({}), but the largest subnet, a /16, has 65536", room.addresses, room.reason;
                    "spread the need over several tiers, or let pods have a tier of their own"
                );
                return None;
            };
            length
        }
    };
    Some(Size::PrefixLength { length, need: room })
}

fn max_length(topology: &Topology, tier: &topology::Tier) -> PrefixLength {
    let mut ignored = Diagnostics::default();
    let control_plane = features::has_control_plane(topology, &tier.name);
    let room = tier.need.as_ref().and_then(|need| {
        sizing::room(
            need,
            names::n_zones(topology, tier),
            control_plane,
            "the tier",
            &tier.origin,
            &mut ignored,
        )
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
    let mut report = |code, key: &str, message: String, hint: String| {
        report!(found, code, &tier.origin.at(key), "{message}"; "{hint}");
        sound = false;
    };
    for (letter, text) in ranges {
        let key = &format!("ranges.{letter}");
        let zone = Zone::parse(letter).ok().filter(|zone| zones.contains(zone));
        if zone.is_none() {
            report(
                Code::PINNED_UNKNOWN_ZONE,
                key,
                format!("tier `{name}` has a range for zone `{letter}`, which {owner} does not have"),
                format!("drop the range, or {hint}"),
            );
        }
        let cidr = match Cidr::parse(text) {
            Ok(cidr) => cidr,
            Err(problem) => {
                report(
                    Code::INVALID_RANGE,
                    key,
                    format!("`{text}` as the range of tier `{name}` in zone `{letter}` {problem}"),
                    "write the first address and the prefix length, such as 10.0.1.0/24".to_owned(),
                );
                continue;
            }
        };
        if !SUBNET_LENGTHS.contains(&cidr.prefix_length()) {
            report(
                Code::TIER_PREFIX_LENGTH,
                key,
                format!(
                    "tier `{name}` has the range {cidr} in zone `{letter}`, but AWS takes subnets from /16 to /28"
                ),
                "take a prefix length from 16 to 28".to_owned(),
            );
        } else if let Some(range) = range.filter(|range| !range.cidr.contains(cidr)) {
            report(
                Code::PINNED_OUTSIDE,
                key,
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
            Code::PINNED_MISSING_ZONE,
            "ranges",
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
                    report!(
                        found, Code::PINNED_OVERLAP, &tier.origin.at(&format!("ranges.{zone}")),
                        "tier `{}` in zone `{zone}` ({cidr}) overlaps tier `{}` in zone `{other_zone}` ({other_cidr})", tier.name, other.name;
                        "take ranges that share no address"
                    );
                }
            }
            before.push((tier, *zone, *cidr));
        }
    }
}
