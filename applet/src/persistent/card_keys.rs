//! The card keys, and what vouches for them.

use super::{CARD_KEYS, CERTIFICATES, PERSONALISED, Persistent};
use crate::key::CardKeyPairs;
use embedded_storage::nor_flash::NorFlash;
use heapless::{Vec, VecView};
use tillcard_protocol::command::{CardKey, Certificate};
use tillcard_protocol::status::{self, Status};
use tillcard_protocol::tlv;
use tillcard_runtime::journal::Key;
use zeroize::Zeroizing;

/// A piece of a certificate.
pub type Piece = Vec<u8, { Certificate::PIECE_MAX }>;

/// Bytes of a certificate, most of the time.
pub(super) const TYPICAL_CERTIFICATE: usize = 512;

/// The records in which a certificate's pieces stand.
fn pieces_of(certificate: Certificate) -> core::ops::Range<Key> {
    let pieces = Key::from(Certificate::PIECES);
    let first = CERTIFICATES + Key::from(certificate.number()) * pieces;
    first..first + pieces
}

impl<N: NorFlash> Persistent<N> {
    /// The card keys, if it has any.
    ///
    /// # Errors
    /// `6581`
    pub fn card_keys(&mut self) -> Result<Option<CardKeyPairs>, Status> {
        let mut bytes = Zeroizing::new([0; CardKeyPairs::LENGTH]);
        match self.journal.read(CARD_KEYS, &mut *bytes)? {
            None => Ok(None),
            Some(read) if read.len() == CardKeyPairs::LENGTH => {
                CardKeyPairs::from_bytes(&bytes).map(Some)
            }
            Some(_) => Err(status::MEMORY_FAILURE),
        }
    }

    /// Replaces the keys; what vouched for the former ones goes (`[PER-1]`).
    ///
    /// # Errors
    /// `6581`
    pub fn set_card_keys(&mut self, keys: &CardKeyPairs) -> Result<(), Status> {
        let stale = Certificate::ALL.into_iter().flat_map(pieces_of);
        let records = 1 + stale.clone().count();
        let mut transaction = self.journal.begin(records, CardKeyPairs::LENGTH)?;
        transaction.put(CARD_KEYS, &*keys.to_bytes())?;
        for piece in stale {
            transaction.remove(piece)?;
        }
        Ok(transaction.commit()?)
    }

    /// Stores a piece of a certificate, the first of which removes the others
    /// (`[PER-2]`).
    ///
    /// # Errors
    /// `6581`
    pub fn put_certificate(
        &mut self,
        certificate: Certificate,
        number: u8,
        bytes: &[u8],
    ) -> Result<(), Status> {
        let piece = pieces_of(certificate).start + Key::from(number);
        let stale = match number {
            0 => piece + 1..pieces_of(certificate).end,
            _ => 0..0,
        };
        let mut transaction = self.journal.begin(1 + stale.len(), bytes.len())?;
        transaction.put(piece, bytes)?;
        for piece in stale {
            transaction.remove(piece)?;
        }
        Ok(transaction.commit()?)
    }

    /// Whether the personalisation has ended.
    ///
    /// # Errors
    /// `6581`
    pub fn is_personalised(&self) -> Result<bool, Status> {
        Ok(self.journal.contains(PERSONALISED)?)
    }

    /// Ends the personalisation (`[PER-3]`).
    ///
    /// # Errors
    /// `6985` when something is missing; `6581`.
    pub fn end_personalisation(&mut self) -> Result<(), Status> {
        let mut is_complete = self.journal.contains(CARD_KEYS)?;
        for certificate in Certificate::ALL {
            let mut before = true;
            is_complete &= self.journal.contains(pieces_of(certificate).start)?;
            for piece in pieces_of(certificate) {
                let is_there = self.journal.contains(piece)?;
                is_complete &= before || !is_there;
                before = is_there;
            }
        }
        if !is_complete {
            return Err(status::CONDITIONS);
        }
        let mut transaction = self.journal.begin(1, 1)?;
        transaction.put(PERSONALISED, &[1])?;
        Ok(transaction.commit()?)
    }

    /// Writes the certificates of one of the card's keys, the batch's first
    /// (`[CRT-1]`).
    ///
    /// `[CRT-2]`: `6A88` before the personalisation has ended.
    ///
    /// # Errors
    /// `6A88` before the personalisation has ended; `6581`.
    pub fn certificates(&mut self, key: CardKey, out: &mut VecView<u8>) -> Result<(), Status> {
        if !self.is_personalised()? {
            return Err(status::DATA_NOT_FOUND);
        }
        for certificate in [Certificate::Batch, Certificate::Key(key)] {
            for number in 0..Certificate::PIECES {
                tlv::append(out, &self.certificate_piece(certificate, number)?)?;
            }
        }
        Ok(())
    }

    /// A piece of a certificate; empty when there is none.
    ///
    /// # Errors
    /// `6581`
    pub fn certificate_piece(
        &mut self,
        certificate: Certificate,
        number: u8,
    ) -> Result<Piece, Status> {
        let mut piece = Piece::new();
        piece
            .resize_default(Certificate::PIECE_MAX)
            .map_err(|_| status::EXECUTION_ERROR)?;
        let key = pieces_of(certificate).start + Key::from(number);
        let length = self
            .journal
            .read(key, &mut piece)?
            .map_or(0, |bytes| bytes.len());
        piece.truncate(length);
        Ok(piece)
    }
}
