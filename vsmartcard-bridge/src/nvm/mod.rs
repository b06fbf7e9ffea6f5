//! The card's non-volatile memory (NVM) on the emulator's disk.
//!
//! A card sees NOR flash through [`embedded_storage::nor_flash::NorFlash`]: bytes read one by one,
//! written one by one, and erased to `FF` in pages of [`PAGE_SIZE`] bytes. A write can only clear
//! bits. [`SledNvm`] keeps such a memory in a [`Store`], which is one sled database with a tree for
//! each card.

mod flash;
mod flush_count;
mod power_cut;
mod store;
mod tree;

use embedded_storage::nor_flash::{NorFlash, NorFlashError, NorFlashErrorKind};
pub use flash::SledNvm;
pub use power_cut::{PowerCutError, PowerCutNvm, PowerSwitch};
pub use store::{MemoryDamage, Store, StoreError};
use tillcard_runtime::nvm::{NVM_SIZE, PAGE_SIZE, RamNvm};

/// A fault of a card's memory.
pub type MemoryFault = Box<dyn core::error::Error + Send + Sync>;

/// What the emulator needs of a card's memory, beside what the card itself does with it.
pub trait CardMemory: NorFlash + Send {
    /// Returns once everything written so far would survive a crash of this process and of its
    /// computer. Memory that is meant to end with its process has nothing to do.
    ///
    /// # Errors
    /// When the memory refuses, in which case nobody knows how much of what was written since the
    /// last success will survive.
    fn flush(&mut self) -> Result<(), MemoryFault> {
        Ok(())
    }

    /// Whether the memory has power. Where it hasn't, the card's power failed too.
    fn has_power(&self) -> bool {
        true
    }

    /// The whole memory, in the form of a [`Snapshot`](crate::slot::Snapshot). It holds the card's
    /// secrets.
    ///
    /// # Errors
    /// When the memory can't be read.
    fn read_image(&mut self) -> Result<Vec<u8>, MemoryFault> {
        let mut image = vec![0; self.capacity()];
        self.read(0, &mut image).map_err(refused)?;
        Ok(image)
    }

    /// Makes the memory what `image` says, which is as long as the memory. It isn't durable yet.
    ///
    /// # Errors
    /// When the memory refuses, in which case it may be anything.
    fn write_image(&mut self, image: &[u8]) -> Result<(), MemoryFault> {
        let end = u32::try_from(self.capacity())?;
        self.erase(0, end).map_err(refused)?;
        self.write(0, image).map_err(refused)
    }
}

fn refused(error: impl core::fmt::Debug) -> MemoryFault {
    format!("the card's memory: {error:?}").into()
}

impl CardMemory for RamNvm {}

/// Why the card's memory refused an access.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NvmError {
    /// The range isn't inside the memory.
    #[error("the card's memory ends at byte {NVM_SIZE}")]
    OutOfBounds,
    /// An erase didn't begin and end at a page.
    #[error("the card's memory is erased in pages of {PAGE_SIZE} bytes")]
    NotAligned,
    /// A write would have to set a bit, which only erasing can.
    #[error("byte {offset} of the card's memory must be erased before it is written so")]
    NotErased {
        /// The first such byte, counted from the memory's beginning.
        offset: u32,
    },
    /// The database refused.
    #[error("the card's store on the disk refused: {0}")]
    Store(#[from] sled::Error),
    /// The database refused earlier: since then the image in RAM can't be trusted to be what is on
    /// the disk.
    #[error("the card's store on the disk failed earlier; start the emulator again")]
    Failed,
    /// What is on the disk isn't what was written there.
    #[error("the card's memory on the disk is damaged: {0}")]
    Damaged(MemoryDamage),
}

impl NorFlashError for NvmError {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::OutOfBounds => NorFlashErrorKind::OutOfBounds,
            Self::NotAligned => NorFlashErrorKind::NotAligned,
            _ => NorFlashErrorKind::Other,
        }
    }
}

impl From<NorFlashErrorKind> for NvmError {
    fn from(kind: NorFlashErrorKind) -> Self {
        match kind {
            NorFlashErrorKind::NotAligned => Self::NotAligned,
            _ => Self::OutOfBounds,
        }
    }
}
