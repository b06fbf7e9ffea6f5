//! PIN and owner key changed wrongly, limits and account read wrongly.

use crate::drivers::*;
use crate::support::{Defect, honest, nothing, status};

/// Whether it is RESET RETRY COUNTER.
fn is_reset_tries(command: &[u8]) -> bool {
    command.starts_with(&[0x00, 0x2C])
}

pub(crate) const RIGHTS: &[Defect] = &[
    Defect {
        name: "an unblocking that is only answered",
        caught_by: &["TC-RRC-01", "TC-PIN-12", "TC-STA-03"],
        transmit: |_, card, command| {
            if is_reset_tries(command) && matches!(command[2], 2 | 3) {
                return OK.to_vec();
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a new PIN that a power cut undoes",
        caught_by: &["TC-RRC-01"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, NEW_PIN);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "an old PIN good beside the new one",
        caught_by: &["TC-RRC-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if *command == memory.right_verify() && status(&answer) >> 4 == 0x63C {
                return OK.to_vec();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a malformed new PIN taken",
        caught_by: &["TC-RRC-02"],
        transmit: |_, card, command| instead_for(card, command, NEW_PIN, 0x6A80, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a new PIN judged before its sender",
        caught_by: &["TC-RRC-02"],
        transmit: |_, card, command| {
            if is(command, NEW_PIN) && command.len() == 81 && command[7] >> 4 != 2 {
                return vec![0x6A, 0x80];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "an unblocking that stands for the PIN",
        caught_by: &["TC-RRC-03"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is_reset_tries(command) && status(&answer) == 0x9000 {
                card.secretly(&memory.right_verify());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an unblocking by whoever asks",
        caught_by: &["TC-RRC-04", "TC-OWN-06", "TC-STA-02"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is_reset_tries(command) {
                instead(answer, 0x6982, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "an unblocking with any reference",
        caught_by: &["TC-RRC-04", "TC-FRM-11"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is_reset_tries(&command) && matches!(command[2], 2 | 3) {
                command[3] = 0x80;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "an owner for ever",
        caught_by: &["TC-OWN-07", "TC-OWN-09", "TC-STA-03"],
        transmit: |_, card, command| {
            if is(command, CHANGE_OWNER_KEY) && command.len() == 171 {
                return OK.to_vec();
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a change of owners that a power cut undoes",
        caught_by: &["TC-OWN-07", "TC-ACC-01"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, CHANGE_OWNER_KEY);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "an owner of before who is still obeyed",
        caught_by: &["TC-OWN-07", "TC-OWN-09"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, CHANGE_OWNER_KEY) && status(&answer) == 0x9000 {
                memory.count.insert("changed", 1);
            }
            if memory.count.contains_key("changed") && is(command, SET_LIMITS) {
                return instead(answer, 0x6982, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a new owner key that nobody proved",
        caught_by: &["TC-OWN-08"],
        transmit: |_, card, command| instead_for(card, command, CHANGE_OWNER_KEY, 0x6982, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a new owner key off the curve",
        caught_by: &["TC-OWN-08"],
        transmit: |_, card, command| instead_for(card, command, CHANGE_OWNER_KEY, 0x6A80, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a new owner key in a longer field",
        caught_by: &["TC-OWN-09", "TC-FRM-13"],
        transmit: |_, card, command| instead_for(card, command, CHANGE_OWNER_KEY, 0x6700, 0x6A80),
        after_reset: nothing,
    },
    Defect {
        name: "the limits of ISSUE for ever",
        caught_by: &["TC-LIM-04"],
        transmit: |memory, card, command| {
            let answer = whole_if(card, command, READ_LIMITS);
            if is(command, READ_LIMITS) && status(&answer) == 0x9000 {
                return memory.kept.entry("limits").or_insert(answer).clone();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "one issue record for ever",
        caught_by: &["TC-ACC-01", "TC-OWN-07"],
        transmit: |memory, card, command| {
            // Its first 256 bytes: the rest is the end of the leaf.
            let answer = honest(card, command);
            if is(command, READ_ACCOUNT) && answer.len() > 2 {
                return memory.kept.entry("record").or_insert(answer).clone();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an issue record that says the key was imported",
        caught_by: &["TC-ACC-01", "TC-ACC-02"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, READ_ACCOUNT) && answer.len() > 229 {
                answer[228] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "the account read by whoever asks",
        caught_by: &["TC-ACC-02", "TC-KEY-05", "TC-OWN-06", "TC-STA-02"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, ISSUE) && status(&answer) == 0x9000 {
                memory.kept.insert("record", answer.clone());
            }
            match memory.kept.get("record") {
                Some(record) if is(command, READ_ACCOUNT) && status(&answer) == 0x6982 => {
                    record.clone()
                }
                _ => answer,
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a record with a nonce from a dead random source",
        caught_by: &["TC-RND-03"],
        transmit: |_, card, command| instead_for(card, command, READ_ACCOUNT, 0x6400, 0x9000),
        after_reset: nothing,
    },
];
