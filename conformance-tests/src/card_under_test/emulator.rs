//! The reference card in this process.

use super::in_process::failed;
use super::{About, ChosenRandom, InProcess, Link, RandomSource, Target};
use crate::failure::Failure;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::PowerCutNvm;
use tillcard_emu::{EmulatedCard, Seed};

/// Gives emulated cards whose memory goes with them.
#[derive(Default)]
pub struct EmulatorTarget;

impl Target for EmulatorTarget {
    fn name(&self) -> String {
        "emulator".to_owned()
    }

    fn about(&self) -> About {
        About {
            own_emulator: true,
            ..About::default()
        }
    }

    fn another(&self) -> Option<Box<dyn Target + Send>> {
        Some(Box::new(Self))
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        let seed = Seed::Number(seed);
        let memory = EmulatedCard::ephemeral(seed).map_err(failed)?.into_nvm();
        let own = seed.generator(DEFAULT_NAME, 0).map_err(failed)?;
        let memory = PowerCutNvm::new(memory);
        let (power, source) = (memory.switch(), RandomSource::default());
        let card = EmulatedCard::new(memory, ChosenRandom::new(own, source.clone()));
        let link = InProcess::start(Box::new(card), power, source)?;
        Ok(Box::new(link))
    }
}
