//! An NVM whose power is cut after any byte.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash,
};

/// Cuts the power after a chosen byte: what was written or erased before stays,
/// every access after fails. Wraps any NVM whose smallest write is a byte.
pub struct TornNvm<N> {
    inner: N,
    left: Option<u64>,
    changed: u64,
}

/// Why a [`TornNvm`] failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TornError<E> {
    /// The power is gone.
    PowerCut,
    /// The wrapped NVM failed.
    Inner(E),
}

impl<E: NorFlashError> NorFlashError for TornError<E> {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::PowerCut => NorFlashErrorKind::Other,
            Self::Inner(error) => error.kind(),
        }
    }
}

impl<N: NorFlash> TornNvm<N> {
    /// Counts, and doesn't cut until [`Self::start_counting`] says so.
    pub fn counting(inner: N) -> Self {
        Self {
            inner,
            left: None,
            changed: 0,
        }
    }

    /// Cuts once so many bytes have been written or erased.
    pub fn cut_after(inner: N, bytes: u64) -> Self {
        Self {
            inner,
            left: Some(bytes),
            changed: 0,
        }
    }

    /// Counts from here on, and cuts, if at all, after so many bytes more.
    pub fn start_counting(&mut self, cut_after: Option<u64>) {
        self.left = cut_after;
        self.changed = 0;
    }

    /// Bytes written or erased so far.
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// The wrapped NVM.
    pub fn inner_mut(&mut self) -> &mut N {
        &mut self.inner
    }

    /// What is left when the power comes back.
    pub fn into_inner(self) -> N {
        self.inner
    }

    /// How many of `wanted` bytes still get through.
    fn take(&mut self, wanted: usize) -> usize {
        let granted = match &mut self.left {
            None => wanted,
            Some(left) => {
                let granted = wanted.min(usize::try_from(*left).unwrap_or(wanted));
                *left -= granted as u64;
                granted
            }
        };
        self.changed += granted as u64;
        granted
    }

    fn is_cut(&self) -> bool {
        self.left == Some(0)
    }
}

impl<N: NorFlash> ErrorType for TornNvm<N> {
    type Error = TornError<N::Error>;
}

impl<N: NorFlash> ReadNorFlash for TornNvm<N> {
    const READ_SIZE: usize = N::READ_SIZE;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        if self.is_cut() {
            return Err(TornError::PowerCut);
        }
        self.inner.read(offset, bytes).map_err(TornError::Inner)
    }

    fn capacity(&self) -> usize {
        self.inner.capacity()
    }
}

impl<N: NorFlash> NorFlash for TornNvm<N> {
    const WRITE_SIZE: usize = N::WRITE_SIZE;
    const ERASE_SIZE: usize = N::ERASE_SIZE;

    /// A torn erase leaves the front of the range erased and the rest as it was.
    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        let wanted = (to - from) as usize;
        let granted = self.take(wanted);
        if granted == wanted {
            return self.inner.erase(from, to).map_err(TornError::Inner);
        }
        // Of several pages, none is erased.
        if wanted != N::ERASE_SIZE {
            return Err(TornError::PowerCut);
        }
        let mut tail = vec![0; wanted - granted];
        let kept = from + granted as u32;
        self.inner.read(kept, &mut tail).map_err(TornError::Inner)?;
        self.inner.erase(from, to).map_err(TornError::Inner)?;
        self.inner.write(kept, &tail).map_err(TornError::Inner)?;
        Err(TornError::PowerCut)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        let granted = self.take(bytes.len());
        self.inner
            .write(offset, &bytes[..granted])
            .map_err(TornError::Inner)?;
        if granted == bytes.len() {
            Ok(())
        } else {
            Err(TornError::PowerCut)
        }
    }
}
