//! AES-CMAC and the IVs of SCP03.

use aes::Aes128;
use cbc::cipher::BlockCipherEncrypt;
use cmac::{Cmac, KeyInit, Mac};
use zeroize::ZeroizeOnDrop;

/// Bytes in a key and in a block.
pub(super) const BLOCK: usize = 16;
/// Bytes of a MAC that travel.
pub(super) const MAC_LENGTH: usize = 8;

/// A session key.
#[derive(ZeroizeOnDrop)]
pub(super) struct Key([u8; BLOCK]);

impl Key {
    pub(super) fn new(bytes: [u8; BLOCK]) -> Self {
        Self(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; BLOCK] {
        &self.0
    }

    /// AES-CMAC (NIST SP 800-38B) of the pieces, one after another.
    pub(super) fn mac(&self, pieces: &[&[u8]]) -> [u8; BLOCK] {
        pieces
            .iter()
            .fold(Cmac::<Aes128>::new((&self.0).into()), |mac, piece| {
                mac.chain_update(piece)
            })
            .finalize()
            .into_bytes()
            .into()
    }

    /// AES of one block.
    pub(super) fn encrypt_block(&self, mut block: [u8; BLOCK]) -> [u8; BLOCK] {
        Aes128::new((&self.0).into()).encrypt_block((&mut block).into());
        block
    }
}
