//! Mutated cards for the suite.

use crate::Mutant;
use crate::card::tillcard_applet::nvm::RamNvm;
use crate::card::tillcard_applet::{Card, Response};
use crate::switch::choose;
use embedded_storage::nor_flash::{NorFlash, ReadNorFlash};
use rand_core::TryCryptoRng;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use tillcard_conform::target::{
    ChosenRandom, FailingMemory, Fault, Link, LinkError, RandomSource, Reset, Target,
};
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::{EmulatedCard, Seed};

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
        let generator = Seed::Number(seed).generator(DEFAULT_NAME, 0);
        let source = RandomSource::default();
        let random = ChosenRandom::new(generator.map_err(failed)?, source.clone());
        let mut card = Card::new(FailingMemory::new(personalised(seed)?), random);
        card.reset();
        let response = Box::default();
        Ok(Box::new(MutatedCard { id, card, source, response }))
    }
}

/// The memory of a card that the emulator personalised. Every mutant is asked with the same seeds,
/// and signing certificates takes longer than most cases.
fn personalised(seed: u64) -> Result<RamNvm, LinkError> {
    static MEMORIES: Mutex<Option<HashMap<u64, Vec<u8>>>> = Mutex::new(None);
    let mut memories = MEMORIES.lock().unwrap_or_else(PoisonError::into_inner);
    let memories = memories.get_or_insert_default();
    if !memories.contains_key(&seed) {
        let card = EmulatedCard::ephemeral(Seed::Number(seed)).map_err(failed)?;
        memories.insert(seed, contents(&mut card.into_nvm())?);
    }
    let mut memory = RamNvm::default();
    memory.write(0, &memories[&seed]).map_err(failed)?;
    Ok(memory)
}

fn contents(memory: &mut impl ReadNorFlash) -> Result<Vec<u8>, LinkError> {
    let mut bytes = vec![0; memory.capacity()];
    memory.read(0, &mut bytes).map_err(failed)?;
    Ok(bytes)
}

struct MutatedCard<R> {
    /// The mutant, which is chosen before the card does anything: cards of others may have been
    /// on this thread meanwhile.
    id: u16,
    card: Card<FailingMemory<RamNvm>, ChosenRandom<R>>,
    source: RandomSource,
    response: Box<Response>,
}

impl<R: TryCryptoRng> Link for MutatedCard<R> {
    fn atr(&self) -> Vec<u8> {
        choose(self.id);
        self.card.atr().to_vec()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        choose(self.id);
        self.response.clear();
        self.card.transmit(command, &mut self.response);
        Ok(self.response.to_vec())
    }

    fn reset(&mut self, _: Reset) -> Result<(), LinkError> {
        choose(self.id);
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
                let mut memory = RamNvm::default();
                memory.write(0, bytes).map_err(failed)?;
                *self.card.nvm_mut().inner_mut() = memory;
            }
        }
        Ok(true)
    }

    fn has_power(&mut self) -> bool {
        self.card.nvm_mut().has_power()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        contents(self.card.nvm_mut().inner_mut()).map(Some)
    }
}

fn failed(error: impl Debug) -> LinkError {
    LinkError(format!("{error:?}"))
}
