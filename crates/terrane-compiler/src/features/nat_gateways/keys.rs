//! `egress`: how private tiers reach the internet.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::gateways;
use crate::declaration::{Reading, names};
use crate::diagnostics::{Code, Diagnostics, Origin, report};
use crate::keys::{Key, Table, located, read};
use crate::names::Zone;
use crate::network::Nat;
use crate::quotas::quota;
use crate::suggest;
use crate::topology::{Access, Topology};

/// How private tiers reach the internet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// The kind of gateway.
    #[serde(default)]
    pub nat: NatMode,
    /// The zone letter of a single NAT gateway.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<String>,
    /// The zone letters of NAT gateways in some zones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<String>,
    /// For each zone letter without a NAT gateway, the letter of the gateway that its private subnets leave through.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fallback: BTreeMap<String, String>,
    /// The public tier that holds the NAT gateways; the only public tier if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,
    /// Whether the caller of the module brings the elastic IPs.
    #[serde(default, skip_serializing_if = "crate::keys::is_no")]
    pub bring_elastic_ips: bool,
    /// Where it was declared.
    #[serde(skip)]
    pub origin: Origin,
}

/// How many NAT gateways there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NatMode {
    /// None.
    #[default]
    None,
    /// One, in its home zone.
    Single,
    /// One in each zone.
    PerZone,
    /// One in each of some zones.
    Zones,
}

located!(Egress);

pub(super) const KEYS: &[Key] = &[Key::new("egress", "how private tiers reach the internet; see below", "none").one(&EGRESS)];

static EGRESS: Table = Table {
    title: "Egress",
    about: "A zone that leaves through the gateway of another stops with it; `terrane prove` names it under P5. With `per-zone`, gateways are in the zones of their tier, and a zone that the tier is not in needs a `fallback`.",
    keys: Cow::Borrowed(&[
        Key::new("nat", "`none`, `single`, `per-zone`, or `zones`", "`none`"),
        Key::new("home", "the zone letter of a single NAT gateway", "required with `single`"),
        Key::new("zones", "the zone letters with a NAT gateway", "required with `zones`"),
        Key::new(
            "fallback",
            "for each zone with a private tier and no gateway, the letter whose gateway it leaves through: `{ c = \"a\" }`; a spare letter leaves through the first",
            "required where a gateway is missing",
        ),
        Key::new("tier", "the public tier that holds the gateways", "the only public one"),
        Key::new("bring_elastic_ips", "whether the module's caller brings the elastic IPs", "`false`"),
    ]),
    read: read::<Egress>,
};

impl Topology {
    /// Says how private tiers reach the internet.
    #[must_use]
    pub fn egress(mut self, egress: Egress) -> Topology {
        self.features.egress = egress;
        self
    }
}

impl Egress {
    /// Returns no way out.
    #[track_caller]
    pub fn none() -> Egress {
        Egress::new(NatMode::None)
    }

    /// Returns one NAT gateway, in its home zone.
    #[track_caller]
    pub fn single_nat(home: &str) -> Egress {
        Egress { home: Some(home.to_owned()), ..Egress::new(NatMode::Single) }
    }

    /// Returns one NAT gateway in each zone.
    #[track_caller]
    pub fn nat_per_zone() -> Egress {
        Egress::new(NatMode::PerZone)
    }

    /// Returns one NAT gateway in each of these zones; the others need a [`fallback`](Egress::fallback).
    #[track_caller]
    pub fn nat_in_zones<'a>(letters: impl IntoIterator<Item = &'a str>) -> Egress {
        let zones = letters.into_iter().map(str::to_owned).collect();
        Egress { zones, ..Egress::new(NatMode::Zones) }
    }

    #[track_caller]
    fn new(nat: NatMode) -> Egress {
        Egress { nat, origin: Origin::caller(), ..Egress::default() }
    }

    /// Lets private subnets of a zone without a NAT gateway leave through the gateway of another.
    #[must_use]
    pub fn fallback(mut self, zone: &str, gateway: &str) -> Egress {
        self.fallback.insert(zone.to_owned(), gateway.to_owned());
        self
    }

    /// Names the public tier that holds the NAT gateways, where there are several.
    #[must_use]
    pub fn in_tier(mut self, tier: &str) -> Egress {
        self.tier = Some(tier.to_owned());
        self
    }

    /// Lets the caller of the module bring the elastic IPs.
    #[must_use]
    pub fn bring_elastic_ips(mut self) -> Egress {
        self.bring_elastic_ips = true;
        self
    }
}

/// Reads the gateways; none inside where the topology asks for none.
pub(in crate::features) fn read_gateways(reading: &Reading<'_>, found: &mut Diagnostics) -> Option<Option<Nat>> {
    let Reading { topology, zones, .. } = *reading;
    let egress = &topology.features.egress;
    if egress.nat == NatMode::None {
        let extra = [
            (egress.home.is_some(), "home", "a home zone"),
            (!egress.zones.is_empty(), "zones", "zones"),
            (!egress.fallback.is_empty(), "fallback", "a fallback"),
            (egress.tier.is_some(), "tier", "a tier"),
            (egress.bring_elastic_ips, "bring_elastic_ips", "elastic IPs"),
        ];
        for (_, key, what) in extra.into_iter().filter(|(set, ..)| *set) {
            report!(
                found, Code::EGRESS_WITHOUT_NAT, &egress.origin.at(key),
                "egress has {what} but no NAT gateway";
                "choose nat = \"single\", \"per-zone\", or \"zones\", or drop the setting"
            );
        }
        return Some(None);
    }
    if !topology.tiers.iter().any(|tier| tier.access == Access::Private) {
        report!(
            found, Code::NAT_UNUSED, &egress.origin.at("nat"),
            "no private tier uses the NAT gateways";
            "choose egress none, which costs nothing"
        );
    }
    let home = home(topology, zones, found);
    let tier = tier(topology, found);
    quota_of_addresses(topology, zones, found);
    tables(topology, found);
    let (tier, home) = (tier?, home?);
    site(topology, tier, found);
    let gateways = gateways::read(topology, zones, tier, home, found)?;
    Some(Some(Nat { tier, gateways, bring_elastic_ips: egress.bring_elastic_ips }))
}

/// Reports private tiers whose one route table would have to lead to several gateways.
fn tables(topology: &Topology, found: &mut Diagnostics) {
    if !matches!(topology.features.egress.nat, NatMode::PerZone | NatMode::Zones) {
        return;
    }
    for tier in topology.tiers.iter().filter(|tier| tier.access == Access::Private) {
        if tier.per_zone == Some(false) {
            let message = format!(
                "tier `{}` has one route table for all zones, but NAT gateways are in several, and a table has one default route",
                tier.name
            );
            report!(
                found, Code::ROUTE_TABLE_PER_ZONE, &tier.origin.at("per_zone"),
                "{message}";
                "drop `per_zone`, or choose nat = \"single\""
            );
        }
    }
}

/// Reports gateways at a site, which would need addresses of its own:
/// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNatGateway.html>.
fn site(topology: &Topology, tier: usize, found: &mut Diagnostics) {
    let tier = &topology.tiers[tier];
    let Some(site) = tier.site else { return };
    let message = format!(
        "NAT gateways are in tier `{}`, which is in a {site}: they need addresses of the site, which the module cannot tell",
        tier.name
    );
    report!(
        found, Code::SITE_NAT, &topology.features.egress.origin.at("tier"),
        "{message}";
        "put them in a public tier of the region, and let the private subnets of the site fall back to one"
    );
}

/// Returns the home zone, which a single gateway has and others have not.
fn home(topology: &Topology, zones: &[Zone], found: &mut Diagnostics) -> Option<Option<Zone>> {
    let egress = &topology.features.egress;
    let letters: Vec<String> = zones.iter().map(Zone::to_string).collect();
    let known = || letters.iter().map(String::as_str);
    match (&egress.home, egress.nat) {
        (None, NatMode::Single) => {
            report!(
                found, Code::NAT_HOME_MISSING, &egress.origin.at("nat"),
                "a single NAT gateway has no home zone";
                "name the zone of the gateway, one of {}", suggest::list(known())
            );
            None
        }
        (Some(home), NatMode::Single) => {
            let zone = Zone::parse(home).ok().filter(|zone| zones.contains(zone));
            if zone.is_none() {
                report!(
                    found, Code::NAT_HOME_UNKNOWN, &egress.origin.at("home"),
                    "the home zone `{home}` of the NAT gateway is not a zone of the network";
                    "name one of {}", suggest::list(known())
                );
            }
            zone.map(Some)
        }
        (Some(home), NatMode::PerZone | NatMode::Zones | NatMode::None) => {
            let each = if egress.nat == NatMode::Zones { "each zone of a list" } else { "each zone" };
            report!(
                found, Code::NAT_HOME_UNUSED, &egress.origin.at("home"),
                "egress has the home zone `{home}` but a NAT gateway in {each}";
                "drop the home zone, or choose nat = \"single\""
            );
            None
        }
        (None, NatMode::PerZone | NatMode::Zones | NatMode::None) => Some(None),
    }
}

/// Returns the public tier that holds the gateways.
fn tier(topology: &Topology, found: &mut Diagnostics) -> Option<usize> {
    let egress = &topology.features.egress;
    let public = || topology.tiers.iter().enumerate().filter(|(_, tier)| tier.access == Access::Public);
    let names = || suggest::list(public().map(|(_, tier)| tier.name.as_str()));
    if let Some(name) = &egress.tier {
        let position = names::tier(topology, name, "egress", &egress.origin.at("tier"), found)?;
        let access = topology.tiers[position].access;
        if access == Access::Public {
            return Some(position);
        }
        report!(
            found, Code::NAT_TIER_NOT_PUBLIC, &egress.origin.at("tier"),
            "egress puts NAT gateways in tier `{name}`, which is {}", access;
            "a NAT gateway reaches the internet from a public tier only; public are: {}", names()
        );
        return None;
    }
    let mut candidates = public();
    match (candidates.next(), candidates.next()) {
        (Some((position, _)), None) => Some(position),
        (Some(_), Some(_)) => {
            report!(
                found, Code::NAT_TIER_AMBIGUOUS, &egress.origin.at("nat"),
                "NAT gateways could be in any of the public tiers {}", names();
                "name the tier that holds them"
            );
            None
        }
        (None, _) => {
            report!(
                found, Code::NAT_WITHOUT_PUBLIC_TIER, &egress.origin.at("nat"),
                "egress has NAT gateways, but no tier is public";
                "declare a public tier for them, or choose egress none"
            );
            None
        }
    }
}

/// Warns of more elastic IPs than AWS allows by default.
fn quota_of_addresses(topology: &Topology, zones: &[Zone], found: &mut Diagnostics) {
    let egress = &topology.features.egress;
    let limit = quota("elastic_ips").limit;
    let gateways = match egress.nat {
        NatMode::None | NatMode::Single => 0,
        NatMode::PerZone => zones.len(),
        NatMode::Zones => egress.zones.len(),
    };
    if !egress.bring_elastic_ips && gateways as u64 > limit {
        let message = format!("the network has {gateways} elastic IPs, but AWS allows {limit} by default");
        report!(
            found, Code::QUOTA_ELASTIC_IPS, &topology.origin,
            "{message}";
            "have the quota increased before the module is applied"
        );
    }
}
