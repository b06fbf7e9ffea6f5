//! Coins in the table.

use crate::varint;
use heapless::Vec;
use tillcard_protocol::command::{Outpoint, Place, Txid};

/// A coin of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coin {
    /// The transaction that made it.
    pub txid: Txid,
    /// Which of its outputs.
    pub vout: u32,
    /// Its amount, in sat.
    pub amount: u64,
    /// Where its key is.
    pub place: Place,
    /// Entered by a shop, or change of a payment from such coins.
    pub unrooted: bool,
    /// Reported as absent from the chain.
    pub doubtful: bool,
    /// Number of the payment that spent it.
    pub spent: Option<u32>,
}

const CHAIN: u32 = 1;
const SPENT: u32 = 2;
const DOUBTFUL: u32 = 4;
const UNROOTED: u32 = 8;
const FLAG_BITS: u32 = 4;

impl Coin {
    /// txid, and four numbers of at most 5, 8, 3 and 5 bytes.
    pub(super) const MAX_LENGTH: usize = 32 + 5 + 8 + 3 + 5;
    /// A coin with a one-byte vout, of up to 2.6 BTC, at an index below 1024,
    /// spent by one of the first 128 payments.
    pub(super) const TYPICAL_LENGTH: usize = 32 + 1 + 4 + 2 + 1;

    /// What it is on the chain.
    pub fn outpoint(&self) -> Outpoint {
        Outpoint {
            txid: self.txid,
            vout: self.vout,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8, { Self::MAX_LENGTH }> {
        let flag = |set: bool, bit: u32| if set { bit } else { 0 };
        let place = self.place.index << FLAG_BITS
            | flag(self.unrooted, UNROOTED)
            | flag(self.doubtful, DOUBTFUL)
            | flag(self.spent.is_some(), SPENT)
            | self.place.chain & CHAIN;
        let mut bytes = Vec::new();
        let written = bytes
            .extend_from_slice(&self.txid)
            .ok()
            .and_then(|()| varint::put(&mut bytes, u64::from(self.vout)))
            .and_then(|()| varint::put(&mut bytes, self.amount))
            .and_then(|()| varint::put(&mut bytes, u64::from(place)))
            .and_then(|()| match self.spent {
                Some(payment_number) => varint::put(&mut bytes, u64::from(payment_number)),
                None => Some(()),
            });
        written.expect("amounts below 2⁵⁶ and indexes below 2¹³ fit");
        bytes
    }

    /// `None` when this isn't what [`Self::encode`] wrote.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (txid, rest) = bytes.split_first_chunk()?;
        let (vout, rest) = varint::take(rest)?;
        let (amount, rest) = varint::take(rest)?;
        let (place, rest) = varint::take(rest)?;
        let place = u32::try_from(place).ok()?;
        let (spent, rest) = if place & SPENT != 0 {
            let (payment_number, rest) = varint::take(rest)?;
            (Some(u32::try_from(payment_number).ok()?), rest)
        } else {
            (None, rest)
        };
        rest.is_empty().then_some(Self {
            txid: *txid,
            vout: u32::try_from(vout).ok()?,
            amount,
            place: Place {
                chain: place & CHAIN,
                index: place >> FLAG_BITS,
            },
            unrooted: place & UNROOTED != 0,
            doubtful: place & DOUBTFUL != 0,
            spent,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_coin_reads_back(
            txid: [u8; 32],
            vout: u32,
            amount in 0..=tillcard_protocol::command::MAX_MONEY,
            chain in 0u32..2,
            index in 0..crate::capacities::MAX_INDEX,
            unrooted: bool,
            doubtful: bool,
            spent: Option<u32>,
        ) {
            let place = Place { chain, index };
            let coin = Coin { txid, vout, amount, place, unrooted, doubtful, spent };
            prop_assert_eq!(Coin::decode(&coin.encode()), Some(coin));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Coin::decode(&bytes);
        }
    }
}
