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
/// ACCOUNT, CHANGE OWNER KEY, or RESET RETRY COUNTER.
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

/// Steps that there are. A higher first byte counts from 0 again.
pub const COUNT: u8 = GET_RESPONSE + 1;
