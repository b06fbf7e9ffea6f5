//! A part of an NVM that stands for a whole one.

use core::ops::Range;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash, check_erase, check_read,
    check_write,
};

/// Some consecutive pages of an NVM. What uses the region knows no other address.
pub struct Region<N> {
    nvm: N,
    start: u32,
    length: u32,
}

/// Why an access to a [`Region`] failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegionError<E> {
    /// It would have been outside the region, or isn't aligned; nothing was accessed.
    Refused(NorFlashErrorKind),
    /// The NVM failed.
    Nvm(E),
}

impl<E: NorFlashError> NorFlashError for RegionError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Refused(kind) => *kind,
            Self::Nvm(error) => error.kind(),
        }
    }
}

impl<N: NorFlash> Region<N> {
    /// The bytes at these addresses of `nvm`; `None` unless they are whole pages of it.
    pub fn new(nvm: N, addresses: Range<u32>) -> Option<Self> {
        let page = N::ERASE_SIZE as u32;
        let is_whole = addresses.start < addresses.end
            && addresses.end as usize <= nvm.capacity()
            && addresses.start.is_multiple_of(page)
            && addresses.end.is_multiple_of(page);
        is_whole.then_some(Self {
            nvm,
            start: addresses.start,
            length: addresses.end - addresses.start,
        })
    }
}

impl<N: NorFlash> ErrorType for Region<N> {
    type Error = RegionError<N::Error>;
}

impl<N: NorFlash> ReadNorFlash for Region<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len()).map_err(RegionError::Refused)?;
        self.nvm
            .read(self.start + offset, bytes)
            .map_err(RegionError::Nvm)
    }

    fn capacity(&self) -> usize {
        self.length as usize
    }
}

impl<N: NorFlash> NorFlash for Region<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to).map_err(RegionError::Refused)?;
        self.nvm
            .erase(self.start + from, self.start + to)
            .map_err(RegionError::Nvm)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len()).map_err(RegionError::Refused)?;
        self.nvm
            .write(self.start + offset, bytes)
            .map_err(RegionError::Nvm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nvm::{PAGE_SIZE, RamNvm};

    const PAGE: u32 = PAGE_SIZE as u32;

    #[test]
    fn whole_pages_only() {
        for addresses in [
            0..0,
            0..PAGE - 1,
            1..PAGE,
            PAGE..PAGE,
            0..33 * PAGE,
            32 * PAGE..33 * PAGE,
        ] {
            let region = Region::new(RamNvm::default(), addresses.clone());
            assert!(region.is_none(), "{addresses:?}");
        }
        assert!(Region::new(RamNvm::default(), 0..32 * PAGE).is_some());
    }

    #[test]
    fn nothing_outside_is_reached() {
        let mut region = Region::new(RamNvm::default(), PAGE..3 * PAGE).unwrap();
        assert_eq!(region.capacity(), 2 * PAGE_SIZE);
        region.write(0, &[1]).unwrap();
        region.write(2 * PAGE - 1, &[2]).unwrap();
        let refused = Err(RegionError::Refused(NorFlashErrorKind::OutOfBounds));
        assert_eq!(region.write(2 * PAGE, &[3]), refused);
        assert_eq!(region.write(2 * PAGE - 1, &[3, 3]), refused);
        assert_eq!(region.read(2 * PAGE, &mut [0]), refused);
        assert_eq!(region.erase(PAGE, 3 * PAGE), refused);
        let mut read = [0];
        region.read(2 * PAGE - 1, &mut read).unwrap();
        assert_eq!(read, [2]);
        let bytes = region.nvm.as_bytes();
        assert_eq!((bytes[PAGE_SIZE], bytes[3 * PAGE_SIZE - 1]), (1, 2));
        region.erase(0, PAGE).unwrap();
        assert_eq!(region.nvm.as_bytes()[3 * PAGE_SIZE - 1], 2);
        assert_eq!(region.nvm.as_bytes()[PAGE_SIZE], 0xFF);
    }
}
