//! Who sits between the suite and the reference card with the keys of their channel.
//!
//! It lets the card draw keys that it chose, and so knows what both ends know. Towards the suite it
//! is a card whose end of the channel has something wrong with it; towards the reference card it is
//! an honest client of the same channel, with the same receipt, so that whatever the owner signs
//! for the one is good for the other.

use super::{Memory, Reference, SELECT, honest, status};
use p256::{PublicKey, SecretKey};
use tillcard_conform::apdu::{Answer, Command, LE_EXTENDED, LE_SHORT};
use tillcard_conform::card::Form;
use tillcard_conform::channel::{
    Channel, Keys, MAC, agree, answer_mac, crypt, is_protected, mac, pad, unpad,
};
use tillcard_conform::status::Sw;
use tillcard_conform::target::{Fault, Reset};

/// In the counter, for the IV of an answer.
const ANSWER: u128 = 1 << 127;
/// Where the client's key begins in the data field that opens a channel.
const KEY_AT: usize = 18;
/// The longest plain data field that fits, protected, into a short APDU.
const SHORT_MAX: usize = 239;
const RECEIVE_SCRIPT: [u8; 4] = [0x80, 0x20, 0, 0];
const VERIFY: [u8; 4] = [0x00, 0x20, 0, 0x80];
const GET_CHALLENGE: [u8; 4] = [0x00, 0x84, 0, 0];

/// What is wrong with the card's end of the channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// Only so many bytes of a MAC are compared.
    MacBytes(usize),
    /// A MAC is compared as far as it goes.
    ShortMacs,
    /// A command of before is taken again.
    Replays,
    /// The form of Lc isn't covered by the MAC.
    AnyLc,
    /// One bit of each byte of the header isn't.
    AnyHeader,
    /// The padding isn't looked at.
    AnyPadding,
    /// A command without data isn't counted.
    EmptyUncounted,
    /// An answer without data has no MAC.
    EmptyWithoutMac,
    /// A refused command leaves counter and chaining value behind.
    RefusalsUncounted,
    /// Plain commands are done, as if they were the client's.
    PlainCommands,
    /// The owner's signatures are those for plain sessions.
    PlainInside,
    /// An owner command of before is answered as it was before.
    OwnerReplays,
    /// GET CHALLENGE answers S-ENC.
    LeaksKey,
    /// Who opens a channel inherits the holder's authorisation.
    KeepsAuthority,
    /// Who closes it does.
    LeavesAuthority,
}

/// What it knows.
#[derive(Default)]
pub struct Middle {
    /// Whether the card is one that draws its own keys.
    is_blank: bool,
    agreement: Option<SecretKey>,
    openings: u64,
    ends: Option<Ends>,
    /// What GET RESPONSE gives of a protected answer.
    left: Vec<u8>,
    /// Owner commands that were done, and their answers.
    done: Vec<(Command, Answer)>,
}

/// How far one end got.
#[derive(Clone, Copy)]
struct End {
    chaining: [u8; 16],
    counter: u128,
}

struct Ends {
    keys: Keys,
    outer: End,
    past: Vec<End>,
    /// A plain session when there is none.
    inner: Option<Channel>,
}

/// A command APDU, taken apart.
struct Parts<'a> {
    header: [u8; 4],
    lc: &'a [u8],
    data: &'a [u8],
    le: usize,
}

impl<'a> Parts<'a> {
    fn of(apdu: &'a [u8]) -> Option<Self> {
        let (header, rest) = apdu.split_first_chunk::<4>()?;
        let (extended, lc, rest) = match rest {
            [] | [_] => (false, &rest[..0], rest),
            [0, _, _] => (true, &rest[..0], &rest[1..]),
            [0, _, _, ..] => (true, &rest[..3], &rest[3..]),
            _ => (false, &rest[..1], &rest[1..]),
        };
        let length = lc
            .iter()
            .fold(0, |sum, byte| sum * 256 + usize::from(*byte));
        let (data, le) = rest.split_at_checked(length)?;
        let le = match *le {
            [] => 0,
            [0] => LE_SHORT as usize,
            [le] if !extended => usize::from(le),
            [0, 0] if extended => LE_EXTENDED as usize,
            [high, low] if extended => usize::from(high) * 256 + usize::from(low),
            _ => return None,
        };
        Some(Self {
            header: *header,
            lc,
            data,
            le,
        })
    }
}

impl Ends {
    /// The plain command in a protected one, and the state in which it is to be answered; none when
    /// the card would close the channel.
    fn open(&mut self, apdu: &Parts<'_>, wrong: Wrong) -> Option<(Command, End)> {
        let compared = match wrong {
            Wrong::MacBytes(bytes) => bytes,
            Wrong::ShortMacs => MAC.min(apdu.data.len() % 16),
            _ => MAC,
        };
        let length = if wrong == Wrong::ShortMacs {
            apdu.data.len() % 16
        } else {
            MAC
        };
        let (encrypted, sent) = apdu
            .data
            .split_at_checked(apdu.data.len().checked_sub(length)?)?;
        let compared = compared.min(sent.len());
        let mut states = vec![self.outer];
        if wrong == Wrong::Replays {
            states.extend(&self.past);
        }
        let mut headers = vec![apdu.header];
        if wrong == Wrong::AnyHeader {
            for (at, bit) in [(0, 0x80), (1, 2), (2, 2), (3, 2)] {
                let mut header = apdu.header;
                header[at] ^= bit;
                headers.push(header);
            }
        }
        let mut lengths = vec![apdu.lc.to_vec()];
        if wrong == Wrong::AnyLc {
            let length = apdu.data.len() as u16;
            lengths.push(vec![length as u8]);
            lengths.push([&[0][..], &length.to_be_bytes()].concat());
        }
        let found = states.iter().find_map(|state| {
            headers.iter().find_map(|header| {
                lengths.iter().find_map(|lc| {
                    let whole = mac(&self.keys.mac, &[&state.chaining, header, lc, encrypted]);
                    (whole[..compared] == sent[..compared]).then_some((*state, whole))
                })
            })
        });
        let (state, chaining) = found?;
        let counted = wrong != Wrong::EmptyUncounted || !encrypted.is_empty();
        let next = End {
            chaining,
            counter: state.counter + u128::from(counted),
        };
        if state.chaining == self.outer.chaining {
            self.past.push(state);
            self.outer = next;
        }
        let mut command = Command::new(apdu.header);
        command.header[0] &= !0x04;
        if !encrypted.is_empty() {
            if encrypted.len() % 16 != 0 {
                return None;
            }
            let padded = crypt(&self.keys, next.counter, encrypted.to_vec(), false);
            command.data = match unpad(&padded) {
                Some(data) => data.to_vec(),
                None if wrong == Wrong::AnyPadding => padded[..padded.len() - 8].to_vec(),
                None => return None,
            };
        }
        Some((command, next))
    }

    /// Has the reference card do it.
    fn inside(&mut self, card: &mut dyn Reference, command: &Command) -> Answer {
        let form = if command.data.len() > SHORT_MAX {
            Form::Extended
        } else {
            Form::Short
        };
        let le = if form == Form::Short {
            LE_SHORT
        } else {
            LE_EXTENDED
        };
        let apdu = match (&mut self.inner, form) {
            (Some(channel), _) => channel.protect(command, form),
            (None, Form::Short) => command.clone().le(le).short(),
            (None, Form::Extended) => command.clone().le(le).extended(),
        };
        let mut answer = honest(card, &apdu.expect("the command fits"));
        while status(&answer) >> 8 == 0x61 {
            answer.truncate(answer.len() - 2);
            answer.extend(honest(card, &[0x00, 0xC0, 0, 0, 0]));
        }
        let answer = Answer::split(command.header, answer).expect("a card answers two bytes");
        match &self.inner {
            Some(channel) => channel
                .open_answer(answer)
                .expect("the reference card protects its answers"),
            None => answer,
        }
    }

    /// The answer as it goes to the suite, status word included.
    fn seal(&self, answer: &Answer, state: End, wrong: Wrong) -> Vec<u8> {
        let sw = answer.sw.0.to_be_bytes();
        if !is_protected(answer.sw) || (wrong == Wrong::EmptyWithoutMac && answer.data.is_empty()) {
            return sw.to_vec();
        }
        let mut sealed = Vec::new();
        if !answer.data.is_empty() {
            sealed = crypt(&self.keys, state.counter | ANSWER, pad(&answer.data), true);
        }
        let mac = answer_mac(&self.keys, &state.chaining, &sealed, answer.sw);
        [&sealed[..], &mac, &sw].concat()
    }
}

impl Middle {
    /// The first part of an answer, or the next.
    fn give(&mut self, answer: Vec<u8>, le: usize) -> Vec<u8> {
        let at = answer.len() - 2;
        if at <= le || answer[at..] != [0x90, 0x00] {
            self.left.clear();
            return answer;
        }
        self.left = answer[le..].to_vec();
        let more = u8::try_from(at - le).unwrap_or(0);
        [&answer[..le], &[0x61, more]].concat()
    }
}

/// The power came back. At first that makes the card one that nobody personalised, whose keys can
/// be chosen.
pub fn reset(memory: &mut Memory, card: &mut dyn Reference) {
    if !memory.middle.is_blank {
        memory.middle.is_blank = true;
        card.set_contents(&[]);
        card.reset(Reset::Cold).expect("the emulator resets");
    }
    memory.middle.ends = None;
    memory.middle.left.clear();
}

/// Passes a command on, and its answer back, with this defect.
pub fn through(
    memory: &mut Memory,
    card: &mut dyn Reference,
    command: &[u8],
    wrong: Wrong,
) -> Vec<u8> {
    let left = std::mem::take(&mut memory.middle.left);
    match *command {
        [0x80, 0x10, ..] | [0x00, 0x46, 0x00, 0x01, ..] => draw(memory, card, command, wrong),
        [0x80, 0x88, ..] => open(memory, card, command, wrong),
        [0x00, 0xC0, 0, 0, le] if !left.is_empty() => {
            let le = if le == 0 { 256 } else { usize::from(le) };
            memory.middle.give(left, le)
        }
        [0x00, 0xA4 | 0xC0, ..] => {
            let answer = honest(card, command);
            if command[1] == 0xA4 && matches!(status(&answer) >> 8, 0x90 | 0x61) {
                memory.middle.ends = None;
            }
            answer
        }
        [0x04 | 0x84, ..] if memory.middle.ends.is_some() => {
            protected(memory, card, command, wrong)
        }
        [0x00 | 0x80, ..] if memory.middle.ends.is_some() => plain(memory, card, command, wrong),
        _ => honest(card, command),
    }
}

/// The card draws keys of its own, which are chosen.
fn draw(memory: &mut Memory, card: &mut dyn Reference, command: &[u8], wrong: Wrong) -> Vec<u8> {
    if memory.middle.ends.is_some() {
        return plain(memory, card, command, wrong);
    }
    let first = 2 * (memory.card % 60) as u8 + 1;
    let secrets = [secret(first), secret(first + 1)];
    choose(card, &secrets.concat());
    let answer = honest(card, command);
    choose(card, &[]);
    let agreement_at = if command[1] == 0x10 { 106 } else { 37 };
    if let Some(key) = answer.get(agreement_at..agreement_at + 33) {
        let secret = secrets.iter().find_map(|secret| {
            let secret = SecretKey::from_slice(secret).ok()?;
            let public = PublicKey::from_sec1_bytes(key).ok()?;
            (secret.public_key() == public).then_some(secret)
        });
        memory.middle.agreement = secret.or(memory.middle.agreement.take());
    }
    answer
}

/// A secret key that is the same in whichever order a card takes the bytes that it draws.
const fn secret(byte: u8) -> [u8; 32] {
    [byte; 32]
}

fn choose(card: &mut dyn Reference, bytes: &[u8]) {
    let fault = Fault::Random(bytes.to_vec());
    assert!(card.inject(&fault).expect("the emulator has a source"));
}

fn open(memory: &mut Memory, card: &mut dyn Reference, command: &[u8], wrong: Wrong) -> Vec<u8> {
    let authorised = wrong == Wrong::KeepsAuthority && is_authorised(memory, card);
    memory.middle.openings += 1;
    let ephemeral = secret(0x80 + (memory.middle.openings % 120) as u8);
    choose(card, &ephemeral);
    let answer = honest(card, command);
    choose(card, &[]);
    memory.middle.ends = None;
    if status(&answer) != 0x9000 {
        return answer;
    }
    let ephemeral = SecretKey::from_slice(&ephemeral).expect("a chosen key");
    let agreement = (memory.middle.agreement.as_ref()).expect("the card drew the keys chosen");
    let field = Parts::of(command).expect("the card took it").data;
    let client = PublicKey::from_sec1_bytes(&field[KEY_AT..]).expect("the card took it");
    let keys = Keys::derive(&agree(&ephemeral, &client), &agree(agreement, &client));
    let receipt: [u8; 16] = answer[70..86].try_into().expect("16 bytes");
    assert!(
        receipt == keys.receipt(field, &answer[3..68]),
        "the card drew another ephemeral key than that chosen"
    );
    let channel = Channel {
        keys: keys.clone(),
        receipt,
        chaining: receipt,
        counter: 0,
    };
    let inner = if wrong == Wrong::PlainInside {
        card.secretly(&SELECT);
        None
    } else {
        Some(channel)
    };
    let mut ends = Ends {
        keys,
        outer: End {
            chaining: receipt,
            counter: 0,
        },
        past: Vec::new(),
        inner,
    };
    if authorised {
        let pin = Command::new(VERIFY).data(memory.pin.clone());
        ends.inside(card, &pin);
    }
    memory.middle.ends = Some(ends);
    answer
}

fn is_authorised(memory: &mut Memory, card: &mut dyn Reference) -> bool {
    match &mut memory.middle.ends {
        Some(ends) => ends.inside(card, &Command::new(RECEIVE_SCRIPT)).sw == Sw::OK,
        None => card.secretly(&RECEIVE_SCRIPT) >> 8 == 0x61,
    }
}

fn protected(
    memory: &mut Memory,
    card: &mut dyn Reference,
    command: &[u8],
    wrong: Wrong,
) -> Vec<u8> {
    let Some(apdu) = Parts::of(command) else {
        return honest(card, command);
    };
    let ends = memory.middle.ends.as_mut().expect("a channel is open");
    let before = ends.outer;
    let Some((plain, state)) = ends.open(&apdu, wrong) else {
        return close(memory, card, wrong);
    };
    let mut answer = ends.inside(card, &plain);
    match wrong {
        Wrong::LeaksKey if plain.header == GET_CHALLENGE => answer.data = ends.keys.enc.to_vec(),
        Wrong::OwnerReplays if answer.sw == Sw::OK => {
            memory.middle.done.push((plain, answer.clone()));
        }
        Wrong::OwnerReplays => {
            let before = memory.middle.done.iter().find(|(done, _)| *done == plain);
            answer = before.map_or(answer, |(_, answer)| answer.clone());
        }
        _ => {}
    }
    if wrong == Wrong::RefusalsUncounted && !is_protected(answer.sw) {
        ends.outer = before;
    }
    let sealed = ends.seal(&answer, state, wrong);
    memory.middle.give(sealed, apdu.le)
}

fn plain(memory: &mut Memory, card: &mut dyn Reference, command: &[u8], wrong: Wrong) -> Vec<u8> {
    let ends = memory.middle.ends.as_mut().expect("a channel is open");
    match Parts::of(command) {
        Some(apdu) if wrong == Wrong::PlainCommands => {
            let answer = ends.inside(card, &Command::new(apdu.header).data(apdu.data));
            let whole = [&answer.data[..], &answer.sw.0.to_be_bytes()].concat();
            memory.middle.give(whole, apdu.le)
        }
        None => honest(card, command),
        Some(_) => close(memory, card, wrong),
    }
}

/// Closes the channel at both ends.
fn close(memory: &mut Memory, card: &mut dyn Reference, wrong: Wrong) -> Vec<u8> {
    let authorised = wrong == Wrong::LeavesAuthority && is_authorised(memory, card);
    if memory
        .middle
        .ends
        .take()
        .is_some_and(|ends| ends.inner.is_none())
    {
        card.secretly(&SELECT);
        return vec![0x69, 0x82];
    }
    // A plain command closes it.
    let answer = honest(card, &RECEIVE_SCRIPT);
    if authorised {
        card.secretly(&memory.right_verify());
    }
    answer
}
