//! The commands' names, for traces and messages.

use super::Header;

/// Bits of CLA that say that a command is protected (ISO/IEC 7816-4 §5.4.1).
const PROTECTED: u8 = 0x0C;

/// CLA without [`PROTECTED`], INS, and the name that `docs/protocol.md` has for both.
const NAMES: &[([u8; 2], &str)] = &[
    ([0x00, 0x20], "VERIFY"),
    ([0x00, 0x2C], "RESET RETRY COUNTER"),
    ([0x00, 0x46], "GENERATE ASYMMETRIC KEY PAIR"),
    ([0x00, 0x84], "GET CHALLENGE"),
    ([0x00, 0x88], "INTERNAL AUTHENTICATE"),
    ([0x00, 0xA4], "SELECT"),
    ([0x00, 0xC0], "GET RESPONSE"),
    ([0x00, 0xCA], "GET DATA"),
    ([0x00, 0xDA], "PUT DATA"),
    ([0x00, 0xFE], "TERMINATE CARD USAGE"),
    ([0x80, 0x10], "ISSUE"),
    ([0x80, 0x20], "RECEIVE SCRIPT"),
    ([0x80, 0x22], "ENTER COIN"),
    ([0x80, 0x30], "PAY"),
    ([0x80, 0x32], "PREVIEW"),
    ([0x80, 0x34], "REPORT ABSENT"),
    ([0x80, 0x36], "GET ANCESTOR"),
    ([0x80, 0x38], "PAYMENT STATE"),
    ([0x80, 0x40], "SIGN"),
    ([0x80, 0x42], "READ LOG"),
    ([0x80, 0x44], "ACKNOWLEDGE LOG"),
    ([0x80, 0x46], "SET LIMITS"),
    ([0x80, 0x48], "READ COINS"),
    ([0x80, 0x4A], "RESOLVE"),
    ([0x80, 0x4C], "CHANGE OWNER KEY"),
    ([0x80, 0x4E], "READ LIMITS"),
    ([0x80, 0x50], "READ ACCOUNT"),
    ([0x80, 0x52], "SET POLICY"),
    ([0x80, 0x54], "STATEMENT"),
    ([0x80, 0x56], "FACTORY RESET"),
    ([0x80, 0x88], "INTERNAL AUTHENTICATE"),
];

/// The name of the command with this header, plain or protected; `None` when it is none of this
/// protocol.
pub fn name([class, ins, _, _]: Header) -> Option<&'static str> {
    let code = [class & !PROTECTED, ins];
    let row = NAMES.iter().find(|(known, _)| *known == code)?;
    Some(row.1)
}

/// Whether a command of this name exists.
pub fn is_name(name: &str) -> bool {
    NAMES.iter().any(|(_, known)| *known == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::status;

    /// Commands that the framing answers, so that they are never parsed.
    const OF_THE_FRAMING: [[u8; 2]; 2] = [[0x00, 0xA4], [0x00, 0xC0]];

    #[test]
    fn what_the_card_knows_has_a_name_and_nothing_else_has() {
        for class in [0x00, 0x80] {
            for ins in 0..=0xFF {
                let header = [class, ins, 0, 0];
                let refused = Command::parse(header, &[]).err();
                let known =
                    refused != Some(status::INSTRUCTION) || OF_THE_FRAMING.contains(&[class, ins]);
                assert_eq!(name(header).is_some(), known, "{class:02X} {ins:02X}");
            }
        }
    }

    #[test]
    fn a_protected_command_has_the_name_of_the_plain_one() {
        assert_eq!(name([0x84, 0x30, 0, 0]), Some("PAY"));
        assert_eq!(name([0x04, 0x20, 0, 0x80]), Some("VERIFY"));
        assert!(is_name("PAY") && !is_name("pay"));
    }
}
