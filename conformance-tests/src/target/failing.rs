//! Memory whose power can be made to fail in the middle of a write or an erase.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use tillcard_emu::nvm::Durable;

/// A memory whose smallest write is a byte, with a switch.
pub struct FailingMemory<N> {
    inner: N,
    /// Bytes that are still written or erased before the power fails.
    left: Option<u64>,
}

/// Why an access failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemoryError<E> {
    /// The power is gone.
    NoPower,
    /// The memory itself refused.
    Refused(E),
}

impl<E: NorFlashError> NorFlashError for MemoryError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NoPower => NorFlashErrorKind::Other,
            Self::Refused(error) => error.kind(),
        }
    }
}

impl<N> FailingMemory<N> {
    /// A memory whose power stays on until told otherwise.
    pub const fn new(inner: N) -> Self {
        Self { inner, left: None }
    }

    /// The power fails once so many bytes more have been written or erased; with none, it stays
    /// on. Gives it back if it is gone.
    pub const fn fail_after(&mut self, bytes: Option<u64>) {
        self.left = bytes;
    }

    /// Whether the power is on.
    pub fn has_power(&self) -> bool {
        self.left != Some(0)
    }

    /// The memory itself, which doesn't need the card's power.
    pub const fn inner_mut(&mut self) -> &mut N {
        &mut self.inner
    }

    /// How many of so many bytes still get through.
    fn take(&mut self, wanted: usize) -> usize {
        let Some(left) = &mut self.left else {
            return wanted;
        };
        let granted = usize::try_from(*left).map_or(wanted, |left| left.min(wanted));
        *left -= granted as u64;
        granted
    }

    fn powered<T>(&self, done: T) -> Result<T, MemoryError<N::Error>>
    where
        N: ErrorType,
    {
        if self.has_power() {
            Ok(done)
        } else {
            Err(MemoryError::NoPower)
        }
    }
}

impl<N: ErrorType> ErrorType for FailingMemory<N> {
    type Error = MemoryError<N::Error>;
}

impl<N: ReadNorFlash> ReadNorFlash for FailingMemory<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.powered(())?;
        self.inner.read(offset, bytes).map_err(MemoryError::Refused)
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<N: NorFlash> NorFlash for FailingMemory<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    /// An erase that the power cuts leaves the front of the range erased, and the rest as it was.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.powered(())?;
        let page = N::ERASE_SIZE as u32;
        let end = from + self.take((to - from) as usize) as u32;
        let whole = end - end % page;
        self.inner
            .erase(from, whole)
            .map_err(MemoryError::Refused)?;
        if end > whole {
            let mut rest = vec![0; (whole + page - end) as usize];
            (self.inner.read(end, &mut rest))
                .and_then(|()| self.inner.erase(whole, whole + page))
                .and_then(|()| self.inner.write(end, &rest))
                .map_err(MemoryError::Refused)?;
        }
        self.powered(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.powered(())?;
        let granted = self.take(bytes.len());
        self.inner
            .write(offset, &bytes[..granted])
            .map_err(MemoryError::Refused)?;
        self.powered(())
    }
}

/// What survives is what the memory holds, with power or without.
impl<N: NorFlash + Durable> Durable for FailingMemory<N> {
    type Error = <N as Durable>::Error;

    fn flush(&mut self) -> Result<(), Self::Error> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::FailingMemory;
    use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
    use tillcard_emu::{EmulatedCard, Seed};

    fn bytes(memory: &mut impl ReadNorFlash, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        assert!(memory.read(0, &mut bytes).is_ok());
        bytes
    }

    #[test]
    fn what_comes_before_the_failure_stays_and_nothing_else_happens() {
        let memory = EmulatedCard::ephemeral(Seed::Number(1)).unwrap().into_nvm();
        let mut memory = FailingMemory::new(memory);
        let end = memory.capacity() as u32;
        assert!(memory.erase(0, end).is_ok());
        assert!(memory.write(0, &[0; 6000]).is_ok());

        memory.fail_after(Some(3));
        assert!(memory.write(6000, &[1; 5]).is_err());
        assert!(!memory.has_power());
        assert!(memory.write(6010, &[1]).is_err() && memory.erase(0, end).is_err());
        assert!(memory.read(0, &mut [0]).is_err());

        memory.fail_after(Some(4100));
        assert!(memory.erase(0, end).is_err());
        memory.fail_after(None);
        let after = bytes(&mut memory, 6011);
        assert!(after[..4100].iter().all(|byte| *byte == 0xFF));
        assert!(after[4100..6000].iter().all(|byte| *byte == 0));
        assert_eq!(
            after[6000..],
            [1, 1, 1, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        );
        assert!(memory.erase(0, end).is_ok());
        assert!(bytes(&mut memory, 6000).iter().all(|byte| *byte == 0xFF));
    }
}
