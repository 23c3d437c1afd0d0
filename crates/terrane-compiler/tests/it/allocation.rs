//! Allocation and its ledger, on networks written by hand.

use terrane_compiler::address_plan::{AddressPlan, Layout, allocate};
use terrane_compiler::declaration::Declaration;
use terrane_compiler::diagnostics::Diagnostics;
use terrane_compiler::ledger::Ledger;
use terrane_compiler::names::Zone;
use terrane_compiler::topology::{Egress, Need, Tier, Topology};

fn reference() -> Topology {
    Topology::new("shop")
        .base("10.0.0.0/16")
        .zones(["a", "b", "c"])
        .tier(Tier::public("pub").prefix_length(24))
        .tier(Tier::private("app").prefix_length(20))
        .tier(Tier::private("db").prefix_length(24))
        .egress(Egress::nat_per_zone())
}

fn plan(topology: &Topology, ledger: &Ledger) -> Result<(AddressPlan, Ledger), Diagnostics> {
    allocate(&Declaration::read(topology)?, ledger)
}

#[track_caller]
fn planned(topology: &Topology, ledger: &Ledger) -> (AddressPlan, Ledger) {
    plan(topology, ledger).unwrap_or_else(|found| panic!("{found}"))
}

/// Returns the ranges of a tier's subnets by zone letter.
#[track_caller]
fn subnets(topology: &Topology, plan: &AddressPlan, tier: &str) -> Vec<String> {
    let declaration = Declaration::read(topology).unwrap();
    let idx = declaration.tiers.iter().position(|declared| declared.name.as_str() == tier).unwrap();
    let range = declaration.ranges[declaration.tiers[idx].range].cidr;
    let subnet = |zone: &Zone| range.subnet(plan.subnet(idx, *zone).unwrap()).unwrap().to_string();
    declaration.zones.iter().map(subnet).collect()
}

#[track_caller]
fn codes(result: Result<(AddressPlan, Ledger), Diagnostics>) -> Vec<&'static str> {
    result.unwrap_err().iter().map(|diagnostic| diagnostic.code.name()).collect()
}

#[test]
fn blocks_follow_the_order_of_declaration() {
    let topology = reference();
    let (plan, ledger) = planned(&topology, &Ledger::default());
    assert_eq!(subnets(&topology, &plan, "pub"), ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]);
    assert_eq!(subnets(&topology, &plan, "app"), ["10.0.64.0/20", "10.0.80.0/20", "10.0.96.0/20"]);
    assert_eq!(subnets(&topology, &plan, "db"), ["10.0.4.0/24", "10.0.5.0/24", "10.0.6.0/24"]);
    assert_eq!(plan.slots[&Zone::parse("d").unwrap()], 3, "the spare letter has its slot");
    assert_eq!((plan.admitted[0].min_prefix_length, plan.admitted[0].max_prefix_length), (16, 20));
    assert_eq!(Ledger::parse(&ledger.to_string()).unwrap(), ledger);
    assert_eq!(planned(&topology, &ledger).1.to_string(), ledger.to_string());
}

#[test]
fn a_removed_tier_gets_its_block_back() {
    let with = reference();
    let (before, ledger) = planned(&with, &Ledger::default());
    let mut without = with.clone();
    without.tiers.remove(1);
    let (_, ledger) = planned(&without, &ledger);
    let (_, ledger) = planned(&without.tier(Tier::private("cache").prefix_length(20)), &ledger);
    let (after, _) = planned(&with, &ledger);
    assert_eq!((before.tiers, before.removed), (after.tiers, Vec::new()));
}

#[test]
fn a_reclaimed_block_is_used_again() {
    let topology = reference();
    let (before, ledger) = planned(&topology, &Ledger::default());
    let mut without = topology.clone();
    without.tiers.remove(1);
    let at_once = plan(&without.clone().reclaim("app"), &ledger);
    assert_eq!(codes(at_once), ["reclaim-too-early"], "its subnets stand until the edit is applied");
    let (_, ledger) = planned(&without, &ledger);
    let without = without.reclaim("app");
    let (_, ledger) = planned(&without, &ledger);
    let with_cache = without.tier(Tier::private("cache").prefix_length(20));
    let (after, ledger) = planned(&with_cache, &ledger);
    assert_eq!(after.tiers[2], before.tiers[1]);
    assert_eq!(codes(plan(&reference().reclaim("lost"), &ledger)), ["nothing-to-reclaim"]);
}

#[test]
fn a_renamed_tier_keeps_its_block() {
    let topology = reference();
    let (before, ledger) = planned(&topology, &Ledger::default());
    let mut renamed = topology;
    renamed.tiers[2] = Tier::private("data").prefix_length(24).renamed_from("db");
    let (after, ledger) = planned(&renamed, &ledger);
    assert_eq!(before, after);
    assert_eq!(planned(&renamed, &ledger).1, ledger);
}

#[test]
fn a_resized_tier_needs_a_second_generation() {
    let (before, ledger) = planned(&reference(), &Ledger::default());
    let mut resized = reference();
    resized.tiers[2].prefix_length = Some(23);
    assert_eq!(codes(plan(&resized, &ledger)), ["tier-resized"]);
    resized.tiers[2].generation = 2;
    let (after, ledger) = planned(&resized, &ledger);
    assert_eq!(before.tiers[..2], after.tiers[..2]);
    let Layout::Block(block) = after.tiers[2] else { panic!("not pinned") };
    assert_eq!((block.newbits, block.netnum), (5, 1));
    assert!(ledger.to_string().contains("state = \"reserved\""));
}

#[test]
fn a_changed_need_keeps_the_block_while_it_has_room() {
    let with_need = |instances| {
        Topology::new("shop")
            .base("10.0.0.0/16")
            .zones(["a", "b"])
            .tier(Tier::isolated("db").need(Need::instances(instances)))
    };
    let (before, ledger) = planned(&with_need(50), &Ledger::default());
    let (after, _) = planned(&with_need(10), &ledger);
    assert_eq!(before.tiers, after.tiers);
    let codes_of = |found: &Diagnostics| found.iter().map(|found| found.code).collect::<Vec<_>>();
    assert_eq!(codes_of(&after.warnings), ["tier-headroom"]);
    assert_eq!(codes(plan(&with_need(80), &ledger)), ["tier-outgrown"]);
}

#[test]
fn explicit_ranges_are_offsets_that_others_avoid() {
    let topology = Topology::new("shop")
        .base("10.0.0.0/16")
        .zones(["a", "c"])
        .tier(Tier::isolated("new").prefix_length(24))
        .tier(Tier::isolated("old").ranges([("a", "10.0.0.0/24"), ("c", "10.0.9.0/26")]));
    let (plan, ledger) = planned(&topology, &Ledger::default());
    assert_eq!(subnets(&topology, &plan, "old"), ["10.0.0.0/24", "10.0.9.0/26"]);
    assert_eq!(subnets(&topology, &plan, "new"), ["10.0.4.0/24", "10.0.6.0/24"]);
    assert_eq!(Ledger::parse(&ledger.to_string()).unwrap(), ledger);
    let mut moved = topology;
    moved.tiers[1] = Tier::isolated("old").ranges([("a", "10.0.0.0/24"), ("c", "10.0.8.0/26")]);
    assert_eq!(codes(super::allocation::plan(&moved, &ledger)), ["tier-resized"]);
}

#[test]
fn zones_keep_their_slots() {
    let zones = |letters: &[&'static str]| {
        let mut topology = reference();
        topology.zones = letters.iter().map(|letter| (*letter).to_owned()).collect();
        topology
    };
    let (before, ledger) = planned(&zones(&["a", "b", "c"]), &Ledger::default());
    let (after, ledger) = planned(&zones(&["a", "c", "d"]), &ledger);
    assert_eq!((before.slots, before.tiers), (after.slots, after.tiers));
    assert_eq!(codes(plan(&zones(&["a", "e"]), &ledger)), ["zone-without-slot"]);
}

#[test]
fn a_ledger_of_another_base_is_an_error() {
    let (_, ledger) = planned(&reference(), &Ledger::default());
    assert_eq!(codes(plan(&reference().base("10.0.0.0/17"), &ledger)), ["ledger-of-another-base"]);
    assert!(
        plan(&reference().base("10.7.0.0/16"), &ledger).is_ok(),
        "offsets do not depend on where it starts"
    );
}

#[test]
fn a_full_range_says_what_is_free() {
    let (_, ledger) = planned(&reference(), &Ledger::default());
    let found = plan(&reference().tier(Tier::private("big").prefix_length(17)), &ledger).unwrap_err();
    let message = &found.iter().next().unwrap().message;
    assert!(
        message.contains("needs 4 × /17 (131072 addresses in one block) but 47104 are free"),
        "{message}"
    );
}
