//! One part of the hardware for several applications.

use core::cell::RefCell;
use embedded_storage::nor_flash::{ErrorType, NorFlash, ReadNorFlash};
use rand_core::{TryCryptoRng, TryRng};

/// A handle to an NVM or a random source that several applications use. Each access borrows it
/// for as long as the access takes, and accesses don't nest, so that the borrow never fails.
pub struct Shared<'a, T>(&'a RefCell<T>);

impl<'a, T> Shared<'a, T> {
    /// A handle.
    pub fn new(shared: &'a RefCell<T>) -> Self {
        Self(shared)
    }
}

impl<T> Clone for Shared<'_, T> {
    fn clone(&self) -> Self {
        Self(self.0)
    }
}

impl<T: NorFlash> ErrorType for Shared<'_, T> {
    type Error = T::Error;
}

impl<T: NorFlash> ReadNorFlash for Shared<'_, T> {
    const READ_SIZE: usize = T::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.borrow_mut().read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.borrow().capacity()
    }
}

impl<T: NorFlash> NorFlash for Shared<'_, T> {
    const WRITE_SIZE: usize = T::WRITE_SIZE;
    const ERASE_SIZE: usize = T::ERASE_SIZE;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.0.borrow_mut().erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.borrow_mut().write(offset, bytes)
    }
}

impl<T: TryCryptoRng> TryRng for Shared<'_, T> {
    type Error = T::Error;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.0.borrow_mut().try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0.borrow_mut().try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.0.borrow_mut().try_fill_bytes(bytes)
    }
}

impl<T: TryCryptoRng> TryCryptoRng for Shared<'_, T> {}
