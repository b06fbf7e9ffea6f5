//! NOR flash over one tree of the store.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, ReadNorFlash, check_erase, check_read, check_write,
};
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE};
use zeroize::Zeroizing;

use super::store::{Held, MemoryDamage};
use super::tree::{self, CHUNK_SIZE, Contents};
use super::{CardMemory, MemoryFault, NvmError};

/// One card's memory in a [`Store`](super::Store).
///
/// Reads come from an image in RAM. Writes go to the tree in chunks of 64 bytes, one insertion
/// each, in the order in which the card writes, and reach the disk at the latest with the next
/// [`flush`](CardMemory::flush). The database's log keeps that order, so what a crash leaves is the
/// card's memory after some prefix of its writes: what a power cut leaves of real flash. An erased
/// chunk is one that isn't there.
pub struct SledNvm {
    held: Held,
    image: Zeroizing<Vec<u8>>,
    life: u64,
    flushes: u64,
    damage: Option<MemoryDamage>,
    dirty: bool,
    failed: bool,
}

impl SledNvm {
    pub(super) fn new(
        held: Held,
        image: Zeroizing<Vec<u8>>,
        contents: &Contents,
        damage: Option<MemoryDamage>,
    ) -> Self {
        Self {
            held,
            image,
            life: contents.life,
            flushes: contents.flushes,
            damage,
            dirty: false,
            failed: false,
        }
    }

    /// How often this card's memory had been opened before: 0 for a fresh card, and never the same
    /// number twice for one tree.
    #[must_use]
    pub fn life(&self) -> u64 {
        self.life
    }

    /// What happened to the memory on the disk since it was last used, if anything did. A card with
    /// such a memory answers that it is damaged (state `7F`), and nothing of it is written any more.
    #[must_use]
    pub fn damage(&self) -> Option<MemoryDamage> {
        self.damage
    }

    /// The whole memory, [`NVM_SIZE`] bytes. It holds the card's secrets.
    #[must_use]
    pub fn image(&self) -> &[u8] {
        &self.image
    }

    /// Makes one chunk of the memory what `bytes` says, in the tree first.
    fn store(&mut self, chunk: usize, bytes: &[u8; CHUNK_SIZE]) -> Result<(), NvmError> {
        self.dirty = true;
        if let Err(error) = tree::store_chunk(&self.held.tree, chunk, bytes) {
            self.failed = true;
            return Err(error.into());
        }
        self.image[chunk * CHUNK_SIZE..][..CHUNK_SIZE].copy_from_slice(bytes);
        Ok(())
    }

    /// The database first: its count of flushes is never behind the second copy's, unless somebody
    /// took something back.
    fn flush_both(&mut self) -> Result<(), MemoryFault> {
        self.flushes += 1;
        tree::store_flushes(&self.held.tree, self.flushes)?;
        self.held.tree.flush()?;
        self.held.count.write(self.flushes)?;
        Ok(())
    }

    fn usable(&self) -> Result<(), NvmError> {
        match self.damage {
            Some(damage) => Err(NvmError::Damaged(damage)),
            None if self.failed => Err(NvmError::Failed),
            None => Ok(()),
        }
    }
}

impl ErrorType for SledNvm {
    type Error = NvmError;
}

impl ReadNorFlash for SledNvm {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NvmError> {
        check_read(self, offset, bytes.len())?;
        self.usable()?;
        bytes.copy_from_slice(&self.image[offset as usize..][..bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        NVM_SIZE
    }
}

impl NorFlash for SledNvm {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = PAGE_SIZE;

    /// Erases page after page, chunk after chunk, each chunk as one insertion.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), NvmError> {
        check_erase(self, from, to)?;
        self.usable()?;
        for chunk in from as usize / CHUNK_SIZE..to as usize / CHUNK_SIZE {
            if self.image[chunk * CHUNK_SIZE..][..CHUNK_SIZE] != [0xFF; CHUNK_SIZE] {
                self.store(chunk, &[0xFF; CHUNK_SIZE])?;
            }
        }
        Ok(())
    }

    /// Writes nothing at all when any bit would have to be set.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NvmError> {
        check_write(self, offset, bytes.len())?;
        self.usable()?;
        let start = offset as usize;
        for (at, (&new, &old)) in (offset..).zip(bytes.iter().zip(&self.image[start..])) {
            if new & !old != 0 {
                return Err(NvmError::NotErased { offset: at });
            }
        }
        let mut written = 0;
        while written < bytes.len() {
            let (chunk, within) = (
                (start + written) / CHUNK_SIZE,
                (start + written) % CHUNK_SIZE,
            );
            let piece = (bytes.len() - written).min(CHUNK_SIZE - within);
            let mut whole = Zeroizing::new([0; CHUNK_SIZE]);
            whole.copy_from_slice(&self.image[chunk * CHUNK_SIZE..][..CHUNK_SIZE]);
            whole[within..within + piece].copy_from_slice(&bytes[written..written + piece]);
            self.store(chunk, &whole)?;
            written += piece;
        }
        Ok(())
    }
}

impl CardMemory for SledNvm {
    fn flush(&mut self) -> Result<(), MemoryFault> {
        if self.dirty {
            self.usable()?;
            if let Err(error) = self.flush_both() {
                self.failed = true;
                return Err(error);
            }
            self.dirty = false;
        }
        Ok(())
    }
}
