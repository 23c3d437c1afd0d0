//! Properties of allocation and documents over random topologies.

use std::collections::BTreeMap;

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use terrane_compiler::Resolved;
use terrane_compiler::address_plan::{AddressPlan, allocate};
use terrane_compiler::declaration::{Declaration, Size};
use terrane_compiler::document;
use terrane_compiler::family::{Address, V4};
use terrane_compiler::ledger::Ledger;
use terrane_compiler::names::{Block, Cidr, Zone};
use terrane_compiler::testing::topology;
use terrane_compiler::topology::{Egress, Tier, Topology};

use crate::cases;

fn planned(topology: &Topology, ledger: &Ledger) -> (AddressPlan, Ledger) {
    let declaration = Declaration::read(topology).unwrap_or_else(|found| panic!("{found}"));
    allocate(&declaration, ledger).unwrap_or_else(|found| panic!("{}\n{found}", document::to_toml(topology)))
}

/// Returns where each subnet lies, by tier and zone letter.
fn subnets(topology: &Topology, plan: &AddressPlan) -> BTreeMap<(String, Zone), Block> {
    let declaration = Declaration::read(topology).unwrap();
    let tiers = declaration.tiers.iter().enumerate();
    let of = |(idx, tier): (usize, &terrane_compiler::declaration::Tier)| {
        let name = tier.name.to_string();
        let zones: Vec<Zone> = tier.zones_of(&declaration.zones).collect();
        zones
            .into_iter()
            .map(move |zone| ((name.clone(), zone), plan.subnet(idx, zone).unwrap()))
            .collect::<Vec<_>>()
    };
    tiers.flat_map(of).collect()
}

/// Returns the topology without what would stop edits of its tiers and zones.
fn bare(mut topology: Topology) -> Topology {
    (topology.flows, topology.features.subnet_groups) = (Vec::new(), Vec::new());
    (topology.features.eks, topology.features.egress) = (None, Egress::none());
    topology
}

fn small(name: &str) -> Tier {
    Tier::isolated(name).prefix_length(28)
}

/// Returns edits of a topology by name, at a position among its tiers and one among its zones.
fn edits(topology: &Topology, slots: &BTreeMap<Zone, u32>, at: usize) -> Vec<(&'static str, Topology)> {
    let (tier, zone) = (at % topology.tiers.len(), at % topology.zones.len());
    let mut edits: Vec<(&str, Topology)> = Vec::new();
    let mut edit = |name, apply: &dyn Fn(&mut Topology)| {
        let mut edited = bare(topology.clone());
        apply(&mut edited);
        edits.push((name, edited));
    };
    edit("append a tier", &|edited| edited.tiers.push(small("new")));
    edit("insert a tier", &|edited| edited.tiers.insert(tier, small("new")));
    edit("reorder the tiers", &|edited| edited.tiers.reverse());
    edit("reorder the zones", &|edited| edited.zones.rotate_left(zone));
    if topology.tiers.len() > 1 {
        edit("remove a tier", &|edited| drop(edited.tiers.remove(tier)));
        edit("replace a tier", &|edited| edited.tiers[tier] = small("new"));
    }
    let alone = |own: &Vec<String>| own.len() == 1 && own.contains(&topology.zones[zone]);
    let is_needed = topology.tiers.iter().filter_map(|tier| tier.zones.as_ref()).any(alone);
    if topology.zones.len() > 1 && !is_needed {
        edit("remove a zone", &|edited| {
            let gone = edited.zones.remove(zone);
            for zones in edited.tiers.iter_mut().filter_map(|tier| tier.zones.as_mut()) {
                zones.retain(|letter| *letter != gone);
            }
            for ranges in edited.tiers.iter_mut().filter_map(|tier| tier.ranges.as_mut()) {
                ranges.remove(&gone);
            }
        });
    }
    let spare = slots.keys().map(Zone::to_string).find(|letter| !topology.zones.contains(letter));
    // A tier with explicit ranges would need one for the new zone.
    if let (Some(spare), true) = (spare, topology.tiers.iter().all(|tier| tier.ranges.is_none())) {
        edit("append a zone", &|edited| edited.zones.push(spare.clone()));
    }
    edits
}

/// Damages one value of a document: the one at this place among all of them.
fn damage(document: &mut serde_json::Value, at: usize, how: i32) {
    fn paths(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(table) => {
                for (key, value) in table {
                    found.push(format!("{path}/{key}"));
                    paths(value, &format!("{path}/{key}"), found);
                }
            }
            serde_json::Value::Array(values) => {
                for (idx, value) in values.iter().enumerate() {
                    found.push(format!("{path}/{idx}"));
                    paths(value, &format!("{path}/{idx}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    paths(document, "", &mut found);
    // A slash in a tag's key leads nowhere.
    found.retain(|path| document.pointer(path).is_some());
    let path = &found[at % found.len()];
    let (parent, key) = path.rsplit_once('/').unwrap();
    match (document.pointer_mut(parent).unwrap(), how) {
        (serde_json::Value::Object(table), 0) => {
            let value = table.remove(key).unwrap();
            table.insert(format!("{key}x"), value);
        }
        (serde_json::Value::Object(table), 1) => drop(table.remove(key)),
        (_, 2) => *document.pointer_mut(path).unwrap() = serde_json::json!({ "x": 1 }),
        (_, _) => *document.pointer_mut(path).unwrap() = serde_json::json!([[]]),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(128, 2_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn documents_hold_every_topology(seed in any::<u64>()) {
        let topology = topology(seed);
        prop_assert_eq!(&document::from_toml(&document::to_toml(&topology)).unwrap(), &topology);
        prop_assert_eq!(&document::from_json(&document::to_json(&topology)).unwrap(), &topology);
    }

    /// What is said beside a broken structure is said of values that are wrong, so nothing where all are right.
    #[test]
    fn a_broken_structure_makes_no_value_wrong(seed in any::<u64>(), at in any::<usize>(), how in 0..4) {
        let whole = topology(seed);
        let warnings = Declaration::read(&whole).unwrap().warnings;
        let mut document: serde_json::Value = serde_json::from_str(&document::to_json(&whole)).unwrap();
        damage(&mut document, at, how);
        let Err(found) = document::from_json(&document.to_string()) else { return Ok(()) };
        for diagnostic in found.iter() {
            let is_structure = ["missing-key", "unknown-key", "unknown-value", "wrong-type"].contains(&diagnostic.code.name());
            let was_there = warnings.iter().any(|warning| warning.code == diagnostic.code);
            prop_assert!(is_structure || was_there, "{}\n{:#}", found, document);
        }
    }

    /// Spare slots count too, since a caller may use them without a new compilation.
    #[test]
    fn subnets_are_aligned_disjoint_and_inside_every_admitted_range(seed in any::<u64>()) {
        let topology = topology(seed);
        let declaration = Declaration::read(&topology).unwrap();
        let (plan, _) = planned(&topology, &Ledger::default());
        for (range, admitted) in plan.admitted.iter().enumerate() {
            let lengths = admitted.min_prefix_length..=admitted.max_prefix_length;
            prop_assert!(lengths.contains(&declaration.ranges[range].cidr.prefix_length()));
            for (space, length) in admitted.within.iter().flat_map(|space| lengths.clone().map(move |length| (space, length))) {
                // The first range of this length in the space, and the last.
                let length = length.max(space.prefix_len());
                let space: Cidr = Cidr::of_net(*space).unwrap();
                for base in [space.first(), space.last()] {
                    let base = Cidr::around(base, length).unwrap();
                    let mut cidrs: Vec<Cidr> = Vec::new();
                    for idx in (0..declaration.tiers.len()).filter(|idx| declaration.tiers[*idx].range == range) {
                        let of_tier = plan.slots.keys().filter_map(|zone| plan.subnet(idx, *zone));
                        let of_tier: Vec<Block> = of_tier.collect();
                        // A block keeps slots for zones that its tier is not in; ranges that are written out are its zones' alone.
                        let tier = &declaration.tiers[idx];
                        let is_pinned = matches!(tier.size, Size::Pinned(_));
                        let own = tier.zones_of(&declaration.zones).count();
                        let least = if is_pinned { own } else { declaration.zones.len() };
                        prop_assert!(of_tier.len() >= least);
                        for block in of_tier {
                            let cidr = base.subnet(block).unwrap();
                            prop_assert!((16..=28).contains(&cidr.prefix_length()) && base.contains(cidr));
                            prop_assert_eq!(u128::from(cidr.first()) % V4::addresses(cidr.prefix_length()), 0);
                            prop_assert!(cidrs.iter().all(|other| !other.overlaps(cidr)));
                            cidrs.push(cidr);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn allocation_is_deterministic(seed in any::<u64>()) {
        let topology = topology(seed);
        let (plan, ledger) = planned(&topology, &Ledger::default());
        prop_assert_eq!(&planned(&topology, &Ledger::default()), &(plan.clone(), ledger.clone()));
        prop_assert_eq!(&Ledger::parse(&ledger.to_string()).unwrap(), &ledger);
        prop_assert_eq!(&planned(&topology, &ledger), &(plan, ledger));
    }

    /// An edit moves nothing that it does not remove, and undoing it gives everything its old place.
    #[test]
    fn edits_move_nothing(seed in any::<u64>(), at in any::<usize>()) {
        let before = topology(seed);
        let (plan, ledger) = planned(&before, &Ledger::default());
        let old = subnets(&before, &plan);
        for (edit, after) in edits(&before, &plan.slots, at) {
            let (plan, edited) = planned(&after, &ledger);
            let new = subnets(&after, &plan);
            for (subnet, block) in &new {
                prop_assert!(old.get(subnet).is_none_or(|old| old == block), "{}: {:?} moved", edit, subnet);
            }
            // Parsing finds blocks that overlap, reserved ones included.
            prop_assert_eq!(&Ledger::parse(&edited.to_string()).unwrap(), &edited);
            prop_assert_eq!(&subnets(&before, &planned(&before, &edited).0), &old, "{}, and undone", edit);
        }
    }

    #[test]
    fn a_rename_moves_nothing(seed in any::<u64>(), at in any::<usize>()) {
        let before = bare(topology(seed));
        let at = at % before.tiers.len();
        let rename = |topology: &Topology, to: &str| {
            let mut renamed = topology.clone();
            let from = std::mem::replace(&mut renamed.tiers[at].name, to.to_owned());
            renamed.tiers[at].renamed_from = vec![from];
            renamed
        };
        let (plan, ledger) = planned(&before, &Ledger::default());
        let blocks = |topology: &Topology, plan: &AddressPlan| {
            let name = &topology.tiers[at].name;
            let own = subnets(topology, plan).into_iter().filter(|((tier, _), _)| tier == name);
            own.map(|(_, block)| block).collect::<Vec<_>>()
        };
        let old = blocks(&before, &plan);
        let (renamed, name) = (rename(&before, "renamed"), before.tiers[at].name.clone());
        let (plan, ledger) = planned(&renamed, &ledger);
        prop_assert_eq!(&blocks(&renamed, &plan), &old);
        let back = rename(&renamed, &name);
        prop_assert_eq!(&blocks(&back, &planned(&back, &ledger).0), &old, "and back");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(32, 2_000), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_contract_gives_the_ledger_back(seed in any::<u64>()) {
        let topology = topology(seed);
        let resolved = Resolved::of(&topology, &Ledger::default());
        let ledger = resolved.unwrap_or_else(|found| panic!("{found}")).ledger;
        let mut contract = terrane_contract::Contract::new("net");
        contract.addresses = Some(ledger.addresses());
        prop_assert_eq!(&Ledger::recover(&contract).unwrap(), &ledger);
    }

    /// Whatever is valid compiles: no claim about it is refuted, and the ledger changes nothing.
    #[test]
    fn every_random_topology_compiles_to_the_same_bytes(seed in any::<u64>()) {
        let topology = topology(seed);
        let version = semver::Version::new(1, 0, 0);
        let compiled = |ledger: &Ledger| {
            terrane_compiler::compile(&topology, ledger, &version).unwrap_or_else(|found| panic!("{found}"))
        };
        let first = compiled(&Ledger::default());
        prop_assert_eq!(&compiled(&Ledger::default()).files, &first.files);
        prop_assert_eq!(&compiled(&first.ledger).files, &first.files);
    }
}
