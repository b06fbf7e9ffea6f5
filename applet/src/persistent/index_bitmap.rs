//! Retired (`[TX-6]`) and pledged (`[STM-3]`) indexes, a bit each.

use crate::capacities::MAX_INDEX;
use tillcard_protocol::command::Place;
use tillcard_runtime::journal::Key;

const LENGTH: usize = 32;
const BITS: u32 = LENGTH as u32 * 8;
const PER_CHAIN: u32 = MAX_INDEX / BITS;

/// The bits of 256 consecutive indexes of a chain: one record.
#[derive(Clone, Copy, Default)]
pub(super) struct IndexBitmap([u8; LENGTH]);

impl IndexBitmap {
    /// Bytes in a record.
    pub(super) const LENGTH: usize = LENGTH;
    /// Bitmaps of both chains together.
    pub(super) const COUNT: Key = 2 * PER_CHAIN as Key;

    /// Which bitmap a place's bit is in, from 0. Places beyond the chains' ends share the
    /// last; none is ever used.
    pub(super) fn number(place: Place) -> Key {
        let number = (place.index / BITS).min(PER_CHAIN - 1);
        ((place.chain & 1) * PER_CHAIN + number) as Key
    }

    pub(super) fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    pub(super) fn contains(&self, place: Place) -> bool {
        let (byte, bit) = position(place);
        self.0[byte] & bit != 0
    }

    pub(super) fn insert(&mut self, place: Place) {
        let (byte, bit) = position(place);
        self.0[byte] |= bit;
    }
}

fn position(place: Place) -> (usize, u8) {
    let bit = place.index % BITS;
    ((bit / 8) as usize, 1 << (bit % 8))
}
