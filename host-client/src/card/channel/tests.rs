//! The client against a card's side of the channel, written from the text.

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use tillcard_protocol::session::Session as SessionId;

use super::DATA_MAX;
use crate::card::link::Link;
use crate::card::{AgreementKey, CardError};
use crate::transport::{Transport, TransportError};

type Block = [u8; 16];

/// What somebody between card and reader does, once a command was answered.
type Mischief = Box<dyn FnMut(&mut Vec<u8>, &[u8])>;

/// Data and status word of the answer to a command without Lc and Le.
type Answers = Box<dyn FnMut(&[u8]) -> (Vec<u8>, u16)>;

/// A card that answers a protected command by what `answers` makes of the plain one.
struct Card {
    secret: SecretKey,
    channel: Option<Channel>,
    answers: Answers,
    left: Vec<u8>,
    last: Vec<u8>,
    mischief: Option<Mischief>,
    sent: Vec<Vec<u8>>,
}

struct Channel {
    enc: Block,
    mac: Block,
    rmac: Block,
    chaining: Block,
    counter: u128,
}

fn block(key: &Block, block: Block) -> Block {
    let mut block = block.into();
    Aes128::new(&(*key).into()).encrypt_block(&mut block);
    block.into()
}

fn cmac(key: &Block, message: &[u8]) -> Block {
    let mut mac = Cmac::<Aes128>::new(&(*key).into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn xor(a: &[u8], b: Block) -> Block {
    std::array::from_fn(|i| a[i] ^ b[i])
}

fn encrypt(key: &Block, iv: Block, plain: &[u8]) -> Vec<u8> {
    let mut padded = [plain, &[0x80]].concat();
    while !padded.len().is_multiple_of(16) {
        padded.push(0);
    }
    let mut chain = block(key, iv);
    let blocks = padded.chunks(16).flat_map(|plain| {
        chain = block(key, xor(plain, chain));
        chain
    });
    blocks.collect()
}

fn decrypt(key: &Block, iv: Block, encrypted: &[u8]) -> Vec<u8> {
    assert!(encrypted.len().is_multiple_of(16));
    let mut chain = block(key, iv);
    let mut plain = Vec::new();
    for part in encrypted.chunks(16) {
        let encrypted: Block = part.try_into().unwrap();
        let mut decrypted = encrypted.into();
        Aes128::new(&(*key).into()).decrypt_block(&mut decrypted);
        plain.extend(xor(&decrypted, chain));
        chain = encrypted;
    }
    while plain.pop_if(|last| *last == 0).is_some() {}
    assert_eq!(plain.pop(), Some(0x80), "padding");
    plain
}

impl Card {
    fn link(answers: impl FnMut(&[u8]) -> (Vec<u8>, u16) + 'static) -> (Link<Self>, AgreementKey) {
        let secret = SecretKey::from_slice(&[7; 32]).unwrap();
        let key = AgreementKey(
            secret
                .public_key()
                .to_sec1_point(true)
                .as_bytes()
                .try_into()
                .unwrap(),
        );
        let card = Self {
            secret,
            channel: None,
            answers: Box::new(answers),
            left: Vec::new(),
            last: Vec::new(),
            mischief: None,
            sent: Vec::new(),
        };
        (Link::new(card), key)
    }

    fn open(&mut self, command: &[u8]) -> Vec<u8> {
        assert_eq!(command[..5], [0x80, 0x88, 0x01, 0x13, 83]);
        let data = &command[5..88];
        assert_eq!(hex::encode(&data[..15]), "a60d9002110095013c800188810110");
        assert_eq!(data[15..18], [0x5F, 0x49, 0x41]);
        assert_eq!(command[88..], [0]);
        let client = PublicKey::from_sec1_bytes(&data[18..]).unwrap();
        let ephemeral = SecretKey::from_slice(&[9; 32]).unwrap();
        let agree = |secret: &SecretKey| {
            p256::ecdh::diffie_hellman(secret.to_nonzero_scalar(), client.as_affine())
        };
        let mut keys = Vec::new();
        for counter in 1..=3_u8 {
            let hash = Sha256::new()
                .chain_update(agree(&ephemeral).raw_secret_bytes())
                .chain_update(agree(&self.secret).raw_secret_bytes())
                .chain_update([0, 0, 0, counter, 0x3C, 0x88, 0x10])
                .finalize();
            keys.extend_from_slice(&hash);
        }
        let key = |number: usize| -> Block { keys[16 * number..][..16].try_into().unwrap() };
        let public = ephemeral.public_key().to_sec1_point(false);
        let object = [&[0x5F, 0x49, 0x41], public.as_bytes()].concat();
        let receipt = cmac(&key(0), &[data, &object].concat());
        self.channel = Some(Channel {
            enc: key(1),
            mac: key(2),
            rmac: key(3),
            chaining: receipt,
            counter: 0,
        });
        [&object[..], &[0x86, 0x10], &receipt, &[0x90, 0x00]].concat()
    }

    /// Looks at each byte of a protected command, and answers.
    fn protected(&mut self, command: &[u8]) -> Vec<u8> {
        let channel = self.channel.as_mut().expect("a channel");
        let extended = command[4] == 0;
        let (head, length) = match extended {
            true => (7, usize::from(command[5]) << 8 | usize::from(command[6])),
            false => (5, usize::from(command[4])),
        };
        let (encrypted, mac) = command[head..][..length].split_at(length - 8);
        assert_eq!(
            &command[head + length..],
            if extended { &[0, 0][..] } else { &[0] }
        );
        channel.counter += 1;
        channel.chaining = cmac(
            &channel.mac,
            &[&channel.chaining, &command[..head], encrypted].concat(),
        );
        assert_eq!(mac, &channel.chaining[..8], "C-MAC");
        let data = match encrypted {
            [] => Vec::new(),
            _ => decrypt(&channel.enc, channel.counter.to_be_bytes(), encrypted),
        };
        let mut plain = vec![command[0] & !0x04, command[1], command[2], command[3]];
        plain.extend(data);
        let (data, status) = (self.answers)(&plain);
        let mut iv = channel.counter.to_be_bytes();
        iv[0] |= 0x80;
        let mut answer = match &data[..] {
            [] => Vec::new(),
            data => encrypt(&channel.enc, iv, data),
        };
        if status == 0x9000 || status >> 4 == 0x63C {
            let covered = [&channel.chaining, &answer[..], &status.to_be_bytes()].concat();
            answer.extend_from_slice(&cmac(&channel.rmac, &covered)[..8]);
        }
        answer.extend_from_slice(&status.to_be_bytes());
        answer
    }

    fn part(&mut self) -> Vec<u8> {
        let status = self.left.split_off(self.left.len() - 2);
        if self.left.len() <= 256 {
            return [std::mem::take(&mut self.left), status].concat();
        }
        let rest = self.left.split_off(256);
        let part = std::mem::replace(&mut self.left, [&rest[..], &status].concat());
        [&part[..], &[0x61, u8::try_from(rest.len()).unwrap_or(0)]].concat()
    }
}

impl Transport for Card {
    fn atr(&self) -> &[u8] {
        &[0x3B, 0x00]
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.sent.push(command.to_vec());
        match command[..2] {
            [0x00, 0xC0] => return Ok(self.part()),
            [0x80, 0x88] => self.left = self.open(command),
            _ => self.left = self.protected(command),
        }
        let (last, mut answer) = (std::mem::take(&mut self.last), self.left.clone());
        self.last.clone_from(&answer);
        if let Some(mischief) = &mut self.mischief {
            mischief(&mut answer, &last);
        }
        self.left = answer;
        Ok(self.part())
    }

    fn apdus(&self) -> u64 {
        self.sent.len() as u64
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        Ok(())
    }

    fn disconnect(self) -> Result<(), TransportError> {
        Ok(())
    }
}

/// Answers with the command's data, backwards, as often as its P1 says.
fn backwards(command: &[u8]) -> (Vec<u8>, u16) {
    let mut data = command[4..].to_vec();
    data.reverse();
    (data.repeat(command[2].into()), 0x9000)
}

fn short(p1: u8, data: &[u8]) -> Vec<u8> {
    let header = [0x80, 0x42, p1, 0];
    match u8::try_from(data.len()).unwrap() {
        0 => header.to_vec(),
        length => [&header[..], &[length], data].concat(),
    }
}

proptest! {
    #[test]
    fn commands_and_answers_of_every_length_get_through(
        commands in prop::collection::vec(
            (0_u8..8, prop::collection::vec(any::<u8>(), 0..=DATA_MAX), any::<bool>(), any::<bool>()),
            1..6,
        ),
    ) {
        let (mut link, key) = Card::link(backwards);
        link.open_channel(&key).unwrap();
        for (p1, data, extended, le) in commands {
            let mut command = short(p1, &data);
            if extended && !data.is_empty() {
                command.splice(4..5, [0, 0, data.len() as u8]);
            }
            if le {
                command.extend_from_slice(if extended && !data.is_empty() { &[0, 0] } else { &[0] });
            }
            let answer = link.exchange("TEST", &command).unwrap();
            let plain = [&command[..4], &data].concat();
            prop_assert_eq!((answer.data, answer.status), backwards(&plain));
        }
    }

    #[test]
    fn a_changed_bit_ends_the_channel(at in 0_usize..26, bit in 0_u8..8) {
        let (mut link, key) = Card::link(backwards);
        link.open_channel(&key).unwrap();
        link.transport_mut().mischief = Some(Box::new(move |answer, _| answer[at] ^= 1 << bit));
        // 16 bytes of data, 8 of MAC, and a status word that may become a refusal.
        let outcome = link.exchange("TEST", &short(1, &[1, 2, 3]));
        let not_proven = Err(CardError::NotProven { command: "TEST" });
        prop_assert_eq!(outcome.map(|answer| answer.status), not_proven);
        let next = link.exchange("TEST", &short(1, &[]));
        prop_assert_eq!(next.map(|answer| answer.status), Err(CardError::ChannelEnded));
    }
}

/// What comes of a second command whose answer is meddled with.
fn meddled(mischief: impl FnMut(&mut Vec<u8>, &[u8]) + 'static) -> CardError {
    let (mut link, key) = Card::link(backwards);
    link.open_channel(&key).unwrap();
    link.exchange("FIRST", &short(1, &[1, 2, 3])).unwrap();
    link.transport_mut().mischief = Some(Box::new(mischief));
    let error = link
        .exchange("SECOND", &short(1, &[1, 2, 3]))
        .err()
        .unwrap();
    link.transport_mut().mischief = None;
    let sent = link.transport().sent.len();
    assert!(matches!(
        link.exchange("THIRD", &short(0, &[])),
        Err(CardError::ChannelEnded)
    ));
    assert_eq!(link.transport().sent.len(), sent, "nothing more is sent");
    error
}

#[test]
fn answers_that_are_not_the_card_s_end_the_channel() {
    let not_proven = CardError::NotProven { command: "SECOND" };
    for (what, error) in [
        ("replayed", meddled(|answer, last| *answer = last.to_vec())),
        (
            "without a MAC",
            meddled(|answer, _| *answer = vec![0x90, 0x00]),
        ),
        (
            "a wrong PIN without a MAC",
            meddled(|answer, _| *answer = vec![0x63, 0xC1]),
        ),
        ("cut off", meddled(|answer, _| drop(answer.drain(20..24)))),
        (
            "without its data",
            meddled(|answer, _| drop(answer.drain(..16))),
        ),
        (
            "another status word",
            meddled(|answer, _| {
                let end = answer.len() - 2;
                answer[end..].copy_from_slice(&[0x63, 0xC3]);
            }),
        ),
        (
            "a refusal with data",
            meddled(|answer, _| {
                let end = answer.len() - 2;
                answer[end..].copy_from_slice(&[0x69, 0x82]);
            }),
        ),
    ] {
        assert_eq!(error, not_proven, "{what}");
        assert!(error.to_string().contains("somebody sits between"));
    }
}

#[test]
fn a_refusal_leaves_the_channel_open() {
    let mut refuse = true;
    let (mut link, key) = Card::link(move |command| {
        refuse = !refuse;
        if refuse {
            (Vec::new(), 0x6985)
        } else {
            backwards(command)
        }
    });
    link.open_channel(&key).unwrap();
    for status in [0x9000, 0x6985, 0x9000, 0x6985] {
        assert_eq!(
            link.exchange("TEST", &short(1, &[5])).unwrap().status,
            status
        );
    }
}

#[test]
fn tries_left_are_proven_too() {
    let (mut link, key) = Card::link(|_| (Vec::new(), 0x63C2));
    link.open_channel(&key).unwrap();
    assert_eq!(
        link.exchange("VERIFY", &short(0, &[])).unwrap().status,
        0x63C2
    );
}

#[test]
fn the_receipt_tells_one_card_from_another() {
    let other = |byte| {
        let secret = SecretKey::from_slice(&[byte; 32]).unwrap();
        let point = secret.public_key().to_sec1_point(true);
        AgreementKey(point.as_bytes().try_into().unwrap())
    };
    let (mut link, key) = Card::link(backwards);
    assert_eq!(link.open_channel(&key), Ok(()));
    assert!(link.session() != SessionId::Plain);

    assert_eq!(link.open_channel(&other(1)), Err(CardError::NotThisCard));
    assert!(link.session() == SessionId::Plain);
    let sent = link.transport().sent.len();
    assert!(matches!(
        link.exchange("VERIFY", &short(0, &[1])),
        Err(CardError::ChannelEnded)
    ));
    assert_eq!(
        link.transport().sent.len(),
        sent,
        "nothing is sent to another card"
    );
    assert_eq!(
        link.open_channel(&key),
        Ok(()),
        "a channel can be opened anew"
    );

    for at in 0..86 {
        let (mut link, key) = Card::link(backwards);
        link.transport_mut().mischief = Some(Box::new(move |answer, _| answer[at] ^= 1));
        let error = link.open_channel(&key).unwrap_err();
        assert!(
            matches!(error, CardError::NotThisCard | CardError::Malformed { .. }),
            "{at}: {error}"
        );
    }
}

#[test]
fn a_card_without_keys_stays_in_a_plain_session() {
    let (mut link, key) = Card::link(backwards);
    link.transport_mut().mischief = Some(Box::new(|answer, _| *answer = vec![0x69, 0x85]));
    let error = link.open_channel(&key).unwrap_err();
    assert_eq!(error.status(), Some(0x6985));
    assert!(link.session() == SessionId::Plain && link.data_max() == 255);
}

#[test]
fn what_is_too_long_is_not_sent() {
    let (mut link, key) = Card::link(backwards);
    link.open_channel(&key).unwrap();
    let sent = link.transport().sent.len();
    let error = link.exchange("TEST", &short(0, &[1; DATA_MAX + 1])).err();
    assert!(matches!(error, Some(CardError::Unsendable(_))));
    assert_eq!(link.transport().sent.len(), sent);
    // The channel stands: neither side has moved.
    assert_eq!(link.exchange("TEST", &short(1, &[1])).unwrap().data, [1]);
}
