//! Memory whose power can be made to fail in the middle of a write or an erase.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};
use zeroize::Zeroizing;

use super::{CardMemory, MemoryFault};

/// Stands for a power supply that doesn't fail.
const NEVER: u64 = u64::MAX;

/// A memory with a switch in its power supply: what was written or erased before the power fails
/// stays, and every access after it fails. Works over any memory whose smallest write is a byte.
pub struct PowerCutNvm<N> {
    inner: N,
    switch: PowerSwitch,
}

/// The switch in the power supply of a [`PowerCutNvm`]; clones are the same switch.
#[derive(Clone, Default)]
pub struct PowerSwitch(Arc<Supply>);

struct Supply {
    /// Bytes that are still written or erased before the power fails.
    left: AtomicU64,
    /// Bytes written or erased since the switch was last touched.
    changed: AtomicU64,
}

impl Default for Supply {
    fn default() -> Self {
        Self {
            left: AtomicU64::new(NEVER),
            changed: AtomicU64::new(0),
        }
    }
}

impl PowerSwitch {
    /// Has the power fail once so many bytes more have been written or erased; with 0, at once.
    /// Gives it back if it is gone, and counts anew.
    pub fn cut_after(&self, bytes: u64) {
        self.0.left.store(bytes, Ordering::SeqCst);
        self.0.changed.store(0, Ordering::SeqCst);
    }

    /// Gives the power back, for good, and counts anew. The card still has to be powered on.
    pub fn mend(&self) {
        self.cut_after(NEVER);
    }

    /// Whether the power is on.
    #[must_use]
    pub fn has_power(&self) -> bool {
        self.0.left.load(Ordering::SeqCst) != 0
    }

    /// Bytes written or erased since [`cut_after`](Self::cut_after) or [`mend`](Self::mend) was
    /// last called.
    #[must_use]
    pub fn changed(&self) -> u64 {
        self.0.changed.load(Ordering::SeqCst)
    }

    /// How many of so many bytes still get through.
    fn take(&self, wanted: usize) -> usize {
        let left = self.0.left.load(Ordering::SeqCst);
        let granted = usize::try_from(left).map_or(wanted, |left| left.min(wanted));
        if left != NEVER {
            self.0.left.store(left - granted as u64, Ordering::SeqCst);
        }
        self.0.changed.fetch_add(granted as u64, Ordering::SeqCst);
        granted
    }
}

/// Why an access to a [`PowerCutNvm`] failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCutError<E> {
    /// The power is gone.
    NoPower,
    /// The memory itself refused.
    Memory(E),
}

impl<E: NorFlashError> NorFlashError for PowerCutError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::NoPower => NorFlashErrorKind::Other,
            Self::Memory(error) => error.kind(),
        }
    }
}

impl<N> PowerCutNvm<N> {
    /// A memory whose power stays on until its switch says otherwise.
    pub fn new(inner: N) -> Self {
        Self {
            inner,
            switch: PowerSwitch::default(),
        }
    }

    /// The switch, which stays usable when the memory is inside a card.
    #[must_use]
    pub fn switch(&self) -> PowerSwitch {
        self.switch.clone()
    }

    /// Takes the switch out of the supply.
    pub fn into_inner(self) -> N {
        self.inner
    }

    fn powered(&self) -> Result<(), PowerCutError<N::Error>>
    where
        N: ErrorType,
    {
        match self.switch.has_power() {
            true => Ok(()),
            false => Err(PowerCutError::NoPower),
        }
    }
}

impl<N: ErrorType> ErrorType for PowerCutNvm<N> {
    type Error = PowerCutError<N::Error>;
}

impl<N: ReadNorFlash> ReadNorFlash for PowerCutNvm<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        self.powered()?;
        self.inner
            .read(offset, bytes)
            .map_err(PowerCutError::Memory)
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<N: NorFlash> NorFlash for PowerCutNvm<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    /// An erase that the power cuts leaves the front of the range erased, and the rest as it was.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.powered()?;
        let page = N::ERASE_SIZE as u32;
        let end = from + self.switch.take(to.saturating_sub(from) as usize) as u32;
        if end == to {
            self.inner.erase(from, to).map_err(PowerCutError::Memory)?;
            return self.powered();
        }
        let whole = end - end % page;
        let mut rest = Zeroizing::new(vec![0; (whole + page - end) as usize]);
        self.inner
            .erase(from, whole)
            .and_then(|()| self.inner.read(end, &mut rest))
            .and_then(|()| self.inner.erase(whole, whole + page))
            .and_then(|()| self.inner.write(end, &rest))
            .map_err(PowerCutError::Memory)?;
        Err(PowerCutError::NoPower)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.powered()?;
        let granted = self.switch.take(bytes.len());
        self.inner
            .write(offset, &bytes[..granted])
            .map_err(PowerCutError::Memory)?;
        self.powered()
    }
}

/// What survives is what the memory holds, with power or without; who takes or sets an image
/// doesn't need the card's power.
impl<N: CardMemory> CardMemory for PowerCutNvm<N> {
    fn flush(&mut self) -> Result<(), MemoryFault> {
        self.inner.flush()
    }

    fn has_power(&self) -> bool {
        self.switch.has_power() && self.inner.has_power()
    }

    fn read_image(&mut self) -> Result<Vec<u8>, MemoryFault> {
        self.inner.read_image()
    }

    fn write_image(&mut self, image: &[u8]) -> Result<(), MemoryFault> {
        self.inner.write_image(image)
    }
}

#[cfg(test)]
mod tests {
    use tillcard_runtime::nvm::RamNvm;

    use super::*;

    fn bytes(memory: &mut impl ReadNorFlash, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        assert!(memory.read(0, &mut bytes).is_ok());
        bytes
    }

    #[test]
    fn what_comes_before_the_failure_stays_and_nothing_else_happens() {
        let mut memory = PowerCutNvm::new(RamNvm::default());
        let switch = memory.switch();
        let end = memory.capacity() as u32;
        assert!(memory.write(0, &[0; 6000]).is_ok());
        assert_eq!(switch.changed(), 6000);

        switch.cut_after(3);
        assert!(memory.write(6000, &[1; 5]).is_err());
        assert!(!switch.has_power() && !memory.has_power());
        assert!(memory.write(6010, &[1]).is_err() && memory.erase(0, end).is_err());
        assert!(memory.read(0, &mut [0]).is_err());
        assert_eq!(switch.changed(), 3);

        switch.cut_after(4100);
        assert!(memory.erase(0, end).is_err());
        switch.mend();
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

    #[test]
    fn power_that_fails_with_the_last_byte_fails_the_access() {
        let mut memory = PowerCutNvm::new(RamNvm::default());
        let switch = memory.switch();
        switch.cut_after(2);
        assert!(memory.write(0, &[0; 2]).is_err());
        switch.mend();
        assert_eq!(bytes(&mut memory, 3), [0, 0, 0xFF]);
        switch.cut_after(2048);
        assert!(memory.erase(0, 2048).is_err());
        switch.mend();
        assert_eq!(bytes(&mut memory, 2), [0xFF, 0xFF]);
    }

    #[test]
    fn an_image_needs_no_power() {
        let mut memory = PowerCutNvm::new(RamNvm::default());
        memory.switch().cut_after(0);
        let mut image = memory.read_image().unwrap();
        image[5] = 0;
        memory.write_image(&image).unwrap();
        assert_eq!(memory.into_inner().as_bytes()[..], image);
    }
}
