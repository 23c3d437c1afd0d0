//! Checks tiers in Local Zones and on Outposts.

use crate::diagnostics::{Code, Diagnostics, report};
use crate::suggest;
use crate::topology::{Site, Tier, Topology};

/// Reports tiers at a site that AWS could not have there.
pub(super) fn check(topology: &Topology, found: &mut Diagnostics) {
    for tier in &topology.tiers {
        if let Some(site) = tier.site {
            zones(topology, tier, site, found);
        }
    }
}

/// An Outpost belongs to one availability zone, and the letter of a Local Zone names nothing else:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSubnet.html>.
fn zones(topology: &Topology, tier: &Tier, site: Site, found: &mut Diagnostics) {
    let mut report = |code, message: String, hint: String| {
        report!(found, code, &tier.origin.at(if tier.zones.is_some() { "zones" } else { "site" }), "{message}"; "{hint}");
    };
    let name = &tier.name;
    let own = tier.zones.as_deref().unwrap_or_default();
    match site {
        Site::Outpost if own.len() != 1 => report(
            Code::SITE_ZONES,
            format!(
                "tier `{name}` is on an Outpost, which belongs to one availability zone, but its zones are {}",
                words(tier, topology)
            ),
            "name the zone of the Outpost alone, as zones = [\"a\"]".to_owned(),
        ),
        Site::LocalZone if tier.zones.is_none() => report(
            Code::SITE_ZONES,
            format!(
                "tier `{name}` is in a Local Zone, but has subnets in every zone: {}",
                words(tier, topology)
            ),
            "give each Local Zone a letter of its own, and name it in the tier's `zones`".to_owned(),
        ),
        Site::Outpost | Site::LocalZone => {}
    }
    if site == Site::LocalZone {
        let others = topology.tiers.iter().filter(|other| other.site != Some(Site::LocalZone));
        for other in others {
            let is_in = |letter: &&String| other.zones.as_ref().is_none_or(|zones| zones.contains(letter));
            if let Some(letter) = own.iter().find(is_in) {
                report(
                    Code::SITE_ZONES,
                    format!(
                        "zone `{letter}` of tier `{name}` is a Local Zone, but tier `{}` has subnets there, too",
                        other.name
                    ),
                    format!(
                        "name the zones of `{}` without `{letter}`, or say that it is in a Local Zone as well",
                        other.name
                    ),
                );
            }
        }
    }
}

fn words(tier: &Tier, topology: &Topology) -> String {
    let zones = tier.zones.as_ref().unwrap_or(&topology.zones);
    suggest::list(zones.iter().map(String::as_str))
}
