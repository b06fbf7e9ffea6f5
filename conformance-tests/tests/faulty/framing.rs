//! ATR, APDUs and selection gone wrong.

use crate::drivers::*;
use crate::support::{Defect, SELECT, honest, nothing, status};

pub(crate) const FRAMING: &[Defect] = &[
    Defect {
        name: "an ATR with a wrong check byte",
        caught_by: &["TC-FRM-01"],
        transmit: |_, card, command| honest(card, command),
        after_reset: |memory, card| {
            let mut atr = card.atr();
            *atr.last_mut().unwrap() ^= 1;
            memory.set_atr(&atr);
        },
    },
    Defect {
        name: "an ATR with a serial number",
        caught_by: &["TC-FRM-02"],
        transmit: |_, card, command| honest(card, command),
        after_reset: |memory, card| {
            let mut atr = card.atr();
            let serial = memory.card as u8;
            atr[16] ^= serial;
            atr[17] ^= serial;
            memory.set_atr(&atr);
        },
    },
    Defect {
        name: "an FCI with a serial number",
        caught_by: &["TC-FRM-02"],
        transmit: |memory, card, command| {
            let mut answer = honest(card, command);
            if is(command, [0x00, 0xA4, 0x04, 0x00]) && answer.len() > 10 {
                answer[10] ^= memory.card as u8;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "Le ignored, 61xx forgotten",
        caught_by: &["TC-FRM-06", "TC-FRM-07"],
        transmit: |_, card, command| whole(card, command),
        after_reset: nothing,
    },
    Defect {
        name: "61xx counts modulo 256",
        caught_by: &["TC-FRM-07"],
        transmit: |memory, card, command| {
            let mut answer = honest(card, command);
            if is(command, PREVIEW) && status(&answer) >> 8 == 0x61 {
                let short = u64::from(answer.len() as u8);
                memory.count.insert("given", short);
                *answer.last_mut().unwrap() |= 0x11;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "GET RESPONSE gives the last answer again",
        caught_by: &["TC-FRM-08"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, [0x00, 0xC0, 0, 0]) && status(&answer) == 0x6985 {
                return memory.kept.get("last").cloned().unwrap_or(answer);
            }
            if answer.len() > 2 {
                memory.kept.insert("last", answer.clone());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "logical channels taken for the basic one",
        caught_by: &["TC-FRM-09", "TC-FRM-17"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if matches!(command[0], 0x01..=0x03 | 0x81..=0x83) {
                command[0] &= 0x80;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "secure messaging bits ignored",
        caught_by: &["TC-FRM-09"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if matches!(command[0], 0x04 | 0x0C | 0x84 | 0x8C) {
                command[0] &= 0x80;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a hidden instruction",
        caught_by: &["TC-FRM-10", "TC-FRM-17", "TC-FRM-18"],
        transmit: |_, card, command| {
            if command.starts_with(&[0x80, 0xFE]) {
                OK.to_vec()
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "6F00 on an unknown instruction",
        caught_by: &["TC-FRM-10", "TC-FRM-17"],
        transmit: |_, card, command| instead(honest(card, command), 0x6D00, 0x6F00),
        after_reset: nothing,
    },
    Defect {
        name: "6F00 on a data field that can't be decoded",
        caught_by: &["TC-FRM-14", "TC-FRM-19"],
        transmit: |_, card, command| instead(honest(card, command), 0x6A80, 0x6F00),
        after_reset: nothing,
    },
    Defect {
        name: "P2 ignored",
        caught_by: &["TC-INF-02", "TC-FRM-11"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if command.starts_with(&[0x00, 0xCA, 0x01]) && command[3] > 1 {
                command[3] = 1;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "no GET RESPONSE",
        caught_by: &["TC-FRM-03", "TC-FRM-06"],
        transmit: |_, card, command| {
            if is(command, [0x00, 0xC0, 0, 0]) {
                vec![0x6D, 0x00]
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "GET RESPONSE without Le gives nothing",
        caught_by: &["TC-FRM-06"],
        transmit: |_, card, command| {
            if *command == [0x00, 0xC0, 0, 0] {
                return vec![0x61, 0x01];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "the PIN asked for before the request is read",
        caught_by: &["TC-FRM-15"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, PAY) {
                instead(answer, 0x6A80, 0x6982)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a malformed ISSUE drops the key generation",
        caught_by: &["TC-FRM-16"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, ISSUE) && matches!(status(&answer), 0x6700 | 0x6A80) {
                card.secretly(&SELECT);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a reserved capability bit",
        caught_by: &["TC-INF-03", "TC-SEL-01"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, [0x00, 0xCA, 1, 1]) && answer.len() > 10 {
                answer[6] |= 0x80;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "SELECT keeps the key generation",
        caught_by: &["TC-SEL-07"],
        transmit: |memory, card, command| {
            if is(command, GENERATE) {
                memory.count.insert("generated", 1);
            }
            if command.starts_with(&SELECT[..4]) && memory.count.remove("generated").is_some() {
                return OK.to_vec();
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a wrong Lc put right",
        caught_by: &["TC-FRM-12"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if command.starts_with(&[0x00, 0x20, 0x00, 0x80])
                && command.len() > 6
                && command[4] != 0
            {
                command[4] = (command.len() - 5) as u8;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "bytes after the last data object ignored",
        caught_by: &["TC-FRM-13"],
        transmit: |_, card, command| {
            if is(command, BEGIN) && command.len() > 117 && command[4] > 112 {
                let mut cut = command[..117].to_vec();
                cut[4] = 112;
                return honest(card, &cut);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "extended Lc read as one byte",
        caught_by: &["TC-FRM-04"],
        transmit: |_, card, command| {
            if command.len() > 300 && command[4] == 0 {
                vec![0x67, 0x00]
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "extended Le cut to one byte",
        caught_by: &["TC-FRM-05"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, PREVIEW) && command[4] == 0 {
                let high = command.len() - 2;
                command[high] = 0;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a partial AID refused",
        caught_by: &["TC-SEL-01"],
        transmit: |_, card, command| {
            if is(command, [0x00, 0xA4, 0x04, 0x0C]) && command[4] < 9 {
                vec![0x6A, 0x82]
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "only the first five bytes of an AID compared",
        caught_by: &["TC-SEL-02"],
        transmit: |_, card, command| {
            if command.starts_with(&[0x00, 0xA4, 0x04])
                && command.len() > 10
                && command[5..10] == SELECT[5..10]
            {
                return honest(card, &SELECT);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "an empty name selects",
        caught_by: &["TC-SEL-03"],
        transmit: |_, card, command| {
            if *command == [0x00, 0xA4, 0x04, 0x0C] {
                honest(card, &SELECT)
            } else {
                honest(card, command)
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "the application is selected by default",
        caught_by: &["TC-SEL-04", "TC-SEL-02"],
        transmit: |_, card, command| honest(card, command),
        after_reset: |_, card| {
            card.secretly(&SELECT);
        },
    },
    Defect {
        name: "SELECT keeps the authorisation",
        caught_by: &["TC-SEL-05"],
        transmit: |memory, card, command| {
            let authorised =
                command.starts_with(&SELECT[..4]) && card.secretly(&RECEIVE) >> 8 == 0x61;
            let answer = honest(card, command);
            if authorised {
                card.secretly(&memory.right_verify());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "the next occurrence is taken for the first",
        caught_by: &["TC-SEL-06"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, [0x00, 0xA4, 0x04, 0x02]) {
                command[3] = 0x0C;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
];
