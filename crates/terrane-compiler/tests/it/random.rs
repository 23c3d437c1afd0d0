//! Properties of allocation and documents over random topologies.

use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use terrane_compiler::address_plan::{AddressPlan, allocate};
use terrane_compiler::declaration::Declaration;
use terrane_compiler::document;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::names::{Block, Cidr};
use terrane_compiler::resolve::resolve;
use terrane_compiler::testing::topology;
use terrane_compiler::topology::{Tier, Topology};

fn planned(topology: &Topology, ledger: &Ledger) -> (AddressPlan, Ledger) {
    let declaration = Declaration::read(topology).unwrap_or_else(|found| panic!("{found}"));
    allocate(&declaration, ledger).unwrap_or_else(|found| panic!("{found}"))
}

/// Returns the blocks of a tier's subnets over the zones.
fn subnets(topology: &Topology, plan: &AddressPlan, tier: &str) -> Vec<Block> {
    let declaration = Declaration::read(topology).unwrap();
    let idx = declaration.tiers.iter().position(|declared| declared.name.as_str() == tier).unwrap();
    declaration.zones.iter().map(|zone| plan.subnet(idx, *zone).unwrap()).collect()
}

fn unchanged(before: &Topology, old: &AddressPlan, after: &Topology, new: &AddressPlan) -> bool {
    let shared = before.tiers.iter().filter(|tier| after.tiers.iter().any(|other| other.name == tier.name));
    shared.into_iter().all(|tier| subnets(before, old, &tier.name) == subnets(after, new, &tier.name))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn documents_hold_every_topology(seed in any::<u64>()) {
        let topology = topology(seed);
        prop_assert_eq!(&document::from_toml(&document::to_toml(&topology)).unwrap(), &topology);
        prop_assert_eq!(&document::from_json(&document::to_json(&topology)).unwrap(), &topology);
    }

    #[test]
    fn subnets_are_disjoint_and_inside_every_admitted_range(seed in any::<u64>()) {
        let topology = topology(seed);
        let declaration = Declaration::read(&topology).unwrap();
        let (plan, _) = planned(&topology, &Ledger::default());
        for (range, admitted) in plan.admitted.iter().enumerate() {
            for length in admitted.min_prefix_length..=admitted.max_prefix_length {
                let space = admitted.within[0];
                let base = Cidr::new(space.network(), length.max(space.prefix_len())).unwrap();
                let mut cidrs: Vec<Cidr> = Vec::new();
                for (idx, tier) in declaration.tiers.iter().enumerate().filter(|(_, tier)| tier.range == range) {
                    for zone in &declaration.zones {
                        let cidr = base.subnet(plan.subnet(idx, *zone).unwrap());
                        let cidr = cidr.unwrap_or_else(|| panic!("{} in {zone} is outside {base}", tier.name));
                        prop_assert!((16..=28).contains(&cidr.prefix_length()) && base.contains(cidr));
                        prop_assert!(cidrs.iter().all(|other| !other.overlaps(cidr)));
                        cidrs.push(cidr);
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_recorded_moves(seed in any::<u64>(), at in any::<usize>()) {
        let before = topology(seed);
        let (old, ledger) = planned(&before, &Ledger::default());
        prop_assert_eq!(&Ledger::parse(&ledger.to_string()).unwrap(), &ledger);
        prop_assert_eq!(&planned(&before, &ledger), &(old.clone(), ledger.clone()));

        let at = at % before.tiers.len();
        let mut inserted = before.clone();
        inserted.flows.clear();
        inserted.subnet_groups.clear();
        inserted.eks = None;
        inserted.egress = terrane_compiler::topology::Egress::none();
        inserted.tiers.reverse();
        inserted.tiers.insert(at, Tier::isolated("inserted").prefix_length(28));
        let (new, grown) = planned(&inserted, &ledger);
        prop_assert!(unchanged(&before, &old, &inserted, &new));

        let mut removed = inserted.clone();
        removed.tiers.remove(at);
        removed.tiers.rotate_left(1);
        let gone = removed.tiers.pop().unwrap();
        removed.tiers.push(Tier::isolated("filler").prefix_length(28));
        let (_, after_removal) = planned(&removed, &grown);
        let (again, _) = planned(&before, &after_removal);
        prop_assert!(unchanged(&before, &old, &before, &again), "{} came back", gone.name);

        let mut renamed = before.clone();
        let name = renamed.tiers[at].name.clone();
        renamed.tiers[at].name = "renamed".to_owned();
        renamed.tiers[at].renamed_from.push(name.clone());
        (renamed.flows, renamed.subnet_groups) = (Vec::new(), Vec::new());
        renamed.eks = None;
        renamed.egress = terrane_compiler::topology::Egress::none();
        let (new, _) = planned(&renamed, &ledger);
        prop_assert_eq!(subnets(&before, &old, &name), subnets(&renamed, &new, "renamed"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_contract_gives_the_ledger_back(seed in any::<u64>()) {
        let topology = topology(seed);
        let declaration = Declaration::read(&topology).unwrap();
        let (plan, mut ledger) = planned(&topology, &Ledger::default());
        resolve(&declaration, &plan, &mut ledger).unwrap_or_else(|found| panic!("{found}"));
        let mut contract = terrane_contract::Contract::new("net");
        contract.addresses = Some(ledger.addresses());
        prop_assert_eq!(&Ledger::recover(&contract).unwrap(), &ledger);
    }
}
