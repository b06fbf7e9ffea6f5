//! A random source that does as a test tells it.

use rand_core::{TryCryptoRng, TryRng};
use std::fmt;

/// Why there are no random bytes.
#[derive(Debug)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no entropy")
    }
}

impl std::error::Error for Failed {}

type Fill = dyn FnMut(&mut [u8]) -> Result<(), Failed>;

/// Fills what is asked for by a function of the test's.
pub struct Source(Box<Fill>);

impl Source {
    pub fn new(fill: impl FnMut(&mut [u8]) -> Result<(), Failed> + 'static) -> Self {
        Self(Box::new(fill))
    }

    fn number<const N: usize>(&mut self) -> Result<[u8; N], Failed> {
        let mut bytes = [0; N];
        self.try_fill_bytes(&mut bytes)?;
        Ok(bytes)
    }
}

impl TryRng for Source {
    type Error = Failed;

    fn try_next_u32(&mut self) -> Result<u32, Failed> {
        self.number().map(u32::from_le_bytes)
    }

    fn try_next_u64(&mut self) -> Result<u64, Failed> {
        self.number().map(u64::from_le_bytes)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Failed> {
        (self.0)(bytes)
    }
}

impl TryCryptoRng for Source {}
