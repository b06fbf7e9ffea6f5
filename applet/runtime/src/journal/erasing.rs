//! Erasing what was removed: as a rule an old value stands on its page until the
//! page is used again; here it goes at once.

use super::{Error, Journal, Key};
use embedded_storage::nor_flash::NorFlash;

impl<N: NorFlash, const KEYS: usize> Journal<N, KEYS> {
    /// Drops all records but those that `keeps` names, and erases every page up to
    /// the one with this number. The power may fail meanwhile; the same
    /// call after it does what is left.
    ///
    /// # Errors
    /// [`Error::Nvm`], [`Error::Damaged`]; the journal must be opened again then.
    pub fn erase_all_but(&mut self, last: u32, keeps: impl Fn(Key) -> bool) -> Result<(), Error> {
        self.check()?;
        self.try_erase(last, keeps)
            .inspect_err(|error| self.refuse(*error))
    }

    /// Refuses every use from now on.
    pub fn refuse(&mut self, error: Error) {
        self.failure = Some(error);
    }

    fn try_erase(&mut self, last: u32, keeps: impl Fn(Key) -> bool) -> Result<(), Error> {
        for key in 0..KEYS {
            if !keeps(key as Key) {
                self.index[key] = 0;
            }
        }
        if self.head <= last {
            self.start_page()?;
        }
        while self.tail <= last {
            self.evacuate_tail()?;
        }
        let count = self.pages.count();
        for page_number in self.head + 1..self.tail + count {
            self.pages.erase(page_number)?;
        }
        Ok(())
    }
}
