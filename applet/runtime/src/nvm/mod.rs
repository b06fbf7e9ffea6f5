//! Non-volatile memory below the journal: bytes on pages, as NOR flash is
//! ([`embedded_storage::nor_flash`]). A write can only clear bits; an erase sets
//! a whole page to `FF`.

mod region;

pub use region::{Region, RegionError};

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};

/// Bytes of NVM that a card with one application has.
pub const NVM_SIZE: usize = 64 * 1024;
/// Bytes on a page, the least that can be erased.
pub const PAGE_SIZE: usize = 2048;

/// NVM in RAM: gone with the value, or kept by whoever keeps the value. `SIZE` is in bytes, whole
/// pages.
#[derive(Clone)]
pub struct Ram<const SIZE: usize> {
    bytes: [u8; SIZE],
}

/// NVM in RAM of the size that a card has.
pub type RamNvm = Ram<NVM_SIZE>;

impl<const SIZE: usize> Default for Ram<SIZE> {
    fn default() -> Self {
        Self {
            bytes: [0xFF; SIZE],
        }
    }
}

impl<const SIZE: usize> Ram<SIZE> {
    /// NVM with these contents.
    pub fn from_bytes(bytes: [u8; SIZE]) -> Self {
        Self { bytes }
    }

    /// The contents.
    pub fn as_bytes(&self) -> &[u8; SIZE] {
        &self.bytes
    }
}

impl<const SIZE: usize> ErrorType for Ram<SIZE> {
    type Error = NorFlashErrorKind;
}

impl<const SIZE: usize> ReadNorFlash for Ram<SIZE> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        let offset = offset as usize;
        bytes.copy_from_slice(&self.bytes[offset..offset + bytes.len()]);
        Ok(())
    }

    fn capacity(&self) -> usize {
        SIZE
    }
}

impl<const SIZE: usize> NorFlash for Ram<SIZE> {
    const WRITE_SIZE: usize = 1;
    const ERASE_SIZE: usize = PAGE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        self.bytes[from as usize..to as usize].fill(0xFF);
        Ok(())
    }

    /// # Errors
    /// [`NorFlashErrorKind::Other`] when a bit would have to rise, which is a
    /// mistake of the caller's.
    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        let offset = offset as usize;
        let target = &mut self.bytes[offset..offset + bytes.len()];
        if target.iter().zip(bytes).any(|(old, new)| new & !old != 0) {
            return Err(NorFlashErrorKind::Other);
        }
        target.copy_from_slice(bytes);
        Ok(())
    }
}
