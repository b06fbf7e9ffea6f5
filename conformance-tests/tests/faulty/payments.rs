//! Previews and payments gone wrong.

use crate::drivers::*;
use crate::support::{Defect, honest, nothing, status};

pub(crate) const PAYMENTS: &[Defect] = &[
    Defect {
        name: "PREVIEW without PIN",
        caught_by: &["TC-PAY-01", "TC-STA-02"],
        transmit: |memory, card, command| {
            if is(command, PREVIEW) && card.secretly(&RECEIVE) == 0x6982 {
                card.secretly(&memory.right_verify());
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a second PREVIEW on one PIN",
        caught_by: &["TC-PAY-02"],
        transmit: |memory, card, command| {
            if is(command, PREVIEW) && card.secretly(&RECEIVE) >> 8 == 0x61 {
                card.secretly(&memory.right_verify());
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "PAY of another request than PREVIEW's",
        caught_by: &["TC-PAY-02"],
        transmit: |memory, card, command| {
            if is(command, PAY) && card.secretly(&RECEIVE) >> 8 == 0x61 {
                card.secretly(&memory.right_verify());
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a second payment on one PIN",
        caught_by: &["TC-PAY-04"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, PAY)
                && matches!(status(&answer), 0x9000 | 0x6100..=0x61FF)
                && answer.len() > 2
            {
                let whole = answer.clone();
                memory.count.insert("paid", 1);
                // The rest of the answer would be lost: only short ones keep their authorisation.
                if status(&answer) == 0x9000 {
                    card.secretly(&memory.right_verify());
                }
                return whole;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a refused payment keeps its PIN",
        caught_by: &["TC-PAY-03"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if (is(command, PAY) || is(command, PREVIEW)) && status(&answer) >> 8 == 0x94 {
                card.secretly(&memory.right_verify());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a payment of one sat more",
        caught_by: &["TC-PAY-04", "TC-TX-02", "TC-KEY-04"],
        transmit: |_, card, command| {
            if is(command, PAY) && command.len() > 15 && command[7..11] == [0; 4] {
                return honest(card, &raised(command, 1));
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a signature with a bit flipped",
        caught_by: &["TC-KEY-04", "TC-TX-02"],
        transmit: |_, card, command| {
            let mut answer = whole_if(card, command, PAY);
            if is(command, PAY) && answer.len() > 100 {
                let at = answer.len() - 10;
                answer[at] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a lock time",
        caught_by: &["TC-TX-02"],
        transmit: |_, card, command| {
            let mut answer = whole_if(card, command, PAY);
            if is(command, PAY) && answer.len() > 100 {
                let at = answer.len() - 6;
                answer[at] = 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a preview that tells another fee",
        caught_by: &["TC-TX-01", "TC-TX-06"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, PREVIEW) && answer.len() > 30 {
                answer[19] ^= 1;
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "vout little-endian in a preview",
        caught_by: &["TC-TX-03"],
        transmit: |_, card, command| {
            let mut answer = whole_if(card, command, PREVIEW);
            if is(command, PREVIEW) && answer.len() > 60 {
                // 30 bytes of amounts, tag and length of the outpoints, status word.
                let end = answer.len() - 2;
                let start = end - (end - 32) / 36 * 36;
                for outpoint in answer[start..end].chunks_mut(36) {
                    outpoint[32..].reverse();
                }
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "fragmented and insufficient are one",
        caught_by: &["TC-TX-04", "TC-TX-01"],
        transmit: |_, card, command| instead(honest(card, command), 0x9402, 0x9401),
        after_reset: nothing,
    },
    Defect {
        name: "any fee rate below the highest",
        caught_by: &["TC-PAY-07"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if (is(&command, PAY) || is(&command, PREVIEW)) && command[17..21] == [0, 0, 0, 99] {
                command[20] = 100;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "the limit off by one",
        caught_by: &["TC-PAY-08"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, PREVIEW) && status(&answer) == 0x9403 {
                return vec![0x94, 0x01];
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "no cap on fees",
        caught_by: &["TC-PAY-09", "TC-PAY-13"],
        transmit: |_, card, command| instead(honest(card, command), 0x9406, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "the sum of payments forgotten when the power fails",
        caught_by: &[
            "TC-PAY-05",
            "TC-PAY-10",
            "TC-PAY-15",
            "TC-LIM-02",
            "TC-LOG-01",
            "TC-NOP-01",
            "TC-NVM-01",
            "TC-NVM-03",
            "TC-NVM-05",
            "TC-REC-01",
        ],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, PAY);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "the cumulative limit isn't one",
        caught_by: &["TC-PAY-10", "TC-NVM-02"],
        transmit: |_, card, command| instead(honest(card, command), 0x9404, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "OP_RETURN is a payee",
        caught_by: &["TC-PAY-11"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, PREVIEW) && command.len() > 45 && command[23] == 0x6A {
                command[23] = 0x00;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "one dust threshold for all",
        caught_by: &["TC-PAY-12"],
        transmit: |_, card, command| {
            let dust = [0, 0, 0, 0, 0, 0, 2, 0x21];
            if is(command, PREVIEW) && command[7..15] < dust[..] {
                return vec![0x94, 0x07];
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a full log refuses with another word",
        caught_by: &["TC-PAY-14"],
        transmit: |_, card, command| instead(honest(card, command), 0x9409, 0x9401),
        after_reset: nothing,
    },
    Defect {
        name: "change always the last output",
        caught_by: &["TC-TX-05"],
        transmit: |_, card, command| {
            let mut answer = whole_if(card, command, PAY);
            // One input, the change (34 bytes of script) before a P2WPKH payee: swapped.
            if is(command, PAY)
                && answer.len() > 150
                && answer[6] == 1
                && answer[48] == 2
                && answer[57] == 34
            {
                let outputs = answer[49..49 + 43 + 31].to_vec();
                let (change, payee) = outputs.split_at(43);
                let swapped = [payee, change].concat();
                answer[49..49 + 74].copy_from_slice(&swapped);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "change index starts at one",
        caught_by: &["TC-TX-07", "TC-TX-08", "TC-KEY-03"],
        transmit: |_, card, command| {
            let mut answer = whole_if(card, command, PAY);
            // Any byte of the change script will do: the driver has no keys to derive another.
            if is(command, PAY) && answer.len() > 150 {
                let script = answer
                    .windows(3)
                    .rposition(|bytes| bytes == [34, 0x51, 0x20]);
                if let Some(at) = script {
                    answer[at + 10] ^= 1;
                }
            }
            answer
        },
        after_reset: nothing,
    },
];
