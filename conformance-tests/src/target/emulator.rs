//! The reference card in this process.

use super::{Link, LinkError, Reset, Target};
use embedded_storage::nor_flash::NorFlash;
use tillcard_emu::inprocess::InProcess;
use tillcard_emu::nvm::Durable;
use tillcard_emu::{EmulatedCard, Seed};

/// Gives emulated cards whose memory goes with them.
#[derive(Default)]
pub struct EmulatorTarget;

impl Target for EmulatorTarget {
    fn name(&self) -> String {
        "emulator".to_owned()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError> {
        let card =
            EmulatedCard::ephemeral(Seed::Number(seed)).map_err(|e| LinkError(e.to_string()))?;
        let mut card = InProcess::new(card);
        let atr = card.connect().to_vec();
        Ok(Box::new(Emulated { card, atr }))
    }
}

struct Emulated<N> {
    card: InProcess<N>,
    atr: Vec<u8>,
}

impl<N: NorFlash + Durable> Link for Emulated<N> {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.card
            .transmit(command)
            .map_err(|e| LinkError(e.to_string()))
    }

    fn reset(&mut self, how: Reset) -> Result<(), LinkError> {
        // In process the reset line and the power switch do the same: they forget what isn't in
        // the card's memory.
        if how == Reset::Cold {
            self.card.disconnect();
        }
        self.atr = self.card.reset().to_vec();
        Ok(())
    }
}
