//! Free space of a range, as aligned blocks.

use crate::names::Block;

/// Returns where a block of this size fits best: the smallest free block that holds it, the lowest of these.
pub(super) fn best_fit(taken: &[Block], newbits: u8) -> Option<Block> {
    let holds = free(taken).into_iter().filter(|block| block.newbits <= newbits);
    let best = holds.min_by_key(|block| (newbits - block.newbits, start(*block)))?;
    Some(best.subnet(newbits - best.newbits, 0))
}

/// Returns the largest aligned blocks that nobody has taken, in the order of their addresses.
pub(super) fn free(taken: &[Block]) -> Vec<Block> {
    let mut found = Vec::new();
    split(Block { newbits: 0, netnum: 0 }, taken, &mut found);
    found
}

fn split(block: Block, taken: &[Block], found: &mut Vec<Block>) {
    let inside: Vec<Block> = taken.iter().copied().filter(|other| other.overlaps(block)).collect();
    if inside.is_empty() {
        found.push(block);
    } else if inside.iter().all(|other| other.newbits > block.newbits) {
        split(block.subnet(1, 0), &inside, found);
        split(block.subnet(1, 1), &inside, found);
    }
}

/// Returns where a block begins, in parts of 2^-32 of its range.
fn start(block: Block) -> u64 {
    u64::from(block.netnum) << u32::BITS.saturating_sub(block.newbits.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(newbits: u8, netnum: u32) -> Block {
        Block { newbits, netnum }
    }

    #[test]
    fn large_before_small_leaves_no_gap() {
        let mut taken = Vec::new();
        for (newbits, expected) in [(2, 0), (6, 16), (6, 17), (6, 18), (1, 1)] {
            let found = best_fit(&taken, newbits);
            assert_eq!(found, Some(block(newbits, expected)));
            taken.extend(found);
        }
    }

    #[test]
    fn the_smallest_hole_wins() {
        let taken = [block(2, 0), block(4, 5), block(2, 2)];
        assert_eq!(best_fit(&taken, 4), Some(block(4, 4)));
        assert_eq!(best_fit(&taken, 3), Some(block(3, 3)));
        assert_eq!(best_fit(&taken, 1), None);
    }
}
