//! A client of the secure channel (sections 2.6 and 2.7), put before a card so that
//! whatever speaks to it does so inside a channel.

use crate::card::{Reader, send};
use aes::Aes128;
use cbc::cipher::block_padding::Iso7816;
use cbc::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use cmac::{Cmac, KeyInit, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey, ecdh};
use sha2::{Digest, Sha256};

/// CLA INS P1 P2 of the command that opens a channel.
const OPEN: [u8; 4] = [0x80, 0x88, 0x01, 0x13];
/// The control reference template.
const TEMPLATE: [u8; 15] = [
    0xA6, 0x0D, 0x90, 0x02, 0x11, 0x00, 0x95, 0x01, 0x3C, 0x80, 0x01, 0x88, 0x81, 0x01, 0x10,
];

/// The data field that opens a channel for this ephemeral secret.
pub fn open_data(ephemeral: &SecretKey) -> Vec<u8> {
    let point = ephemeral.public_key().to_sec1_point(false);
    [&TEMPLATE[..], &[0x5F, 0x49, 0x41], point.as_bytes()].concat()
}

/// That command.
pub fn open_apdu(ephemeral: &SecretKey) -> Vec<u8> {
    let data = open_data(ephemeral);
    [&OPEN[..], &[data.len() as u8], &data, &[0]].concat()
}

/// The client's side of a channel.
#[derive(Clone)]
pub struct Client {
    pub encryption: [u8; 16],
    pub mac: [u8; 16],
    pub response_mac: [u8; 16],
    pub chaining: [u8; 16],
    pub receipt: [u8; 16],
    /// Of the next command.
    pub counter: u128,
}

impl Client {
    /// Opens a channel with the card that has this agreement key.
    pub fn open(card: &mut impl Reader, ephemeral: &SecretKey, agreement_key: &[u8]) -> Self {
        let (answer, status) = send(card, &open_apdu(ephemeral));
        assert_eq!(status, 0x9000);
        Self::agreed(ephemeral, agreement_key, &answer).expect("the receipt is right")
    }

    /// What follows from the card's answer; `None` when its receipt is wrong.
    pub fn agreed(ephemeral: &SecretKey, agreement_key: &[u8], answer: &[u8]) -> Option<Self> {
        let card = answer.strip_prefix(&[0x5F, 0x49, 0x41])?;
        let (card, receipt) = card.split_at(65);
        let receipt = receipt.strip_prefix(&[0x86, 0x10])?;
        let shared = [card, agreement_key].map(|key| {
            let key = PublicKey::from_sec1_bytes(key).unwrap();
            ecdh::diffie_hellman(ephemeral.to_nonzero_scalar(), key.as_affine())
        });
        let derived: Vec<u8> = (1u32..=3)
            .flat_map(|counter| {
                let mut hash = Sha256::new();
                for secret in &shared {
                    hash.update(secret.raw_secret_bytes());
                }
                hash.update(counter.to_be_bytes());
                hash.update([0x3C, 0x88, 0x10]);
                hash.finalize().to_vec()
            })
            .collect();
        let key = |number: usize| derived[16 * number..][..16].try_into().unwrap();
        let agreed = [&open_data(ephemeral), &answer[..68]].concat();
        (cmac(&key(0), &[&agreed]) == *receipt).then(|| Self {
            encryption: key(1),
            mac: key(2),
            response_mac: key(3),
            chaining: receipt.try_into().unwrap(),
            receipt: receipt.try_into().unwrap(),
            counter: 1,
        })
    }

    /// A short command, protected; `header` is the plain one's.
    pub fn protect(&mut self, header: [u8; 4], data: &[u8]) -> Vec<u8> {
        self.protect_as(header, data, false)
    }

    /// A command in the short or the extended form.
    pub fn protect_as(&mut self, header: [u8; 4], data: &[u8], extended: bool) -> Vec<u8> {
        let encrypted = self.encrypt(data);
        self.counter += 1;
        self.authenticate(header, &encrypted, extended)
    }

    /// The data field encrypted under the present counter.
    pub fn encrypt(&self, data: &[u8]) -> Vec<u8> {
        if data.is_empty() {
            return Vec::new();
        }
        cbc::Encryptor::<Aes128>::new((&self.encryption).into(), (&self.iv(self.counter)).into())
            .encrypt_padded_vec::<Iso7816>(data)
    }

    /// A command with encrypted data, and its MAC.
    pub fn authenticate(
        &mut self,
        [class, ins, p1, p2]: [u8; 4],
        encrypted: &[u8],
        extended: bool,
    ) -> Vec<u8> {
        let length = encrypted.len() + 8;
        let mut apdu = vec![class | 4, ins, p1, p2];
        if extended {
            apdu.extend([0, (length >> 8) as u8, length as u8]);
        } else {
            apdu.push(u8::try_from(length).expect("it fits"));
        }
        apdu.extend_from_slice(encrypted);
        self.chaining = cmac(&self.mac, &[&self.chaining, &apdu]);
        apdu.extend_from_slice(&self.chaining[..8]);
        apdu.extend(if extended { &[0, 0][..] } else { &[0] });
        apdu
    }

    /// The plain answer inside a protected one; `None` when the MAC is wrong.
    pub fn unprotect(&self, answer: &[u8], status: u16) -> Option<Vec<u8>> {
        if status != 0x9000 && status >> 4 != 0x63C {
            return Some(answer.to_vec());
        }
        let (encrypted, mac) = answer.split_last_chunk::<8>()?;
        let expected = cmac(
            &self.response_mac,
            &[&self.chaining, encrypted, &status.to_be_bytes()],
        );
        if expected[..8] != *mac {
            return None;
        }
        if encrypted.is_empty() {
            return Some(Vec::new());
        }
        let iv = self.iv((self.counter - 1) | (1 << 127));
        cbc::Decryptor::<Aes128>::new((&self.encryption).into(), (&iv).into())
            .decrypt_padded_vec::<Iso7816>(encrypted)
            .ok()
    }

    /// One command and its plain answer.
    pub fn send(&mut self, card: &mut impl Reader, header: [u8; 4], data: &[u8]) -> (Vec<u8>, u16) {
        let apdu = self.protect(header, data);
        let (answer, status) = send(card, &apdu);
        let plain = self.unprotect(&answer, status);
        (plain.expect("the MAC is right"), status)
    }

    /// As signatures name the channel.
    pub fn session(&self) -> Vec<u8> {
        [&[16], &self.receipt[..]].concat()
    }

    fn iv(&self, counter: u128) -> [u8; 16] {
        let mut block = counter.to_be_bytes();
        Aes128::new((&self.encryption).into()).encrypt_block((&mut block).into());
        block
    }
}

pub fn cmac(key: &[u8; 16], pieces: &[&[u8]]) -> [u8; 16] {
    let mut mac = Cmac::<Aes128>::new(key.into());
    for piece in pieces {
        mac.update(piece);
    }
    mac.finalize().into_bytes().into()
}

/// A card that is spoken to inside channels only: one is opened after each SELECT.
pub struct InChannel<R> {
    pub card: R,
    agreement_key: Vec<u8>,
    opened: u8,
    client: Option<Client>,
}

impl<R: Reader> InChannel<R> {
    /// A card that is selected.
    pub fn new(card: R, agreement_key: &[u8]) -> Self {
        let mut before = Self {
            card,
            agreement_key: agreement_key.to_vec(),
            opened: 0,
            client: None,
        };
        before.open();
        before
    }

    fn open(&mut self) {
        self.opened = self.opened % 250 + 1;
        let ephemeral = SecretKey::from_slice(&[self.opened; 32]).unwrap();
        self.client = Some(Client::open(
            &mut self.card,
            &ephemeral,
            &self.agreement_key,
        ));
    }
}

impl<R: Reader> Reader for InChannel<R> {
    fn transmit(&mut self, apdu: &[u8]) -> Vec<u8> {
        let header = *apdu.first_chunk::<4>().expect("a header");
        let is_select = header[..2] == [0x00, 0xA4];
        // Of no class that a channel protects, or not to be protected.
        let bare = !matches!(header[0], 0x00 | 0x80) || header[..2] == [0x00, 0xC0] || is_select;
        let Some(client) = self.client.as_mut().filter(|_| !bare) else {
            let response = self.card.transmit(apdu);
            if is_select && response.ends_with(&[0x90, 0x00]) {
                self.open();
            }
            return response;
        };
        let data = match apdu {
            [_, _, _, _, length, rest @ ..] if !rest.is_empty() => &rest[..usize::from(*length)],
            _ => &[],
        };
        // A piece that is too long for protection makes two.
        let (first, last) = data.split_at(data.len().saturating_sub(239));
        if !first.is_empty() {
            let (answer, status) = client.send(&mut self.card, header, first);
            if status != 0x9000 {
                return [&answer[..], &status.to_be_bytes()].concat();
            }
            assert!(answer.is_empty());
        }
        let (answer, status) = client.send(&mut self.card, header, last);
        [&answer[..], &status.to_be_bytes()].concat()
    }

    fn reset(&mut self) {
        self.card.reset();
        self.client = None;
    }

    fn session(&self) -> Vec<u8> {
        self.client.as_ref().expect("a channel").session()
    }

    fn protected(&mut self, header: [u8; 4], data: &[u8]) -> u16 {
        let client = self.client.as_mut().expect("a channel");
        client.send(&mut self.card, header, data).1
    }
}
