//! The keys of a channel, and what is done by them.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyInit, KeyIvInit};
use cbc::cipher::block_padding::Iso7816;
use cmac::{Cmac, Mac};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Bytes of an AES block, and of the keys.
pub(super) const BLOCK: usize = 16;

/// What the derivation covers besides the shared secret: the key usage, AES, and 16 bytes a key
/// (Amendment F §7.5).
const SHARED_INFO: [u8; 3] = [0x3C, 0x88, 0x10];

/// The 16-byte keys that both sides derive.
pub(super) struct Keys {
    pub(super) receipt: Zeroizing<[u8; BLOCK]>,
    encryption: Zeroizing<[u8; BLOCK]>,
    command_mac: Zeroizing<[u8; BLOCK]>,
    answer_mac: Zeroizing<[u8; BLOCK]>,
}

impl Keys {
    /// Of the 64 bytes of two key agreements (ANSI X9.63 with SHA-256).
    pub(super) fn derive(agreed: &Zeroizing<[u8; 64]>) -> Self {
        let mut derived = Zeroizing::new([0; 3 * 32]);
        for (counter, part) in (1_u32..).zip(derived.chunks_exact_mut(32)) {
            let mut hash = Sha256::new();
            hash.update(agreed.as_slice());
            hash.update(counter.to_be_bytes());
            hash.update(SHARED_INFO);
            hash.finalize_into(part.try_into().expect("a hash has 32 bytes"));
        }
        let key = |number: usize| {
            let mut key = Zeroizing::new([0; BLOCK]);
            key.copy_from_slice(&derived[BLOCK * number..][..BLOCK]);
            key
        };
        Self {
            receipt: key(0),
            encryption: key(1),
            command_mac: key(2),
            answer_mac: key(3),
        }
    }

    /// The 16 bytes of a command's MAC.
    pub(super) fn command_mac(&self, parts: &[&[u8]]) -> [u8; BLOCK] {
        mac(&self.command_mac, parts)
    }

    /// The 16 bytes of an answer's MAC.
    pub(super) fn answer_mac(&self, parts: &[&[u8]]) -> [u8; BLOCK] {
        mac(&self.answer_mac, parts)
    }

    /// Encrypts what stands in `buffer` from `start` on, in place and padded by `80 00…`. `counter`
    /// is the block of which the IV is made.
    pub(super) fn encrypt(&self, counter: u128, buffer: &mut Vec<u8>, start: usize) {
        let length = buffer.len() - start;
        buffer.resize(start + padded(length), 0);
        cbc::Encryptor::<Aes128>::new(&(*self.encryption).into(), &self.iv(counter).into())
            .encrypt_padded::<Iso7816>(&mut buffer[start..], length)
            .expect("there is room for the padding");
    }

    /// What was encrypted; none when it isn't whole blocks, or its padding is wrong.
    pub(super) fn decrypt(&self, counter: u128, mut encrypted: Vec<u8>) -> Option<Vec<u8>> {
        let length =
            cbc::Decryptor::<Aes128>::new(&(*self.encryption).into(), &self.iv(counter).into())
                .decrypt_padded::<Iso7816>(&mut encrypted)
                .ok()?
                .len();
        encrypted.truncate(length);
        Some(encrypted)
    }

    fn iv(&self, counter: u128) -> [u8; BLOCK] {
        let mut block = counter.to_be_bytes().into();
        Aes128::new(&(*self.encryption).into()).encrypt_block(&mut block);
        block.into()
    }
}

/// Bytes that so many have with their padding: at least one byte of it, in whole blocks.
pub(super) fn padded(length: usize) -> usize {
    (length / BLOCK + 1) * BLOCK
}

/// AES-CMAC (SP 800-38B) of the parts in a row.
pub(super) fn mac(key: &[u8; BLOCK], parts: &[&[u8]]) -> [u8; BLOCK] {
    let mut mac = Cmac::<Aes128>::new(&(*key).into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
