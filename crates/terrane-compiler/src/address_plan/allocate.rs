//! Gives every tier its block: the recorded one, or the best free one.
//!
//! Recorded blocks are settled first, then explicit ranges, then what is left goes to new tiers in the order of
//! their declaration.

use std::collections::{BTreeMap, BTreeSet};

use terrane_contract::BlockState;

use crate::address_plan::{AddressPlan, Layout, admitted, space};
use crate::declaration::{Declaration, Size, Tier};
use crate::diagnostics::{Code, Diagnostic, Diagnostics, report};
use crate::family::{Address, V4};
use crate::ledger::{Entry, Key, Ledger, slot_bits};
use crate::names::{Block, Name, Zone};
use crate::suggest;

/// The fewest slots of a block, so that a network of one to three zones has one to spare.
const MIN_SLOTS: usize = 4;

/// Gives every tier its block, and records it.
///
/// # Errors
///
/// Returns every tier that has no room, and everything that would move a recorded block.
pub fn allocate(declaration: &Declaration, recorded: &Ledger) -> Result<(AddressPlan, Ledger), Diagnostics> {
    let mut found = Diagnostics::default();
    let mut ledger = recorded.clone();
    ranges(declaration, &mut ledger, &mut found);
    slots(declaration, &mut ledger, &mut found);
    rename(declaration, &mut ledger, &mut found);
    too_early(declaration, &ledger, &mut found);
    mark(declaration, &mut ledger);
    reclaim(declaration, &mut ledger, &mut found);
    if found.has_errors() {
        return Err(found);
    }
    let tiers = || declaration.tiers.iter();
    tiers().for_each(|tier| settle(declaration, tier, &mut ledger, &mut found));
    tiers().for_each(|tier| pin(declaration, tier, &mut ledger, &mut found));
    tiers().for_each(|tier| place(declaration, tier, &mut ledger, &mut found));
    found.ok(())?;
    let layouts: Vec<Layout> = tiers().map(|tier| layout(declaration, tier, &ledger)).collect();
    let slot_bits = ledger.slot_bits();
    let plan = AddressPlan {
        admitted: admitted::all(declaration, &layouts, slot_bits),
        tiers: layouts,
        slots: ledger.slots.clone(),
        slot_bits,
        removed: removed(&ledger),
        warnings: found,
    };
    Ok((plan, ledger))
}

fn key(declaration: &Declaration, tier: &Tier) -> Key {
    Key {
        range: declaration.ranges[tier.range].name.clone(),
        tier: tier.name.clone(),
        generation: tier.generation,
    }
}

fn layout(declaration: &Declaration, tier: &Tier, ledger: &Ledger) -> Layout {
    match (&ledger.entries[&key(declaration, tier)].layout, &tier.size) {
        // Zones that are gone stay recorded, and take no part in the plan.
        (Layout::Pinned(blocks), Size::Pinned(ranges)) => {
            let live = blocks.iter().filter(|(zone, _)| ranges.contains_key(zone));
            Layout::Pinned(live.map(|(zone, block)| (*zone, *block)).collect())
        }
        (layout, _) => layout.clone(),
    }
}

/// Records the ranges; blocks count from the start of ranges of the recorded prefix length.
fn ranges(declaration: &Declaration, ledger: &mut Ledger, found: &mut Diagnostics) {
    for range in &declaration.ranges {
        let length = range.cidr.prefix_length();
        let recorded = *ledger.ranges.entry(range.name.clone()).or_insert(length);
        if recorded != length {
            let message = format!(
                "range `{}` is {}, but the ledger records its blocks in a /{recorded}",
                range.name, range.cidr
            );
            let hint = format!("declare a /{recorded}, and give the other range to the module's variable");
            let problem = Diagnostic::new(Code::LEDGER_OF_ANOTHER_BASE, &range.origin.at("cidr"), message);
            found.push(problem.hint(hint).hint("for a new network, start without a ledger"));
        }
    }
}

/// Gives every zone letter a slot, and the slots that are left to the first unused letters.
fn slots(declaration: &Declaration, ledger: &mut Ledger, found: &mut Diagnostics) {
    if ledger.slots.is_empty() {
        let count = (declaration.zones.len() + 1).max(MIN_SLOTS).next_power_of_two();
        let spare = Zone::all().filter(|zone| !declaration.zones.contains(zone));
        let mut letters: Vec<Zone> = declaration.zones.iter().copied().chain(spare).take(count).collect();
        letters.sort();
        ledger.slots = letters.into_iter().zip(0..).collect();
        return;
    }
    for zone in declaration.zones.iter().filter(|zone| !ledger.slots.contains_key(zone)) {
        let letters: Vec<String> = ledger.slots.keys().map(Zone::to_string).collect();
        let spare = ledger.slots.keys().filter(|zone| !declaration.zones.contains(zone));
        let spare: Vec<String> = spare.map(Zone::to_string).collect();
        let hint = if spare.is_empty() {
            "a network cannot outgrow its slots: declare a second network for more zones".to_owned()
        } else {
            let spare = suggest::list(spare.iter().map(String::as_str));
            format!("name the zone {spare}: letters map to any availability zone")
        };
        report!(
            found, Code::ZONE_WITHOUT_SLOT, &declaration.origin.at("zones"),
            "zone `{zone}` has no slot: the {} slots of each block belong to {}",
            1_u32 << slot_bits(letters.len()), suggest::list(letters.iter().map(String::as_str));
            "{hint}"
        );
    }
}

/// Moves what is recorded under a tier's old names to its name.
fn rename(declaration: &Declaration, ledger: &mut Ledger, found: &mut Diagnostics) {
    for tier in &declaration.tiers {
        let recorded = |name: &Name| ledger.entries.keys().any(|key| key.tier == *name);
        let Some(old) = tier.renamed_from.iter().rev().find(|name| recorded(name)).cloned() else { continue };
        if recorded(&tier.name) {
            report!(
                found, Code::RENAME_OF_TWO, &tier.origin.at("renamed_from"),
                "tier `{}` is renamed from `{old}`, but the ledger records both", tier.name;
                "choose another name, or reclaim `{}` before the rename", tier.name
            );
            continue;
        }
        let entries = std::mem::take(&mut ledger.entries);
        ledger.entries =
            entries
                .into_iter()
                .map(|(key, entry)| {
                    if key.tier == old {
                        (Key { tier: tier.name.clone(), ..key }, entry)
                    } else {
                        (key, entry)
                    }
                })
                .collect();
    }
}

/// Marks what is declared as live, and what was live before as reserved.
fn mark(declaration: &Declaration, ledger: &mut Ledger) {
    let declared: BTreeSet<Key> = declaration.tiers.iter().map(|tier| key(declaration, tier)).collect();
    ledger.entries.retain(|key, entry| entry.state != BlockState::Reclaimed || !declared.contains(key));
    for (key, entry) in &mut ledger.entries {
        if declared.contains(key) {
            entry.state = BlockState::Live;
        } else if entry.state == BlockState::Live {
            entry.state = BlockState::Reserved;
        }
    }
}

/// Refuses to free blocks that this very edit empties: their subnets stand until the edit is applied.
fn too_early(declaration: &Declaration, ledger: &Ledger, found: &mut Diagnostics) {
    let declared: BTreeSet<Key> = declaration.tiers.iter().map(|tier| key(declaration, tier)).collect();
    for name in &declaration.reclaim {
        let stands = |(key, entry): &(&Key, &Entry)| {
            key.tier == *name && entry.state == BlockState::Live && !declared.contains(key)
        };
        if let Some((key, _)) = ledger.entries.iter().find(stands) {
            report!(
                found, Code::RECLAIM_TOO_EARLY, &declaration.origin.at("reclaim"),
                "the block of {key} is reclaimed by the edit that removes its subnets, which stand until that is applied";
                "compile and apply without `reclaim` first, so that the subnets go while they keep their network ACL, and reclaim the block in the next edit"
            );
        }
    }
}

/// Returns the tiers that are gone and whose blocks nobody has reclaimed.
fn removed(ledger: &Ledger) -> Vec<Name> {
    let of_state = |state| ledger.entries.iter().filter(move |(_, entry)| entry.state == state);
    let live: BTreeSet<&Name> = of_state(BlockState::Live).map(|(key, _)| &key.tier).collect();
    let reserved: BTreeSet<&Name> = of_state(BlockState::Reserved).map(|(key, _)| &key.tier).collect();
    reserved.difference(&live).map(|name| (*name).clone()).collect()
}

/// Frees the reserved blocks of tiers whose author has given them up.
fn reclaim(declaration: &Declaration, ledger: &mut Ledger, found: &mut Diagnostics) {
    for name in &declaration.reclaim {
        let mut known = false;
        let of_tier = |(key, _): &(&Key, &mut Entry)| key.tier == *name;
        for (_, entry) in ledger.entries.iter_mut().filter(of_tier) {
            if entry.state != BlockState::Live {
                entry.state = BlockState::Reclaimed;
                known = true;
            }
        }
        let declared = declaration.tiers.iter().any(|tier| tier.name == *name);
        if !declared {
            ledger.rule_numbers.forget(name.as_str());
        }
        if !known {
            let tiers: BTreeSet<&str> = ledger
                .entries
                .iter()
                .filter(|(_, entry)| entry.state != BlockState::Live)
                .map(|(key, _)| key.tier.as_str())
                .collect();
            let problem = if declared { "is declared" } else { "never had one" };
            report!(
                found, Code::NOTHING_TO_RECLAIM, &declaration.origin.at("reclaim"),
                "the ledger reserves no block for tier `{name}`, which {problem}";
                "{}", suggest::hint(name.as_str(), tiers)
            );
        }
    }
}

/// Checks that a recorded block still serves its tier.
fn settle(declaration: &Declaration, tier: &Tier, ledger: &mut Ledger, found: &mut Diagnostics) {
    let key = key(declaration, tier);
    let range = declaration.ranges[tier.range].cidr;
    let slot_bits = ledger.slot_bits();
    let Some(entry) = ledger.entries.get_mut(&key) else { return };
    let next = ways_on(tier);
    let mut report = |code, message: String| {
        let size = match &tier.size {
            Size::Pinned(_) => "ranges",
            Size::PrefixLength { .. } if tier.sized_by_need => "need",
            Size::PrefixLength { .. } => "prefix_length",
        };
        let mut problem = Diagnostic::new(code, &tier.origin.at(size), message);
        problem.hints.clone_from(&next);
        found.push(problem);
    };
    match (&mut entry.layout, &tier.size) {
        (Layout::Block(block), Size::PrefixLength { length, need }) => {
            let length = length.get();
            let recorded = range.prefix_length() + block.newbits + slot_bits;
            let outgrown = tier.sized_by_need && recorded > length;
            if outgrown {
                report(
                    Code::TIER_OUTGROWN,
                    format!(
                        "tier `{}` needs subnets of /{length}, but its recorded block has /{recorded}",
                        tier.name
                    ),
                );
            } else if !tier.sized_by_need && recorded != length {
                report(
                    Code::TIER_RESIZED,
                    format!(
                        "tier `{}` has subnets of /{length}, but its recorded block has /{recorded}, and AWS resizes no subnet",
                        tier.name
                    ),
                );
            } else if let Some(need) = need.as_ref().filter(|_| recorded != length) {
                let size = V4::addresses(recorded);
                report!(
                    found, Code::TIER_HEADROOM, &tier.origin.at("need"),
                    "tier `{}` keeps its subnets of /{recorded}, although /{length} would do: it needs {} of {size} addresses", tier.name, need.addresses;
                    "the recorded block stays, since a subnet cannot shrink"
                );
            }
        }
        (Layout::Pinned(recorded), Size::Pinned(ranges)) => {
            for (zone, cidr) in ranges {
                let Some(block) = range.block(*cidr) else { continue };
                match recorded.get(zone).copied() {
                    Some(before) if before != block => report(
                        Code::TIER_RESIZED,
                        format!(
                            "tier `{}` has the range {cidr} in zone `{zone}`, but the ledger records {}, and AWS moves no subnet",
                            tier.name,
                            range.subnet(before).unwrap_or(range)
                        ),
                    ),
                    Some(_) | None => {}
                }
            }
        }
        (Layout::Block(_), Size::Pinned(_)) | (Layout::Pinned(_), Size::PrefixLength { .. }) => report(
            Code::TIER_RESIZED,
            format!(
                "tier `{}` changes between explicit ranges and a size, but its recorded block cannot move",
                tier.name
            ),
        ),
    }
}

/// Returns what the author of a tier can do whose recorded block no longer serves.
fn ways_on(tier: &Tier) -> Vec<String> {
    let generation = tier.generation.saturating_add(1);
    vec![
        "declare it as it was".to_owned(),
        format!(
            "or give it new subnets beside the old ones: declare generation = {generation}, which replaces the old ones when applied"
        ),
    ]
}

/// Records explicit ranges that are new.
fn pin(declaration: &Declaration, tier: &Tier, ledger: &mut Ledger, found: &mut Diagnostics) {
    let Size::Pinned(ranges) = &tier.size else { return };
    let key = key(declaration, tier);
    let range = declaration.ranges[tier.range].cidr;
    let mut blocks = match ledger.entries.get(&key).map(|entry| &entry.layout) {
        Some(Layout::Pinned(blocks)) => blocks.clone(),
        Some(Layout::Block(_)) => return,
        None => BTreeMap::new(),
    };
    for (zone, cidr) in ranges {
        let Some(block) = range.block(*cidr) else { continue };
        if blocks.get(zone) == Some(&block) {
            continue;
        }
        let own = blocks
            .iter()
            .filter(|(other, _)| *other != zone)
            .map(|(other, held)| (format!("{key} in zone `{other}`"), *held));
        let taken = ledger.entries.iter().filter(|(other, _)| other.range == key.range && **other != key);
        let taken = taken
            .flat_map(|(other, entry)| entry.held().into_iter().map(move |held| (other.to_string(), held)));
        if let Some((owner, held)) = own.chain(taken).find(|(_, held)| held.overlaps(block)) {
            report!(
                found, Code::PINNED_TAKEN, &tier.origin.at(&format!("ranges.{zone}")),
                "tier `{}` in zone `{zone}` ({cidr}) overlaps {owner}, for which the ledger keeps {}", tier.name, range.subnet(held).unwrap_or(range);
                "take another range, or reclaim the block if its tier is gone"
            );
        }
        blocks.entry(*zone).or_insert(block);
    }
    ledger.entries.insert(key, Entry { state: BlockState::Live, layout: Layout::Pinned(blocks) });
}

/// Gives a new tier the best free block.
fn place(declaration: &Declaration, tier: &Tier, ledger: &mut Ledger, found: &mut Diagnostics) {
    let Size::PrefixLength { length, .. } = &tier.size else { return };
    let length = length.get();
    let key = key(declaration, tier);
    if ledger.entries.contains_key(&key) {
        return;
    }
    let range = &declaration.ranges[tier.range];
    let slot_bits = ledger.slot_bits();
    let of_range = || ledger.entries.iter().filter(|(other, _)| other.range == key.range);
    let taken: Vec<Block> = of_range().flat_map(|(_, entry)| entry.held()).collect();
    let newbits = length.checked_sub(slot_bits + range.cidr.prefix_length());
    if let Some(block) = newbits.and_then(|newbits| space::best_fit(&taken, newbits)) {
        ledger.entries.insert(key, Entry { state: BlockState::Live, layout: Layout::Block(block) });
        return;
    }
    let free = space::free(&taken);
    let size = |block: &Block| V4::addresses(range.cidr.prefix_length() + block.newbits);
    let total: u128 = free.iter().map(size).sum();
    let largest = free.iter().map(size).max().unwrap_or(0);
    let message = format!(
        "tier `{}` needs {} × /{length} ({} addresses in one block) but {total} are free in range `{}` ({}), {largest} of them in one block",
        tier.name,
        1_u32 << slot_bits,
        V4::addresses(length) << slot_bits,
        range.name,
        range.cidr,
    );
    let size = if tier.sized_by_need { "need" } else { "prefix_length" };
    let mut problem = Diagnostic::new(Code::RANGE_FULL, &tier.origin.at(size), message)
        .hint("take a longer prefix length, a shorter one for the range, or a secondary range");
    let reserved: BTreeSet<&str> = of_range()
        .filter(|(_, entry)| entry.state == BlockState::Reserved)
        .map(|(other, _)| other.tier.as_str())
        .collect();
    if !reserved.is_empty() {
        problem = problem.hint(format!(
            "blocks are reserved for {}: reclaim those you will not bring back",
            suggest::list(reserved)
        ));
    }
    found.push(problem);
}
