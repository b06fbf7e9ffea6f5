//! INTERNAL AUTHENTICATE that proves genuineness (`docs/protocol.md`, section
//! 3.8).

use super::apdu::Apdu;
use super::issue::SALT_LENGTH;
use super::signed::SIGNATURE_LENGTH;
use super::types::{expect_length, expect_parameters};
use crate::status::Status;
use crate::tlv::{self, Malformed, Objects, Overflow};
use heapless::VecView;

/// Bytes in a verifier's challenge, or a shop's nonce.
pub const NONCE_LENGTH: usize = 32;

/// Asks the card for a proof. Answered by a [`GenuineProof`].
pub struct ProveGenuine<'a> {
    /// Random bytes of the verifier's.
    pub challenge: &'a [u8; NONCE_LENGTH],
}

impl<'a> ProveGenuine<'a> {
    pub(super) const CODE: [u8; 2] = [0x00, 0x88];

    pub(super) fn parse(parameters: [u8; 2], data: &'a [u8]) -> Result<Self, Status> {
        expect_parameters(parameters, [0, 0])?;
        expect_length(data, NONCE_LENGTH..=NONCE_LENGTH)?;
        let challenge = data.try_into().map_err(|_| Malformed)?;
        Ok(Self { challenge })
    }

    /// The command in bytes.
    pub fn to_apdu(&self) -> Apdu {
        let [cla, ins] = Self::CODE;
        Apdu::build([cla, ins, 0, 0], true, |out| {
            tlv::append(out, self.challenge)
        })
        .expect("32 bytes fit")
    }
}

/// The proof; see [`Genuine`](crate::proof::Genuine).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenuineProof {
    /// Random bytes of the card's.
    pub salt: [u8; SALT_LENGTH],
    /// r ‖ s of the identity key's ECDSA signature.
    pub signature: [u8; SIGNATURE_LENGTH],
}

impl GenuineProof {
    /// Reads the answer; the signature is unchecked.
    ///
    /// # Errors
    /// [`Malformed`] when it isn't one.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut objects = Objects::new(bytes);
        let proof = Self {
            salt: *objects.fixed(0x80)?,
            signature: *objects.fixed(0x81)?,
        };
        objects.end()?;
        Ok(proof)
    }

    /// Appends the answer's bytes to `out`.
    ///
    /// # Errors
    /// [`Overflow`] when `out` has too little room.
    pub fn write(&self, out: &mut VecView<u8>) -> Result<(), Overflow> {
        tlv::put(out, 0x80, &self.salt)?;
        tlv::put(out, 0x81, &self.signature)
    }
}
