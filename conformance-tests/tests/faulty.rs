//! Faulty cards: each must fail the cases that are there for its defect.
//!
//! Every defect is a driver between the suite and the reference card. It shows that the intended
//! case asks its question; the catalogue's own run shows that the reference card passes it.

mod support;

use support::{Defect, Faulty, Memory, Reference, SELECT, honest, nothing, run_cases, status};
use tillcard_conform::outcome::Verdict;

const OK: [u8; 2] = [0x90, 0x00];

fn is_verify(command: &[u8]) -> bool {
    command.starts_with(&[0x00, 0x20, 0x00, 0x80]) && command.len() > 5
}

fn is(command: &[u8], header: [u8; 4]) -> bool {
    command.starts_with(&header)
}

const PREVIEW: [u8; 4] = [0x80, 0x32, 0, 0];
const PAY: [u8; 4] = [0x80, 0x30, 0, 0];
const BEGIN: [u8; 4] = [0x80, 0x22, 0, 0];
const PIECE: [u8; 4] = [0x80, 0x22, 1, 0];
const ISSUE: [u8; 4] = [0x80, 0x10, 0, 0];
const GENERATE: [u8; 4] = [0x00, 0x46, 0, 0];
const CHALLENGE: [u8; 4] = [0x00, 0x84, 0, 0];
const RECEIVE: [u8; 4] = [0x80, 0x20, 0, 0];
const STATUS: [u8; 4] = [0x00, 0xCA, 1, 0];

/// The card answers one status word where it should answer another.
fn instead(answer: Vec<u8>, of: u16, wrong: u16) -> Vec<u8> {
    if status(&answer) == of { wrong.to_be_bytes().to_vec() } else { answer }
}

/// The whole answer, as a card gives it that knows nothing of Le.
fn whole(card: &mut dyn Reference, command: &[u8]) -> Vec<u8> {
    let mut answer = honest(card, command);
    while status(&answer) >> 8 == 0x61 {
        answer.truncate(answer.len() - 2);
        answer.extend(honest(card, &[0x00, 0xC0, 0, 0, 0]));
    }
    answer
}

/// Keeps the memory as it was before a command of this kind.
fn remember_before(memory: &mut Memory, card: &mut dyn Reference, command: &[u8], header: [u8; 4]) {
    if is(command, header) {
        let before = card.memory();
        memory.kept.insert("before", before);
    }
}

/// Forgets, when the power fails, what the last such command wrote.
fn forget(memory: &mut Memory, card: &mut dyn Reference) {
    if let Some(before) = memory.kept.remove("before") {
        card.set_memory(&before);
        card.reset(tillcard_conform::target::Reset::Cold).expect("the emulator resets");
    }
}

/// Adds to the eight bytes of an amount in a request.
fn raised(command: &[u8], by: i64) -> Vec<u8> {
    let mut command = command.to_vec();
    let amount: [u8; 8] = command[7..15].try_into().unwrap();
    let amount = u64::from_be_bytes(amount).wrapping_add_signed(by);
    command[7..15].copy_from_slice(&amount.to_be_bytes());
    command
}

const PINS: &[Defect] = &[
    Defect {
        name: "PINs of another length refused without a count",
        caught_by: &["TC-PIN-03", "TC-PIN-09"],
        transmit: |_, card, command| {
            if is_verify(command) && command.len() != 13 { vec![0x67, 0x00] } else { honest(card, command) }
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
            if *command == memory.right_verify() { instead(answer, 0x6983, 0x9000) } else { answer }
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
            if is_verify(command) { instead(answer, 0x6985, 0x9000) } else { answer }
        },
        after_reset: nothing,
    },
    Defect {
        name: "the status always tells three tries",
        caught_by: &["TC-PIN-09", "TC-PIN-10", "TC-INF-01"],
        transmit: |_, card, command| {
            let mut answer = honest(card, command);
            if is(command, STATUS) && answer.len() == 11 {
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
            if is(command, STATUS) && answer.len() == 11 {
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
                let alike = command[5..].iter().zip(&memory.pin).take_while(|(a, b)| a == b).count();
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

const FRAMING: &[Defect] = &[
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
            if command.starts_with(&[0x80, 0xFE]) { OK.to_vec() } else { honest(card, command) }
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
            if is(command, [0x00, 0xC0, 0, 0]) { vec![0x6D, 0x00] } else { honest(card, command) }
        },
        after_reset: nothing,
    },
    Defect {
        name: "the PIN asked for before the request is read",
        caught_by: &["TC-FRM-15"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if is(command, PAY) { instead(answer, 0x6A80, 0x6982) } else { answer }
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
            if command.starts_with(&[0x00, 0x20, 0x00, 0x80]) && command.len() > 6 && command[4] != 0 {
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
            if command.len() > 300 && command[4] == 0 { vec![0x67, 0x00] } else { honest(card, command) }
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
            if is(command, [0x00, 0xA4, 0x04, 0x0C]) && command[4] < 9 { vec![0x6A, 0x82] } else { honest(card, command) }
        },
        after_reset: nothing,
    },
    Defect {
        name: "only the first five bytes of an AID compared",
        caught_by: &["TC-SEL-02"],
        transmit: |_, card, command| {
            if command.starts_with(&[0x00, 0xA4, 0x04]) && command.len() > 10 && command[5..10] == SELECT[5..10] {
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
            if *command == [0x00, 0xA4, 0x04, 0x0C] { honest(card, &SELECT) } else { honest(card, command) }
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
            let authorised = command.starts_with(&SELECT[..4]) && card.secretly(&RECEIVE) >> 8 == 0x61;
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

const KEYS: &[Defect] = &[
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
            if before { instead(answer, 0x6985, 0x9000) } else { answer }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a second ISSUE is answered 9000",
        caught_by: &["TC-ISS-01", "TC-STA-02"],
        transmit: |memory, card, command| {
            let answer = honest(card, command);
            if is(command, ISSUE) && !memory.pin.is_empty() { instead(answer, 0x6985, 0x9000) } else { answer }
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
            if is(command, BEGIN) { instead(answer, 0x6982, 0x9000) } else { answer }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a challenge spoilt by a malformed command",
        caught_by: &["TC-OWN-04"],
        transmit: |_, card, command| {
            let answer = honest(card, command);
            if command.starts_with(&[0x80, 0x22]) && matches!(status(&answer), 0x6700 | 0x6A80 | 0x6A86) {
                card.secretly(&[0x00, 0x84, 0, 0, 16]);
            }
            answer
        },
        after_reset: nothing,
    },
];

const COINS: &[Defect] = &[
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
        caught_by: &["TC-ENT-04", "TC-ENT-09", "TC-ENT-10"],
        transmit: |_, card, command| instead(honest(card, command), 0x6A89, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "a spent coin enters again",
        caught_by: &["TC-ENT-10", "TC-TX-09"],
        transmit: |_, card, command| instead(honest(card, command), 0x940F, 0x9000),
        after_reset: nothing,
    },
    Defect {
        name: "any index is given out",
        caught_by: &["TC-ENT-04"],
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
            if is(command, PIECE) { instead(answer, 0x6A80, 0x9000) } else { answer }
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
            if before && is(command, PIECE) { instead(answer, 0x6985, 0x9000) } else { answer }
        },
        after_reset: nothing,
    },
    Defect {
        name: "a status in the middle of an entry leaves it standing",
        caught_by: &["TC-ENT-07"],
        transmit: |memory, card, command| {
            if is(command, STATUS) {
                if memory.count.get("entry") == Some(&1) {
                    return memory.kept.get("status").cloned().unwrap_or_else(|| OK.to_vec());
                }
                let answer = honest(card, command);
                memory.kept.insert("status", answer.clone());
                return answer;
            }
            memory.count.insert("entry", u64::from(command.starts_with(&[0x80, 0x22])));
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

const PAYMENTS: &[Defect] = &[
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
            if is(command, PAY) && matches!(status(&answer), 0x9000 | 0x6100..=0x61FF) && answer.len() > 2 {
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
        caught_by: &["TC-PAY-05", "TC-PAY-10", "TC-NVM-01", "TC-NVM-03"],
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
            if is(command, PAY) && answer.len() > 150 && answer[6] == 1 && answer[48] == 2 && answer[57] == 34 {
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
                let script = answer.windows(3).rposition(|bytes| bytes == [34, 0x51, 0x20]);
                if let Some(at) = script {
                    answer[at + 10] ^= 1;
                }
            }
            answer
        },
        after_reset: nothing,
    },
];

/// The whole answer to commands of one kind, the honest one to all others.
fn whole_if(card: &mut dyn Reference, command: &[u8], header: [u8; 4]) -> Vec<u8> {
    if is(command, header) && command.last() == Some(&0) { whole(card, command) } else { honest(card, command) }
}

fn check(defects: &[Defect]) {
    let mut missed = Vec::new();
    for defect in defects {
        let target = Faulty { defect: *defect, cards: 0 };
        let report = run_cases(Box::new(target), 3, defect.caught_by);
        assert_eq!(report.cases.len(), defect.caught_by.len(), "{}", defect.name);
        for case in report.cases {
            if case.verdict != Verdict::Fail {
                missed.push(format!(
                    "{}: {} is {} {}",
                    defect.name,
                    case.id,
                    case.verdict,
                    case.reason.unwrap_or_default()
                ));
            }
        }
    }
    assert!(missed.is_empty(), "{:#?}", missed);
}

#[test]
fn faulty_pins_fail() {
    check(PINS);
}

#[test]
fn faulty_framing_fails() {
    check(FRAMING);
}

#[test]
fn faulty_keys_and_authority_fail() {
    check(KEYS);
}

#[test]
fn faulty_entries_fail() {
    check(COINS);
}

#[test]
fn faulty_payments_fail() {
    check(PAYMENTS);
}

const ALL: [&[Defect]; 5] = [PINS, FRAMING, KEYS, COINS, PAYMENTS];

#[test]
fn every_case_catches_a_defect() {
    let caught: Vec<&str> = ALL
        .iter()
        .flat_map(|defects| defects.iter().flat_map(|defect| defect.caught_by.iter().copied()))
        .collect();
    let idle: Vec<&str> = tillcard_conform::catalogue::all()
        .map(|case| case.id)
        .filter(|id| !caught.contains(id))
        .collect();
    assert!(idle.is_empty(), "no faulty card shows that these can fail: {idle:?}");
}

#[test]
fn no_two_defects_have_one_name() {
    let mut names: Vec<&str> =
        ALL.iter().flat_map(|defects| defects.iter().map(|defect| defect.name)).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 60, "{count} defects");
}
