//! Secure messaging: SCP03 with all of its security level `33` (`docs/protocol.md`, section 2.7).

use subtle::ConstantTimeEq;
use tillcard_protocol::command::RECEIPT_LENGTH;
use zeroize::Zeroizing;

use super::command::Parts;
use super::keys::{BLOCK, Keys, padded};
use crate::card::CardError;
use crate::card::link::Answer;

/// Bytes of a MAC as they are sent.
const MAC_LENGTH: usize = 8;

/// Tells an answer's IV from its command's.
const ANSWER: u128 = 1 << 127;

/// A channel's keys, and how far both sides are.
pub(in crate::card) struct Messaging {
    keys: Keys,
    receipt: [u8; RECEIPT_LENGTH],
    chaining: [u8; BLOCK],
    /// The number of the last command.
    counter: u128,
}

impl Messaging {
    /// A channel that was just opened.
    pub(super) fn new(keys: Keys, receipt: [u8; RECEIPT_LENGTH]) -> Self {
        Self {
            keys,
            receipt,
            chaining: receipt,
            counter: 0,
        }
    }

    /// What tells this channel from every other.
    pub(in crate::card) fn receipt(&self) -> &[u8; RECEIPT_LENGTH] {
        &self.receipt
    }

    /// The command as it goes through the channel. The next answer is this command's.
    ///
    /// # Errors
    /// [`CardError::Unsendable`] when it has more data than a protected command of its form takes.
    pub(in crate::card) fn protect(
        &mut self,
        command: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CardError> {
        let parts = Parts::of(command).ok_or(UNSENDABLE)?;
        let encrypted = match parts.data.len() {
            0 => 0,
            length => padded(length),
        };
        let mut protected = parts.head(encrypted + MAC_LENGTH).ok_or(UNSENDABLE)?;
        self.counter += 1;
        if encrypted > 0 {
            let start = protected.len();
            protected.extend_from_slice(parts.data);
            self.keys.encrypt(self.counter, &mut protected, start);
        }
        self.chaining = self.keys.command_mac(&[&self.chaining, &protected]);
        protected.extend_from_slice(&self.chaining[..MAC_LENGTH]);
        protected.extend_from_slice(parts.le());
        Ok(protected)
    }

    /// The answer to the last command, as the card gave it. None when it isn't proven to be the
    /// card's: the channel is then not to be used any more.
    pub(in crate::card) fn unprotect(&self, answer: Answer) -> Option<Answer> {
        let Answer { mut data, status } = answer;
        if !(status == 0x9000 || (0x63C0..=0x63CF).contains(&status)) {
            // A refusal comes without proof, and without data.
            return data.is_empty().then_some(Answer { data, status });
        }
        let mac = data.split_off(data.len().checked_sub(MAC_LENGTH)?);
        let expected = self
            .keys
            .answer_mac(&[&self.chaining, &data, &status.to_be_bytes()]);
        if !bool::from(mac.ct_eq(&expected[..MAC_LENGTH])) {
            return None;
        }
        if !data.is_empty() {
            data = self.keys.decrypt(self.counter | ANSWER, data)?;
        }
        Some(Answer { data, status })
    }
}

const UNSENDABLE: CardError = CardError::Unsendable("the command is too long for a secure channel");
