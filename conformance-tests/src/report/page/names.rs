//! What APDUs are called, for people.

use crate::status::Sw;

/// The secure messaging bit of a class byte.
const PROTECTED: u8 = 0x04;

/// The name of a command in hexadecimal.
pub(super) fn command(text: &str) -> String {
    let header = text.get(..8).and_then(|text| hex::decode(text).ok());
    header
        .and_then(|header| header.try_into().ok())
        .map_or_else(|| "no APDU".to_owned(), command_name)
}

/// The name of the command with this header.
pub(crate) fn command_name([class, instruction, p1, p2]: [u8; 4]) -> String {
    let name = match (class & !PROTECTED, instruction, p1, p2) {
        (0x00, 0xA4, ..) => "SELECT",
        (0x00, 0xCA, 0x01, 0x00) => "GET DATA, status",
        (0x00, 0xCA, 0x01, 0x01) => "GET DATA, capabilities",
        (0x00, 0xCA, 0xBF, 0x21) => "GET DATA, certificates",
        (0x00, 0xCA, ..) => "GET DATA",
        (0x00, 0xC0, ..) => "GET RESPONSE",
        (0x00, 0x20, ..) => "VERIFY",
        (0x00, 0x84, ..) => "GET CHALLENGE",
        (0x00, 0x2C, ..) => "RESET RETRY COUNTER",
        (0x00, 0x46, _, 0x00) => "GENERATE ASYMMETRIC KEY PAIR, account",
        (0x00, 0x46, ..) => "GENERATE ASYMMETRIC KEY PAIR, the card's own",
        (0x00, 0xDA, ..) => "PUT DATA",
        (0x00, 0x88, ..) => "INTERNAL AUTHENTICATE, genuineness",
        (0x00, 0xFE, ..) => "TERMINATE CARD USAGE",
        (0x80, 0x88, ..) => "INTERNAL AUTHENTICATE, channel",
        (0x80, 0x10, 0x01, _) => "ISSUE, imported key",
        (0x80, 0x10, ..) => "ISSUE",
        (0x80, 0x20, ..) => "RECEIVE SCRIPT",
        (0x80, 0x22, 0x02, _) => "ENTER CREDIT",
        (0x80, 0x22, ..) => "ENTER COIN",
        (0x80, 0x30, ..) => "PAY",
        (0x80, 0x32, ..) => "PREVIEW",
        (0x80, 0x34, ..) => "REPORT ABSENT",
        (0x80, 0x36, ..) => "GET ANCESTOR",
        (0x80, 0x38, ..) => "PAYMENT STATE",
        (0x80, 0x40, ..) => "SIGN",
        (0x80, 0x42, ..) => "READ LOG",
        (0x80, 0x44, ..) => "ACKNOWLEDGE LOG",
        (0x80, 0x46, ..) => "SET LIMITS",
        (0x80, 0x48, ..) => "READ COINS",
        (0x80, 0x4A, ..) => "RESOLVE",
        (0x80, 0x4C, ..) => "CHANGE OWNER KEY",
        (0x80, 0x4E, ..) => "READ LIMITS",
        (0x80, 0x50, ..) => "READ ACCOUNT",
        (0x80, 0x52, ..) => "SET POLICY",
        (0x80, 0x54, ..) => "STATEMENT",
        (0x80, 0x56, ..) => "FACTORY RESET",
        _ => "unknown command",
    };
    let protected = if class & PROTECTED != 0 {
        ", protected"
    } else {
        ""
    };
    format!("{name}{protected}")
}

/// What an answer's status word means.
pub(super) fn status(answer: &str) -> String {
    let at = answer.len().saturating_sub(4);
    let word = answer
        .get(at..)
        .and_then(|text| u16::from_str_radix(text, 16).ok());
    let Some(sw) = word.map(Sw) else {
        return "no status word".to_owned();
    };
    let meaning = match sw {
        Sw::OK => "done",
        Sw::EXECUTION => "execution error",
        Sw::MEMORY => "memory failure",
        Sw::WRONG_LENGTH => "wrong length",
        Sw::NO_CHANNELS => "no logical channels",
        Sw::NO_SECURE_MESSAGING => "no such secure messaging",
        Sw::NO_CHAINING => "no command chaining",
        Sw::SECURITY => "no authority",
        Sw::BLOCKED => "PIN blocked",
        Sw::CONDITIONS => "not now",
        Sw::WRONG_DATA => "wrong data",
        Sw::NO_APPLICATION => "no such application",
        Sw::NO_ROOM => "no room",
        Sw::WRONG_P1P2 => "wrong P1-P2",
        Sw::NOT_FOUND => "not found",
        Sw::COIN_KNOWN => "coin known",
        Sw::NO_INSTRUCTION => "no such instruction",
        Sw::NO_CLASS => "no such class",
        Sw(0x6100..=0x61FF) => "more to fetch",
        Sw(0x63C0..=0x63CF) => return format!("{sw}: {} tries left", sw.0 & 0xF),
        _ if sw.is_listed() => "refused for its content",
        _ => "not in the text",
    };
    format!("{sw}: {meaning}")
}
