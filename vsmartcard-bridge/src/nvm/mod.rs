//! The card's non-volatile memory (NVM) on the emulator's disk.
//!
//! A card sees NOR flash through [`embedded_storage::nor_flash::NorFlash`]: bytes read one by one,
//! written one by one, and erased to `FF` in pages of [`PAGE_SIZE`] bytes. A write can only clear
//! bits. [`SledNvm`] keeps such a memory in a [`Store`], which is one sled database with a tree for
//! each card.

mod flash;
mod store;

use core::convert::Infallible;

use embedded_storage::nor_flash::{NorFlashError, NorFlashErrorKind};
pub use flash::SledNvm;
pub use store::{Store, StoreError};
use tillcard_applet::nvm::{NVM_SIZE, PAGE_SIZE, RamNvm, TornNvm};

/// Memory that can say when all that was written will survive the loss of the process.
pub trait Durable {
    /// Why the memory couldn't be made durable.
    type Error: core::error::Error + Send + Sync + 'static;

    /// Returns once everything written so far would survive a crash of this process and of its
    /// computer.
    ///
    /// # Errors
    /// When the memory refuses, in which case nobody knows how much of what was written since the
    /// last success will survive.
    fn flush(&mut self) -> Result<(), Self::Error>;
}

/// Memory that is meant to be gone with its process has nothing to make durable.
impl Durable for RamNvm {
    type Error = Infallible;

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// What a torn memory makes durable is what its inner memory holds.
impl Durable for TornNvm<RamNvm> {
    type Error = Infallible;

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

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
