//! `egress`: how private tiers reach the internet.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::declaration::{Reading, names};
use crate::diagnostics::{Diagnostic, Diagnostics, Origin};
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
}

located!(Egress);

pub(super) const KEYS: &[Key] = &[Key::new("egress", "how private tiers reach the internet; see below", "none").one(&EGRESS)];

static EGRESS: Table = Table {
    title: "Egress",
    about: "",
    keys: Cow::Borrowed(&[
        Key::new("nat", "`none`, `single`, or `per-zone`", "`none`"),
        Key::new("home", "the zone letter of a single NAT gateway", "required with `single`"),
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

    #[track_caller]
    fn new(nat: NatMode) -> Egress {
        Egress { nat, home: None, tier: None, bring_elastic_ips: false, origin: Origin::caller() }
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
        return Some(None);
    }
    if !topology.tiers.iter().any(|tier| tier.access == Access::Private) {
        found.push(
            Diagnostic::warning("nat-unused", &egress.origin, "no private tier uses the NAT gateways")
                .hint("choose egress none, which costs nothing"),
        );
    }
    let home = home(topology, zones, found);
    let tier = tier(topology, found);
    quota_of_addresses(topology, zones, found);
    Some(Some(Nat { tier: tier?, home: home?, bring_elastic_ips: egress.bring_elastic_ips }))
}

/// Returns the home zone, which a single gateway has and others have not.
fn home(topology: &Topology, zones: &[Zone], found: &mut Diagnostics) -> Option<Option<Zone>> {
    let egress = &topology.features.egress;
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
    let egress = &topology.features.egress;
    let public = || topology.tiers.iter().enumerate().filter(|(_, tier)| tier.access == Access::Public);
    let names = || suggest::list(public().map(|(_, tier)| tier.name.as_str()));
    if let Some(name) = &egress.tier {
        let position = names::tier(topology, name, "egress", &egress.origin, found)?;
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

/// Warns of more elastic IPs than AWS allows by default.
fn quota_of_addresses(topology: &Topology, zones: &[Zone], found: &mut Diagnostics) {
    let egress = &topology.features.egress;
    let limit = quota("elastic_ips").limit;
    if egress.nat == NatMode::PerZone && !egress.bring_elastic_ips && zones.len() as u64 > limit {
        let message =
            format!("the network has {} elastic IPs, but AWS allows {limit} by default", zones.len());
        found.push(
            Diagnostic::warning("quota-elastic-ips", &topology.origin, message)
                .hint("have the quota increased before the module is applied"),
        );
    }
}
