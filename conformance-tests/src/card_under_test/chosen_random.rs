//! A random source that can be told what to give, for what a card must do when its own is bad.

use rand_core::{TryCryptoRng, TryRng};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the source gives instead of its own bytes.
#[derive(Debug, Clone, Default)]
pub struct RandomSource(Arc<Mutex<Choice>>);

#[derive(Debug, Default)]
struct Choice {
    bytes: VecDeque<u8>,
    fails: bool,
}

impl RandomSource {
    fn choice(&self) -> MutexGuard<'_, Choice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These bytes come next.
    pub fn choose(&self, bytes: &[u8]) {
        let mut choice = self.choice();
        choice.fails = false;
        choice.bytes = bytes.iter().copied().collect();
    }

    /// Nothing comes from now on.
    pub fn fail(&self) {
        self.choice().fails = true;
    }

    /// Its own bytes come from now on.
    pub fn recover(&self) {
        *self.choice() = Choice::default();
    }
}

/// A generator behind a [`RandomSource`].
pub struct ChosenRandom<R> {
    own: R,
    source: RandomSource,
}

impl<R> ChosenRandom<R> {
    /// A source that gives the generator's bytes unless told otherwise.
    pub const fn new(own: R, source: RandomSource) -> Self {
        Self { own, source }
    }
}

/// The source failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceFailed;

impl fmt::Display for SourceFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the random source fails")
    }
}

impl std::error::Error for SourceFailed {}

impl<R: TryRng> TryRng for ChosenRandom<R> {
    type Error = SourceFailed;

    fn try_next_u32(&mut self) -> Result<u32, SourceFailed> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, SourceFailed> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, buffer: &mut [u8]) -> Result<(), SourceFailed> {
        let mut choice = self.source.choice();
        if choice.fails {
            return Err(SourceFailed);
        }
        let chosen = choice.bytes.len().min(buffer.len());
        let (first, rest) = buffer.split_at_mut(chosen);
        for (byte, chosen) in first.iter_mut().zip(choice.bytes.drain(..chosen)) {
            *byte = chosen;
        }
        self.own.try_fill_bytes(rest).map_err(|_| SourceFailed)
    }
}

impl<R: TryCryptoRng> TryCryptoRng for ChosenRandom<R> {}

#[cfg(test)]
mod tests {
    use super::{ChosenRandom, RandomSource};
    use rand_core::TryRng;
    use tillcard_emu::Seed;

    #[test]
    fn it_gives_what_it_is_told_then_its_own() {
        let own = |count: usize| {
            let mut bytes = vec![0; count];
            let mut own = Seed::Number(1).generator("card", 0).unwrap();
            own.try_fill_bytes(&mut bytes).unwrap();
            bytes
        };
        let source = RandomSource::default();
        let generator = Seed::Number(1).generator("card", 0).unwrap();
        let mut random = ChosenRandom::new(generator, source.clone());
        source.choose(&[1, 2, 3]);
        let mut bytes = [0; 7];
        random.try_fill_bytes(&mut bytes).unwrap();
        assert_eq!(bytes[..3], [1, 2, 3]);
        assert_eq!(bytes[3..], own(4));
        source.fail();
        assert!(random.try_next_u32().is_err());
        source.recover();
        assert!(random.try_next_u64().is_ok());
    }
}
