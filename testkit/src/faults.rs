//! NVMs that fail without saying so. Each wraps any NVM, another of them or one whose power fails
//! ([`crate::torn`]) too, and does nothing until it is told.

use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use std::collections::VecDeque;
use std::ops::Range;

/// Flips one bit of what is read.
pub struct FlippedNvm<N> {
    inner: N,
    flip: Option<Flip>,
    /// Where the last reads began, and where they ended.
    reads: Vec<Range<u32>>,
}

/// Which bit of which reads.
#[derive(Clone, Copy, Debug)]
pub struct Flip {
    /// The byte's address.
    pub address: u32,
    /// 0 is the least significant bit.
    pub bit: u8,
    /// Which of the reads that reach the byte, from 0; all of them without one.
    pub nth: Option<usize>,
}

impl<N> FlippedNvm<N> {
    /// Reads as `inner` does.
    pub fn new(inner: N) -> Self {
        Self {
            inner,
            flip: None,
            reads: Vec::new(),
        }
    }

    /// From now on this bit is flipped, or none. Counts and remembers reads anew.
    pub fn flip(&mut self, flip: Option<Flip>) {
        self.flip = flip;
        self.reads.clear();
    }

    /// The addresses of each read since.
    pub fn reads(&self) -> &[Range<u32>] {
        &self.reads
    }

    /// How many reads since reached one of these addresses.
    pub fn reads_of(&self, addresses: &Range<u32>) -> usize {
        let reached = |read: &&Range<u32>| read.start < addresses.end && addresses.start < read.end;
        self.reads.iter().filter(reached).count()
    }

    /// The wrapped NVM.
    pub fn inner_mut(&mut self) -> &mut N {
        &mut self.inner
    }

    /// The wrapped NVM.
    pub fn into_inner(self) -> N {
        self.inner
    }
}

impl<N: ErrorType> ErrorType for FlippedNvm<N> {
    type Error = N::Error;
}

impl<N: ReadNorFlash> ReadNorFlash for FlippedNvm<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.inner.read(offset, bytes)?;
        let range = offset..offset + bytes.len() as u32;
        if let Some(Flip { address, bit, nth }) = self.flip
            && range.contains(&address)
        {
            let before = self.reads_of(&(address..address + 1));
            if nth.is_none_or(|nth| nth == before) {
                bytes[(address - offset) as usize] ^= 1 << bit;
            }
        }
        self.reads.push(range);
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<N: NorFlash> NorFlash for FlippedNvm<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.inner.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.inner.write(offset, bytes)
    }
}

/// What is written in one go: writes of consecutive addresses without a read, an erase or another
/// address between, as a chip takes them into its page buffer.
struct Burst {
    /// The last bytes, at most as many as matter, and the address behind them.
    last: VecDeque<u8>,
    end: u32,
}

impl Burst {
    fn at(address: u32) -> Self {
        Self {
            last: VecDeque::new(),
            end: address,
        }
    }

    /// Takes bytes in, and gives out those that are no longer among the last `keep`, with their
    /// address.
    fn push(&mut self, bytes: &[u8], keep: usize) -> (u32, Vec<u8>) {
        let start = self.end - self.last.len() as u32;
        self.last.extend(bytes);
        self.end += bytes.len() as u32;
        let certain = self.last.len().saturating_sub(keep);
        (start, self.last.drain(..certain).collect())
    }
}

/// Loses the last bytes of bursts of writes, and reports success.
pub struct LossyNvm<N> {
    inner: N,
    lost: usize,
    /// The burst that loses them; all without one.
    only: Option<usize>,
    bursts: usize,
    burst: Option<Burst>,
}

impl<N: NorFlash> LossyNvm<N> {
    /// Keeps all that is written. The smallest write of `inner` is a byte.
    pub fn new(inner: N) -> Self {
        Self {
            inner,
            lost: 0,
            only: None,
            bursts: 0,
            burst: None,
        }
    }

    /// From now on so many bytes at the end of each burst are lost. Counts bursts anew.
    pub fn lose(&mut self, bytes: usize) {
        self.burst = None;
        self.bursts = 0;
        self.only = None;
        self.lost = bytes;
    }

    /// The same of one burst alone, by its number from 0.
    pub fn lose_of(&mut self, burst: usize, bytes: usize) {
        self.lose(bytes);
        self.only = Some(burst);
    }

    /// The wrapped NVM.
    pub fn inner(&self) -> &N {
        &self.inner
    }

    /// How many bursts there were since.
    pub fn bursts(&self) -> usize {
        self.bursts
    }

    /// The wrapped NVM.
    pub fn into_inner(self) -> N {
        self.inner
    }
}

impl<N: ErrorType> ErrorType for LossyNvm<N> {
    type Error = N::Error;
}

impl<N: NorFlash> ReadNorFlash for LossyNvm<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.burst = None;
        self.inner.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<N: NorFlash> NorFlash for LossyNvm<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.burst = None;
        self.inner.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let burst = match self.burst.take().filter(|burst| burst.end == offset) {
            Some(burst) => burst,
            None => {
                self.bursts += 1;
                Burst::at(offset)
            }
        };
        let burst = self.burst.insert(burst);
        let loses = self.only.is_none_or(|number| number + 1 == self.bursts);
        let (address, certain) = burst.push(bytes, if loses { self.lost } else { 0 });
        self.inner.write(address, &certain)
    }
}

/// Leaves the last word of each burst weak: every other time it is read, its lowest bit is wrong.
pub struct WeakNvm<N> {
    inner: N,
    /// Bytes in a word; 0 while nothing is weak.
    word: u32,
    /// Whether a weak word is wrong when it is read first.
    is_wrong_at_first: bool,
    written: Range<u32>,
    weak: Vec<(Range<u32>, bool)>,
}

impl<N: NorFlash> WeakNvm<N> {
    /// Keeps all that is written.
    pub fn new(inner: N) -> Self {
        Self {
            inner,
            word: 0,
            is_wrong_at_first: false,
            written: 0..0,
            weak: Vec::new(),
        }
    }

    /// From now on the last word, of so many bytes, of each burst is weak. With 0, what is weak
    /// already stays so.
    pub fn weaken(&mut self, word: u32, is_wrong_at_first: bool) {
        self.end_burst();
        self.word = word;
        self.is_wrong_at_first = is_wrong_at_first;
    }

    /// The wrapped NVM.
    pub fn into_inner(self) -> N {
        self.inner
    }

    fn end_burst(&mut self) {
        let Range { start, end } = std::mem::replace(&mut self.written, 0..0);
        if self.word > 0 && start < end {
            let word = end.saturating_sub(self.word).max(start)..end;
            self.weak.push((word, self.is_wrong_at_first));
        }
    }
}

impl<N: ErrorType> ErrorType for WeakNvm<N> {
    type Error = N::Error;
}

impl<N: NorFlash> ReadNorFlash for WeakNvm<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.end_burst();
        self.inner.read(offset, bytes)?;
        let end = offset + bytes.len() as u32;
        for (word, is_wrong) in &mut self.weak {
            let last = word.end - 1;
            if (offset..end).contains(&last) {
                bytes[(last - offset) as usize] ^= u8::from(*is_wrong);
                *is_wrong = !*is_wrong;
            }
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<N: NorFlash> NorFlash for WeakNvm<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    /// What is erased was not weakly written.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.end_burst();
        self.weak
            .retain(|(word, _)| word.end <= from || to <= word.start);
        self.inner.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        if self.written.end != offset || self.written.is_empty() {
            self.end_burst();
            self.written = offset..offset;
        }
        self.written.end += bytes.len() as u32;
        self.inner.write(offset, bytes)
    }
}
