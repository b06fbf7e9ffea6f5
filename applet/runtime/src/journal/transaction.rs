//! A change under way.

use super::log::align;
use super::page::{CRC, Pages, WORD_MAX};
use super::record::{HEADER_LENGTH, frame_header, record_header};
use super::{Error, Journal, Key};
use crc::{Digest, Table};
use embedded_storage::nor_flash::NorFlash;
use zeroize::Zeroize;

/// A change of several records, which happens with [`Self::commit`] or not at
/// all.
pub struct Transaction<'j, N: NorFlash, const KEYS: usize> {
    journal: &'j mut Journal<N, KEYS>,
    /// Bytes of records still to come.
    room: usize,
    /// Where the transaction begins, and where the next byte goes, as addresses.
    start: usize,
    at: usize,
    /// Bytes that don't fill a word yet.
    word: heapless::Vec<u8, WORD_MAX>,
    digest: Digest<'static, u32, Table<1>>,
    /// The tail once this is committed.
    tail: u32,
}

impl<'j, N: NorFlash, const KEYS: usize> Transaction<'j, N, KEYS> {
    pub(super) fn new(journal: &'j mut Journal<N, KEYS>, room: usize) -> Result<Self, Error> {
        let start = journal.pages.address(journal.head) + journal.end;
        let header = frame_header(journal.head, start, room)?;
        let mut digest = CRC.digest();
        digest.update(&journal.head.to_be_bytes());
        let tail = journal.tail;
        let mut transaction = Self {
            journal,
            room,
            start,
            at: start,
            word: heapless::Vec::new(),
            digest,
            tail,
        };
        transaction.write(&header)?;
        Ok(transaction)
    }

    /// The number of the page that it stands on.
    pub fn page(&self) -> u32 {
        self.journal.head
    }

    /// Sets a record; an empty one removes the key.
    ///
    /// # Errors
    /// [`Error::Full`] when it exceeds what the transaction was begun with,
    /// [`Error::Nvm`].
    pub fn put(&mut self, key: Key, data: &[u8]) -> Result<(), Error> {
        self.room = self
            .room
            .checked_sub(HEADER_LENGTH + data.len())
            .ok_or(Error::Full)?;
        let header = record_header(key, data.len())?;
        self.write(&header)?;
        self.write(data)
    }

    /// Removes a record.
    ///
    /// # Errors
    /// Those of [`Self::put`].
    pub fn remove(&mut self, key: Key) -> Result<(), Error> {
        self.put(key, &[])
    }

    /// Makes the change. When this returns `Ok`, no power failure undoes it.
    ///
    /// - `[NVM-1]`: all of it, or nothing.
    /// - `[NVM-3]`: answers come after it.
    /// - `[NVM-5]`: it is read back.
    ///
    /// # Errors
    /// [`Error::Full`] when less was put than the change was begun with;
    /// [`Error::Nvm`], also when it doesn't read back as it was written. Then the change may or
    /// may not have happened, and the journal must be opened again.
    pub fn commit(mut self) -> Result<(), Error> {
        let done = self.write_mark();
        self.journal.failure = done.err();
        done
    }

    fn write_mark(&mut self) -> Result<(), Error> {
        if self.room != 0 {
            return Err(Error::Full);
        }
        let mark_at = self.at + self.word.len();
        let tail = self.tail.to_be_bytes();
        self.write(&tail)?;
        let crc = self.digest.clone().finalize().to_be_bytes();
        self.write_raw(&crc)?;
        if !self.word.is_empty() {
            while self.word.len() < align::<N>(self.word.len()) {
                self.word.push(0xFF).map_err(|_| Error::Geometry)?;
            }
            self.flush_word()?;
        }
        let journal = &mut *self.journal;
        if !journal.reads_back(self.start, mark_at, [tail, crc])? {
            return Err(Error::Nvm);
        }
        journal.apply(journal.head, self.start, self.at)?;
        journal.end = self.at - journal.pages.address(journal.head);
        journal.tail = self.tail;
        journal.torn = false;
        debug_assert!(journal.end <= Pages::<N>::SIZE);
        Ok(())
    }

    /// Where a key's value stands now.
    pub(super) fn address(&self, key: Key) -> usize {
        usize::from(self.journal.index[usize::from(key)])
    }

    /// Puts a value again as it stands. It is read twice: what one read got wrong would be kept
    /// for good.
    pub(super) fn copy(&mut self, key: Key, buffer: &mut [u8]) -> Result<(), Error> {
        match self.journal.read(key, buffer)? {
            Some(data) if self.journal.holds(key, data)? => self.put(key, data),
            Some(_) => Err(Error::Nvm),
            None => Ok(()),
        }
    }

    /// The tail's page is free once this is committed.
    pub(super) fn give_up_tail(&mut self) {
        self.tail += 1;
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.digest.update(bytes);
        self.write_raw(bytes)
    }

    fn write_raw(&mut self, bytes: &[u8]) -> Result<(), Error> {
        for byte in bytes {
            self.word.push(*byte).map_err(|_| Error::Geometry)?;
            if self.word.is_full() {
                self.flush_word()?;
            }
        }
        Ok(())
    }

    fn flush_word(&mut self) -> Result<(), Error> {
        // Until the commit mark is whole, what is written is a torn change.
        self.journal.torn = true;
        self.journal.pages.write(self.at, &self.word)?;
        self.at += self.word.len();
        self.word.clear();
        Ok(())
    }
}

impl<N: NorFlash, const KEYS: usize> Drop for Transaction<'_, N, KEYS> {
    /// Records may be keys.
    fn drop(&mut self) {
        let _ = self.word.resize_default(WORD_MAX);
        self.word.as_mut_slice().zeroize();
    }
}
