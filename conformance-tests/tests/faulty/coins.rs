//! Receive scripts and coin entry gone wrong.

use crate::drivers::*;
use crate::support::{Defect, honest, nothing, status};

pub(crate) const COINS: &[Defect] = &[
    Defect {
        name: "asking uses up the receive index",
        caught_by: &["TC-RCV-01"],
        transmit: |memory, card, command| {
            let mut answer = honest(card, command);
            if is(command, RECEIVE) && answer.len() == 44 {
                let asked = memory.count.entry("asked").or_default();
                answer[5] += *asked as u8;
                *asked += 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a script beyond the last index",
        caught_by: &["TC-RCV-03"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, RECEIVE) {
                instead(answer, 0x6A84, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a script for whoever asks",
        caught_by: &["TC-RCV-02"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, RECEIVE) && status(&answer) == 0x9000 {
                memory.kept.insert("script", answer.clone());
            }
            match memory.kept.get("script") {
                Some(script) if is(command, RECEIVE) && status(&answer) == 0x6982 => script.clone(),
                _ => answer,
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a coin forgotten when the power fails",
        caught_by: &["TC-ENT-01", "TC-NVM-01"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, PIECE);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "an amount of 32 bits",
        caught_by: &["TC-ENT-01"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, PIECE) && answer.len() == 12 {
                answer[2..6].fill(0);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a coin twice",
        caught_by: &[
            "TC-ENT-04",
            "TC-ENT-09",
            "TC-ENT-10",
            "TC-ENT-15",
            "TC-PAY-18",
        ],
        transmit: |_, card, command| instead(honest(card, command), 0x6A89, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a spent coin enters again",
        caught_by: &["TC-ENT-10", "TC-TX-09", "TC-SGN-03", "TC-RES-01"],
        transmit: |_, card, command| instead(honest(card, command), 0x940F, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "any index is given out",
        caught_by: &["TC-ENT-04", "TC-ENT-14"],
        transmit: |_, card, command| instead(honest(card, command), 0x9410, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a full card says so with another word",
        caught_by: &["TC-ENT-09"],
        transmit: |_, card, command| instead(honest(card, command), 0x6A84, 0x6A80),
        after_reset: nothing,
    },
    Defect {
        name: "an announced coin believed before its transaction",
        caught_by: &["TC-ENT-08"],
        transmit: |memory, card, command| {
            if is(command, PIECE) && command.len() < 260 {
                memory.kept.insert("piece", command.to_vec());
            }
            if is(command, PREVIEW) && memory.kept.contains_key("piece") {
                return instead(honest(card, command), 0x9401, 0x9000);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "dust and coinbase refused with one word",
        caught_by: &["TC-ENT-05"],
        transmit: |_, card, command| instead(honest(card, command), 0x940E, 0x940D),
        after_reset: nothing,
    },
    Defect {
        name: "bytes after the end ignored",
        caught_by: &["TC-ENT-12"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, PIECE) {
                instead(answer, 0x6A80, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "an entry goes on after a refused piece",
        caught_by: &["TC-ENT-06", "TC-ENT-11"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            let before = memory.count.remove("refused").is_some();
            if is(command, PIECE) && status(&answer) == 0x6A80 {
                memory.count.insert("refused", 1);
            }
            if before && is(command, PIECE) {
                instead(answer, 0x6985, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a status in the middle of an entry leaves it standing",
        caught_by: &["TC-ENT-07"],
        transmit: |memory, card, command| {
            if is(command, STATUS) {
                if memory.count.get("entry") == Some(&1) {
                    return memory
                        .kept
                        .get("status")
                        .cloned()
                        .unwrap_or_else(|| OK.to_vec());
                }
                let answer = honest(card, command);
                memory.kept.insert("status", answer.clone());
                return answer;
            }
            memory
                .count
                .insert("entry", u64::from(command.starts_with(&[0x80, 0x22])));
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "pieces of 33 bytes and more cut",
        caught_by: &["TC-ENT-02", "TC-ENT-13"],
        transmit: |_, card, command| {
            if is(command, PIECE) && command.len() > 38 && command[4] < 0x40 {
                let mut cut = command[..37].to_vec();
                cut[4] = 32;
                return honest(card, &cut);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "transactions of more than 4 KiB refused",
        caught_by: &["TC-ENT-03"],
        transmit: |memory, card, command| {
            if is(command, BEGIN) {
                memory.count.insert("bytes", 0);
            }
            if is(command, PIECE) {
                let bytes = memory.count.entry("bytes").or_default();
                *bytes += command.len() as u64;
                if *bytes > 4096 {
                    return vec![0x6A, 0x84];
                }
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
];
