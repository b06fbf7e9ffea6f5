//! Payments by rules gone wrong: limits, claims, reports, ancestors, small payments, and the same
//! payment again.

use crate::drivers::*;
use crate::support::{Defect, honest, nothing, status};

/// Success, whole or in parts.
fn done(answer: &[u8]) -> bool {
    matches!(status(answer), 0x9000 | 0x6100..=0x61FF)
}

pub(crate) const RULES: &[Defect] = &[
    Defect {
        name: "limits taken as they come",
        caught_by: &["TC-LIM-01"],
        transmit: |_, card, command| instead_for(card, command, SET_LIMITS, 0x6A80, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "limits renewed before the log is acknowledged",
        caught_by: &["TC-LIM-03"],
        transmit: |_, card, command| instead_for(card, command, SET_LIMITS, 0x6985, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "limits that SET LIMITS leaves as they were",
        caught_by: &["TC-LIM-03", "TC-ENT-16", "TC-NOP-02"],
        transmit: |_, card, command| {
            if is(command, SET_LIMITS) {
                return OK.to_vec();
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "the number of payments isn't a limit",
        caught_by: &["TC-PAY-15", "TC-PAY-18", "TC-LIM-03"],
        transmit: |_, card, command| instead(honest(card, command), 0x9411, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a merchant that rewrites the screen",
        caught_by: &["TC-PAY-16", "TC-PAY-18"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            let name = source_at(&command).map(|at| at + 1 + 18);
            if let Some(at) = name
                && (is(&command, PREVIEW) || is(&command, PAY))
            {
                let end = at + 2 + usize::from(command[at + 1]);
                for byte in &mut command[at + 2..end] {
                    *byte = b'x';
                }
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment to the card itself",
        caught_by: &["TC-PAY-17"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            let taproot = command.get(23..25) == Some(&[0x51, 0x20][..]);
            if is(command, PREVIEW) && taproot {
                instead(answer, 0x9408, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment identity that nobody looks at",
        caught_by: &["TC-PAY-19", "TC-REC-02", "TC-PAY-18"],
        transmit: |_, card, command| instead(honest(card, command), 0x9412, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a second payment to whoever was paid by the first",
        caught_by: &["TC-PAY-04", "TC-PAY-18"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, PAY) && status(&answer) == 0x6982 && memory.count.contains_key("paid") {
                card.secretly(&memory.right_verify());
                return honest(card, command);
            }
            if is(command, PAY) && done(&answer) {
                memory.count.insert("paid", 1);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "reports without end",
        caught_by: &["TC-ABS-01"],
        transmit: |_, card, command| instead(honest(card, command), 0x9415, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a report of any coin",
        caught_by: &["TC-ABS-01"],
        transmit: |_, card, command| instead(honest(card, command), 0x9414, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a report that is forgotten when the power fails",
        caught_by: &["TC-ABS-02"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, REPORT_ABSENT);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "payments told to whoever asks for ancestors",
        caught_by: &["TC-ANC-01"],
        transmit: |_, card, command| instead_for(card, command, GET_ANCESTOR, 0x6A88, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "ancestors without an offer",
        caught_by: &["TC-ANC-01", "TC-SEL-08"],
        transmit: |_, card, command| instead_for(card, command, GET_ANCESTOR, 0x6985, 0x6A88),
        after_reset: nothing,
    },
    Defect {
        name: "ancestors given without end",
        caught_by: &["TC-ANC-01", "TC-ANC-02"],
        transmit: |_, card, command| instead_for(card, command, GET_ANCESTOR, 0x9413, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a count of ancestors that the power sets back",
        caught_by: &["TC-ANC-02"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, GET_ANCESTOR);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "any payment without PIN",
        caught_by: &["TC-NOP-01", "TC-NOP-02", "TC-REC-02", "TC-PAY-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, PAY) && status(&answer) == 0x6982 {
                card.secretly(&memory.right_verify());
                return honest(card, command);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a blocked card that pays small sums",
        caught_by: &["TC-NOP-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is_verify(command) && matches!(status(&answer), 0x63C0 | 0x6983) {
                memory.count.insert("blocked", 1);
            }
            if is(command, PAY) && memory.count.contains_key("blocked") {
                return instead(answer, 0x6982, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment given again to the PIN alone",
        caught_by: &["TC-REC-01", "TC-REC-03", "TC-ACK-01"],
        transmit: |memory, card, command| {
            let known = is(command, PAY)
                && memory.kept.get("paid").is_some_and(|paid| paid == command)
                && card.secretly(&RECEIVE) == 0x6982;
            if known {
                return vec![0x69, 0x82];
            }
            let answer = honest(card, command);
            if is(command, PAY) && done(&answer) {
                memory.kept.insert("paid", command.to_vec());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment given again by its identity alone",
        caught_by: &["TC-REC-02", "TC-PAY-19", "TC-NVM-05"],
        transmit: |memory, card, command| {
            let identity =
                |command: &[u8]| source_at(command).map(|at| command[at + 3..at + 19].to_vec());
            if is(command, PAY)
                && let Some(paid) = memory.kept.get("paid")
                && identity(paid) == identity(command)
            {
                return honest(card, &paid.clone());
            }
            let answer = honest(card, command);
            if is(command, PAY) && done(&answer) {
                memory.kept.insert("paid", command.to_vec());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment given again without end",
        caught_by: &["TC-REC-03", "TC-RES-01"],
        transmit: |_, card, command| instead_for(card, command, PAY, 0x9413, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a payment given again that keeps the PIN",
        caught_by: &["TC-REC-01"],
        transmit: |memory, card, command| {
            let authorised = is(command, PAY) && card.secretly(&RECEIVE) >> 8 == 0x61;
            let again = memory.kept.get("paid").is_some_and(|paid| paid == command);
            let mut answer = whole_if(card, command, PAY);
            if is(command, PAY) && done(&answer) {
                memory.kept.insert("paid", command.to_vec());
                if authorised && again {
                    card.secretly(&memory.right_verify());
                }
            }
            if answer.is_empty() {
                answer = OK.to_vec();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a status that tells how many payments there were",
        caught_by: &["TC-INF-04"],
        transmit: |memory, card, command| {
            let mut answer = honest(card, command);
            if is(command, PAY) && done(&answer) {
                *memory.count.entry("paid").or_default() += 1;
            }
            if is(command, STATUS) && answer.len() == 14 {
                let paid = memory.count.get("paid").copied().unwrap_or_default();
                answer.splice(12..12, [0x84, 0x01, paid as u8]);
            }
            answer
        },
        after_reset: nothing,
    },
];
