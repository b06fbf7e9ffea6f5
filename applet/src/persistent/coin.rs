//! Coins in the table.

use crate::command::Txid;
use crate::varint;
use heapless::Vec;

/// Where a coin's key is: chain (0 receive, 1 change) and index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// 0 receive, 1 change.
    pub chain: u32,
    /// Index on the chain.
    pub index: u32,
}

/// A coin of the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coin {
    /// The transaction that made it.
    pub txid: Txid,
    /// Which of its outputs.
    pub vout: u32,
    /// In sat.
    pub amount: u64,
    /// Where its key is.
    pub place: Place,
}

impl Coin {
    /// txid, and three numbers of at most 5, 8 and 2 bytes.
    pub(super) const MAX_LENGTH: usize = 32 + 5 + 8 + 2;
    /// A coin with a one-byte vout, of up to 20.9 BTC.
    pub(super) const TYPICAL_LENGTH: usize = 32 + 1 + 5 + 2;

    pub(super) fn encode(&self) -> Vec<u8, { Self::MAX_LENGTH }> {
        let mut bytes = Vec::new();
        let written = bytes
            .extend_from_slice(&self.txid)
            .ok()
            .and_then(|()| varint::put(&mut bytes, u64::from(self.vout)))
            .and_then(|()| varint::put(&mut bytes, self.amount))
            .and_then(|()| {
                let place = self.place.index << 1 | self.place.chain;
                varint::put(&mut bytes, u64::from(place))
            });
        written.expect("amounts below 2⁵⁶ and indexes below 2¹³ fit");
        bytes
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (txid, rest) = bytes.split_first_chunk()?;
        let (vout, rest) = varint::take(rest)?;
        let (amount, rest) = varint::take(rest)?;
        let (place, rest) = varint::take(rest)?;
        let place = u32::try_from(place).ok()?;
        rest.is_empty().then_some(Self {
            txid: *txid,
            vout: u32::try_from(vout).ok()?,
            amount,
            place: Place {
                chain: place & 1,
                index: place >> 1,
            },
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
            amount in 0..=crate::command::MAX_MONEY,
            chain in 0u32..2,
            index in 0..crate::persistent::MAX_INDEX,
        ) {
            let coin = Coin { txid, vout, amount, place: Place { chain, index } };
            prop_assert_eq!(Coin::decode(&coin.encode()), Some(coin));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = Coin::decode(&bytes);
        }
    }
}
