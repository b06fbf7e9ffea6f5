//! Retired (`[TX-6]`) and pledged (`[STM-3]`) indexes, a bit each.

use crate::capacities::MAX_INDEX;
use tillcard_protocol::command::Place;
use tillcard_runtime::journal::Key;

/// Bytes in a block of bits.
pub(super) const BLOCK_LENGTH: usize = 32;
const BITS: u32 = BLOCK_LENGTH as u32 * 8;
const BLOCKS_PER_CHAIN: u32 = MAX_INDEX / BITS;
/// Blocks on both chains.
pub(super) const BLOCKS: Key = 2 * BLOCKS_PER_CHAIN as Key;

/// The bits of 256 consecutive indexes of a chain.
pub(super) type Block = [u8; BLOCK_LENGTH];

/// Which block a place's bit is in. Places beyond the chains' ends share the
/// last; none is ever used.
pub(super) fn number(place: Place) -> Key {
    let block = (place.index / BITS).min(BLOCKS_PER_CHAIN - 1);
    ((place.chain & 1) * BLOCKS_PER_CHAIN + block) as Key
}

pub(super) fn contains(block: &Block, place: Place) -> bool {
    let (byte, bit) = position(place);
    block[byte] & bit != 0
}

pub(super) fn insert(block: &mut Block, place: Place) {
    let (byte, bit) = position(place);
    block[byte] |= bit;
}

fn position(place: Place) -> (usize, u8) {
    let bit = place.index % BITS;
    ((bit / 8) as usize, 1 << (bit % 8))
}
