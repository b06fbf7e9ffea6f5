//! What stands between the suite and a card.

use super::{Fault, Link, Reset};
use crate::failure::Failure;

/// A link around another one, which does all but what stands between.
pub trait Layer {
    /// The link below.
    fn below(&self) -> &dyn Link;

    /// The link below.
    fn below_mut(&mut self) -> &mut dyn Link;

    /// Sends a command to the link below, and gives back its answer, or makes another of either.
    ///
    /// # Errors
    /// As for [`Link::transmit`].
    fn pass(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure>;
}

impl<T: Layer> Link for T {
    fn atr(&self) -> Vec<u8> {
        self.below().atr()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        self.pass(command)
    }

    fn reset(&mut self, how: Reset) -> Result<(), Failure> {
        self.below_mut().reset(how)
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, Failure> {
        self.below_mut().inject(fault)
    }

    fn has_power(&mut self) -> bool {
        self.below_mut().has_power()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        self.below_mut().memory()
    }

    fn took_ns(&self) -> Option<u64> {
        self.below().took_ns()
    }
}
