//! Entries of the payment log (`[PAY-8]`).

use crate::command::Txid;
use crate::varint;
use heapless::Vec;

/// What is remembered of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// The payment's txid.
    pub txid: Txid,
    /// Amount to the payee, in sat.
    pub amount: u64,
    /// Fee, in sat.
    pub fee: u64,
    /// The payee's scriptPubKey.
    pub payee_script: &'a [u8],
}

/// txid, two amounts, the longest script that is paid to.
pub(super) const MAX_LENGTH: usize = 32 + 8 + 8 + crate::payment::PAYEE_SCRIPT_MAX;

impl LogEntry<'_> {
    pub(super) fn encode(&self) -> Vec<u8, MAX_LENGTH> {
        let mut bytes = Vec::new();
        let written = bytes
            .extend_from_slice(&self.txid)
            .ok()
            .and_then(|()| varint::put(&mut bytes, self.amount))
            .and_then(|()| varint::put(&mut bytes, self.fee))
            .and_then(|()| bytes.extend_from_slice(self.payee_script).ok());
        written.expect("amounts below 2⁵⁶ and permitted scripts fit");
        bytes
    }
}
