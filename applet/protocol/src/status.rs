//! Status words (`docs/protocol.md`, section 9; ISO/IEC 7816-4 §5.6), all in one table: value,
//! constant, and what to tell a person.

pub use iso7816::Status;

use crate::tlv::{Malformed, Overflow};

/// A row of [`TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// SW1-SW2.
    pub value: u16,
    /// The constant's name in this module.
    pub name: &'static str,
    /// The meaning, in words for a person: lower case, no full stop.
    pub meaning: &'static str,
}

macro_rules! table {
    ($($(#[$about:meta])* $value:literal $name:ident: $meaning:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($value), "`")]
            ///
            $(#[$about])*
            pub const $name: Status = Status::from_u16($value);
        )*

        /// The refusals of this protocol, in the order of their values.
        pub const TABLE: &[Row] = &[$(Row {
            value: $value,
            name: stringify!($name),
            meaning: $meaning,
        }),*];
    };
}

table! {
    /// The random generator or a self-check failed.
    0x6400 EXECUTION_ERROR: "the card's random generator or a self-check failed";
    /// The NVM couldn't be read or written, or is damaged.
    0x6581 MEMORY_FAILURE: "the card's memory failed or is damaged";
    /// Wrong length.
    0x6700 WRONG_LENGTH: "wrong length";
    /// Logical channels aren't supported.
    0x6881 LOGICAL_CHANNEL: "logical channels aren't supported";
    /// Secure messaging isn't supported.
    0x6882 SECURE_MESSAGING: "secure messaging isn't supported";
    /// Command chaining isn't supported.
    0x6884 CHAINING: "command chaining isn't supported";
    /// Security status not satisfied.
    0x6982 SECURITY_STATUS: "not authorised";
    /// The PIN is blocked.
    0x6983 BLOCKED: "the PIN is blocked";
    /// Conditions of use not satisfied, that is, not in this state.
    0x6985 CONDITIONS: "not possible in the card's present state";
    /// The data field can't be decoded, or holds an impossible value.
    0x6A80 INCORRECT_DATA: "the card couldn't make sense of the data";
    /// No such application.
    0x6A82 APPLICATION_NOT_FOUND: "no such application on the card";
    /// No room left.
    0x6A84 NO_ROOM: "no room left on the card";
    /// Incorrect P1-P2.
    0x6A86 INCORRECT_P1_P2: "incorrect parameters P1-P2";
    /// No such data object, or payment.
    0x6A88 DATA_NOT_FOUND: "no such data or payment on the card";
    /// The coin is in the card already.
    0x6A89 COIN_EXISTS: "the card has this coin already";
    /// Instruction not supported.
    0x6D00 INSTRUCTION: "the card doesn't know this instruction";
    /// Class not supported.
    0x6E00 CLASS: "the card doesn't know this class of instructions";
    /// The coins don't reach the amount and the fee.
    0x9401 INSUFFICIENT_FUNDS: "insufficient funds";
    /// The coins would reach, but not sixteen of them.
    0x9402 TOO_FRAGMENTED: "the card's coins are too small and too many: the owner must merge them";
    /// Over the per-payment limit.
    0x9403 OVER_PAYMENT_LIMIT: "over the card's limit for one payment";
    /// Over the cumulative limit.
    0x9404 OVER_CUMULATIVE_LIMIT: "over the card's limit for all payments together";
    /// Fee rate outside its bounds.
    0x9405 FEE_RATE: "the fee rate is outside the card's bounds";
    /// Fee over the cap.
    0x9406 FEE_CAP: "the fee is over the card's cap";
    /// Amount is dust or impossible.
    0x9407 AMOUNT: "the amount is too small, or impossible";
    /// Payee script isn't of a permitted type, or is the card's own.
    0x9408 PAYEE_SCRIPT: "the card doesn't pay to this address: its kind is unknown, or it is the card's own";
    /// The log is full.
    0x9409 LOG_FULL: "the card's payment log is full";
    /// The streamed transaction has another txid than announced, or the stream of a transaction to be signed another digest.
    0x940A COIN_TXID: "the transaction isn't the one announced";
    /// The transaction has no such output.
    0x940B COIN_VOUT: "the transaction has no such output";
    /// The output pays another script.
    0x940C COIN_SCRIPT: "the output doesn't pay this card";
    /// The output's amount is too small to be worth a place.
    0x940D COIN_AMOUNT: "the output is too small";
    /// The transaction is a coinbase.
    0x940E COIN_COINBASE: "the card doesn't take newly mined coins";
    /// The index is retired.
    0x940F COIN_INDEX_RETIRED: "this address of the card was spent from before";
    /// The index wasn't given out.
    0x9410 COIN_INDEX_UNKNOWN: "this address wasn't given out by the card";
    /// The number of payments is reached.
    0x9411 PAYMENTS_LIMIT: "the card's number of payments is reached: the owner must renew its limits";
    /// The payment identity is in use.
    0x9412 IDENTITY_IN_USE: "another payment has this identity";
    /// The payment was given too often, or is cancelled.
    0x9413 GIVEN_TOO_OFTEN: "the card gave this payment too often already, or it is cancelled";
    /// The coin isn't offered.
    0x9414 NOT_OFFERED: "the card didn't offer this coin";
    /// Too many reports in one authorisation.
    0x9415 TOO_MANY_REPORTS: "too many coins reported absent for one PIN entry";
    /// A statement pledged the input.
    0x9416 PLEDGED: "the card gave a statement on this coin, and signs nothing else for it";
    /// No statement on this payment: the owner signed against it, or it is cancelled.
    0x9417 NO_STATEMENT: "the card gives no statement on this payment: its owner signed against it, or it is cancelled";
}

/// The meaning of a status word of this protocol, in words for a person; `None` for one that the
/// protocol doesn't list.
pub fn meaning(status: u16) -> Option<&'static str> {
    match status {
        0x9000 => Some("done"),
        0x6100..=0x61FF => Some("done, more of the answer is waiting"),
        0x63C0..=0x63CF => Some("wrong PIN"),
        _ => TABLE
            .iter()
            .find(|row| row.value == status)
            .map(|row| row.meaning),
    }
}

impl From<Malformed> for Status {
    fn from(_: Malformed) -> Self {
        INCORRECT_DATA
    }
}

impl From<Overflow> for Status {
    fn from(_: Overflow) -> Self {
        EXECUTION_ERROR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_in_order_and_each_stands_once() {
        assert!(TABLE.is_sorted_by(|a, b| a.value < b.value));
        for row in TABLE {
            assert_eq!(u16::from(Status::from_u16(row.value)), row.value);
            assert_eq!(meaning(row.value), Some(row.meaning));
        }
    }

    #[test]
    fn standard_words_are_the_standard_s() {
        assert_eq!(
            EXECUTION_ERROR,
            Status::UnspecifiedNonpersistentExecutionError
        );
        assert_eq!(MEMORY_FAILURE, Status::MemoryFailure);
        assert_eq!(WRONG_LENGTH, Status::WrongLength);
        assert_eq!(SECURITY_STATUS, Status::SecurityStatusNotSatisfied);
        assert_eq!(BLOCKED, Status::OperationBlocked);
        assert_eq!(CONDITIONS, Status::ConditionsOfUseNotSatisfied);
        assert_eq!(INCORRECT_DATA, Status::IncorrectDataParameter);
    }

    #[test]
    fn words_of_other_protocols_have_no_meaning_here() {
        for status in [0x0000, 0x6200, 0x6300, 0x6A81, 0x9418, 0xFFFF] {
            assert_eq!(meaning(status), None, "{status:04X}");
        }
    }
}
