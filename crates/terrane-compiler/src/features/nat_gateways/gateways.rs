//! Reads which zones have a NAT gateway, and how the others leave.

use std::collections::BTreeMap;

use super::NatMode;
use crate::declaration::names;
use crate::diagnostics::{Code, Diagnostics, report};
use crate::names::Zone;
use crate::network::Gateways;
use crate::suggest;
use crate::topology::{Access, Topology};

/// Reads the zones of NAT gateways in the subnets of a tier; `home` is that of a single one.
pub(super) fn read(
    topology: &Topology,
    zones: &[Zone],
    tier: usize,
    home: Option<Zone>,
    found: &mut Diagnostics,
) -> Option<Gateways> {
    let holds = names::tier_zones(&topology.tiers[tier], zones);
    let mut reader = Reader { topology, zones, holds, tier: topology.tiers[tier].name.as_str(), misnamed: false, found };
    let listed = reader.list();
    let fallback = reader.fallback();
    match (topology.features.egress.nat, home) {
        (NatMode::None, _) => None,
        (NatMode::Single, _) | (_, Some(_)) => {
            let home = home?;
            reader.need_tier("home", &[home]);
            reader.refuse_fallback(&fallback, "every zone leaves through the only NAT gateway");
            Some(Gateways::Home(home))
        }
        (NatMode::PerZone, None) if topology.tiers[tier].zones.is_none() => {
            reader.refuse_fallback(&fallback, "every zone has a NAT gateway");
            Some(Gateways::EachZone)
        }
        (NatMode::PerZone, None) => {
            let own = reader.holds.clone();
            reader.some(own, fallback)
        }
        (NatMode::Zones, None) => {
            let own = listed?;
            reader.need_tier("zones", &own);
            reader.some(own, fallback)
        }
    }
}

struct Reader<'a> {
    topology: &'a Topology,
    zones: &'a [Zone],
    /// The zones of the tier that holds the gateways.
    holds: Vec<Zone>,
    /// The name of that tier.
    tier: &'a str,
    /// Whether a zone was named that is not one of the network, so that others seem to lack what it was to have.
    misnamed: bool,
    found: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn report(&mut self, code: Code, key: &str, message: String, hint: String) {
        report!(self.found, code, &self.topology.features.egress.origin.at(key), "{message}"; "{hint}");
    }

    /// Reads a letter of the network, and reports one that it does not have.
    fn zone(&mut self, key: &str, letter: &str) -> Option<Zone> {
        let zone = Zone::parse(letter).ok().filter(|zone| self.zones.contains(zone));
        if zone.is_none() {
            self.misnamed = true;
            let known = letters(self.zones);
            self.report(
                Code::NAT_ZONE_UNKNOWN,
                key,
                format!("egress names zone `{letter}`, which the network does not have"),
                format!("name one of {known}"),
            );
        }
        zone
    }

    /// Reads the zones that are named, which gateways in some zones have and others have not.
    fn list(&mut self) -> Option<Vec<Zone>> {
        let egress = &self.topology.features.egress;
        match (egress.nat, egress.zones.is_empty()) {
            (NatMode::Zones, false) => {}
            (NatMode::Zones, true) => {
                let all = letters(self.zones);
                self.report(
                    Code::NAT_ZONES_MISSING,
                    "nat",
                    "egress has NAT gateways in some zones, but names none".to_owned(),
                    format!("name zones with a gateway, of {all}"),
                );
                return None;
            }
            (_, false) => {
                self.report(
                    Code::NAT_ZONES_UNUSED,
                    "zones",
                    format!(
                        "egress names the zones {} but nat is not \"zones\"",
                        suggest::list(egress.zones.iter().map(String::as_str))
                    ),
                    "choose nat = \"zones\", or drop `zones`".to_owned(),
                );
                return None;
            }
            (_, true) => return None,
        }
        let mut own = Vec::new();
        for (idx, letter) in egress.zones.iter().enumerate() {
            let Some(zone) = self.zone(&format!("zones[{idx}]"), letter) else { continue };
            if own.contains(&zone) {
                self.report(
                    Code::DUPLICATE_ZONE,
                    &format!("zones[{idx}]"),
                    format!("egress names zone `{zone}` twice"),
                    "name each zone once".to_owned(),
                );
            } else {
                own.push(zone);
            }
        }
        own.sort();
        (!own.is_empty()).then_some(own)
    }

    fn fallback(&mut self) -> BTreeMap<Zone, Zone> {
        let mut read = BTreeMap::new();
        for (from, to) in &self.topology.features.egress.fallback {
            let key = format!("fallback.{from}");
            let (from, to) = (self.zone(&key, from), self.zone(&key, to));
            read.extend(from.zip(to));
        }
        read
    }

    fn refuse_fallback(&mut self, fallback: &BTreeMap<Zone, Zone>, why: &str) {
        for zone in fallback.keys() {
            self.report(
                Code::NAT_FALLBACK_UNUSED,
                &format!("fallback.{zone}"),
                format!("egress has a fallback for zone `{zone}`, but {why}"),
                "drop it".to_owned(),
            );
        }
    }

    /// Reports zones of gateways in which their tier has no subnet.
    fn need_tier(&mut self, key: &str, gateways: &[Zone]) {
        let lacking: Vec<Zone> = gateways.iter().copied().filter(|zone| !self.holds.contains(zone)).collect();
        for zone in lacking {
            let (tier, has) = (self.tier, letters(&self.holds));
            self.report(
                Code::NAT_ZONE_WITHOUT_TIER,
                key,
                format!("egress has a NAT gateway in zone `{zone}`, but tier `{tier}`, which holds them, has subnets in {has} only"),
                format!("put the gateways in those zones, or add `{zone}` to the zones of `{tier}`"),
            );
        }
    }

    /// Checks that every zone with private subnets has a gateway or a fallback.
    fn some(&mut self, own: Vec<Zone>, fallback: BTreeMap<Zone, Zone>) -> Option<Gateways> {
        let private = || self.topology.tiers.iter().filter(|tier| tier.access == Access::Private);
        let needs = |zone: Zone| private().find(|tier| names::tier_zones(tier, self.zones).contains(&zone));
        let lacking: Vec<(Zone, String)> = self
            .zones
            .iter()
            .filter(|zone| !self.misnamed && !own.contains(zone) && !fallback.contains_key(zone))
            .filter_map(|zone| Some((*zone, needs(*zone)?.name.clone())))
            .collect();
        let unused: Vec<(Zone, &str)> = fallback
            .keys()
            .filter_map(|zone| match needs(*zone) {
                _ if own.contains(zone) => Some((*zone, "it has a NAT gateway")),
                None => Some((*zone, "no private tier is there")),
                Some(_) => None,
            })
            .collect();
        let gateways = letters(&own);
        for (zone, tier) in lacking {
            self.report(
                Code::NAT_ZONE_WITHOUT_FALLBACK,
                "zones",
                format!("private tier `{tier}` is in zone `{zone}`, which has no NAT gateway: gateways are in {gateways}"),
                format!("say whose gateway it uses, as fallback = {{ {zone} = \"{}\" }}, or give `{zone}` a gateway", own[0]),
            );
        }
        for (zone, why) in unused {
            self.report(
                Code::NAT_FALLBACK_UNUSED,
                &format!("fallback.{zone}"),
                format!("egress has a fallback for zone `{zone}`, but {why}"),
                "drop it".to_owned(),
            );
        }
        for (zone, to) in fallback.iter().filter(|(_, to)| !own.contains(to)) {
            self.report(
                Code::NAT_FALLBACK_WITHOUT_GATEWAY,
                &format!("fallback.{zone}"),
                format!("zone `{zone}` falls back to zone `{to}`, which has no NAT gateway"),
                format!("fall back to one of {gateways}"),
            );
        }
        Some(Gateways::Zones { own, fallback })
    }
}

fn letters(zones: &[Zone]) -> String {
    let letters: Vec<String> = zones.iter().map(Zone::to_string).collect();
    suggest::list(letters.iter().map(String::as_str))
}
