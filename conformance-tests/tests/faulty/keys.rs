//! Keys, issuing and owner authority gone wrong.

use crate::drivers::*;
use crate::support::{Defect, honest, nothing, status};

pub(crate) const KEYS: &[Defect] = &[
    Defect {
        name: "one commitment for ever",
        caught_by: &["TC-KEY-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, GENERATE) && status(&answer) == 0x9000 {
                return memory.kept.entry("commitment").or_insert(answer).clone();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "ISSUE without a key generation",
        caught_by: &["TC-ISS-03", "TC-SEL-07"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, ISSUE) && status(&answer) == 0x6985 {
                card.secretly(&GENERATE);
                return honest(card, command);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "the owner's signature stands for the PIN",
        caught_by: &["TC-OWN-05"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, BEGIN) && status(&answer) == 0x9000 {
                card.secretly(&memory.right_verify());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "the host's share left out",
        caught_by: &["TC-KEY-02", "TC-ISS-01"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, ISSUE) && command.len() > 50 {
                command[10..42].fill(0);
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "an unknown network taken for another",
        caught_by: &["TC-ISS-02"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, ISSUE) && command.len() > 50 {
                command[7] &= 3;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a refused ISSUE leaves the key generation open",
        caught_by: &["TC-ISS-02"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if !is(command, ISSUE) {
                return answer;
            }
            let before = memory.count.remove("refused").is_some();
            if status(&answer) == 0x6A80 {
                memory.count.insert("refused", 1);
            }
            if before {
                instead(answer, 0x6985, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a second ISSUE is answered 9000",
        caught_by: &["TC-ISS-01", "TC-STA-02"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, ISSUE) && !memory.pin.is_empty() {
                instead(answer, 0x6985, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "ISSUE forgotten when the power fails",
        caught_by: &["TC-ISS-01", "TC-ISS-04", "TC-NVM-01"],
        transmit: |memory, card, command| {
            if !memory.kept.contains_key("before") {
                remember_before(memory, card, command, ISSUE);
            }
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "a challenge that holds the chain code",
        caught_by: &["TC-KEY-05"],
        transmit: |memory, card, command| {
            // Only to an authorised holder: the owner's commands must go on working.
            let authorised = is(command, CHALLENGE) && card.secretly(&RECEIVE) >> 8 == 0x61;
            let mut answer = honest(card, command);
            if is(command, ISSUE) && status(&answer) == 0x9000 {
                memory.kept.insert("chain code", answer[37..69].to_vec());
            }
            if let Some(code) = memory.kept.get("chain code")
                && authorised
                && answer.len() == 18
            {
                answer[..16].copy_from_slice(&code[9..25]);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a script with the account's public key, backwards",
        caught_by: &["TC-KEY-05", "TC-KEY-03"],
        transmit: |memory, card, command| {
            let mut answer = honest(card, command);
            if is(command, ISSUE) && status(&answer) == 0x9000 {
                memory.kept.insert("key", answer[3..35].to_vec());
            }
            if let Some(key) = memory.kept.get("key")
                && is(command, RECEIVE)
                && answer.len() == 44
            {
                let backwards: Vec<u8> = key.iter().rev().copied().collect();
                answer[10..42].copy_from_slice(&backwards);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "one challenge for ever",
        caught_by: &["TC-OWN-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, CHALLENGE) && status(&answer) == 0x9000 {
                return memory.kept.entry("challenge").or_insert(answer).clone();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "any owner's signature will do",
        caught_by: &["TC-OWN-02", "TC-OWN-03", "TC-ENT-04"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, BEGIN) {
                instead(answer, 0x6982, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a challenge spoilt by a malformed command",
        caught_by: &["TC-OWN-04"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if command.starts_with(&[0x80, 0x22])
                && matches!(status(&answer), 0x6700 | 0x6A80 | 0x6A86)
            {
                card.secretly(&[0x00, 0x84, 0, 0, 16]);
            }
            answer
        },
        after_reset: nothing,
    },
];
