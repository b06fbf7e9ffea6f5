//! The log: finding its ends after power came back, and making room in it.

use super::page::{CONTENTS, CRC, Header, Pages};
use super::record::{
    FRAME_HEADER_LENGTH, FRAME_LENGTH, HEADER_LENGTH as RECORD_HEADER, records_length,
};
use super::{Error, Journal, Key, RECORD_MAX, Transaction};
use embedded_storage::nor_flash::NorFlash;
use zeroize::Zeroizing;

/// What stands at a place where a transaction could begin.
enum Next {
    /// A whole transaction.
    Whole {
        /// Address behind it.
        end: usize,
        /// The tail that its mark names.
        tail: u32,
    },
    /// Nothing.
    Erased,
    /// Something that isn't whole, and nothing behind it.
    Torn,
    /// Something that isn't whole, and something behind it.
    Damaged,
}

impl<N: NorFlash, const KEYS: usize> Journal<N, KEYS> {
    /// Finds head, tail and index.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        self.pages.check_geometry()?;
        let count = self.pages.count();
        let mut oldest = 0;
        for page in 0..count {
            if let Some(header) = self.pages.header(page)? {
                if header.page_number == 0 || header.page_number.wrapping_sub(1) % count != page {
                    return Err(Error::Damaged);
                }
                self.head = self.head.max(header.page_number);
                if oldest == 0 || header.page_number < oldest {
                    oldest = header.page_number;
                }
            }
        }
        if self.head == 0 {
            return self.recover_fresh();
        }
        if self.head - oldest >= count {
            return Err(Error::Damaged);
        }
        let mut damaged = 0;
        for page_number in oldest..=self.head {
            if !self.recover_page(page_number)? {
                damaged = page_number;
            }
        }
        // A page before the tail may have been caught while it was being erased.
        if damaged >= self.tail || oldest > self.tail {
            return Err(Error::Damaged);
        }
        match self.head.checked_add(1) {
            Some(next) => self.check_not_started(next),
            None => Ok(()),
        }
    }

    /// No page has a whole header: either nothing was ever written, or the power
    /// failed while the first page was being made ready.
    fn recover_fresh(&mut self) -> Result<(), Error> {
        let behind_first = Pages::<N>::SIZE;
        let end = self.pages.nvm().capacity();
        if self.pages.is_erased(behind_first, end)? {
            self.check_not_started(1)
        } else {
            Err(Error::Damaged)
        }
    }

    /// A page without a whole header may have been caught while it was being
    /// erased or its header was being written. But when a whole transaction of
    /// that page's stands on it, it was in use, and its header is damaged.
    fn check_not_started(&mut self, page_number: u32) -> Result<(), Error> {
        let start = self.pages.address(page_number) + CONTENTS;
        match self.next(page_number, start)? {
            Next::Whole { .. } => Err(Error::Damaged),
            _ => Ok(()),
        }
    }

    /// Takes a page's transactions into the index; false when some that ought to
    /// be whole aren't.
    fn recover_page(&mut self, page_number: u32) -> Result<bool, Error> {
        let page = self.pages.address(page_number);
        let count = self.pages.count();
        let is_head = page_number == self.head;
        let mut whole_until = None;
        if !is_head {
            let next = self.pages.header(page_number % count)?;
            let here = self.pages.header(page_number.wrapping_sub(1) % count)?;
            match (here, next) {
                (Some(here), Some(next))
                    if here.page_number == page_number && next.page_number == page_number + 1 =>
                {
                    whole_until = Some(page + usize::from(next.former_end));
                }
                _ => return Ok(false),
            }
        }
        let mut at = page + CONTENTS;
        loop {
            if whole_until.is_some_and(|end| at >= end) {
                return Ok(whole_until == Some(at));
            }
            match self.next(page_number, at)? {
                Next::Whole { end, tail } => {
                    self.apply(page_number, at, end)?;
                    self.tail = tail;
                    at = end;
                }
                found => {
                    self.end = at - page;
                    self.torn = matches!(found, Next::Torn);
                    return Ok(is_head && !matches!(found, Next::Damaged));
                }
            }
        }
    }

    /// Whether the transaction at an address on the head's page reads as it was written, its
    /// commit mark twice.
    pub(super) fn reads_back(
        &mut self,
        start: usize,
        mark_at: usize,
        mark: [[u8; 4]; 2],
    ) -> Result<bool, Error> {
        let mut read = [[0; 4]; 2];
        self.pages.read(mark_at, read.as_flattened_mut())?;
        Ok(read == mark && matches!(self.next(self.head, start)?, Next::Whole { .. }))
    }

    /// What stands at an address on the page with this number.
    fn next(&mut self, page_number: u32, start: usize) -> Result<Next, Error> {
        let page_end = self.pages.address(page_number) + Pages::<N>::SIZE;
        let records = start + FRAME_HEADER_LENGTH;
        if start + FRAME_LENGTH > page_end {
            return Ok(Next::Erased);
        }
        let mut header = [0; FRAME_HEADER_LENGTH];
        self.pages.read(start, &mut header)?;
        let Some(length) = records_length(page_number, start, header) else {
            // Torn in its first word, if at all.
            let behind = start + FRAME_HEADER_LENGTH.max(N::WRITE_SIZE);
            return Ok(match self.pages.is_erased(behind, page_end)? {
                true if header == [0xFF; FRAME_HEADER_LENGTH] => Next::Erased,
                true => Next::Torn,
                false => Next::Damaged,
            });
        };
        let end = start + align::<N>(length + FRAME_LENGTH);
        if end > page_end {
            return Ok(Next::Damaged);
        }
        let mut digest = CRC.digest();
        digest.update(&page_number.to_be_bytes());
        digest.update(&header);
        // Records may be keys.
        let mut buffer = Zeroizing::new([0; 64]);
        let mut at = records;
        while at < records + length {
            let part = &mut buffer[..(records + length - at).min(64)];
            self.pages.read(at, part)?;
            digest.update(part);
            at += part.len();
        }
        let mut tail = [0; 4];
        let mut crc = [0; 4];
        self.pages.read(at, &mut tail)?;
        self.pages.read(at + tail.len(), &mut crc)?;
        digest.update(&tail);
        Ok(if digest.finalize().to_be_bytes() == crc {
            Next::Whole {
                end,
                tail: u32::from_be_bytes(tail),
            }
        } else if self.pages.is_erased(end, page_end)? {
            Next::Torn
        } else {
            Next::Damaged
        })
    }

    /// Points the index at the records of a whole transaction.
    pub(super) fn apply(
        &mut self,
        page_number: u32,
        start: usize,
        end: usize,
    ) -> Result<(), Error> {
        let mut header = [0; FRAME_HEADER_LENGTH];
        self.pages.read(start, &mut header)?;
        let mut at = start + FRAME_HEADER_LENGTH;
        let records_end = at + records_length(page_number, start, header).ok_or(Error::Damaged)?;
        while at < records_end {
            let (key, length) = self.pages.record_at(at)?;
            let entry = self.index.get_mut(usize::from(key)).ok_or(Error::Damaged)?;
            *entry = if length == 0 { 0 } else { at as u16 };
            at += RECORD_HEADER + length;
        }
        if at == records_end && at < end {
            Ok(())
        } else {
            Err(Error::Damaged)
        }
    }

    /// Sees to it that a transaction with so many bytes of records fits on the
    /// head's page.
    pub(super) fn make_room(&mut self, bytes: usize) -> Result<(), Error> {
        let count = self.pages.count();
        if CONTENTS + align::<N>(bytes + FRAME_LENGTH) > Pages::<N>::SIZE {
            return Err(Error::Full);
        }
        // Each turn frees a page; when a whole round doesn't help, nothing will.
        for _ in 0..=count {
            if self.fits(bytes) {
                return Ok(());
            }
            // One page stays free for the copying.
            if self.free_pages() >= 2 {
                return self.start_page();
            }
            self.evacuate_tail()?;
        }
        Err(Error::Full)
    }

    fn fits(&self, bytes: usize) -> bool {
        self.head != 0
            && !self.torn
            && self.end + align::<N>(bytes + FRAME_LENGTH) <= Pages::<N>::SIZE
    }

    fn free_pages(&self) -> u32 {
        match self.head {
            0 => self.pages.count(),
            head => self.pages.count() - (head - self.tail + 1),
        }
    }

    /// Goes on with the next page, or with the head again when nothing whole
    /// stands on it: otherwise power failures while the tail is evacuated could
    /// use up the free pages.
    pub(super) fn start_page(&mut self) -> Result<(), Error> {
        let header = if self.head != 0 && self.end == CONTENTS {
            let page = self.head.wrapping_sub(1) % self.pages.count();
            self.pages.header(page)?.ok_or(Error::Damaged)?
        } else {
            Header {
                page_number: self.head.checked_add(1).ok_or(Error::Full)?,
                former_end: self.end as u16,
            }
        };
        self.pages.start(header)?;
        self.head = header.page_number;
        self.end = CONTENTS;
        self.torn = false;
        Ok(())
    }

    /// Copies what still stands on the oldest page to the head, and gives the
    /// page up.
    pub(super) fn evacuate_tail(&mut self) -> Result<(), Error> {
        let page = self.pages.address(self.tail);
        let on_page = page..page + Pages::<N>::SIZE;
        let mut buffer = Zeroizing::new([0; RECORD_MAX]);
        let mut key = 0;
        loop {
            // As many as fit on the head's page, in one transaction.
            let mut records = 0;
            let mut bytes = 0;
            let first = key;
            while key < KEYS {
                let address = usize::from(self.index[key]);
                if address != 0 && on_page.contains(&address) {
                    let length = RECORD_HEADER + self.pages.record_at(address)?.1;
                    if !self.fits(bytes + length) {
                        break;
                    }
                    records += 1;
                    bytes += length;
                }
                key += 1;
            }
            let done = key == KEYS;
            if records == 0 && (!done || !self.fits(0)) {
                self.start_page()?;
                continue;
            }
            let mut transaction = Transaction::new(self, bytes)?;
            for key in (first..key).map(|key| key as Key) {
                if on_page.contains(&transaction.address(key)) {
                    transaction.copy(key, &mut *buffer)?;
                }
            }
            if done {
                transaction.give_up_tail();
            }
            transaction.commit()?;
            if done {
                return Ok(());
            }
        }
    }
}

/// Up to the next word of the NVM.
pub(super) fn align<N: NorFlash>(length: usize) -> usize {
    length.next_multiple_of(N::WRITE_SIZE)
}
