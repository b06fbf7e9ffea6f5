//! The random source, tested at each power-up (NIST SP 800-90B §4.4).

use core::fmt;
use iso7816::Status;
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

/// Bytes that the test looks at.
const WINDOW: usize = 512;
/// Cutoff of the repetition count test: so many equal bytes running fail it.
const REPETITIONS: usize = 5;
/// Cutoff of the adaptive proportion test: the first byte's value may stand so
/// often in the window.
const OCCURRENCES: usize = 17;

/// A random source with its health test. After a failed test the source refuses until the next
/// power-up.
pub struct Random<R> {
    source: R,
    is_healthy: bool,
}

/// The source failed, or failed its test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the random source failed")
    }
}

impl core::error::Error for Failed {}

impl<R: TryCryptoRng> Random<R> {
    /// Tests the source.
    pub fn new(source: R) -> Self {
        let mut random = Self {
            source,
            is_healthy: false,
        };
        random.power_up();
        random
    }

    /// Tests the source again, when the power comes back.
    ///
    /// `[RND-1]`: the source is tested; one that fails gives nothing until the next time.
    pub fn power_up(&mut self) {
        let mut window = Zeroizing::new([0; WINDOW]);
        self.is_healthy = self.source.try_fill_bytes(&mut *window).is_ok() && passes(&window);
    }

    /// `6400` when nothing random can be had.
    pub fn require_healthy(&self) -> Result<(), Status> {
        if self.is_healthy {
            Ok(())
        } else {
            Err(Status::UnspecifiedNonpersistentExecutionError)
        }
    }

    fn healthy(&mut self) -> Result<&mut R, Failed> {
        if self.is_healthy {
            Ok(&mut self.source)
        } else {
            Err(Failed)
        }
    }
}

/// Both tests of SP 800-90B §4.4, on samples of a byte.
fn passes(window: &[u8; WINDOW]) -> bool {
    let repeats = window
        .windows(REPETITIONS)
        .any(|run| run.iter().all(|byte| *byte == run[0]));
    let occurrences = window.iter().filter(|byte| **byte == window[0]).count();
    !repeats && occurrences <= OCCURRENCES
}

impl<R: TryCryptoRng> TryRng for Random<R> {
    type Error = Failed;

    fn try_next_u32(&mut self) -> Result<u32, Failed> {
        self.healthy()?.try_next_u32().map_err(|_| Failed)
    }

    fn try_next_u64(&mut self) -> Result<u64, Failed> {
        self.healthy()?.try_next_u64().map_err(|_| Failed)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Failed> {
        self.healthy()?.try_fill_bytes(bytes).map_err(|_| Failed)
    }
}

impl<R: TryCryptoRng> TryCryptoRng for Random<R> {}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;

    /// A counter, never equal to its neighbours, but each value twice.
    fn window() -> [u8; WINDOW] {
        core::array::from_fn(|i| i as u8)
    }

    #[test]
    fn a_good_source_passes() {
        for seed in 0..1000 {
            let mut random = Random::new(ChaCha20Rng::seed_from_u64(seed));
            assert!(random.try_next_u32().is_ok(), "seed {seed}");
        }
    }

    #[test]
    fn five_equal_bytes_running() {
        for at in [0, 1, 250, WINDOW - 5] {
            let mut bytes = window();
            bytes[at..at + 4].fill(0xA5);
            assert!(passes(&bytes), "four at {at}");
            bytes[at..at + 5].fill(0xA5);
            assert!(!passes(&bytes), "five at {at}");
        }
    }

    #[test]
    fn the_first_value_too_often() {
        let with = |count: usize| {
            let mut bytes = window();
            // The counter has the value 0 at 0 and 256.
            for i in 1..=count - 2 {
                bytes[i * 3] = 0;
            }
            bytes
        };
        assert!(passes(&with(17)));
        assert!(!passes(&with(18)));
    }

    /// Fails at the call of this number.
    struct Failing(u32);

    impl TryRng for Failing {
        type Error = Failed;

        fn try_next_u32(&mut self) -> Result<u32, Failed> {
            let mut bytes = [0; 4];
            self.try_fill_bytes(&mut bytes)?;
            Ok(u32::from_le_bytes(bytes))
        }

        fn try_next_u64(&mut self) -> Result<u64, Failed> {
            Ok(self.try_next_u32()?.into())
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Failed> {
            self.0 = self.0.checked_sub(1).ok_or(Failed)?;
            for (i, byte) in bytes.iter_mut().enumerate() {
                *byte = i as u8;
            }
            Ok(())
        }
    }

    impl TryCryptoRng for Failing {}

    #[test]
    fn a_source_that_fails() {
        let mut random = Random::new(Failing(0));
        assert_eq!(
            random.require_healthy(),
            Err(Status::UnspecifiedNonpersistentExecutionError)
        );
        assert_eq!(random.try_next_u64(), Err(Failed));
        let mut random = Random::new(Failing(1));
        assert_eq!(random.require_healthy(), Ok(()));
        assert_eq!(random.try_next_u64(), Err(Failed));
    }

    #[test]
    fn a_failure_lasts_until_the_next_power_up() {
        let mut random = Random::new(Failing(0));
        random.source.0 = 3;
        assert_eq!(random.try_fill_bytes(&mut [0; 4]), Err(Failed));
        random.power_up();
        assert_eq!(random.try_fill_bytes(&mut [0; 4]), Ok(()));
    }
}
