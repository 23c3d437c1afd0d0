//! Reads how private tiers reach the internet.

use crate::declaration::{Egress, read};
use crate::diagnostics::{Diagnostic, Diagnostics};
use crate::names::Zone;
use crate::suggest;
use crate::topology::{Access, NatMode, Topology};

pub(super) fn read(topology: &Topology, zones: &[Zone], found: &mut Diagnostics) -> Option<Egress> {
    let egress = &topology.egress;
    if egress.nat == NatMode::None {
        let extra = [
            (egress.home.is_some(), "a home zone"),
            (egress.tier.is_some(), "a tier"),
            (egress.bring_elastic_ips, "elastic IPs"),
        ];
        for (_, what) in extra.into_iter().filter(|(set, _)| *set) {
            found.push(
                Diagnostic::error(
                    "egress-without-nat",
                    &egress.origin,
                    format!("egress has {what} but no NAT gateway"),
                )
                .hint("choose nat = \"single\" or \"per-zone\", or drop the setting"),
            );
        }
        return Some(Egress::None);
    }
    if !topology.tiers.iter().any(|tier| tier.access == Access::Private) {
        found.push(
            Diagnostic::warning("nat-unused", &egress.origin, "no private tier uses the NAT gateways")
                .hint("choose egress none, which costs nothing"),
        );
    }
    let home = home(topology, zones, found);
    let tier = tier(topology, found);
    Some(Egress::Nat { tier: tier?, home: home?, bring_elastic_ips: egress.bring_elastic_ips })
}

/// Returns the home zone, which a single gateway has and others have not.
fn home(topology: &Topology, zones: &[Zone], found: &mut Diagnostics) -> Option<Option<Zone>> {
    let egress = &topology.egress;
    let letters: Vec<String> = zones.iter().map(Zone::to_string).collect();
    let known = || letters.iter().map(String::as_str);
    match (&egress.home, egress.nat) {
        (None, NatMode::Single) => {
            found.push(
                Diagnostic::error(
                    "nat-home-missing",
                    &egress.origin,
                    "a single NAT gateway has no home zone",
                )
                .hint(format!("name the zone of the gateway, one of {}", suggest::list(known()))),
            );
            None
        }
        (Some(home), NatMode::Single) => {
            let zone = Zone::parse(home).ok().filter(|zone| zones.contains(zone));
            if zone.is_none() {
                found.push(
                    Diagnostic::error(
                        "nat-home-unknown",
                        &egress.origin,
                        format!("the home zone `{home}` of the NAT gateway is not a zone of the network"),
                    )
                    .hint(format!("name one of {}", suggest::list(known()))),
                );
            }
            zone.map(Some)
        }
        (Some(home), NatMode::PerZone | NatMode::None) => {
            found.push(
                Diagnostic::error(
                    "nat-home-unused",
                    &egress.origin,
                    format!("egress has the home zone `{home}` but a NAT gateway in each zone"),
                )
                .hint("drop the home zone, or choose nat = \"single\""),
            );
            None
        }
        (None, NatMode::PerZone | NatMode::None) => Some(None),
    }
}

/// Returns the public tier that holds the gateways.
fn tier(topology: &Topology, found: &mut Diagnostics) -> Option<usize> {
    let egress = &topology.egress;
    let public = || topology.tiers.iter().enumerate().filter(|(_, tier)| tier.access == Access::Public);
    let names = || suggest::list(public().map(|(_, tier)| tier.name.as_str()));
    if let Some(name) = &egress.tier {
        let position = read::tier(topology, name, "egress", &egress.origin, found)?;
        let access = topology.tiers[position].access;
        if access == Access::Public {
            return Some(position);
        }
        found.push(
            Diagnostic::error(
                "nat-tier-not-public",
                &egress.origin,
                format!("egress puts NAT gateways in tier `{name}`, which is {}", access),
            )
            .hint(format!(
                "a NAT gateway reaches the internet from a public tier only; public are: {}",
                names()
            )),
        );
        return None;
    }
    let mut candidates = public();
    match (candidates.next(), candidates.next()) {
        (Some((position, _)), None) => Some(position),
        (Some(_), Some(_)) => {
            found.push(
                Diagnostic::error(
                    "nat-tier-ambiguous",
                    &egress.origin,
                    format!("NAT gateways could be in any of the public tiers {}", names()),
                )
                .hint("name the tier that holds them"),
            );
            None
        }
        (None, _) => {
            found.push(
                Diagnostic::error(
                    "nat-without-public-tier",
                    &egress.origin,
                    "egress has NAT gateways, but no tier is public",
                )
                .hint("declare a public tier for them, or choose egress none"),
            );
            None
        }
    }
}
