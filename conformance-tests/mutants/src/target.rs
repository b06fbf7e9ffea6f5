//! Mutated cards for the suite.

use crate::Mutant;
use crate::card::tillcard_applet::{Card, Configuration, Response};
use crate::switch::choose;
use embedded_storage::nor_flash::ReadNorFlash;
use rand_core::TryCryptoRng;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use tillcard_conform::target::{ChosenRandom, Fault, Link, LinkError, RandomSource, Reset, Target};
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::{CardMemory, PowerCutNvm, PowerSwitch};
use tillcard_emu::{EmulatedCard, Seed};

/// Erased memory.
const ERASED: u8 = 0xFF;

/// Stands for the answer that nobody saw, since the power failed first: "memory failure".
const NOBODY_SAW: [u8; 2] = [0x65, 0x81];

/// Gives cards with one defect, or with none.
pub struct Mutated(Option<&'static Mutant>);

impl Mutated {
    /// Cards with this defect.
    #[must_use]
    pub const fn new(mutant: &'static Mutant) -> Self {
        Self(Some(mutant))
    }

    /// Cards of the mutated build that have no defect: the reference card.
    #[must_use]
    pub const fn without_defect() -> Self {
        Self(None)
    }
}

impl Target for Mutated {
    fn name(&self) -> String {
        self.0.map_or("no defect", |mutant| mutant.name).to_owned()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, LinkError> {
        let id = self.0.map_or(0, |mutant| mutant.id);
        choose(id);
        let blank = EmulatedCard::ephemeral_blank(Seed::Number(seed)).map_err(failed)?;
        let mut memory = blank.into_nvm();
        (memory.write_image(&personalised(seed)?)).map_err(failed)?;
        let generator = Seed::Number(seed).generator(DEFAULT_NAME, 0);
        let source = RandomSource::default();
        let random = ChosenRandom::new(generator.map_err(failed)?, source.clone());
        let memory = PowerCutNvm::new(memory);
        let power = memory.switch();
        let mut card = Card::new(memory, random, Configuration::ANY_NETWORK);
        card.reset();
        let response = Box::default();
        Ok(Box::new(MutatedCard {
            id,
            card,
            power,
            source,
            response,
        }))
    }
}

/// The memory of a card that the emulator personalised. Every mutant is asked with the same seeds,
/// and signing certificates takes longer than most cases.
fn personalised(seed: u64) -> Result<Vec<u8>, LinkError> {
    static IMAGES: Mutex<Option<HashMap<u64, Vec<u8>>>> = Mutex::new(None);
    let images = || IMAGES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(image) = images().get_or_insert_default().get(&seed) {
        return Ok(image.clone());
    }
    let card = EmulatedCard::ephemeral(Seed::Number(seed)).map_err(failed)?;
    let image = card.into_nvm().read_image().map_err(failed)?;
    images().get_or_insert_default().insert(seed, image.clone());
    Ok(image)
}

struct MutatedCard<N, R> {
    /// The mutant, which is chosen before the card does anything: cards of others may have been
    /// on this thread meanwhile.
    id: u16,
    card: Card<PowerCutNvm<N>, ChosenRandom<R>>,
    power: PowerSwitch,
    source: RandomSource,
    response: Box<Response>,
}

impl<N: CardMemory, R: TryCryptoRng> Link for MutatedCard<N, R> {
    fn atr(&self) -> Vec<u8> {
        choose(self.id);
        self.card.atr().to_vec()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        choose(self.id);
        self.response.clear();
        self.card.transmit(command, &mut self.response);
        if self.power.has_power() {
            Ok(self.response.to_vec())
        } else {
            Ok(NOBODY_SAW.to_vec())
        }
    }

    fn reset(&mut self, _: Reset) -> Result<(), LinkError> {
        choose(self.id);
        if !self.power.has_power() {
            self.power.mend();
        }
        self.card.reset();
        Ok(())
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, LinkError> {
        match fault {
            Fault::Random(bytes) => self.source.choose(bytes),
            Fault::NoRandom => self.source.fail(),
            Fault::GoodRandom => self.source.recover(),
            Fault::PowerAfter(Some(bytes)) => self.power.cut_after(*bytes),
            Fault::PowerAfter(None) => self.power.mend(),
            Fault::Memory(bytes) => {
                let memory = self.card.nvm_mut();
                let mut image = bytes.clone();
                image.resize(memory.capacity(), ERASED);
                memory.write_image(&image).map_err(failed)?;
            }
        }
        Ok(true)
    }

    fn has_power(&mut self) -> bool {
        self.power.has_power()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let image = self.card.nvm_mut().read_image().map_err(failed)?;
        Ok(Some(image))
    }
}

fn failed(error: impl Debug) -> LinkError {
    LinkError(format!("{error:?}"))
}
