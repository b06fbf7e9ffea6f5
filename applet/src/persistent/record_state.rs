//! What became of a logged payment. It changes, where the log entry does not.

const CANCELLED: u8 = 1 << 0;
const CONTESTED: u8 = 1 << 1;

/// How often a payment's transaction was given again, and what its owner did against it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaymentRecordState {
    /// By PAY, 255 for more (`[REC-2]`).
    pub again: u8,
    /// As an ancestor of another payment's coins, 255 for more (`[ANC-2]`).
    pub as_ancestor: u8,
    /// A conflicting transaction is confirmed (`[RES-1]`).
    pub cancelled: bool,
    /// The owner signed a transaction that spends one of its inputs (`[STM-2]`).
    pub contested: bool,
}

impl PaymentRecordState {
    pub(super) const LENGTH: usize = 3;

    pub(super) fn encode(self) -> [u8; Self::LENGTH] {
        let flags = (u8::from(self.cancelled) * CANCELLED) | (u8::from(self.contested) * CONTESTED);
        [self.again, self.as_ancestor, flags]
    }

    pub(super) fn decode([again, as_ancestor, flags]: [u8; Self::LENGTH]) -> Self {
        Self {
            again,
            as_ancestor,
            cancelled: flags & CANCELLED != 0,
            contested: flags & CONTESTED != 0,
        }
    }
}
