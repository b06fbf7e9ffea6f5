//! Counters.

use super::fields::{Reader, Writer};

/// Next indexes, what has been paid, and where the log stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// One above the highest receive index at which a rooted coin ever entered.
    pub receive_from: u32,
    /// One above the highest index of a change output that the card ever wrote, or
    /// signed for its owner.
    pub change_from: u32,
    /// Amounts and fees of all payments since the limits were set, in sat.
    pub debited: u64,
    /// Payments since the limits were set.
    pub payments: u16,
    /// Those of them that were made without PIN.
    pub without_pin: u16,
    /// The log's first payment since the limits were set.
    pub counted_from: u32,
    /// The first payment that the log keeps.
    pub log_first: u32,
    /// The first payment that the owner didn't acknowledge.
    pub log_seen: u32,
    /// The payment number of the next payment.
    pub log_next: u32,
}

impl Counters {
    pub(super) const LENGTH: usize = 4 + 4 + 8 + 2 + 2 + 4 * 4;

    pub(super) fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        Writer::new(&mut bytes)
            .u32(self.receive_from)
            .u32(self.change_from)
            .u64(self.debited)
            .u16(self.payments)
            .u16(self.without_pin)
            .u32(self.counted_from)
            .u32(self.log_first)
            .u32(self.log_seen)
            .u32(self.log_next);
        bytes
    }

    /// `None` when there are too few bytes.
    pub(super) fn decode(bytes: &[u8; Self::LENGTH]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            receive_from: reader.u32()?,
            change_from: reader.u32()?,
            debited: reader.u64()?,
            payments: reader.u16()?,
            without_pin: reader.u16()?,
            counted_from: reader.u32()?,
            log_first: reader.u32()?,
            log_seen: reader.u32()?,
            log_next: reader.u32()?,
        })
    }

    /// Whether the log keeps the payment with this payment number.
    pub fn keeps(&self, payment_number: u32) -> bool {
        (self.log_first..self.log_next).contains(&payment_number)
    }
}
