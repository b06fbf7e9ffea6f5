//! Cards that read a sentence of the text in another way.

use crate::drivers::*;
use crate::support::{Defect, SELECT, honest, nothing, status};
use tillcard_conform::card::STATEMENT;

const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];
/// An outpoint, and the whole input, in the stream of SIGN.
const OUTPOINT: usize = 36;
const INPUT: usize = 52;
/// The owner's signing, in the lowest byte of the capabilities.
const SIGNING: u8 = 1 << 6;
const CAPABILITIES: [u8; 4] = [0x00, 0xCA, 1, 1];

pub(crate) const SENTENCES: &[Defect] = &[
    Defect {
        name: "a coin reported twice",
        caught_by: &["TC-ABS-03"],
        transmit: |_, card, command| instead_for(card, command, REPORT_ABSENT, 0x9414, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "an entry that survives its own refused piece",
        caught_by: &["TC-SES-06"],
        transmit: |_, card, command| {
            if is(command, PIECE) && command.len() <= 5 {
                WRONG_LENGTH.to_vec()
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "one outpoint twice refused",
        caught_by: &["TC-SGN-07"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            let stream = command.get(5..).unwrap_or_default();
            let again = stream.get(INPUT..INPUT + OUTPOINT);
            if is(command, SIGN_PIECE) && again.is_some_and(|again| stream.starts_with(again)) {
                vec![0x6A, 0x80]
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a pledge that a wrong amount hides",
        caught_by: &["TC-SGN-08"],
        transmit: |_, card, command| instead_for(card, command, SIGN_PIECE, 0x9416, 0x6A80),
        after_reset: nothing,
    },
    Defect {
        name: "a PAY that was never decoded taken for the last one",
        caught_by: &["TC-STM-08"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, PAY) {
                let refused = u64::from(status(&answer) == 0x6700);
                memory.count.insert("refused", refused);
            }
            if is(command, STATEMENT) && memory.count.get("refused") == Some(&1) {
                return vec![0x6A, 0x88];
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a source of 02 taken for 00",
        caught_by: &["TC-PAY-20"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if (is(&command, PREVIEW) || is(&command, PAY))
                && let Some(at) = source_at(&command)
                && command[at] > 1
            {
                command[at] = 0;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a card that signs for the owner without declaring it",
        caught_by: &["TC-INF-05"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, CAPABILITIES) && answer.len() > 9 {
                answer[9] &= !SIGNING;
            } else if command.starts_with(&SELECT[..4]) && answer.len() > 3 {
                let at = answer.len() - 3;
                answer[at] &= !SIGNING;
            }
            answer
        },
        after_reset: nothing,
    },
];
