//! The link to a card in this process.

use super::{Fault, Link, RandomSource, Reset};
use crate::failure::{Code, Failure};
use std::fmt::Display;
use tillcard_emu::CardInSlot;
use tillcard_emu::nvm::PowerSwitch;
use tillcard_emu::slot::{SlotError, Snapshot};

/// Erased memory.
const ERASED: u8 = 0xFF;

/// Stands for the answer that nobody saw, since the power failed first: "memory failure".
const NOBODY_SAW: [u8; 2] = [0x65, 0x81];

/// A card in a slot, its power supply and its random source in reach.
pub struct InProcess {
    card: Box<dyn CardInSlot>,
    power: PowerSwitch,
    source: RandomSource,
}

impl InProcess {
    /// Gives a card power. The switch is that of its supply, the source the one that it draws from.
    ///
    /// # Errors
    /// When the card can't start.
    pub fn start(
        mut card: Box<dyn CardInSlot>,
        power: PowerSwitch,
        source: RandomSource,
    ) -> Result<Self, Failure> {
        card.power_on().map_err(failed)?;
        Ok(Self {
            card,
            power,
            source,
        })
    }
}

impl Link for InProcess {
    fn atr(&self) -> Vec<u8> {
        self.card.atr().to_vec()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        match self.card.transmit(command) {
            Ok(answer) => Ok(answer.to_vec()),
            Err(SlotError::PowerCut | SlotError::NoPower) if !self.power.has_power() => {
                Ok(NOBODY_SAW.to_vec())
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn reset(&mut self, how: Reset) -> Result<(), Failure> {
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

    fn inject(&mut self, fault: &Fault) -> Result<bool, Failure> {
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

    fn memory(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let snapshot = self.card.snapshot().map_err(failed)?;
        Ok(Some(snapshot.as_bytes().to_vec()))
    }
}

pub(super) fn failed(error: impl Display) -> Failure {
    Code::EmulatorFailed.because(error.to_string())
}
