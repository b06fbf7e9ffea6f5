//! FACTORY RESET and TERMINATE CARD USAGE gone wrong.

use crate::drivers::*;
use crate::support::{Defect, Memory, Reference, honest, nothing, status};
use tillcard_conform::card::{
    CERTIFICATES, FACTORY_RESET, GENERATE_OWN_KEYS, GENUINE, TERMINATE, put_data,
};
use tillcard_conform::target::Reset;

/// Where the PIN block stands in an ISSUE that makes a key.
const PIN_IN_ISSUE: std::ops::Range<usize> = 115..123;

/// The honest answer, and whether the card was reset, now or before.
fn after_reset_of(
    memory: &mut Memory,
    card: &mut dyn Reference,
    command: &[u8],
) -> (Vec<u8>, bool) {
    let answer = honest(card, command);
    if is(command, FACTORY_RESET) && status(&answer) == 0x9000 {
        memory.count.insert("reset", 1);
    }
    (answer, memory.count.contains_key("reset"))
}

fn ended(memory: &mut Memory, card: &mut dyn Reference, command: &[u8]) -> (Vec<u8>, bool) {
    let answer = honest(card, command);
    if is(command, TERMINATE) && status(&answer) == 0x9000 {
        memory.count.insert("ended", 1);
    }
    (answer, memory.count.contains_key("ended"))
}

/// When the power fails, what such a command did is forgotten.
fn undone(
    memory: &mut Memory,
    card: &mut dyn Reference,
    command: &[u8],
    header: [u8; 4],
) -> Vec<u8> {
    let before = is(command, header).then(|| card.contents());
    let answer = honest(card, command);
    if let Some(before) = before
        && status(&answer) == 0x9000
    {
        memory.kept.insert("before", before);
    }
    answer
}

/// Before an owner command of this kind a wrong PIN is tried: a step of its own.
fn in_two_steps(card: &mut dyn Reference, command: &[u8], header: [u8; 4]) -> Vec<u8> {
    if is(command, header) && command.len() == 71 {
        card.secretly(&[0x00, 0x20, 0x00, 0x80, 0x01, 0x00]);
    }
    honest(card, command)
}

pub(crate) const ENDS: &[Defect] = &[
    Defect {
        name: "a reset and an end for whoever asks",
        caught_by: &["TC-RST-04", "TC-STA-02"],
        transmit: |_, card, command| {
            let answer = instead_for(card, command, FACTORY_RESET, 0x6982, 0x9000);
            if is(command, TERMINATE) {
                return instead(answer, 0x6982, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that can be replayed",
        caught_by: &["TC-RST-04"],
        transmit: |_, card, command| instead_for(card, command, FACTORY_RESET, 0x6985, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a reset that only says so",
        caught_by: &["TC-RST-01"],
        transmit: |_, card, command| {
            if is(command, FACTORY_RESET) {
                return OK.to_vec();
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that a power cut undoes",
        caught_by: &["TC-RST-01"],
        transmit: |memory, card, command| undone(memory, card, command, FACTORY_RESET),
        after_reset: forget,
    },
    Defect {
        name: "a reset that keeps the PIN",
        caught_by: &["TC-RST-01"],
        transmit: |memory, card, command| {
            if is(command, ISSUE) && command.len() > PIN_IN_ISSUE.end {
                let pin = command[PIN_IN_ISSUE].to_vec();
                memory.kept.insert("new PIN", pin);
            }
            let mut command = command.to_vec();
            if let Some(pin) = memory.kept.get("new PIN")
                && command == memory.right_verify()
            {
                command[5..].copy_from_slice(pin);
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that keeps the log",
        caught_by: &["TC-RST-01"],
        transmit: |memory, card, command| {
            let (answer, reset) = after_reset_of(memory, card, command);
            if is(command, PAY) && status(&answer) == 0x9000 && !memory.kept.contains_key("paid") {
                memory.kept.insert("paid", command.to_vec());
                memory.kept.insert("transaction", answer.clone());
            }
            match memory.kept.get("paid") {
                Some(paid) if reset && paid == command => memory.kept["transaction"].clone(),
                _ => answer,
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that keeps retired indexes",
        caught_by: &["TC-RST-01"],
        transmit: |memory, card, command| {
            let (answer, reset) = after_reset_of(memory, card, command);
            if reset && is(command, BEGIN) {
                return instead(answer, 0x9000, 0x940F);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that keeps pledges",
        caught_by: &["TC-RST-01"],
        transmit: |memory, card, command| {
            let (answer, reset) = after_reset_of(memory, card, command);
            if reset
                && is(command, SIGN_PIECE)
                && matches!(status(&answer), 0x9000 | 0x6100..=0x61FF)
            {
                return vec![0x94, 0x16];
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that keeps counters and coins",
        caught_by: &["TC-RST-01"],
        transmit: |memory, card, command| {
            let (mut answer, reset) = after_reset_of(memory, card, command);
            if reset && is(command, READ_COINS) && answer.len() > 20 {
                answer[16] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that keeps the network",
        caught_by: &["TC-RST-01"],
        transmit: |memory, card, command| {
            let (mut answer, reset) = after_reset_of(memory, card, command);
            if is(command, STATUS) && answer.len() == 14 && reset {
                answer[5] = 3;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that draws keys of its own anew",
        caught_by: &["TC-RST-07"],
        transmit: |memory, card, command| {
            let (answer, _) = after_reset_of(memory, card, command);
            if is(command, FACTORY_RESET) && status(&answer) == 0x9000 {
                card.secretly(&[&GENERATE_OWN_KEYS[..], &[0]].concat());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that loses the certificates",
        caught_by: &["TC-RST-02", "TC-CRT-01", "TC-RST-05"],
        transmit: |memory, card, command| {
            let (answer, reset) = after_reset_of(memory, card, command);
            if reset && is(command, CERTIFICATES) {
                return vec![0x6A, 0x88];
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset that opens the personalisation again",
        caught_by: &["TC-RST-02"],
        transmit: |memory, card, command| {
            let (answer, reset) = after_reset_of(memory, card, command);
            if reset && is(command, put_data(0)) {
                return instead(answer, 0x6985, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a holder who outlives the reset",
        caught_by: &["TC-RST-03"],
        transmit: |memory, card, command| {
            let (answer, reset) = after_reset_of(memory, card, command);
            if reset && is(command, ISSUE) && status(&answer) == 0x9000 {
                let verify = [&[0x00, 0x20, 0x00, 0x80, 8], &command[PIN_IN_ISSUE]].concat();
                card.secretly(&verify);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an offer that outlives the reset",
        caught_by: &["TC-RST-03"],
        transmit: |memory, card, command| {
            let (answer, reset) = after_reset_of(memory, card, command);
            if reset && is(command, REPORT_ABSENT) {
                return instead(answer, 0x6985, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reset in two steps",
        caught_by: &["TC-RST-05"],
        transmit: |_, card, command| in_two_steps(card, command, FACTORY_RESET),
        after_reset: nothing,
    },
    Defect {
        name: "a reset that leaves the PIN in the memory",
        caught_by: &["TC-RST-06"],
        transmit: |memory, card, command| {
            let (answer, _) = after_reset_of(memory, card, command);
            if is(command, FACTORY_RESET) && status(&answer) == 0x9000 {
                let mut contents = card.contents();
                let at = contents.len() - 64;
                contents[at..at + memory.pin.len()].copy_from_slice(&memory.pin);
                card.set_contents(&contents);
                card.reset(Reset::Cold).expect("the emulator resets");
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an end in two steps",
        caught_by: &["TC-TRM-02"],
        transmit: |_, card, command| in_two_steps(card, command, TERMINATE),
        after_reset: nothing,
    },
    Defect {
        name: "a termination that a power cut undoes",
        caught_by: &["TC-TRM-01", "TC-TRM-02"],
        transmit: |memory, card, command| undone(memory, card, command, TERMINATE),
        after_reset: forget,
    },
    Defect {
        name: "a card at its end that is genuine still",
        caught_by: &["TC-TRM-01", "TC-TRM-02"],
        transmit: |memory, card, command| {
            let (answer, ended) = ended(memory, card, command);
            if ended && is(command, GENUINE) {
                return instead(answer, 0x6985, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a card at its end that shows its certificates",
        caught_by: &["TC-TRM-01", "TC-TRM-02"],
        transmit: |memory, card, command| {
            let (answer, ended) = ended(memory, card, command);
            if ended && is(command, CERTIFICATES) {
                return [&[0x30, 0x00][..], &OK].concat();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an end that is a reset",
        caught_by: &["TC-TRM-01"],
        transmit: |memory, card, command| {
            let (mut answer, ended) = ended(memory, card, command);
            if ended && is(command, STATUS) {
                answer[2] = 0;
            }
            answer
        },
        after_reset: nothing,
    },
];
