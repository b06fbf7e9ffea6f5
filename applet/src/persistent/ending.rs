//! Forgetting the owner, or all. What is forgotten is erased too, so that the NVM
//! of a card that was given away doesn't tell.
//!
//! The commit of [`ENDING`] decides. What follows takes many steps, and is resumed at the
//! next power-up if power failed.

use super::{
    CARD_KEYS, CERTIFICATE_PIECES, CERTIFICATES, ENDING, PERSONALISED, Persistent, TERMINATED,
};
use embedded_storage::nor_flash::NorFlash;
use tillcard_protocol::status::Status;
use tillcard_runtime::journal::{Error, Key};

/// How far the card forgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// To the factory state.
    Reset,
    /// To the end of its life.
    Termination,
}

const RESET: u8 = 1;
const TERMINATION: u8 = 2;

impl Ending {
    /// Bytes of the record: which of them, and the journal's page at which it was
    /// decided (`u32`).
    pub(super) const LENGTH: usize = 1 + 4;

    fn encode(self, page: u32) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = match self {
            Self::Reset => RESET,
            Self::Termination => TERMINATION,
        };
        bytes[1..].copy_from_slice(&page.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<(Self, u32)> {
        let ([ending, page @ ..], []) = bytes.split_first_chunk::<{ Self::LENGTH }>()? else {
            return None;
        };
        let ending = match *ending {
            RESET => Self::Reset,
            TERMINATION => Self::Termination,
            _ => return None,
        };
        Some((ending, u32::from_be_bytes(*page)))
    }

    /// Whether a record outlives it.
    ///
    /// `[RST-2]`: card keys and certificates outlast a factory reset.
    fn keeps(self, key: Key) -> bool {
        const CERTIFICATES_END: Key = CERTIFICATES + CERTIFICATE_PIECES;
        match key {
            ENDING => true,
            CARD_KEYS | PERSONALISED | CERTIFICATES..CERTIFICATES_END => self == Self::Reset,
            _ => false,
        }
    }
}

impl<N: NorFlash> Persistent<N> {
    /// Whether the card is at the end of its life.
    ///
    /// # Errors
    /// `6581`
    pub fn is_terminated(&self) -> Result<bool, Status> {
        Ok(self.journal.contains(TERMINATED)?)
    }

    /// Decides and makes an ending (`[RST-1]`, `[TRM-1]`).
    ///
    /// # Errors
    /// `6581`
    pub fn end(&mut self, ending: Ending) -> Result<(), Status> {
        let mut transaction = self.journal.begin(1, Ending::LENGTH)?;
        let record = ending.encode(transaction.page());
        transaction.put(ENDING, &record)?;
        transaction.commit()?;
        Ok(self.go_on_ending()?)
    }

    /// Goes on with an ending that was decided and not finished. Should that fail,
    /// every use of the journal answers why.
    pub(super) fn finish_ending(&mut self) {
        if let Err(error) = self.go_on_ending() {
            self.journal.refuse(error);
        }
    }

    fn go_on_ending(&mut self) -> Result<(), Error> {
        let mut buffer = [0; Ending::LENGTH];
        let (ending, page) = match self.journal.read(ENDING, &mut buffer) {
            Ok(Some(bytes)) => Ending::decode(bytes).ok_or(Error::Damaged)?,
            // A journal that can't be used says so itself.
            Ok(None) | Err(_) => return Ok(()),
        };
        self.journal.erase_all_but(page, |key| ending.keeps(key))?;
        let (records, data) = match ending {
            Ending::Reset => (1, 0),
            Ending::Termination => (2, 1),
        };
        let mut transaction = self.journal.begin(records, data)?;
        transaction.remove(ENDING)?;
        if ending == Ending::Termination {
            transaction.put(TERMINATED, &[1])?;
        }
        transaction.commit()
    }
}
