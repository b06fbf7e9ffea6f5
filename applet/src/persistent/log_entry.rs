//! Entries of the payment log (`[PAY-8]`, `[LOG-1]`): facts, claims, and what it
//! takes to write the transaction again.

use super::Slot;
use crate::capacities::MAX_INPUTS;
use crate::varint;
use heapless::{Vec, VecView};
use tillcard_protocol::command::{IDENTITY_LENGTH, Txid};

/// The change of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Amount of the change output, in sat.
    pub amount: u64,
    /// Index on the change chain.
    pub index: u32,
}

/// What is remembered of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry<'a> {
    /// The payment's txid.
    pub txid: Txid,
    /// Amount to the payee, in sat.
    pub amount: u64,
    /// Fee, in sat.
    pub fee: u64,
    /// Fee rate of the request, in sat/kvB.
    pub fee_rate: u32,
    /// The payee's scriptPubKey.
    pub payee_script: &'a [u8],
    /// The change, if there is any.
    pub change: Option<Change>,
    /// The coins spent, in the order of the inputs.
    pub inputs: Vec<Slot, MAX_INPUTS>,
    /// Whether it spends unrooted coins; else rooted ones.
    pub unrooted: bool,
    /// Whether it was made without PIN.
    pub without_pin: bool,
    /// The payment identity, by which the till asks for the payment again.
    pub identity: [u8; IDENTITY_LENGTH],
    /// The merchant, as claimed by the terminal.
    pub merchant: &'a [u8],
    /// The invoice hash, as claimed by the terminal.
    pub invoice: Option<&'a [u8; 32]>,
}

const HAS_CHANGE: u8 = 1;
const UNROOTED: u8 = 2;
const WITHOUT_PIN: u8 = 4;
const HAS_INVOICE: u8 = 8;

/// Flags, txid, identity, numbers of at most 8, 8, 5, 8 and 2 bytes, sixteen
/// inputs, the longest script that is paid to, and claims, with three lengths.
pub(super) const MAX_LENGTH: usize = 1
    + 32
    + IDENTITY_LENGTH
    + (8 + 8 + 5 + 8 + 2)
    + (1 + 2 * MAX_INPUTS)
    + (1 + crate::payment::PAYEE_SCRIPT_MAX)
    + 32
    + tillcard_protocol::command::MERCHANT_MAX;
/// One input, change, a script of 34 bytes, an invoice hash, and a merchant of 12
/// letters.
pub(super) const TYPICAL_LENGTH: usize =
    1 + 32 + IDENTITY_LENGTH + (4 + 2 + 3 + 4 + 2) + (1 + 2) + (1 + 34) + 32 + 12;

impl<'a> LogEntry<'a> {
    pub(super) fn encode(&self) -> Vec<u8, MAX_LENGTH> {
        let mut bytes = Vec::new();
        self.write(&mut bytes)
            .expect("amounts below 2⁵⁶, permitted scripts and bounded claims fit");
        bytes
    }

    fn write(&self, bytes: &mut VecView<u8>) -> Option<()> {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.change.is_some(), HAS_CHANGE)
            | flag(self.unrooted, UNROOTED)
            | flag(self.without_pin, WITHOUT_PIN)
            | flag(self.invoice.is_some(), HAS_INVOICE);
        bytes.push(flags).ok()?;
        bytes.extend_from_slice(&self.txid).ok()?;
        bytes.extend_from_slice(&self.identity).ok()?;
        varint::put(bytes, self.amount)?;
        varint::put(bytes, self.fee)?;
        varint::put(bytes, self.fee_rate.into())?;
        if let Some(change) = self.change {
            varint::put(bytes, change.amount)?;
            varint::put(bytes, change.index.into())?;
        }
        bytes.push(self.inputs.len() as u8).ok()?;
        for slot in &self.inputs {
            bytes.extend_from_slice(&slot.to_be_bytes()).ok()?;
        }
        bytes.push(self.payee_script.len() as u8).ok()?;
        bytes.extend_from_slice(self.payee_script).ok()?;
        if let Some(invoice) = self.invoice {
            bytes.extend_from_slice(invoice).ok()?;
        }
        bytes.extend_from_slice(self.merchant).ok()
    }

    /// `None` when this isn't what [`Self::encode`] wrote.
    pub(super) fn decode(bytes: &'a [u8]) -> Option<Self> {
        let (flags, rest) = bytes.split_first()?;
        let (txid, rest) = rest.split_first_chunk()?;
        let (identity, rest) = rest.split_first_chunk()?;
        let (amount, rest) = varint::take(rest)?;
        let (fee, rest) = varint::take(rest)?;
        let (fee_rate, rest) = varint::take(rest)?;
        let (change, rest) = if flags & HAS_CHANGE != 0 {
            let (amount, rest) = varint::take(rest)?;
            let (index, rest) = varint::take(rest)?;
            let index = u32::try_from(index).ok()?;
            (Some(Change { amount, index }), rest)
        } else {
            (None, rest)
        };
        let (count, mut rest) = rest.split_first()?;
        let mut inputs = Vec::new();
        for _ in 0..*count {
            let (slot, after) = rest.split_first_chunk()?;
            inputs.push(Slot::from_be_bytes(*slot)).ok()?;
            rest = after;
        }
        let (length, rest) = rest.split_first()?;
        let (payee_script, rest) = rest.split_at_checked(usize::from(*length))?;
        let (invoice, merchant) = if flags & HAS_INVOICE != 0 {
            let (invoice, rest) = rest.split_first_chunk()?;
            (Some(invoice), rest)
        } else {
            (None, rest)
        };
        Some(Self {
            txid: *txid,
            amount,
            fee,
            fee_rate: u32::try_from(fee_rate).ok()?,
            payee_script,
            change,
            inputs,
            unrooted: flags & UNROOTED != 0,
            without_pin: flags & WITHOUT_PIN != 0,
            identity: *identity,
            merchant,
            invoice,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn amount() -> impl Strategy<Value = u64> {
        0..=tillcard_protocol::command::MAX_MONEY
    }

    fn change() -> impl Strategy<Value = Change> {
        (amount(), 0..crate::capacities::MAX_INDEX)
            .prop_map(|(amount, index)| Change { amount, index })
    }

    proptest! {
        #[test]
        fn an_entry_reads_back(
            txid: [u8; 32],
            identity: [u8; IDENTITY_LENGTH],
            numbers in (amount(), amount(), any::<u32>()),
            change in proptest::option::of(change()),
            inputs in proptest::collection::vec(any::<Slot>(), 1..=MAX_INPUTS),
            payee_script in proptest::collection::vec(any::<u8>(), 22..=34),
            merchant in proptest::collection::vec(any::<u8>(), 0..=32),
            invoice: Option<[u8; 32]>,
            unrooted: bool,
            without_pin: bool,
        ) {
            let (amount, fee, fee_rate) = numbers;
            let entry = LogEntry {
                txid,
                amount,
                fee,
                fee_rate,
                payee_script: &payee_script,
                change,
                inputs: inputs.iter().copied().collect(),
                unrooted,
                without_pin,
                identity,
                merchant: &merchant,
                invoice: invoice.as_ref(),
            };
            let bytes = entry.encode();
            prop_assert_eq!(LogEntry::decode(&bytes), Some(entry));
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..255)) {
            let _ = LogEntry::decode(&bytes);
        }
    }
}
