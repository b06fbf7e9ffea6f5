//! SCP03 inside a channel that SCP11b opened: encryption and MACs of commands and
//! answers.

use super::primitives::{BLOCK, Key, MAC_LENGTH};
use aes::Aes128;
use apdu_app::{CommandView, VecView};
use cbc::cipher::block_padding::Iso7816;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use heapless::Vec;
use subtle::ConstantTimeEq;
use tillcard_protocol::command::{Header, RECEIPT_LENGTH};
use tillcard_protocol::session::Session;
use tillcard_protocol::status::{self, Status};
use zeroize::Zeroizing;

/// Most bytes of a plain data field: a piece of a transaction, and its padding.
pub const PLAIN_MAX: usize = 1024 + BLOCK;

/// A plain data field. It may hold a PIN.
pub type Plain = Zeroizing<Vec<u8, PLAIN_MAX>>;

/// Why a protected command isn't done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It isn't the client's, or not his next. The channel is of no use any more.
    Broken,
    /// It is longer than the card takes. The channel goes on.
    TooLong,
}

/// A channel's keys and how far it got.
pub struct Channel {
    encryption: Key,
    mac: Key,
    response_mac: Key,
    /// Which protected command this is, from 1.
    counter: u64,
    chaining: [u8; BLOCK],
    receipt: [u8; RECEIPT_LENGTH],
}

impl Channel {
    /// A channel before its first command.
    pub(super) fn new(
        encryption: Key,
        mac: Key,
        response_mac: Key,
        receipt: [u8; RECEIPT_LENGTH],
    ) -> Self {
        Self {
            encryption,
            mac,
            response_mac,
            counter: 0,
            chaining: receipt,
            receipt,
        }
    }

    /// What signatures name it by.
    pub fn session(&self) -> Session {
        Session::Channel(self.receipt)
    }

    /// Takes the protection off a command with this header, as it was sent, and puts
    /// its plain data field into `plain`, which is empty.
    ///
    /// - `[MSG-4]`: the MAC covers Lc as it was received.
    /// - `[MSG-5]`: an empty field may be absent, or padded and encrypted.
    ///
    /// # Errors
    /// [`Refused`]
    pub fn unprotect(
        &mut self,
        header: &Header,
        command: &CommandView<'_>,
        plain: &mut Plain,
    ) -> Result<(), Refused> {
        let (data, mac) = command
            .data()
            .split_last_chunk::<MAC_LENGTH>()
            .ok_or(Refused::Broken)?;
        let chaining = self
            .mac
            .mac(&[&self.chaining, header, &length(command), data]);
        if !bool::from(chaining[..MAC_LENGTH].ct_eq(mac)) {
            return Err(Refused::Broken);
        }
        self.chaining = chaining;
        self.counter += 1;
        plain
            .extend_from_slice(data)
            .map_err(|_| Refused::TooLong)?;
        if !data.is_empty() {
            let decryptor = cbc::Decryptor::<Aes128>::new(
                self.encryption.as_bytes().into(),
                (&self.iv(0x00)).into(),
            );
            let length = decryptor
                .decrypt_padded::<Iso7816>(plain)
                .map_err(|_| Refused::Broken)?
                .len();
            plain.truncate(length);
        }
        Ok(())
    }

    /// Protects the answer to the command that was unprotected last: encrypts
    /// `reply` and puts the MAC behind it. A refusal stays a bare status word.
    ///
    /// `[MSG-6]`: `9000` and `63Cx` bear a MAC, with answer data or without.
    ///
    /// # Errors
    /// What `done` is, and `6400` when there is no room.
    pub fn protect(&self, done: Result<(), Status>, reply: &mut VecView<u8>) -> Result<(), Status> {
        match done {
            Ok(()) | Err(Status::RemainingRetries(_)) => {}
            Err(_) => return done,
        }
        let length = reply.len();
        if length > 0 {
            let padded = (length + 1).next_multiple_of(BLOCK);
            reply
                .resize(padded, 0)
                .map_err(|_| status::EXECUTION_ERROR)?;
            cbc::Encryptor::<Aes128>::new(
                self.encryption.as_bytes().into(),
                (&self.iv(0x80)).into(),
            )
            .encrypt_padded::<Iso7816>(reply, length)
            .map_err(|_| status::EXECUTION_ERROR)?;
        }
        let status = u16::from(done.err().unwrap_or(Status::Success)).to_be_bytes();
        let mac = self.response_mac.mac(&[&self.chaining, reply, &status]);
        reply
            .extend_from_slice(&mac[..MAC_LENGTH])
            .map_err(|_| status::EXECUTION_ERROR)?;
        done
    }

    fn iv(&self, direction: u8) -> [u8; BLOCK] {
        let mut counter = [0; BLOCK];
        counter[8..].copy_from_slice(&self.counter.to_be_bytes());
        counter[0] = direction;
        self.encryption.encrypt_block(counter)
    }
}

/// Lc as it was received.
fn length(command: &CommandView<'_>) -> Vec<u8, 3> {
    let length = command.data().len();
    let bytes = [0, (length >> 8) as u8, length as u8];
    let sent = if command.extended {
        &bytes[..]
    } else {
        &bytes[2..]
    };
    sent.iter().copied().collect()
}
