//! Checks a ledger that was read: it is input, and may be wrong.

use std::collections::BTreeMap;

use terrane_contract::{AddressBlock, Addresses};

use crate::address_plan::Layout;
use crate::declaration::ranges;
use crate::diagnostics::{Code, Diagnostics, report};
use crate::ledger::{Entry, Key, Ledger, RuleNumbers, origin};
use crate::names::{Block, Name, Zone};
use crate::sizing::SUBNET_LENGTHS;

/// The numbers that rules of network ACLs can have here, in all their bands.
const RULE_NUMBERS: std::ops::RangeInclusive<u16> = 100..=999;

/// What to do when two branches have each taken a block, a slot, or a number.
const MERGED: &str =
    "if branches were merged: take the ledger of the one that was applied, and compile again";

/// Reads the record.
pub(super) fn read(addresses: &Addresses) -> Result<Ledger, Diagnostics> {
    let mut found = Diagnostics::default();
    let ranges = range_lengths(addresses, &mut found);
    let slots = slots(addresses, &mut found);
    let mut ledger = Ledger {
        ranges,
        slots,
        entries: BTreeMap::new(),
        rule_numbers: RuleNumbers::recorded(addresses.rules.clone()),
    };
    for (idx, block) in addresses.blocks.iter().enumerate() {
        entry(idx, block, &mut ledger, &mut found);
    }
    overlaps(addresses, &ledger, &mut found);
    rules(addresses, &mut found);
    found.ok(ledger)
}

fn report(found: &mut Diagnostics, code: Code, path: &str, message: String, hint: &str) {
    report!(found, code, &origin(path), "{message}"; "{hint}");
}

fn range_lengths(addresses: &Addresses, found: &mut Diagnostics) -> BTreeMap<Name, u8> {
    let mut lengths = BTreeMap::new();
    for (text, length) in &addresses.ranges {
        match Name::parse(text) {
            Ok(name) if ranges::LENGTHS.contains(length) => {
                lengths.insert(name, *length);
            }
            Ok(_) => report(
                found,
                Code::LEDGER_RANGE,
                &format!("ranges.{text}"),
                format!("the ledger has range `{text}` as a /{length}, but AWS takes a /16 to a /28"),
                "undo edits of the ledger",
            ),
            Err(problem) => report(
                found,
                Code::LEDGER_NAME,
                &format!("ranges.{text}"),
                format!("the ledger has range `{text}`, whose name {problem}"),
                "undo edits of the ledger",
            ),
        }
    }
    lengths
}

fn slots(addresses: &Addresses, found: &mut Diagnostics) -> BTreeMap<Zone, u32> {
    let mut slots: BTreeMap<Zone, u32> = BTreeMap::new();
    let bound = addresses.slots.len().next_power_of_two() as u64;
    for (letter, slot) in &addresses.slots {
        let zone = match Zone::parse(letter) {
            Ok(zone) => zone,
            Err(problem) => {
                let message = format!("the ledger has a slot for zone `{letter}`, which {problem}");
                report(
                    found,
                    Code::LEDGER_SLOT,
                    &format!("slots.{letter}"),
                    message,
                    "undo edits of the ledger",
                );
                continue;
            }
        };
        if let Some((other, _)) = slots.iter().find(|(_, taken)| *taken == slot) {
            let message = format!("zones `{other}` and `{zone}` both have slot {slot} in the ledger");
            report(found, Code::LEDGER_SLOT, &format!("slots.{letter}"), message, MERGED);
        }
        if u64::from(*slot) >= bound {
            let message = format!("zone `{zone}` has slot {slot} in the ledger, but there are {bound}");
            report(found, Code::LEDGER_SLOT, &format!("slots.{letter}"), message, "undo edits of the ledger");
        }
        slots.insert(zone, *slot);
    }
    slots
}

fn entry(idx: usize, block: &AddressBlock, ledger: &mut Ledger, found: &mut Diagnostics) {
    let path = format!("blocks[{idx}]");
    let (range, tier) = match (Name::parse(&block.range), Name::parse(&block.tier)) {
        (Ok(range), Ok(tier)) => (range, tier),
        (range, tier) => {
            for (text, problem) in [(&block.range, range.err()), (&block.tier, tier.err())] {
                let Some(problem) = problem else { continue };
                let message = format!("the ledger has a block for `{text}`, whose name {problem}");
                report(found, Code::LEDGER_NAME, &path, message, "undo edits of the ledger");
            }
            return;
        }
    };
    let key = Key { range, tier, generation: block.generation };
    let Some(length) = ledger.ranges.get(&key.range).copied() else {
        let message = format!("{key} has a block in range `{}`, which the ledger does not have", key.range);
        report(found, Code::LEDGER_RANGE, &path, message, "undo edits of the ledger");
        return;
    };
    let Some(layout) = layout(block, &key, &path, found) else { return };
    let slot_bits = if matches!(layout, Layout::Block(_)) { ledger.slot_bits() } else { 0 };
    for part in layout.blocks() {
        let subnet = u32::from(length) + u32::from(part.newbits) + u32::from(slot_bits);
        let inside = part.newbits <= 16 && part.netnum >> part.newbits == 0;
        if !inside || !SUBNET_LENGTHS.contains(&u8::try_from(subnet).unwrap_or(u8::MAX)) {
            let message = format!(
                "{key} has block {} of 2^{} in range `{}`, a /{length}: {}",
                part.netnum,
                part.newbits,
                key.range,
                if inside { "its subnets are not /16 to /28" } else { "there is no such block" }
            );
            report(
                found,
                Code::LEDGER_BLOCK,
                &path,
                message,
                "undo edits of the ledger, or recover it from the contract",
            );
            return;
        }
    }
    if let Some(other) = ledger.entries.get(&key) {
        let (first, second) = (describe(&other.layout), describe(&layout));
        let message =
            format!("the ledger has two blocks for {key} in range `{}`: {first}, and {second}", key.range);
        report(found, Code::LEDGER_DUPLICATE, &path, message, MERGED);
        return;
    }
    ledger.entries.insert(key, Entry { state: block.state, layout });
}

/// Says where something lies, as the ledger does.
fn describe(layout: &Layout) -> String {
    let part = |block: &Block| format!("{} of 2^{}", block.netnum, block.newbits);
    layout.blocks().iter().map(part).collect::<Vec<_>>().join(", ")
}

fn layout(block: &AddressBlock, key: &Key, path: &str, found: &mut Diagnostics) -> Option<Layout> {
    if let (Some(newbits), Some(netnum), true) = (block.newbits, block.netnum, block.zones.is_empty()) {
        return Some(Layout::Block(Block { newbits, netnum }));
    }
    let zones = block.zones.iter().map(|(letter, (newbits, netnum))| {
        Some((Zone::parse(letter).ok()?, Block { newbits: *newbits, netnum: *netnum }))
    });
    let zones: Option<BTreeMap<Zone, Block>> = zones.collect();
    match zones.filter(|zones| !zones.is_empty() && block.newbits.is_none() && block.netnum.is_none()) {
        Some(zones) => Some(Layout::Pinned(zones)),
        None => {
            let message = format!("{key} has neither one block nor one for each zone letter in the ledger");
            report(found, Code::LEDGER_BLOCK, path, message, "undo edits of the ledger");
            None
        }
    }
}

/// Reports entries that share an address.
fn overlaps(addresses: &Addresses, ledger: &Ledger, found: &mut Diagnostics) {
    let path = |key: &Key| {
        let same = |block: &AddressBlock| {
            (block.range.as_str(), block.tier.as_str(), block.generation)
                == (key.range.as_str(), key.tier.as_str(), key.generation)
        };
        addresses
            .blocks
            .iter()
            .position(same)
            .map_or_else(|| "blocks".to_owned(), |idx| format!("blocks[{idx}]"))
    };
    let entries: Vec<(&Key, Vec<Block>)> =
        ledger.entries.iter().map(|(key, entry)| (key, entry.held())).collect();
    for (idx, (key, blocks)) in entries.iter().enumerate() {
        let before = entries[..idx].iter().filter(|(other, _)| other.range == key.range);
        for (other, other_blocks) in before {
            let shares = blocks.iter().any(|block| other_blocks.iter().any(|other| other.overlaps(*block)));
            if shares {
                let message = format!("{other} and {key} have the same addresses of range `{}`", key.range);
                report(found, Code::LEDGER_OVERLAP, &path(key), message, MERGED);
            }
        }
        let within = blocks.iter().enumerate().any(|(at, a)| blocks[..at].iter().any(|b| a.overlaps(*b)));
        if within {
            let message = format!("two zones of {key} have the same addresses of range `{}`", key.range);
            report(found, Code::LEDGER_OVERLAP, &path(key), message, MERGED);
        }
    }
}

/// Reports rules that share a number, or have none that a rule can have.
fn rules(addresses: &Addresses, found: &mut Diagnostics) {
    for (tier, directions) in &addresses.rules {
        for (direction, numbers) in directions {
            let path = format!("rules.{tier}.{direction}");
            if !["ingress", "egress"].contains(&direction.as_str()) {
                let message = format!(
                    "the ledger numbers rules of tier `{tier}` in the direction `{direction}`, which is neither `ingress` nor `egress`"
                );
                report(found, Code::LEDGER_RULE_NUMBER, &path, message, "undo edits of the ledger");
            }
            let mut taken: BTreeMap<u16, &str> = BTreeMap::new();
            for (key, number) in numbers {
                if !RULE_NUMBERS.contains(number) {
                    let message = format!(
                        "the rule `{key}` of tier `{tier}` has {direction} number {number}, outside {} to {}",
                        RULE_NUMBERS.start(),
                        RULE_NUMBERS.end()
                    );
                    report(
                        found,
                        Code::LEDGER_RULE_NUMBER,
                        &format!("{path}.{key}"),
                        message,
                        "undo edits of the ledger",
                    );
                }
                if let Some(other) = taken.insert(*number, key) {
                    let message = format!(
                        "the rules `{other}` and `{key}` of tier `{tier}` both have {direction} number {number}"
                    );
                    report(found, Code::LEDGER_RULE_NUMBER, &format!("{path}.{key}"), message, MERGED);
                }
            }
        }
    }
}
