//! Outpoints as the card and as rust-bitcoin name them.

use bitcoin::hashes::Hash;
use bitcoin::{OutPoint, Txid};
use tillcard_protocol::command::Outpoint;

pub(super) fn to_outpoint(outpoint: &OutPoint) -> Outpoint {
    Outpoint {
        txid: outpoint.txid.to_byte_array(),
        vout: outpoint.vout,
    }
}

pub(super) fn from_outpoint(outpoint: Outpoint) -> OutPoint {
    OutPoint::new(Txid::from_byte_array(outpoint.txid), outpoint.vout)
}
