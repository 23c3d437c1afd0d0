//! Reads which zones have a NAT gateway, and how the others leave.

use std::collections::BTreeMap;

use super::NatMode;
use crate::declaration::names;
use crate::diagnostics::{Diagnostic, Diagnostics};
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
    let mut reader = Reader { topology, zones, holds, tier: topology.tiers[tier].name.as_str(), found };
    let listed = reader.list();
    let fallback = reader.fallback();
    match (topology.features.egress.nat, home) {
        (NatMode::None, _) => None,
        (NatMode::Single, _) | (_, Some(_)) => {
            let home = home?;
            reader.need_tier(&[home]);
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
            reader.need_tier(&own);
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
    found: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn report(&mut self, code: &'static str, message: String, hint: String) {
        self.found.push(Diagnostic::error(code, &self.topology.features.egress.origin, message).hint(hint));
    }

    /// Reads a letter of the network, and reports one that it does not have.
    fn zone(&mut self, letter: &str) -> Option<Zone> {
        let zone = Zone::parse(letter).ok().filter(|zone| self.zones.contains(zone));
        if zone.is_none() {
            let known = letters(self.zones);
            self.report(
                "nat-zone-unknown",
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
                    "nat-zones-missing",
                    "egress has NAT gateways in some zones, but names none".to_owned(),
                    format!("name zones with a gateway, of {all}"),
                );
                return None;
            }
            (_, false) => {
                self.report(
                    "nat-zones-unused",
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
        for letter in &egress.zones {
            let Some(zone) = self.zone(letter) else { continue };
            if own.contains(&zone) {
                self.report(
                    "duplicate-zone",
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
            let (from, to) = (self.zone(from), self.zone(to));
            read.extend(from.zip(to));
        }
        read
    }

    fn refuse_fallback(&mut self, fallback: &BTreeMap<Zone, Zone>, why: &str) {
        for zone in fallback.keys() {
            self.report(
                "nat-fallback-unused",
                format!("egress has a fallback for zone `{zone}`, but {why}"),
                "drop it".to_owned(),
            );
        }
    }

    /// Reports zones of gateways in which their tier has no subnet.
    fn need_tier(&mut self, gateways: &[Zone]) {
        let lacking: Vec<Zone> = gateways.iter().copied().filter(|zone| !self.holds.contains(zone)).collect();
        for zone in lacking {
            let (tier, has) = (self.tier, letters(&self.holds));
            self.report(
                "nat-zone-without-tier",
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
            .filter(|zone| !own.contains(zone) && !fallback.contains_key(zone))
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
                "nat-zone-without-fallback",
                format!("private tier `{tier}` is in zone `{zone}`, which has no NAT gateway: gateways are in {gateways}"),
                format!("say whose gateway it uses, as fallback = {{ {zone} = \"{}\" }}, or give `{zone}` a gateway", own[0]),
            );
        }
        for (zone, why) in unused {
            self.report(
                "nat-fallback-unused",
                format!("egress has a fallback for zone `{zone}`, but {why}"),
                "drop it".to_owned(),
            );
        }
        for (zone, to) in fallback.iter().filter(|(_, to)| !own.contains(to)) {
            self.report(
                "nat-fallback-without-gateway",
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
