//! PINs that are taken, counted or compared wrongly.

use crate::drivers::*;
use crate::support::{Defect, SELECT, honest, nothing, status};

pub(crate) const PINS: &[Defect] = &[
    Defect {
        name: "PINs of another length refused without a count",
        caught_by: &["TC-PIN-03", "TC-PIN-09"],
        transmit: |_, card, command| {
            if is_verify(command) && command.len() != 13 {
                vec![0x67, 0x00]
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "malformed blocks refused without a count",
        caught_by: &["TC-PIN-04"],
        transmit: |_, card, command| {
            if is_verify(command) && command.len() == 13 && command[5] >> 4 != 2 {
                vec![0x6A, 0x80]
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "long PINs cut to eight bytes",
        caught_by: &["TC-PIN-03"],
        transmit: |memory, card, command| {
            if is_verify(command) && command.len() > 13 && command[5..13] == memory.pin {
                let cut = memory.right_verify();
                return honest(card, &cut);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "only the first four digits compared",
        caught_by: &["TC-PIN-02"],
        transmit: |memory, card, command| {
            if is_verify(command) && command.len() == 13 && command[6..8] == memory.pin[1..3] {
                let right = memory.right_verify();
                return honest(card, &right);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "the answer tells one try too many",
        caught_by: &["TC-PIN-02", "TC-PIN-08"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is_verify(command) && status(&answer) >> 4 == 0x63C {
                return (status(&answer) + 1).to_be_bytes().to_vec();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "tries in RAM: a power cut brings them back",
        caught_by: &["TC-PIN-09", "TC-NVM-01"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, [0x00, 0x20, 0x00, 0x80]);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "a blocked PIN takes the right one",
        caught_by: &["TC-PIN-08"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if *command == memory.right_verify() {
                instead(answer, 0x6983, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a wrong PIN leaves the authorisation standing",
        caught_by: &["TC-PIN-06"],
        transmit: |memory, card, command| {
            let authorised = is_verify(command) && card.secretly(&RECEIVE) >> 8 == 0x61;
            let answer = honest(card, command);
            if authorised && status(&answer) != 0x9000 {
                card.secretly(&memory.right_verify());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "VERIFY without data ends the authorisation",
        caught_by: &["TC-PIN-05"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if *command == [0x00, 0x20, 0x00, 0x80] {
                card.secretly(&SELECT);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "VERIFY without data counts",
        caught_by: &["TC-PIN-05"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if *command == [0x00, 0x20, 0x00, 0x80] {
                card.secretly(&[0x00, 0x20, 0x00, 0x80, 0x01, 0x00]);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a default PIN before the card is issued",
        caught_by: &["TC-PIN-07", "TC-STA-01"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is_verify(command) {
                instead(answer, 0x6985, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "the status always tells three tries",
        caught_by: &["TC-PIN-09", "TC-PIN-10", "TC-INF-01"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, STATUS) && answer.len() == 14 {
                answer[8] = 3;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "the right PIN doesn't set the tries back",
        caught_by: &["TC-PIN-01", "TC-PIN-10"],
        transmit: |memory, card, command| {
            let mut answer = honest(card, command);
            if is_verify(command) && status(&answer) != 0x9000 {
                *memory.count.entry("used").or_default() += 1;
            }
            if is(command, STATUS) && answer.len() == 14 {
                let used = memory.count.get("used").copied().unwrap_or_default();
                answer[8] = 3 - used.min(3) as u8;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "digits after the tenth not compared",
        caught_by: &["TC-PIN-11"],
        transmit: |memory, card, command| {
            if is_verify(command) && command.len() == 13 && command[5..11] == memory.pin[..6] {
                let right = memory.right_verify();
                return honest(card, &right);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a blocked PIN locks the owner out",
        caught_by: &["TC-STA-03", "TC-PIN-12"],
        transmit: |_, card, command| {
            if is(command, CHALLENGE) && card.secretly(&[0x00, 0x20, 0x00, 0x80]) == 0x6983 {
                return vec![0x69, 0x83];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "the comparison goes on while digits are right",
        caught_by: &["TC-PIN-13"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is_verify(command) {
                let alike = command[5..]
                    .iter()
                    .zip(&memory.pin)
                    .take_while(|(a, b)| a == b)
                    .count();
                let begun = std::time::Instant::now();
                while begun.elapsed().as_micros() < 100 * alike as u128 {
                    std::hint::spin_loop();
                }
            }
            answer
        },
        after_reset: nothing,
    },
];
