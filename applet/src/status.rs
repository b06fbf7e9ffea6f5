//! Status words (`docs/protocol.md`, section 9; ISO/IEC 7816-4 §5.6).

pub use iso7816::Status;

/// `6400`: the random generator or a self-check failed.
pub const EXECUTION_ERROR: Status = Status::UnspecifiedNonpersistentExecutionError;
/// `6581`: the NVM couldn't be read or written, or is damaged.
pub const MEMORY_FAILURE: Status = Status::MemoryFailure;
/// `6700`: wrong length.
pub const WRONG_LENGTH: Status = Status::WrongLength;
/// `6881`: logical channels aren't supported.
pub const LOGICAL_CHANNEL: Status = Status::LogicalChannelNotSupported;
/// `6882`: secure messaging isn't supported.
pub const SECURE_MESSAGING: Status = Status::SecureMessagingNotSupported;
/// `6884`: command chaining isn't supported.
pub const CHAINING: Status = Status::CommandChainingNotSupported;
/// `6982`: security status not satisfied.
pub const SECURITY_STATUS: Status = Status::SecurityStatusNotSatisfied;
/// `6983`: the PIN is blocked.
pub const BLOCKED: Status = Status::OperationBlocked;
/// `6985`: conditions of use not satisfied, that is, not in this state.
pub const CONDITIONS: Status = Status::ConditionsOfUseNotSatisfied;
/// `6A80`: the data field can't be decoded, or holds an impossible value.
pub const INCORRECT_DATA: Status = Status::IncorrectDataParameter;
/// `6A82`: no such application.
pub const APPLICATION_NOT_FOUND: Status = Status::NotFound;
/// `6A84`: no room left.
pub const NO_ROOM: Status = Status::NotEnoughMemory;
/// `6A86`: incorrect P1-P2.
pub const INCORRECT_P1_P2: Status = Status::IncorrectP1OrP2Parameter;
/// `6A88`: no such data object, or payment.
pub const DATA_NOT_FOUND: Status = Status::from_u16(0x6A88);
/// `6A89`: the coin is in the card already.
pub const COIN_EXISTS: Status = Status::from_u16(0x6A89);
/// `6D00`: instruction not supported.
pub const INSTRUCTION: Status = Status::InstructionNotSupportedOrInvalid;
/// `6E00`: class not supported.
pub const CLASS: Status = Status::ClassNotSupported;
/// `9401`: the coins don't reach the amount and the fee.
pub const INSUFFICIENT_FUNDS: Status = Status::from_u16(0x9401);
/// `9402`: the coins would reach, but not sixteen of them.
pub const TOO_FRAGMENTED: Status = Status::from_u16(0x9402);
/// `9403`: over the per-payment limit.
pub const OVER_PAYMENT_LIMIT: Status = Status::from_u16(0x9403);
/// `9404`: over the cumulative limit.
pub const OVER_CUMULATIVE_LIMIT: Status = Status::from_u16(0x9404);
/// `9405`: fee rate outside its bounds.
pub const FEE_RATE: Status = Status::from_u16(0x9405);
/// `9406`: fee over the cap.
pub const FEE_CAP: Status = Status::from_u16(0x9406);
/// `9407`: amount is dust or impossible.
pub const AMOUNT: Status = Status::from_u16(0x9407);
/// `9408`: payee script isn't of a permitted type, or is the card's own.
pub const PAYEE_SCRIPT: Status = Status::from_u16(0x9408);
/// `9409`: the log is full.
pub const LOG_FULL: Status = Status::from_u16(0x9409);
/// `940A`: the streamed transaction has another txid than announced, or the
/// stream of a transaction to be signed another digest.
pub const COIN_TXID: Status = Status::from_u16(0x940A);
/// `940B`: the transaction has no such output.
pub const COIN_VOUT: Status = Status::from_u16(0x940B);
/// `940C`: the output pays another script.
pub const COIN_SCRIPT: Status = Status::from_u16(0x940C);
/// `940D`: the output's amount is too small to be worth a place.
pub const COIN_AMOUNT: Status = Status::from_u16(0x940D);
/// `940E`: the transaction is a coinbase.
pub const COIN_COINBASE: Status = Status::from_u16(0x940E);
/// `940F`: the index is retired.
pub const COIN_INDEX_RETIRED: Status = Status::from_u16(0x940F);
/// `9410`: the index wasn't given out.
pub const COIN_INDEX_UNKNOWN: Status = Status::from_u16(0x9410);
/// `9411`: the number of payments is reached.
pub const PAYMENTS_LIMIT: Status = Status::from_u16(0x9411);
/// `9412`: the payment identity is in use.
pub const IDENTITY_IN_USE: Status = Status::from_u16(0x9412);
/// `9413`: the payment was given too often, or is cancelled.
pub const GIVEN_TOO_OFTEN: Status = Status::from_u16(0x9413);
/// `9414`: the coin isn't offered.
pub const NOT_OFFERED: Status = Status::from_u16(0x9414);
/// `9415`: too many reports in one authorisation.
pub const TOO_MANY_REPORTS: Status = Status::from_u16(0x9415);
/// `9416`: a statement pledged the input.
pub const PLEDGED: Status = Status::from_u16(0x9416);
/// `9417`: no statement on this payment: the owner signed against it, or it is
/// cancelled.
pub const NO_STATEMENT: Status = Status::from_u16(0x9417);

/// What a status word of this protocol means, in words for a person; `None`
/// for one that the protocol doesn't list.
pub fn meaning(status: u16) -> Option<&'static str> {
    Some(match status {
        0x9000 => "done",
        0x6100..=0x61FF => "done, more of the answer is waiting",
        0x63C0..=0x63CF => "wrong PIN",
        0x6400 => "the card's random generator or a self-check failed",
        0x6581 => "the card's memory failed or is damaged",
        0x6700 => "wrong length",
        0x6881 => "logical channels aren't supported",
        0x6882 => "secure messaging isn't supported",
        0x6884 => "command chaining isn't supported",
        0x6982 => "not authorised",
        0x6983 => "the PIN is blocked",
        0x6985 => "not possible in the card's present state",
        0x6A80 => "the card couldn't make sense of the data",
        0x6A82 => "no such application on the card",
        0x6A84 => "no room left on the card",
        0x6A86 => "incorrect parameters P1-P2",
        0x6A88 => "no such data or payment on the card",
        0x6A89 => "the card has this coin already",
        0x6D00 => "the card doesn't know this instruction",
        0x6E00 => "the card doesn't know this class of instructions",
        0x9401 => "insufficient funds",
        0x9402 => "the card's coins are too small and too many: the owner must merge them",
        0x9403 => "over the card's limit for one payment",
        0x9404 => "over the card's limit for all payments together",
        0x9405 => "the fee rate is outside the card's bounds",
        0x9406 => "the fee is over the card's cap",
        0x9407 => "the amount is too small, or impossible",
        0x9408 => {
            "the card doesn't pay to this address: its kind is unknown, or it is the card's own"
        }
        0x9409 => "the card's payment log is full",
        0x940A => "the transaction isn't the one announced",
        0x940B => "the transaction has no such output",
        0x940C => "the output doesn't pay this card",
        0x940D => "the output is too small",
        0x940E => "the card doesn't take newly mined coins",
        0x940F => "this address of the card was spent from before",
        0x9410 => "this address wasn't given out by the card",
        0x9411 => "the card's number of payments is reached: the owner must renew its limits",
        0x9412 => "another payment has this identity",
        0x9413 => "the card gave this payment too often already, or it is cancelled",
        0x9414 => "the card didn't offer this coin",
        0x9415 => "too many coins reported absent for one PIN entry",
        0x9416 => "the card gave a statement on this coin, and signs nothing else for it",
        0x9417 => {
            "the card gives no statement on this payment: its owner signed against it, or it is cancelled"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_have_the_protocol_s_values() {
        let values = [
            (EXECUTION_ERROR, 0x6400),
            (MEMORY_FAILURE, 0x6581),
            (WRONG_LENGTH, 0x6700),
            (LOGICAL_CHANNEL, 0x6881),
            (SECURE_MESSAGING, 0x6882),
            (CHAINING, 0x6884),
            (SECURITY_STATUS, 0x6982),
            (BLOCKED, 0x6983),
            (CONDITIONS, 0x6985),
            (INCORRECT_DATA, 0x6A80),
            (APPLICATION_NOT_FOUND, 0x6A82),
            (NO_ROOM, 0x6A84),
            (INCORRECT_P1_P2, 0x6A86),
            (DATA_NOT_FOUND, 0x6A88),
            (COIN_EXISTS, 0x6A89),
            (INSTRUCTION, 0x6D00),
            (CLASS, 0x6E00),
            (INSUFFICIENT_FUNDS, 0x9401),
            (TOO_FRAGMENTED, 0x9402),
            (OVER_PAYMENT_LIMIT, 0x9403),
            (OVER_CUMULATIVE_LIMIT, 0x9404),
            (FEE_RATE, 0x9405),
            (FEE_CAP, 0x9406),
            (AMOUNT, 0x9407),
            (PAYEE_SCRIPT, 0x9408),
            (LOG_FULL, 0x9409),
            (COIN_TXID, 0x940A),
            (COIN_VOUT, 0x940B),
            (COIN_SCRIPT, 0x940C),
            (COIN_AMOUNT, 0x940D),
            (COIN_COINBASE, 0x940E),
            (COIN_INDEX_RETIRED, 0x940F),
            (COIN_INDEX_UNKNOWN, 0x9410),
            (PAYMENTS_LIMIT, 0x9411),
            (IDENTITY_IN_USE, 0x9412),
            (GIVEN_TOO_OFTEN, 0x9413),
            (NOT_OFFERED, 0x9414),
            (TOO_MANY_REPORTS, 0x9415),
            (PLEDGED, 0x9416),
            (NO_STATEMENT, 0x9417),
        ];
        for (status, value) in values {
            assert_eq!(u16::from(status), value);
            assert!(meaning(value).is_some());
        }
    }
}
