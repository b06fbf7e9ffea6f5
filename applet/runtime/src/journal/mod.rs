//! The journal: small records under numbers, changed several at a time, each
//! change whole or not at all, whatever moment the power fails at.
//!
//! # On the NVM
//!
//! The log runs round the pages. The page at position `p` has, at different times, the page
//! numbers `p + 1`, `p + 1 + pages`, and so on; the highest is the
//! *head*, where the log grows. A page begins with a header (`page`). Then come
//! transactions (`record`), each ended by a commit mark with a CRC-32 over it. Its
//! records count from the moment the mark is whole; what stands behind the last
//! whole transaction was torn and counts for nothing.
//!
//! The newest record under a key is its value; an empty one removes the key.
//! When pages run short, the values that still stand on the oldest page, the
//! *tail*, are copied to the head, and the page is used again. So the oldest
//! page is always the next to be erased, and all wear alike. Each commit mark
//! names the tail, so that a page whose erasing was torn is known not to matter.
//!
//! A transaction stands on one page. Where it doesn't fit any more, the page is
//! left as it is and the log goes on with the next, whose header says where the
//! whole transactions on the former page end: everything before that must
//! verify, or the NVM is damaged and the journal refuses to open.
//!
//! In RAM there is an index of two bytes a key.

mod erasing;
mod log;
mod page;
mod record;
mod transaction;

pub use transaction::Transaction;

use embedded_storage::nor_flash::NorFlash;
use iso7816::Status;
use page::Pages;
use zeroize::Zeroizing;

/// Number of a record.
pub type Key = u16;

/// Most bytes in a record.
pub const RECORD_MAX: usize = 255;

/// Why the journal can't do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The NVM reported a failure.
    Nvm,
    /// What was committed doesn't read back as it was written.
    Damaged,
    /// Written by a version that this one doesn't know.
    Version,
    /// The NVM's sizes aren't what the journal is built for.
    Geometry,
    /// The records don't fit.
    Full,
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::NotEnoughMemory,
            Error::Nvm | Error::Damaged | Error::Version | Error::Geometry => Self::MemoryFailure,
        }
    }
}

/// The journal of records under the keys `0..KEYS`; see the [module](self).
pub struct Journal<N, const KEYS: usize> {
    pages: Pages<N>,
    /// Address of each key's newest record; 0 where there is none.
    index: [u16; KEYS],
    /// Page number of the head; 0 before the first page.
    head: u32,
    /// Where the log goes on, as an offset on the head's page.
    end: usize,
    /// Page number of the oldest page that matters.
    tail: u32,
    /// Something that isn't whole stands behind `end`.
    torn: bool,
    /// Why the journal can't be used.
    failure: Option<Error>,
}

impl<N: NorFlash, const KEYS: usize> Journal<N, KEYS> {
    /// Opens the journal on an NVM, which may be fresh (all `FF`). Should that
    /// fail, every use of the journal answers why.
    ///
    /// `[NVM-2]`: what was committed is there after any power failure.
    pub fn open(nvm: N) -> Self {
        let mut journal = Self {
            pages: Pages::new(nvm),
            index: [0; KEYS],
            head: 0,
            end: 0,
            tail: 1,
            torn: false,
            failure: None,
        };
        journal.failure = journal.recover().err();
        journal
    }

    /// Opens it again, as after a power failure.
    pub fn reopen(&mut self) {
        self.index.fill(0);
        self.head = 0;
        self.end = 0;
        self.tail = 1;
        self.torn = false;
        self.failure = None;
        self.failure = self.recover().err();
    }

    /// Whether the journal can be used.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Version`], [`Error::Geometry`] and
    /// [`Error::Nvm`] from opening; [`Error::Nvm`] when a change failed half way:
    /// then only [`Self::reopen`] tells whether it happened.
    pub fn check(&self) -> Result<(), Error> {
        match self.failure {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    /// Whether there is a record under the key.
    ///
    /// # Errors
    /// Those of [`Self::check`].
    pub fn contains(&self, key: Key) -> Result<bool, Error> {
        self.check()?;
        Ok(self.index[usize::from(key)] != 0)
    }

    /// Reads a record into the front of `buffer` and returns it; `None` when
    /// there is none.
    ///
    /// # Errors
    /// Those of [`Self::check`]; [`Error::Damaged`] when the record is longer
    /// than the buffer; [`Error::Nvm`].
    pub fn read<'b>(&mut self, key: Key, buffer: &'b mut [u8]) -> Result<Option<&'b [u8]>, Error> {
        self.check()?;
        match self.index[usize::from(key)] {
            0 => Ok(None),
            address => {
                let length = self.pages.record_at(usize::from(address))?.1;
                let data = buffer.get_mut(..length).ok_or(Error::Damaged)?;
                self.pages
                    .read(usize::from(address) + record::HEADER_LENGTH, data)?;
                Ok(Some(data))
            }
        }
    }

    /// Whether the record under the key reads as these bytes.
    fn holds(&mut self, key: Key, data: &[u8]) -> Result<bool, Error> {
        let mut buffer = Zeroizing::new([0; 64]);
        for (number, expected) in data.chunks(buffer.len()).enumerate() {
            let read = &mut buffer[..expected.len()];
            self.read_part(key, number * 64, read)?;
            if *read != *expected {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads the bytes of a record from an offset on that fill `buffer`, and returns the record's
    /// length; `None` when there is none. The others aren't read.
    ///
    /// # Errors
    /// Those of [`Self::check`]; [`Error::Damaged`] when the record ends before; [`Error::Nvm`].
    pub fn read_part(
        &mut self,
        key: Key,
        offset: usize,
        buffer: &mut [u8],
    ) -> Result<Option<usize>, Error> {
        self.check()?;
        match self.index[usize::from(key)] {
            0 => Ok(None),
            address => {
                let length = self.pages.record_at(usize::from(address))?.1;
                if offset + buffer.len() > length {
                    return Err(Error::Damaged);
                }
                let data = usize::from(address) + record::HEADER_LENGTH;
                self.pages.read(data + offset, buffer)?;
                Ok(Some(length))
            }
        }
    }

    /// Begins a change of so many records that together hold `data` bytes. Makes
    /// room first, so that nothing of the change is written unless all of it can
    /// be.
    ///
    /// # Errors
    /// Those of [`Self::check`], [`Error::Full`], [`Error::Nvm`].
    pub fn begin(
        &mut self,
        records: usize,
        data: usize,
    ) -> Result<Transaction<'_, N, KEYS>, Error> {
        self.check()?;
        let bytes = records * record::HEADER_LENGTH + data;
        if let Err(error) = self.make_room(bytes) {
            if error != Error::Full {
                self.failure = Some(error);
            }
            return Err(error);
        }
        Transaction::new(self, bytes)
    }

    /// The NVM below.
    pub fn nvm(&self) -> &N {
        self.pages.nvm()
    }

    /// The NVM below. Writing to it behind the journal's back damages it.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.pages.nvm_mut()
    }

    /// Gives the NVM back.
    pub fn into_nvm(self) -> N {
        self.pages.into_nvm()
    }
}
