//! The log: finding its ends after power came back, and making room in it.

use super::page::{CRC, HEADER_LENGTH, Header, Pages};
use super::record::{HEADER_LENGTH as RECORD_HEADER, MARK_LENGTH, Record};
use super::{Error, Journal, RECORD_MAX};
use embedded_storage::nor_flash::NorFlash;

/// One whole transaction.
struct Commit {
    /// Address behind its commit mark and padding.
    end: usize,
    /// The tail that its mark names.
    tail: u32,
}

/// What stands at a place where a transaction could begin.
enum Next {
    Commit(Commit),
    /// Nothing whole. `marked`: where a commit mark stands whose CRC is wrong,
    /// the address behind it.
    Nothing {
        marked: Option<usize>,
    },
}

impl<N: NorFlash> Journal<N> {
    /// Finds head, tail and index.
    pub(super) fn recover(&mut self) -> Result<(), Error> {
        self.pages.check_geometry()?;
        let count = self.pages.count();
        let mut oldest = 0;
        for page in 0..count {
            if let Some(header) = self.pages.header(page)? {
                if header.sequence == 0 || header.sequence.wrapping_sub(1) % count != page {
                    return Err(Error::Damaged);
                }
                self.head = self.head.max(header.sequence);
                if oldest == 0 || header.sequence < oldest {
                    oldest = header.sequence;
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
        for sequence in oldest..=self.head {
            if !self.recover_page(sequence)? {
                damaged = sequence;
            }
        }
        // A page before the tail may have been caught while it was being erased.
        if damaged >= self.tail || oldest > self.tail {
            return Err(Error::Damaged);
        }
        Ok(())
    }

    /// No page has a whole header: either nothing was ever written, or the power
    /// failed while the first page was being erased or its header written.
    fn recover_fresh(&mut self) -> Result<(), Error> {
        let mut found = [0; HEADER_LENGTH];
        self.pages.read(0, &mut found)?;
        let first = Header {
            sequence: 1,
            former_end: 0,
        };
        let written = found
            .iter()
            .zip(first.encode())
            .take_while(|(found, first)| *found == first)
            .count();
        let erased_from = match written {
            0 => Pages::<N>::SIZE,
            _ => HEADER_LENGTH,
        };
        let fresh = found[written..].iter().all(|byte| *byte == 0xFF)
            && self
                .pages
                .is_erased(erased_from, self.pages.nvm().capacity())?;
        if fresh { Ok(()) } else { Err(Error::Damaged) }
    }

    /// Takes a page's transactions into the index; false when some that ought to
    /// be whole aren't.
    fn recover_page(&mut self, sequence: u32) -> Result<bool, Error> {
        let page = self.pages.address(sequence);
        let count = self.pages.count();
        let is_head = sequence == self.head;
        let mut whole_until = None;
        if !is_head {
            let next = self.pages.header(sequence % count)?;
            let here = self.pages.header(sequence.wrapping_sub(1) % count)?;
            match (here, next) {
                (Some(here), Some(next))
                    if here.sequence == sequence && next.sequence == sequence + 1 =>
                {
                    whole_until = Some(page + usize::from(next.former_end));
                }
                _ => return Ok(false),
            }
        }
        let mut at = page + HEADER_LENGTH;
        loop {
            if whole_until.is_some_and(|end| at >= end) {
                return Ok(whole_until == Some(at));
            }
            match self.next(sequence, at)? {
                Next::Commit(commit) => {
                    self.apply(at, commit.end)?;
                    self.tail = commit.tail;
                    at = commit.end;
                }
                Next::Nothing { .. } if !is_head => return Ok(false),
                Next::Nothing { marked } => {
                    let page_end = page + Pages::<N>::SIZE;
                    self.end = at - page;
                    self.torn = !self.pages.is_erased(at, page_end)?;
                    // Nothing is ever written behind a torn transaction.
                    return match marked {
                        Some(behind) => self.pages.is_erased(behind, page_end),
                        None => Ok(true),
                    };
                }
            }
        }
    }

    /// Reads the transaction at an address, if a whole one stands there.
    fn next(&mut self, sequence: u32, start: usize) -> Result<Next, Error> {
        let nothing = Next::Nothing { marked: None };
        let page_end = self.pages.address(sequence) + Pages::<N>::SIZE;
        let mut digest = CRC.digest();
        digest.update(&sequence.to_be_bytes());
        let mut at = start;
        let mut buffer = [0; RECORD_HEADER + RECORD_MAX];
        loop {
            if at + MARK_LENGTH > page_end {
                return Ok(nothing);
            }
            let record = self.pages.record_at(at)?;
            let bytes = &mut buffer[..RECORD_HEADER + record.length()];
            let behind = at + bytes.len();
            if behind > page_end || matches!(record, Record::Erased | Record::Torn) {
                return Ok(nothing);
            }
            self.pages.read(at, bytes)?;
            if record == Record::Mark {
                let (covered, crc) = bytes.split_at(bytes.len() - 4);
                digest.update(covered);
                let behind = align::<N>(behind);
                return Ok(if digest.finalize().to_be_bytes() == crc {
                    let [.., t0, t1, t2, t3] = *covered else {
                        return Err(Error::Damaged);
                    };
                    Next::Commit(Commit {
                        end: behind,
                        tail: u32::from_be_bytes([t0, t1, t2, t3]),
                    })
                } else {
                    Next::Nothing {
                        marked: Some(behind),
                    }
                });
            }
            digest.update(bytes);
            at = behind;
        }
    }

    /// Points the index at the records of a whole transaction.
    pub(super) fn apply(&mut self, start: usize, end: usize) -> Result<(), Error> {
        let mut at = start;
        while at < end {
            match self.pages.record_at(at)? {
                Record::Value { key, length } => {
                    self.index[usize::from(key)] = if length == 0 { 0 } else { at as u16 };
                    at += RECORD_HEADER + length;
                }
                _ => break,
            }
        }
        Ok(())
    }

    /// Sees to it that a transaction with so many bytes of records fits on the
    /// head's page.
    pub(super) fn make_room(&mut self, bytes: usize) -> Result<(), Error> {
        let count = self.pages.count();
        if HEADER_LENGTH + align::<N>(bytes + MARK_LENGTH) > Pages::<N>::SIZE {
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
            && self.end + align::<N>(bytes + MARK_LENGTH) <= Pages::<N>::SIZE
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
    fn start_page(&mut self) -> Result<(), Error> {
        let header = if self.head != 0 && self.end == HEADER_LENGTH {
            let page = self.head.wrapping_sub(1) % self.pages.count();
            self.pages.header(page)?.ok_or(Error::Damaged)?
        } else {
            Header {
                sequence: self.head.checked_add(1).ok_or(Error::Full)?,
                former_end: self.end as u16,
            }
        };
        self.pages.start(header)?;
        self.head = header.sequence;
        self.end = HEADER_LENGTH;
        self.torn = false;
        Ok(())
    }

    /// Copies what still stands on the oldest page to the head, and gives the
    /// page up.
    fn evacuate_tail(&mut self) -> Result<(), Error> {
        let page = self.pages.address(self.tail);
        let on_page = page..page + Pages::<N>::SIZE;
        let mut buffer = [0; RECORD_MAX];
        let mut key = 0;
        loop {
            // As many as fit on the head's page, in one transaction.
            let mut records = 0;
            let mut bytes = 0;
            let first = key;
            while key < super::KEYS {
                let address = usize::from(self.index[key]);
                if address != 0 && on_page.contains(&address) {
                    let length = RECORD_HEADER + self.pages.record_at(address)?.length();
                    if !self.fits(bytes + length) {
                        break;
                    }
                    records += 1;
                    bytes += length;
                }
                key += 1;
            }
            let done = key == super::KEYS;
            if records == 0 && (!done || !self.fits(0)) {
                self.start_page()?;
                continue;
            }
            let mut transaction = super::Transaction::new(self, bytes);
            for key in (first..key).map(|key| key as super::Key) {
                if on_page.contains(&transaction.address(key)) {
                    transaction.copy(key, &mut buffer)?;
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
