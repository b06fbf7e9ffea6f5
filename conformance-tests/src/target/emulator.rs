//! The reference card in this process.

use super::{About, ChosenRandom, Fault, Link, LinkError, RandomSource, Reset, Target};
use crate::failure::Code;
use std::fmt::Display;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::{PowerCutNvm, PowerSwitch};
use tillcard_emu::slot::{SlotError, Snapshot};
use tillcard_emu::{CardInSlot, EmulatedCard, Seed};

/// Erased memory.
const ERASED: u8 = 0xFF;

/// Stands for the answer that nobody saw, since the power failed first: "memory failure".
const NOBODY_SAW: [u8; 2] = [0x65, 0x81];

/// Gives emulated cards whose memory goes with them.
#[derive(Default)]
pub struct EmulatorTarget;

impl Target for EmulatorTarget {
    fn name(&self) -> String {
        "emulator".to_owned()
    }

    fn about(&self) -> About {
        About {
            reader: None,
            own_emulator: true,
        }
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError> {
        let seed = Seed::Number(seed);
        let memory = EmulatedCard::ephemeral(seed).map_err(failed)?.into_nvm();
        let own = seed.generator(DEFAULT_NAME, 0).map_err(failed)?;
        let memory = PowerCutNvm::new(memory);
        let (power, source) = (memory.switch(), RandomSource::default());
        let mut card = EmulatedCard::new(memory, ChosenRandom::new(own, source.clone()));
        card.power_on().map_err(failed)?;
        Ok(Box::new(Emulated {
            card: Box::new(card),
            power,
            source,
        }))
    }
}

/// An emulated card, its power supply and its random source in reach.
struct Emulated {
    card: Box<dyn CardInSlot>,
    power: PowerSwitch,
    source: RandomSource,
}

impl Link for Emulated {
    fn atr(&self) -> Vec<u8> {
        self.card.atr().to_vec()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        match self.card.transmit(command) {
            Ok(answer) => Ok(answer.to_vec()),
            Err(SlotError::PowerCut | SlotError::NoPower) if !self.power.has_power() => {
                Ok(NOBODY_SAW.to_vec())
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn reset(&mut self, how: Reset) -> Result<(), LinkError> {
        if !self.power.has_power() {
            self.power.mend();
        }
        let done = match how {
            Reset::Warm => self.card.warm_reset(),
            Reset::Cold => Err(SlotError::NoPower),
        };
        match done {
            Err(SlotError::NoPower) => self.card.power_on(),
            done => done,
        }
        .map_err(failed)
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, LinkError> {
        match fault {
            Fault::Random(bytes) => self.source.choose(bytes),
            Fault::NoRandom => self.source.fail(),
            Fault::GoodRandom => self.source.recover(),
            Fault::PowerAfter(Some(bytes)) => self.power.cut_after(*bytes),
            Fault::PowerAfter(None) => self.power.mend(),
            Fault::Memory(bytes) => {
                let whole = self.card.snapshot().map_err(failed)?.as_bytes().len();
                let mut bytes = bytes.clone();
                bytes.resize(whole, ERASED);
                let snapshot = Snapshot::from_bytes(bytes);
                self.card.restore(&snapshot).map_err(failed)?;
            }
        }
        Ok(true)
    }

    fn has_power(&mut self) -> bool {
        self.power.has_power()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let snapshot = self.card.snapshot().map_err(failed)?;
        Ok(Some(snapshot.as_bytes().to_vec()))
    }
}

fn failed(error: impl Display) -> LinkError {
    Code::EmulatorFailed.link(error.to_string())
}
