//! A card whose random numbers are known.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rand_core::{TryCryptoRng, TryRng};
use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use tillcard_applet::{Card, Configuration};
use tillcard_runtime::nvm::RamNvm;

/// Whose random numbers are known: after the test at power-up, which no constant
/// passes, the first consists of bytes `01`, the second of bytes `02`, and so on.
pub(super) struct Counted {
    test: ChaCha20Rng,
    drawn: Rc<Cell<u8>>,
}

impl TryRng for Counted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if bytes.len() == 512 {
            self.test.fill_bytes(bytes);
            return Ok(());
        }
        self.drawn.set(self.drawn.get() + 1);
        bytes.fill(self.drawn.get());
        Ok(())
    }
}

impl TryCryptoRng for Counted {}

pub(super) type ExampleCard = Card<RamNvm, Counted>;

pub(super) fn fresh(drawn: Rc<Cell<u8>>) -> ExampleCard {
    drawn.set(0);
    let test = ChaCha20Rng::seed_from_u64(0);
    Card::new(
        RamNvm::default(),
        Counted { test, drawn },
        Configuration::ANY_NETWORK,
    )
}
