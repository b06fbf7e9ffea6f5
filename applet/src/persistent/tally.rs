//! Counters.

/// Next indexes, and what has been paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// One above the highest receive index at which a coin ever entered.
    pub next_receive: u32,
    /// The index of the next change.
    pub next_change: u32,
    /// Amounts and fees of all payments, in sat.
    pub debited: u64,
    /// Payments in the log.
    pub payments: u16,
}

impl Tally {
    pub(super) const LENGTH: usize = 4 + 4 + 8 + 2;

    pub(super) fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[..4].copy_from_slice(&self.next_receive.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.next_change.to_be_bytes());
        bytes[8..16].copy_from_slice(&self.debited.to_be_bytes());
        bytes[16..].copy_from_slice(&self.payments.to_be_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; Self::LENGTH]) -> Self {
        let [
            r0,
            r1,
            r2,
            r3,
            c0,
            c1,
            c2,
            c3,
            d0,
            d1,
            d2,
            d3,
            d4,
            d5,
            d6,
            d7,
            p0,
            p1,
        ] = *bytes;
        Self {
            next_receive: u32::from_be_bytes([r0, r1, r2, r3]),
            next_change: u32::from_be_bytes([c0, c1, c2, c3]),
            debited: u64::from_be_bytes([d0, d1, d2, d3, d4, d5, d6, d7]),
            payments: u16::from_be_bytes([p0, p1]),
        }
    }
}
