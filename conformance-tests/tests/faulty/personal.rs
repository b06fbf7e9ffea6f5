//! Personalisation, certificates and proofs of genuineness gone wrong.

use crate::drivers::*;
use crate::support::{Defect, Memory, Reference, honest, nothing, status};
use tillcard_conform::card::{CERTIFICATES, END, GENERATE_OWN_KEYS, GENUINE, STATEMENT, put_data};

/// PUT DATA of a piece.
fn is_piece(command: &[u8]) -> bool {
    is_put_data(command) && command[3] != END
}

fn is_put_data(command: &[u8]) -> bool {
    command.starts_with(&put_data(0)[..3]) && command.len() > 3
}

/// A command that isn't told of must be taken.
fn silently(card: &mut dyn Reference, command: &[u8]) {
    assert_eq!(card.secretly(command), 0x9000, "{command:02X?}");
}

fn stored_piece(p2: u8, bytes: &[u8]) -> Vec<u8> {
    [&put_data(p2)[..], &[bytes.len() as u8], bytes].concat()
}

/// The same answer to the same question of this kind.
fn same_again(
    memory: &mut Memory,
    card: &mut dyn Reference,
    command: &[u8],
    header: [u8; 4],
) -> Vec<u8> {
    if !is(command, header) {
        return honest(card, command);
    }
    if memory
        .kept
        .get("question")
        .is_none_or(|asked| asked != command)
    {
        let answer = whole_if(card, command, header);
        if status(&answer) != 0x9000 {
            return answer;
        }
        memory.kept.insert("question", command.to_vec());
        memory.kept.insert("answer", answer);
    }
    memory.kept["answer"].clone()
}

pub(crate) const PERSONAL: &[Defect] = &[
    Defect {
        name: "keys of its own that are always the same",
        caught_by: &["TC-PER-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, GENERATE_OWN_KEYS) && status(&answer) == 0x9000 {
                return memory.kept.entry("own keys").or_insert(answer).clone();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "keys of its own that a power cut takes back",
        caught_by: &["TC-PER-01"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, GENERATE_OWN_KEYS);
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "certificates that outlive the keys which they name",
        caught_by: &["TC-PER-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is_piece(command) && status(&answer) == 0x9000 && command[3] & 0x0F == 0 {
                let stored = memory.kept.entry("pieces").or_default();
                stored.push(command[3]);
            }
            if is(command, GENERATE_OWN_KEYS)
                && let Some(stored) = memory.kept.get("pieces")
            {
                for p2 in stored {
                    silently(card, &stored_piece(*p2, &[7]));
                }
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "pieces joined in another order",
        caught_by: &["TC-PER-02"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is_piece(&command) && matches!(command[3] & 0x0F, 1 | 2) {
                command[3] ^= 3;
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "a piece that can't be stored a second time",
        caught_by: &["TC-PER-02"],
        transmit: |memory, card, command| {
            if is_piece(command) {
                let stored = memory.kept.entry("pieces").or_default();
                if stored.contains(&command[3]) {
                    return OK.to_vec();
                }
                stored.push(command[3]);
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "an end without the agreement key's certificate",
        caught_by: &["TC-PER-03"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, put_data(END)) && status(&answer) == 0x6985 {
                card.secretly(&stored_piece(0x20, &[7]));
                return honest(card, command);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a first piece that leaves the others",
        caught_by: &["TC-PER-02"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is_piece(command)
                && command[3] == 0x10
                && status(&answer) == 0x9000
                && let Some(other) = memory.kept.get("piece 11")
            {
                silently(card, other);
            }
            if is_piece(command) && command[3] == 0x11 {
                memory.kept.insert("piece 11", command.to_vec());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an end with a hole in a certificate",
        caught_by: &["TC-PER-03"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, put_data(END)) && status(&answer) == 0x6985 {
                card.secretly(&stored_piece(0x22, &[7]));
                return honest(card, command);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "an end that a power cut undoes",
        caught_by: &["TC-PER-03", "TC-PER-02"],
        transmit: |memory, card, command| {
            remember_before(memory, card, command, put_data(END));
            honest(card, command)
        },
        after_reset: forget,
    },
    Defect {
        name: "a certificate stored after the end",
        caught_by: &["TC-PER-04", "TC-RST-02"],
        transmit: |_, card, command| instead_for(card, command, put_data(0), 0x6985, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "keys of its own drawn for whoever asks",
        caught_by: &["TC-PER-04", "TC-RST-02", "TC-STA-02"],
        transmit: |_, card, command| instead_for(card, command, GENERATE_OWN_KEYS, 0x6985, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "pieces of any length",
        caught_by: &["TC-PER-04"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is_piece(command) {
                instead(answer, 0x6700, 0x9000)
            } else {
                answer
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a piece stored in two steps",
        caught_by: &["TC-PER-05"],
        transmit: |_, card, command| {
            if is_piece(command) && command.len() > 9 {
                card.secretly(&stored_piece(command[3], &command[5..9]));
            }
            honest(card, command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "certificates told before the end",
        caught_by: &["TC-CRT-03", "TC-PER-03"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, CERTIFICATES) && status(&answer) == 0x6A88 {
                return [&[0x30, 0x00][..], &OK].concat();
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "one certificate for all keys",
        caught_by: &["TC-CRT-01", "TC-CRT-02"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, CERTIFICATES) && command.len() == 12 {
                command[9..11].copy_from_slice(&[0x40, 0x01]);
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "certificates kept back once the PIN is blocked",
        caught_by: &["TC-CRT-01", "TC-PER-04"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is_verify(command) && status(&answer) == 0x63C0 {
                memory.count.insert("blocked", 1);
            }
            if is(command, CERTIFICATES) && memory.count.contains_key("blocked") {
                return vec![0x6A, 0x88];
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "certificates cut at the first part",
        caught_by: &["TC-CRT-01", "TC-PER-02"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            let end = answer.len() - 2;
            if is(command, CERTIFICATES) && answer[end] == 0x61 {
                answer[end..].copy_from_slice(&OK);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a proof whatever the challenge",
        caught_by: &["TC-GEN-01", "TC-GEN-04"],
        transmit: |_, card, command| {
            let mut command = command.to_vec();
            if is(&command, GENUINE) && command.len() == 38 {
                command[5..37].fill(0);
            }
            honest(card, &command)
        },
        after_reset: nothing,
    },
    Defect {
        name: "one salt for one challenge",
        caught_by: &["TC-GEN-01"],
        transmit: |memory, card, command| same_again(memory, card, command, GENUINE),
        after_reset: nothing,
    },
    Defect {
        name: "a signature of a challenge of any length",
        caught_by: &["TC-GEN-02"],
        transmit: |_, card, command| instead_for(card, command, GENUINE, 0x6700, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a proof without keys",
        caught_by: &["TC-GEN-05"],
        transmit: |_, card, command| instead_for(card, command, GENUINE, 0x6985, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a proof that stands for the PIN",
        caught_by: &["TC-GEN-03"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, GENUINE) && status(&answer) == 0x9000 {
                card.secretly(&memory.right_verify());
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a proof that replaces the owner's challenge",
        caught_by: &["TC-GEN-03"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, GENUINE) && status(&answer) == 0x9000 {
                card.secretly(&[0x00, 0x84, 0, 0, 16]);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "the issue record passed off as a proof",
        caught_by: &["TC-GEN-04", "TC-GEN-01"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, ISSUE) && status(&answer) == 0x9000 {
                let (salt, signature) = (&answer[141..157], &answer[159..223]);
                let proof = [&[0x80, 0x10], salt, &[0x81, 0x40], signature, &OK].concat();
                memory.kept.insert("proof", proof);
            }
            match memory.kept.get("proof") {
                Some(proof) if is(command, GENUINE) => proof.clone(),
                _ => answer,
            }
        },
        after_reset: nothing,
    },
    Defect {
        name: "keys and proofs of a dead random source",
        caught_by: &["TC-RND-04"],
        transmit: |_, card, command| {
            let answer = instead_for(card, command, GENERATE_OWN_KEYS, 0x6400, 0x9000);
            if is(command, GENUINE) {
                return instead(answer, 0x6400, 0x9000);
            }
            answer
        },
        after_reset: nothing,
    },
    Defect {
        name: "a statement of a dead random source",
        caught_by: &["TC-RND-04"],
        transmit: |_, card, command| instead_for(card, command, STATEMENT, 0x6400, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "one salt for one statement",
        caught_by: &["TC-STM-01"],
        transmit: |memory, card, command| same_again(memory, card, command, STATEMENT),
        after_reset: nothing,
    },
];
