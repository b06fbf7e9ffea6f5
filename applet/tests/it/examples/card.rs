//! A card whose random numbers are known.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use std::cell::Cell;
use std::rc::Rc;
use tillcard_applet::{Card, Configuration};
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::random::Source;

pub(super) type ExampleCard = Card<RamNvm, Source>;

/// Its random numbers are known: after the test at power-up, which no constant
/// passes, the first consists of bytes `01`, the second of bytes `02`, and so on.
pub(super) fn fresh(drawn: Rc<Cell<u8>>) -> ExampleCard {
    drawn.set(0);
    let mut test = ChaCha20Rng::seed_from_u64(0);
    let source = Source::new(move |bytes| {
        if bytes.len() == 512 {
            test.fill_bytes(bytes);
            return Ok(());
        }
        drawn.set(drawn.get() + 1);
        bytes.fill(drawn.get());
        Ok(())
    });
    Card::new(RamNvm::default(), source, Configuration::ANY_NETWORK)
}
