//! A card's side of the channel, written from the text.

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use cmac::{Cmac, Mac};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use sha2::{Digest, Sha256};

use crate::card::AgreementKey;
use crate::card::link::Link;
use crate::card::scripted::{Answers, Scripted};
use crate::transport::TransportError;

type Block = [u8; 16];

/// What somebody between card and reader does, once a command was answered.
type Mischief = Box<dyn FnMut(&mut Vec<u8>, &[u8])>;

/// Data and status word of the answer to a command without Lc and Le.
type Application = Box<dyn FnMut(&[u8]) -> (Vec<u8>, u16)>;

/// A card that answers a protected command by what its application makes of the plain one.
pub(super) struct Card {
    secret: SecretKey,
    channel: Option<Channel>,
    application: Application,
    left: Vec<u8>,
    last: Vec<u8>,
    pub(super) mischief: Option<Mischief>,
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
    pub(super) fn link(
        application: impl FnMut(&[u8]) -> (Vec<u8>, u16) + 'static,
    ) -> (Link<Scripted<Self>>, AgreementKey) {
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
            application: Box::new(application),
            left: Vec::new(),
            last: Vec::new(),
            mischief: None,
        };
        (Link::new(Scripted::by(card)), key)
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
        let (data, status) = (self.application)(&plain);
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

impl Answers for Card {
    fn answer(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
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
}
