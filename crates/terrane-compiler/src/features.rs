//! What a network can have: one file for each feature, and one line in the list of [`features!`].
//!
//! A feature owns its whole life: each station of it is a field of [`Feature`], and the rest of the compiler walks
//! [`ALL`] without knowing who is in it. Documents, contract, and bindings follow from the [`Module`].

mod common;

use serde::ser::SerializeMap as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::address_plan::AddressPlan;
use crate::declaration::{Declaration, Flow, Peer, Reading};
use crate::diagnostics::{Code, Diagnostics, Origin};
use crate::emit::{Picture, Rejection};
use crate::explain::Claim;
use crate::keys::{Key, Located as _};
use crate::ledger::RuleNumbers;
use crate::module::Module;
use crate::module::syntax::Expr;
use crate::names::Zone;
use crate::network::{MinZones, Network, Spread, Target, TierZones};
use crate::proof::Finding;
use crate::topology::{INTERNET, Topology};

/// Lists the features. In braces: the key that a feature adds to topologies, and the words that it adds to Rust.
///
/// A feature is a module with a `FEATURE`. One with a key also has
/// - `Keys`, the type of what is written under the key, and `unsaid()`, its value where nothing is written;
/// - `Declared`, what is read from it, and `read()`, which reads and checks it.
macro_rules! features {
    ($($feature:ident $({ $key:ident: $($word:ident),* })?),* $(,)?) => {
        $(mod $feature;)*

        /// Every feature, in the order in which they build on each other and stand in the files.
        pub(crate) const ALL: &[Feature] = &[$($feature::FEATURE),*];

        /// The words that features add to topologies.
        pub mod words {
            $($($(pub use super::$feature::$word;)*)?)*
        }

        /// What a topology says under the keys of features.
        #[derive(Clone, Debug, PartialEq, Deserialize)]
        #[serde(default)]
        #[expect(missing_docs, reason = "the type of each is documented beside its feature")]
        pub struct Keys {
            $($(pub $key: $feature::Keys,)?)*
        }

        impl Keys {
            /// The names of the keys.
            #[cfg(test)]
            pub(crate) const NAMES: &[&str] = &[$($(stringify!($key),)?)*];

            /// Notes where the parts were declared: `origin` gives the place of a path.
            pub(crate) fn locate(&mut self, origin: &dyn Fn(&str) -> Origin) {
                $($(self.$key.locate(stringify!($key), origin);)?)*
            }
        }

        impl Default for Keys {
            fn default() -> Keys {
                Keys { $($($key: $feature::unsaid(),)?)* }
            }
        }

        /// Only what is said is written.
        impl Serialize for Keys {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $($(
                    if self.$key != $feature::unsaid() {
                        map.serialize_entry(stringify!($key), &self.$key)?;
                    }
                )?)*
                map.end()
            }
        }

        /// What features have read.
        #[derive(Clone, Debug, Default, PartialEq)]
        #[expect(missing_docs, reason = "the type of each is documented beside its feature")]
        pub struct Declared {
            $($(pub $key: $feature::Declared,)?)*
        }

        impl Declared {
            /// Reads what features have keys for, and reports all that is wrong with it.
            pub(crate) fn read(reading: &Reading<'_>, found: &mut Diagnostics) -> Option<Declared> {
                $($(let $key = $feature::read(reading, found);)?)*
                Some(Declared { $($($key: $key?,)?)* })
            }
        }
    };
}

features! {
    vpc,
    tiers,
    outposts,
    internet_gateway,
    nat_gateways { egress: Egress, NatMode },
    route_tables,
    endpoints { endpoints: ENDPOINT_KINDS, EndpointKind },
    eks { eks: Eks },
    subnet_groups { subnet_groups: SUBNET_GROUP_KINDS, SubnetGroup, SubnetGroupKind },
    network_acls,
    security_groups,
    closed_defaults { close_defaults: },
    protect { protect: },
    flow_logs { flow_logs: FlowLog, LogDestination, LoggedTraffic },
}

/// One feature: the stations of its life, in their order.
pub(crate) struct Feature {
    /// Its keys, with what they mean.
    pub(crate) keys: &'static [Key],
    /// The problems that it reports.
    pub(crate) codes: &'static [Code],
    /// The claims that it makes of a network and that have codes of their own.
    pub(crate) claims: &'static [Claim],
    /// Returns what a name means as the end of a flow, if the feature knows it.
    pub(crate) end: fn(&Topology, &str) -> Option<End>,
    /// Returns the names that flows may end at because of it.
    pub(crate) ends: fn(&Topology) -> Vec<String>,
    /// Returns what a name already means, so that no tier can have it.
    pub(crate) reserved: fn(&str) -> Option<&'static str>,
    /// Returns who reads or sets a tag that no author may set, as the end of a sentence.
    pub(crate) tag_reader: fn(&str) -> Option<&'static str>,
    /// Returns how many tags it may add to a subnet.
    pub(crate) tags: fn(&Topology) -> usize,
    /// Returns whether it leads private tiers to the internet.
    pub(crate) leads_out: fn(&Topology) -> bool,
    /// Returns whether it puts interfaces of a control plane into the tier with this name.
    pub(crate) has_control_plane: fn(&Topology, &str) -> bool,
    /// Returns the longest prefix length that it takes for subnets of a tier, shorter than AWS does.
    pub(crate) longest: fn(&Declaration, usize) -> Option<u8>,
    /// Returns how many zones it needs where a declaration asks for it.
    pub(crate) min_zones: fn(&Declaration) -> Option<MinZones>,
    /// Adds to the network what the declaration asks for.
    pub(crate) resolve: fn(&mut Resolution<'_>),
    /// Returns what the author of a network should know although it stops nothing.
    pub(crate) warnings: fn(&Network) -> Diagnostics,
    /// Returns where the default route of private tiers leads because of it.
    pub(crate) way_out: fn(&Network) -> Option<Target>,
    /// Returns the tiers whose subnets packets of a flow cross beside those of its ends, under other addresses.
    pub(crate) relays: fn(&Network, &Flow) -> Vec<Relay>,
    /// Returns what it claims of a network beside what the engine of the proof decides.
    pub(crate) findings: fn(&Network) -> Vec<Finding>,
    /// Returns the uses of tiers that need several zones.
    pub(crate) spreads: fn(&Network) -> Vec<Spread>,
    /// Returns the resource types that it may add to a module.
    pub(crate) types: fn() -> Vec<&'static str>,
    /// Those of its resource types whose resources have the names of tiers, and move when a tier gets another name.
    pub(crate) named_after_tiers: &'static [&'static str],
    /// Adds to the module what the network has; a feature that is not used leaves no trace.
    pub(crate) lower: fn(&Network, &mut Module),
    /// Draws its part of the picture.
    pub(crate) draw: fn(&Network, &mut Picture),
    /// Returns a value for each of its variables without a default, for the module's own tests.
    pub(crate) test_values: fn(&Network) -> Vec<(&'static str, Expr)>,
    /// Returns what the module must refuse, for the module's own tests.
    pub(crate) rejections: fn(&Network) -> Vec<Rejection>,
}

impl Feature {
    /// A feature that does nothing at any station, for the others to start from.
    const NONE: Feature = Feature {
        keys: &[],
        codes: &[],
        claims: &[],
        end: |_, _| None,
        ends: |_| Vec::new(),
        reserved: |_| None,
        tag_reader: |_| None,
        tags: |_| 0,
        leads_out: |_| false,
        has_control_plane: |_, _| false,
        longest: |_, _| None,
        min_zones: |_| None,
        resolve: |_| {},
        warnings: |_| Diagnostics::default(),
        way_out: |_| None,
        relays: |_, _| Vec::new(),
        findings: |_| Vec::new(),
        spreads: |_| Vec::new(),
        types: Vec::new,
        named_after_tiers: &[],
        lower: |_, _| {},
        draw: |_, _| {},
        test_values: |_| Vec::new(),
        rejections: |_| Vec::new(),
    };
}

/// What a feature resolves from, and into.
pub(crate) struct Resolution<'a> {
    /// What was declared.
    pub(crate) declaration: &'a Declaration,
    /// Where everything lies.
    pub(crate) plan: &'a AddressPlan,
    /// The recorded numbers of network ACL rules.
    pub(crate) numbers: &'a mut RuleNumbers,
    /// The network so far.
    pub(crate) network: Network,
    /// Problems found.
    pub(crate) diagnostics: Diagnostics,
}

/// A tier whose subnets packets of a flow cross on the way to what is outside, with addresses translated there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relay {
    /// The tier, an index of [`Network::tiers`].
    pub(crate) tier: usize,
    /// The relay in a word, such as `NAT`, with which reasons of rules begin.
    pub(crate) name: &'static str,
}

/// The meaning of a name as the end of a flow.
pub(crate) enum End {
    /// It stands for this.
    Peer(Peer),
    /// It would, if the topology declared it: the code of the problem, the end of a sentence about the flow, and a hint.
    Undeclared(Code, String, String),
}

/// Returns the problems that features report.
pub(crate) fn codes() -> impl Iterator<Item = Code> {
    ALL.iter().flat_map(|feature| feature.codes.iter().copied())
}

/// Returns the claims of features that have codes of their own.
pub(crate) fn claims() -> impl Iterator<Item = Claim> {
    ALL.iter().flat_map(|feature| feature.claims.iter().copied())
}

/// Returns what a name means as the end of a flow, if a feature knows it.
pub(crate) fn end(topology: &Topology, name: &str) -> Option<End> {
    ALL.iter().find_map(|feature| (feature.end)(topology, name))
}

/// Returns the names that flows may end at because of features.
pub(crate) fn ends(topology: &Topology) -> Vec<String> {
    ALL.iter().flat_map(|feature| (feature.ends)(topology)).collect()
}

/// Returns what a name already means, so that no tier can have it.
pub(crate) fn reserved(name: &str) -> Option<&'static str> {
    if name == INTERNET {
        return Some("everything outside the network");
    }
    ALL.iter().find_map(|feature| (feature.reserved)(name))
}

/// Returns who reads or sets a tag that no author may set, as the end of a sentence.
pub(crate) fn tag_reader(key: &str) -> Option<&'static str> {
    ALL.iter().find_map(|feature| (feature.tag_reader)(key))
}

/// Returns how many tags features may add to a subnet.
pub(crate) fn tags(topology: &Topology) -> usize {
    ALL.iter().map(|feature| (feature.tags)(topology)).sum()
}

/// Returns whether private tiers have a way to the internet.
pub(crate) fn leads_out(topology: &Topology) -> bool {
    ALL.iter().any(|feature| (feature.leads_out)(topology))
}

/// Returns whether the tier with this name has interfaces of a control plane.
pub(crate) fn has_control_plane(topology: &Topology, tier: &str) -> bool {
    ALL.iter().any(|feature| (feature.has_control_plane)(topology, tier))
}

/// Returns the longest prefix length that features take for subnets of a tier, where one takes only shorter ones than AWS.
pub(crate) fn longest(declaration: &Declaration, tier: usize) -> Option<u8> {
    ALL.iter().filter_map(|feature| (feature.longest)(declaration, tier)).min()
}

/// Returns how many zones a network needs at least: as many as the feature that needs most of them.
pub(crate) fn min_zones(declaration: &Declaration) -> MinZones {
    let one = MinZones { count: 1, reason: "a network needs a zone" };
    let needed = ALL.iter().filter_map(|feature| (feature.min_zones)(declaration));
    needed.fold(one, |most, next| if next.count > most.count { next } else { most })
}

/// Returns what the author of a network should know although it stops nothing.
pub(crate) fn warnings(network: &Network) -> Diagnostics {
    let mut warnings = Diagnostics::default();
    ALL.iter().for_each(|feature| warnings.extend((feature.warnings)(network)));
    warnings
}

/// Returns where the default route of private tiers leads: nowhere unless a feature leads out.
pub(crate) fn way_out(network: &Network) -> Option<Target> {
    ALL.iter().find_map(|feature| (feature.way_out)(network))
}

/// Returns the tiers whose subnets packets of a flow cross beside those of its ends.
pub(crate) fn relays(network: &Network, flow: &Flow) -> impl Iterator<Item = Relay> {
    ALL.iter().flat_map(|feature| (feature.relays)(network, flow))
}

/// Returns what the features claim of a network.
pub(crate) fn findings(network: &Network) -> impl Iterator<Item = Finding> {
    ALL.iter().flat_map(|feature| (feature.findings)(network))
}

/// Returns the uses of tiers that need several zones, those of the latest features first.
pub(crate) fn spreads(network: &Network) -> Vec<Spread> {
    ALL.iter().rev().flat_map(|feature| (feature.spreads)(network)).collect()
}

/// Returns how many of its own zones each tier needs that is not in all of them: as many as its uses need.
pub(crate) fn tier_zones(network: &Network) -> Vec<TierZones> {
    let spreads = spreads(network);
    let need = |tier: usize| {
        let most = spreads.iter().filter(|spread| spread.tier == tier).max_by_key(|spread| spread.zones);
        let reason =
            |spread: &Spread| format!("{} needs subnets in {} availability zones", spread.name, spread.zones);
        TierZones {
            tier,
            count: most.map_or(1, |spread| spread.zones),
            reason: most.map_or_else(|| "the tier has subnets in no others".to_owned(), reason),
        }
    };
    (0..network.tiers.len()).filter(|tier| network.tiers[*tier].zones.is_some()).map(need).collect()
}

/// The local map from a zone letter to that of the NAT gateway through which the zone leaves.
pub(crate) const NAT_HOMES: &str = "nat_homes";

/// Returns the letters by which a resource has its instances, if this is one of the maps of zones.
pub(crate) fn letters(network: &Network, for_each: &Expr) -> Option<Vec<Zone>> {
    common::zone_maps(network).into_iter().find(|(map, _)| map == for_each).map(|(_, letters)| letters)
}

#[cfg(test)]
mod tests {
    use crate::ledger::Ledger;
    use crate::topology::{Eks, Flow, SubnetGroup, Tier, Topology};

    /// A resource that no move follows is destroyed and made anew when its tier gets another name.
    #[test]
    fn a_rename_moves_every_resource_that_has_the_name_of_a_tier() {
        let store = Tier::isolated("store").prefix_length(24).renamed_from("db").client_security_groups();
        let topology = Topology::new("net")
            .base("10.8.0.0/16")
            .zones(["a", "b"])
            .tier(Tier::private("app").prefix_length(24))
            .tier(store)
            .eks(Eks::nodes("app").control_plane("store"))
            .flow(Flow::any().within("app"))
            .flow(Flow::any().from("app").to("store"))
            .flow(Flow::any().from("store").to("app"))
            .flow(Flow::tcp([5432]).from("app").to("store"))
            .endpoints(["s3"])
            .flow(Flow::tcp([443]).from("store").to("s3"));
        let kinds = crate::topology::SUBNET_GROUP_KINDS.iter();
        let topology = kinds
            .fold(topology, |topology, kind| topology.subnet_group(SubnetGroup::new(kind.name, "store")));
        let version = semver::Version::new(1, 0, 0);
        let module = crate::compile(&topology, &Ledger::default(), &version).unwrap().module;
        let named: Vec<_> = module.resources.iter().filter(|resource| resource.name == "store").collect();
        assert!(named.len() >= 12, "{named:?}");
        for resource in named {
            let from = format!("{}.db", resource.ty);
            assert!(
                module.moved.iter().any(|moved| moved.from == from),
                "{} is not moved",
                resource.address()
            );
        }
    }
}
