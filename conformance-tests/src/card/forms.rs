//! What there is of a Tillcard's commands: sections 2.4, 2.5 and 9.

use super::{Capabilities, Capability, PAY};
use crate::forms::Forms;
use crate::status::Sw;

/// Those of a card with these capabilities.
pub(super) struct TillcardForms(pub(super) Capabilities);

impl Forms for TillcardForms {
    /// `[FRM-7]`, and `[MSG-2]` with an application selected and no channel.
    fn refusal_of_class(&self, class: u8) -> Option<Sw> {
        Some(match class {
            0x00 | 0x80 => return None,
            0x01..=0x03 | 0x81..=0x83 => Sw::NO_CHANNELS,
            0x04 | 0x84 if self.0.declares(Capability::Channel) => Sw::SECURITY,
            0x04 | 0x84 => Sw::NO_SECURE_MESSAGING,
            0x05..=0x0F | 0x85..=0x8F => Sw::NO_SECURE_MESSAGING,
            0x10..=0x1F | 0x90..=0x9F => Sw::NO_CHAINING,
            0x40..=0x7F if class & 0x10 != 0 => Sw::NO_CHAINING,
            0x40..=0x7F if class & 0x20 != 0 => Sw::NO_SECURE_MESSAGING,
            0x40..=0x7F => Sw::NO_CHANNELS,
            _ => Sw::NO_CLASS,
        })
    }

    fn knows(&self, class: u8, instruction: u8) -> bool {
        self.has([class, instruction, 0, 0])
            && match class {
                0x00 => matches!(
                    instruction,
                    0x20 | 0x2C | 0x46 | 0x84 | 0x88 | 0xA4 | 0xC0 | 0xCA | 0xDA | 0xFE
                ),
                0x80 => {
                    matches!(instruction, 0x10 | 0x20 | 0x22 | 0x88)
                        || (matches!(instruction, 0x30..=0x38 | 0x40..=0x56)
                            && instruction.is_multiple_of(2))
                }
                _ => false,
            }
    }

    fn has(&self, header: [u8; 4]) -> bool {
        self.0.knows(header)
    }

    fn knows_parameters(&self, header: [u8; 4], p1: u8, p2: u8) -> bool {
        let [class, instruction, right_p1, right_p2] = header;
        match (class, instruction) {
            (0x00, 0xCA) => [(0x01, 0x00), (0x01, 0x01), (0xBF, 0x21)].contains(&(p1, p2)),
            (0x00, 0x46) => p1 == 0 && p2 <= 0x01 && self.has([0x00, 0x46, 0, p2]),
            (0x00, 0xDA) => p1 == 0x02 && (p2 & 0x0F < 4 && p2 < 0x30 || p2 == 0xFF),
            (0x00, 0x2C) => (p1 == 0x02 || p1 == 0x03) && p2 == 0x80,
            (0x80, 0x10) => p1 <= 0x01 && p2 == 0 && self.has([0x80, 0x10, p1, 0]),
            (0x80, 0x30 | 0x48) => p1 <= 0x01 && p2 == 0,
            (0x80, 0x22) => p1 <= 0x02 && p2 == 0 && self.has([0x80, 0x22, p1, 0]),
            // P2 of P1 02 is the number of an input.
            (0x80, 0x40) => (p1 == 0x02 && p2 <= 0x7F) || (p1 <= 0x01 && p2 == 0),
            (0x00, 0xC0) => (p1, p2) == (0, 0),
            _ => (p1, p2) == (right_p1, right_p2),
        }
    }

    /// `[INF-1]` for GET DATA.
    fn refusal_of_parameters(&self, instruction: u8) -> Sw {
        match instruction {
            0xCA => Sw::NOT_FOUND,
            _ => Sw::WRONG_P1P2,
        }
    }

    /// VERIFY counts a field of any length as a try.
    fn takes(&self, header: [u8; 4], length: usize) -> bool {
        match (header[0], header[1], header[2]) {
            (0x00, 0x20, _) => true,
            (0x80, 0x10, _) => length == 171,
            (0x80, 0x22, 0) => length == 112,
            (0x80, 0x22, 2) => length == 46,
            (0x80, 0x22 | 0x40, 1) => length > 0,
            // Amount 10, fee rate 6, script 24 to 44, source 3, identity 18, merchant 2 to 34,
            // invoice hash 2 or 34.
            (0x80, 0x30 | 0x32, _) => (65..=149).contains(&length),
            (0x80, 0x34, _) => length == 38,
            (0x80, 0x36, _) => length == 34,
            (0x80, 0x38, _) => length == 18,
            (0x80, 0x40, 0) => length == 118,
            (0x80, 0x42 | 0x4A, _) => length == 72,
            (0x80, 0x44, _) => length == 78,
            (0x80, 0x46, _) => length == 116,
            (0x80, 0x48, 0) | (0x80, 0x4E | 0x50, _) | (0x00, 0x2C, 3) => length == 66,
            (0x00, 0x2C, _) => length == 76,
            (0x80, 0x4C, _) => length == 166,
            (0x80, 0x52, _) => length == 69,
            (0x80, 0x54, _) => length == 68,
            (0x80, 0x56, _) | (0x00, 0xFE, _) => length == 66,
            (0x00, 0x88, _) => length == 32,
            (0x00, 0xCA, 0xBF) => length == 6,
            (0x00, 0xDA, _) if header[3] != 0xFF => (1..=239).contains(&length),
            _ => length == 0,
        }
    }

    fn takes_extended(&self) -> bool {
        self.0.extended_length()
    }

    fn is_listed(&self, sw: Sw) -> bool {
        sw.is_listed()
    }

    /// A PAY whose amount was changed is one still, and may be paid without PIN.
    fn is_harmless(&self, apdu: &[u8]) -> bool {
        !apdu.starts_with(&PAY[..2])
    }
}
