//! What a step does, by its first byte; what follows are operands.

/// An APDU as it stands, and its whole answer.
pub const RAW: u8 = 0;
/// VERIFY with the right PIN.
pub const PIN: u8 = 1;
/// VERIFY with these bytes.
pub const PIN_DATA: u8 = 2;
/// PREVIEW of a request.
pub const PREVIEW: u8 = 3;
/// PAY of a request.
pub const PAY: u8 = 4;
/// PAY of the last request.
pub const PAY_AGAIN: u8 = 5;
/// The owner enters a coin.
pub const ENTER: u8 = 6;
/// A coin is credited.
pub const CREDIT: u8 = 7;
/// These bytes as an owner command, signed.
pub const SIGNED_BYTES: u8 = 8;
/// READ LOG, ACKNOWLEDGE LOG, RESOLVE, READ COINS, SET LIMITS, READ LIMITS, READ
/// ACCOUNT, CHANGE OWNER KEY, RESET RETRY COUNTER in two ways, SET POLICY, FACTORY
/// RESET, or TERMINATE CARD USAGE.
pub const OWNER: u8 = 9;
/// The next part of the coin image.
pub const READ_ON: u8 = 10;
/// The owner has a transaction signed.
pub const SIGN: u8 = 11;
/// REPORT ABSENT of a coin that was offered.
pub const REPORT_ABSENT: u8 = 12;
/// GET ANCESTOR of a payment that was made.
pub const GET_ANCESTOR: u8 = 13;
/// Power that fails, then SELECT.
pub const RESET: u8 = 14;
/// SELECT.
pub const SELECT: u8 = 15;
/// RECEIVE SCRIPT.
pub const RECEIVE_SCRIPT: u8 = 16;
/// GET DATA.
pub const GET_DATA: u8 = 17;
/// VERIFY without data.
pub const TRIES: u8 = 18;
/// The last command, with a byte that is another.
pub const ALTERED: u8 = 19;
/// GENERATE ASYMMETRIC KEY PAIR.
pub const GENERATE: u8 = 20;
/// GET CHALLENGE.
pub const CHALLENGE: u8 = 21;
/// ENTER COIN of a piece.
pub const PIECE: u8 = 22;
/// An APDU as it stands, the rest of its answer left to other steps.
pub const PART: u8 = 23;
/// GET RESPONSE with this Le.
pub const GET_RESPONSE: u8 = 24;

/// STATEMENT on a payment that was made, counted from the last.
pub const STATEMENT: u8 = 25;
/// INTERNAL AUTHENTICATE that proves genuineness.
pub const GENUINE: u8 = 26;
/// ISSUE by import, of a card that forgot its owner.
pub const ISSUE: u8 = 27;
/// The card's own keys and, after an operand of 0, certificates and the end of the
/// personalisation.
pub const PERSONALISE: u8 = 28;
/// A channel is opened, with a byte that may be another.
pub const OPEN: u8 = 29;
/// How protected commands are written from now on.
pub const FORM: u8 = 30;
/// An APDU as it stands, past a channel too.
pub const BARE: u8 = 31;
/// A header, whatever it is, and data, protected.
pub const PROTECTED: u8 = 32;
/// The last command in a way that breaks the channel.
pub const BREAK: u8 = 33;

/// Steps that there are. A higher first byte counts from 0 again.
pub const COUNT: u8 = BREAK + 1;
