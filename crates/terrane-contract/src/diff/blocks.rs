//! Address blocks: a subnet whose range moves is replaced, with everything in it.

use super::{Bump, Report};
use crate::addresses::{AddressBlock, BlockState};
use crate::{Addresses, Contract};

pub(super) fn compare(old: &Contract, new: &Contract, report: &mut Report) {
    // A module written by hand says nothing of its blocks; a plan does.
    let (Some(old), Some(new)) = (&old.addresses, &new.addresses) else { return };
    for before in live(old) {
        let same = |after: &&AddressBlock| {
            (&after.range, &after.tier, after.generation) == (&before.range, &before.tier, before.generation)
        };
        if let Some(after) = live(new).find(same)
            && moved(before, after)
        {
            let message = format!("{} instead of {}: its subnets are replaced", shown(after), shown(before));
            report.add("R14", Bump::Major, format!("tier.{}", before.tier), message);
        }
    }
    for (letter, before) in &old.slots {
        if let Some(after) = new.slots.get(letter).filter(|after| *after != before) {
            let message = format!("slot {after} instead of {before}: the subnets of the zone are replaced");
            report.add("R14", Bump::Major, format!("zone.{letter}"), message);
        }
    }
}

fn live(addresses: &Addresses) -> impl Iterator<Item = &AddressBlock> {
    addresses.blocks.iter().filter(|block| block.state == BlockState::Live)
}

/// Whether a subnet that both blocks have lies elsewhere; zones may come and go.
fn moved(before: &AddressBlock, after: &AddressBlock) -> bool {
    let explicit = |(letter, place)| after.zones.get(letter).is_some_and(|other| other != place);
    (before.newbits, before.netnum) != (after.newbits, after.netnum) || before.zones.iter().any(explicit)
}

fn shown(block: &AddressBlock) -> String {
    match (block.newbits, block.netnum) {
        (Some(newbits), Some(netnum)) => format!("part {netnum} of 2^{newbits}"),
        _ => {
            let zones = block.zones.iter();
            let places =
                zones.map(|(letter, (newbits, netnum))| format!("{letter}: {netnum} of 2^{newbits}"));
            places.collect::<Vec<_>>().join(", ")
        }
    }
}
