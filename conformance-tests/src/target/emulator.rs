//! The reference card in this process.

use super::failing::FailingMemory;
use super::{ChosenRandom, Fault, Link, LinkError, RandomSource, Reset, Target};
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use rand_core::TryCryptoRng;
use std::fmt::Display;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::Durable;
use tillcard_emu::{EmulatedCard, Seed};

/// Erased memory.
const ERASED: u8 = 0xFF;

/// Gives emulated cards whose memory goes with them.
#[derive(Default)]
pub struct EmulatorTarget;

impl Target for EmulatorTarget {
    fn name(&self) -> String {
        "emulator".to_owned()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError> {
        let seed = Seed::Number(seed);
        let memory = EmulatedCard::ephemeral(seed).map_err(failed)?.into_nvm();
        let own = seed.generator(DEFAULT_NAME, 0).map_err(failed)?;
        let source = RandomSource::default();
        let memory = FailingMemory::new(memory);
        let mut card = EmulatedCard::new(memory, ChosenRandom::new(own, source.clone()));
        card.reset();
        Ok(Box::new(Emulated { card, source }))
    }
}

/// An emulated card, its memory and its random source in reach.
struct Emulated<N, R> {
    card: EmulatedCard<FailingMemory<N>, R>,
    source: RandomSource,
}

impl<N: NorFlash + Durable, R: TryCryptoRng> Link for Emulated<N, R> {
    fn atr(&self) -> Vec<u8> {
        self.card.atr().to_vec()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.card
            .transmit(command)
            .map(<[u8]>::to_vec)
            .map_err(failed)
    }

    fn reset(&mut self, _: Reset) -> Result<(), LinkError> {
        // In process the reset line and the power switch do the same: they forget what isn't in
        // the card's memory.
        if !self.has_power() {
            self.card.nvm_mut().fail_after(None);
        }
        self.card.reset();
        Ok(())
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, LinkError> {
        match fault {
            Fault::Random(bytes) => self.source.choose(bytes),
            Fault::NoRandom => self.source.fail(),
            Fault::GoodRandom => self.source.recover(),
            Fault::PowerAfter(bytes) => self.card.nvm_mut().fail_after(*bytes),
            Fault::Memory(bytes) => {
                let memory = self.card.nvm_mut().inner_mut();
                let mut bytes = bytes.clone();
                bytes.resize(memory.capacity(), ERASED);
                let end = u32::try_from(bytes.len()).map_err(failed)?;
                (memory.erase(0, end))
                    .and_then(|()| memory.write(0, &bytes))
                    .map_err(|e| LinkError(format!("the emulated memory: {e:?}")))?;
            }
        }
        Ok(true)
    }

    fn has_power(&mut self) -> bool {
        self.card.nvm_mut().has_power()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let memory = self.card.nvm_mut().inner_mut();
        let mut bytes = vec![0; memory.capacity()];
        (memory.read(0, &mut bytes))
            .map_err(|e| LinkError(format!("the emulated memory: {e:?}")))?;
        Ok(Some(bytes))
    }
}

fn failed(error: impl Display) -> LinkError {
    LinkError(error.to_string())
}
