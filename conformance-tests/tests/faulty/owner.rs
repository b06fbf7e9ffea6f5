//! The owner's commands, credits, issuing, and memory gone wrong.

use crate::drivers::*;
use crate::support::{Defect, honest, nothing, status};

pub(crate) const OWNER: &[Defect] = &[
    Defect {
        name: "owner commands that don't ask who it is",
        caught_by: &["TC-OWN-06"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if command.starts_with(&[0x80]) && matches!(command[1], 0x42..=0x4A) {
                instead(answer, 0x6982, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "an image of another wallet",
        caught_by: &["TC-IMG-01", "TC-CRE-02"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, READ_COINS) && answer.len() > 7 {
                answer[4] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reading of coins that outlives other commands",
        caught_by: &["TC-IMG-02", "TC-SEL-08"],
        transmit: |_, card, command| instead_for(card, command, READ_COINS_ON, 0x6985, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "an offer that outlives SELECT",
        caught_by: &["TC-SEL-08"],
        transmit: |memory, card, command| {
            let select = command.starts_with(&[0x00, 0xA4, 0x04]);
            let offered = memory.count.remove("offered").is_some();
            if select && offered {
                return OK.to_vec();
            }
            if is(command, PREVIEW) {
                memory.count.insert("offered", 1);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a log of other payments",
        caught_by: &["TC-LOG-01", "TC-RES-01", "TC-SGN-04"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, READ_LOG) && answer.len() > 20 {
                answer[12] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a log that the owner can't clear",
        caught_by: &["TC-ACK-01", "TC-ENT-09"],
        transmit: |_, card, command| {
            if is(command, ACKNOWLEDGE_LOG) {
                return OK.to_vec();
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a log overwritten before its owner saw it",
        caught_by: &["TC-ACK-01", "TC-PAY-14"],
        transmit: |_, card, command| instead(honest(card, command), 0x9409, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "payments acknowledged before they are made",
        caught_by: &["TC-ACK-02"],
        transmit: |_, card, command| instead_for(card, command, ACKNOWLEDGE_LOG, 0x6A80, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a cancelled payment that goes on counting",
        caught_by: &["TC-RES-01", "TC-RES-02", "TC-SGN-04"],
        transmit: |_, card, command| {
            if is(command, RESOLVE) {
                return OK.to_vec();
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment cancelled under one that stands",
        caught_by: &["TC-RES-02"],
        transmit: |_, card, command| instead_for(card, command, RESOLVE, 0x6985, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "the signature of the first input for all",
        caught_by: &["TC-SGN-01", "TC-SGN-03", "TC-SGN-06"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if command.starts_with(&[0x80, 0x40, 0x02]) {
                command[3] = 0;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "the owner's fee isn't capped",
        caught_by: &["TC-SGN-02"],
        transmit: |_, card, command| {
            let answer = instead_for(card, command, SIGN_PIECE, 0x9406, 0x9000);
            instead(answer, 0x9405, 0x9000)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a stream with another digest signed",
        caught_by: &["TC-SGN-02"],
        transmit: |_, card, command| instead_for(card, command, SIGN_PIECE, 0x940A, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a signature out before its coins are gone",
        caught_by: &["TC-SGN-03"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, [0x80, 0x40, 2, 2]);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "an owner locked out with the PIN",
        caught_by: &["TC-SGN-04", "TC-STA-03"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is_verify(command) && matches!(status(&answer), 0x63C0 | 0x6983) {
                memory.count.insert("blocked", 1);
            }
            if memory.count.contains_key("blocked") && (is(command, SIGN) || is(command, BEGIN)) {
                return vec![0x69, 0x83];
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a signature asked for before the stream ends",
        caught_by: &["TC-SGN-05", "TC-SEL-08"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if command.starts_with(&[0x80, 0x40]) {
                instead(answer, 0x6985, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a credit without PIN",
        caught_by: &["TC-CRE-01", "TC-STA-02"],
        transmit: |memory, card, command| {
            if is(command, CREDIT) {
                card.secretly(&memory.right_verify());
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a credit at any place",
        caught_by: &["TC-CRE-01", "TC-CRE-05", "TC-PAY-18"],
        transmit: |_, card, command| instead_for(card, command, CREDIT, 0x9410, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "credits without end",
        caught_by: &["TC-CRE-03"],
        transmit: |_, card, command| instead_for(card, command, CREDIT, 0x6A84, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "requests for credits taken for others",
        caught_by: &["TC-CRE-02", "TC-CRE-03"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if (is(&command, PREVIEW) || is(&command, PAY))
                && let Some(at) = source_at(&command)
            {
                command[at] = 0;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a credit that gives a limit back",
        caught_by: &["TC-CRE-04"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, CREDIT) {
                memory.count.insert("credit", 1);
            }
            if memory.count.contains_key("credit") {
                return instead(answer, 0x9404, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "coins below the owner's least",
        caught_by: &["TC-ENT-16", "TC-LIM-03"],
        transmit: |_, card, command| instead(honest(card, command), 0x940D, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "an issue record over another salt",
        caught_by: &["TC-ISS-05", "TC-ISS-06", "TC-ISS-01"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if (is(command, ISSUE) || is(command, IMPORT)) && answer.len() == 225 {
                answer[145] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an imported chain code left out",
        caught_by: &["TC-ISS-06", "TC-KEY-06"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, IMPORT) && command.len() == 209 {
                command[42..74].fill(0);
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "an impossible key taken for another",
        caught_by: &["TC-ISS-07"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, IMPORT) && command.len() == 209 && command[10..42] == [0; 32] {
                command[41] = 1;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "scripts without the delay of their leaf",
        caught_by: &["TC-KEY-06"],
        transmit: |memory, card, command| {
            if is(command, ISSUE) && command.len() > 79 {
                memory.count.insert("leaf", u64::from(command[78]));
            }
            let mut answer = honest(card, command);
            if is(command, RECEIVE) && memory.count.get("leaf") == Some(&2) && answer.len() == 44 {
                answer[20] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a dead random source that goes unnoticed",
        caught_by: &["TC-RND-01"],
        transmit: |_, card, command| instead(honest(card, command), 0x6400, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a test of the random source that none passes",
        caught_by: &["TC-RND-02", "TC-KEY-01"],
        transmit: |_, card, command| {
            if is(command, GENERATE) {
                return vec![0x64, 0x00];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a damaged memory that goes on",
        caught_by: &["TC-STA-04", "TC-NVM-04"],
        transmit: |_, card, command| instead(honest(card, command), 0x6581, 0x9000),
        after_reset: nothing,
    },
];
