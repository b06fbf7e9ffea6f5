//! Statements and pledges gone wrong.

use crate::drivers::*;
use crate::support::{Defect, Memory, Reference, SELECT, honest, nothing, status};
use tillcard_conform::card::STATEMENT;
use tillcard_conform::target::Reset;

/// Where the tags of the outpoints stand in a statement.
const OUTPOINTS: usize = 11;

fn done(answer: &[u8]) -> bool {
    matches!(status(answer), 0x9000 | 0x6100..=0x61FF)
}

/// SIGN refuses no pledged input any more once a command of this kind was taken.
fn lifted_by(
    memory: &mut Memory,
    card: &mut dyn Reference,
    command: &[u8],
    header: [u8; 4],
) -> Vec<u8> {
    let answer = honest(card, command);
    if is(command, header) && done(&answer) {
        memory.count.insert("lifted", 1);
    }
    if memory.count.contains_key("lifted") && is(command, SIGN_PIECE) {
        return instead(answer, 0x9416, 0x9000);
    }
    answer
}

/// A statement with one byte changed, its tags and lengths as they were.
fn with_byte(card: &mut dyn Reference, command: &[u8], at: usize) -> Vec<u8> {
    let mut answer = honest(card, command);
    if is(command, STATEMENT) && answer.len() > at + 2 {
        answer[at] ^= 1;
    }
    answer
}

pub(crate) const STATEMENTS: &[Defect] = &[
    Defect {
        name: "a statement of another network",
        caught_by: &["TC-STM-01"],
        transmit: |_, card, command| with_byte(card, command, 2),
        after_reset: nothing,
    },
    Defect {
        name: "a statement that hides that the key was imported",
        caught_by: &["TC-STM-01", "TC-STM-03"],
        transmit: |_, card, command| with_byte(card, command, 5),
        after_reset: nothing,
    },
    Defect {
        name: "a statement of another leaf",
        caught_by: &["TC-STM-01"],
        transmit: |_, card, command| with_byte(card, command, 8),
        after_reset: nothing,
    },
    Defect {
        name: "a statement of other coins",
        caught_by: &["TC-STM-01"],
        transmit: |_, card, command| with_byte(card, command, OUTPOINTS + 5),
        after_reset: nothing,
    },
    Defect {
        name: "a statement whatever the nonce",
        caught_by: &["TC-STM-01", "TC-STM-03", "TC-GEN-04"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, STATEMENT) && command.len() == 74 {
                command[7..39].fill(0);
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a statement that the owner never allowed",
        caught_by: &["TC-STM-02"],
        transmit: |_, card, command| instead_for(card, command, STATEMENT, 0x6982, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a statement on any payment",
        caught_by: &["TC-STM-02", "TC-STM-03", "TC-RST-03"],
        transmit: |_, card, command| instead_for(card, command, STATEMENT, 0x6A88, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a statement on a payment of an earlier session",
        caught_by: &["TC-STM-02", "TC-STM-03"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, PAY) && done(&answer) {
                memory.kept.insert("paid", command.to_vec());
            }
            match memory.kept.get("paid") {
                Some(paid) if is(command, STATEMENT) && status(&answer) == 0x6A88 => {
                    card.secretly(&paid.clone());
                    honest(card, command)
                }
                _ => answer,
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a statement that a refused payment doesn't end",
        caught_by: &["TC-STM-02"],
        transmit: |memory, card, command| {
            let refused = is(command, PAY) && memory.count.contains_key("stated");
            if is(command, STATEMENT) {
                memory.count.insert("stated", 1);
            }
            if is(command, SIGN) || is(command, CHALLENGE) || command.starts_with(&SELECT) {
                memory.count.remove("stated");
            }
            if refused && command[7..15] == 10_000_000_u64.to_be_bytes() {
                return vec![0x94, 0x01];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a statement without a pledge",
        caught_by: &["TC-STM-04", "TC-STM-07"],
        transmit: |_, card, command| {
            if !is(command, STATEMENT) {
                return honest(card, command);
            }
            let before = card.contents();
            let answer = whole(card, command);
            if card.has_power() && done(&answer) {
                card.set_contents(&before);
                card.reset(Reset::Cold).expect("the emulator resets");
                card.secretly(&SELECT);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a pledge that a power cut takes back",
        caught_by: &["TC-STM-04"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, STATEMENT);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "a pledge lifted when the log is acknowledged",
        caught_by: &["TC-STM-04"],
        transmit: |memory, card, command| lifted_by(memory, card, command, ACKNOWLEDGE_LOG),
        after_reset: nothing,
    },
    Defect {
        name: "a pledge lifted with the policy",
        caught_by: &["TC-STM-04"],
        transmit: |memory, card, command| lifted_by(memory, card, command, SET_POLICY),
        after_reset: nothing,
    },
    Defect {
        name: "a pledge lifted by a new owner key",
        caught_by: &["TC-STM-04"],
        transmit: |memory, card, command| lifted_by(memory, card, command, CHANGE_OWNER_KEY),
        after_reset: nothing,
    },
    Defect {
        name: "a pledge lifted when the payment is cancelled",
        caught_by: &["TC-STM-05"],
        transmit: |memory, card, command| lifted_by(memory, card, command, RESOLVE),
        after_reset: nothing,
    },
    Defect {
        name: "a pledge of outpoints, not of places",
        caught_by: &["TC-STM-04"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, STATEMENT) && done(&answer) {
                let outpoints = answer[OUTPOINTS + 2..answer.len() - 2].to_vec();
                memory.kept.insert("outpoints", outpoints);
            }
            // Pieces that hold an outpoint as a whole.
            if is(command, SIGN_PIECE) && status(&answer) == 0x9416 && command.len() > 50 {
                let stated = memory.kept.get("outpoints").is_some_and(|outpoints| {
                    (outpoints.windows(36)).any(|one| command.windows(36).any(|two| one == two))
                });
                if !stated {
                    return OK.to_vec();
                }
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment that isn't given again once it was stated",
        caught_by: &["TC-STM-05"],
        transmit: |memory, card, command| {
            let stated = memory.count.contains_key("stated");
            if stated && memory.kept.get("paid").is_some_and(|paid| paid == command) {
                return vec![0x94, 0x13];
            }
            let answer = honest(card, command);
            if is(command, PAY) && done(&answer) {
                memory.kept.insert("paid", command.to_vec());
            }
            if is(command, STATEMENT) && done(&answer) {
                memory.count.insert("stated", 1);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a signature prepared before the statement",
        caught_by: &["TC-STM-05"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if command.starts_with(&[0x80, 0x40, 0x02]) && status(&answer) == 0x6985 {
                return [&[7; 64][..], &OK].concat();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a statement on a payment that was signed against",
        caught_by: &["TC-STM-06"],
        transmit: |_, card, command| instead_for(card, command, STATEMENT, 0x9417, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a signature that a power cut makes forgotten",
        caught_by: &["TC-STM-06"],
        transmit: |memory, card, command| {
            // Only what the card knows of the last such signature, of two inputs or more.
            remember_before(memory, card, command, [0x80, 0x40, 2, 0]);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "a statement that is refused pledges all the same",
        caught_by: &["TC-STM-02", "TC-STM-06"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, STATEMENT) && matches!(status(&answer), 0x6982 | 0x6A88 | 0x9417) {
                memory.count.insert("refused", 1);
            }
            if is(command, SIGN_PIECE) && memory.count.contains_key("refused") && done(&answer) {
                return vec![0x94, 0x16];
            }
            answer
        },
        after_reset: nothing,
    },
];
