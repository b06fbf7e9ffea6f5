//! A card of a test's own making.

use tillcard_emu::CardInSlot;
use tillcard_emu::slot::{CardFault, SlotError, Snapshot};

/// A card that does what a function says, and counts how often it was powered, unpowered or reset.
pub struct Scripted<F> {
    answer: F,
    atr: Vec<u8>,
    last: Vec<u8>,
    pub resets: usize,
}

impl<F> Scripted<F> {
    pub fn new(atr: Vec<u8>, answer: F) -> Self {
        Self {
            answer,
            atr,
            last: Vec::new(),
            resets: 0,
        }
    }
}

impl<F: FnMut(&[u8]) -> Result<Vec<u8>, CardFault> + Send> CardInSlot for Scripted<F> {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) -> Result<(), SlotError> {
        self.resets += 1;
        Ok(())
    }

    fn power_off(&mut self) {
        self.resets += 1;
    }

    fn warm_reset(&mut self) -> Result<(), SlotError> {
        self.resets += 1;
        Ok(())
    }

    fn transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        self.last = (self.answer)(command).map_err(SlotError::Fault)?;
        Ok(&self.last)
    }

    fn snapshot(&mut self) -> Result<Snapshot, SlotError> {
        Err(SlotError::Fault("this card has no memory".into()))
    }

    fn restore(&mut self, _: &Snapshot) -> Result<(), SlotError> {
        Err(SlotError::Fault("this card has no memory".into()))
    }
}
