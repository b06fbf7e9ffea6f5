//! Mutated cards for the suite.

use crate::Mutant;
use crate::card::tillcard_applet::{Card, Configuration, Response};
use crate::switch::choose;
use embedded_storage::nor_flash::ReadNorFlash;
use rand_core::TryCryptoRng;
use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::{Mutex, PoisonError};
use tillcard_conform::card_under_test::{ChosenRandom, InProcess, Link, RandomSource, Target};
use tillcard_conform::failure::{Code, Failure};
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::nvm::{CardMemory, PowerCutNvm};
use tillcard_emu::slot::{SlotError, Snapshot};
use tillcard_emu::{CardInSlot, EmulatedCard, Seed};

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

    /// A card with this memory and this source of random numbers.
    #[must_use]
    pub fn card<N, R>(&self, memory: N, random: R) -> Box<dyn CardInSlot>
    where
        N: CardMemory + Send + 'static,
        R: TryCryptoRng + Send + 'static,
    {
        let id = self.0.map_or(0, |mutant| mutant.id);
        choose(id);
        Box::new(MutatedCard {
            id,
            card: Card::new(memory, random, Configuration::ANY_NETWORK),
            response: Box::default(),
            powered: false,
        })
    }
}

impl Target for Mutated {
    fn name(&self) -> String {
        self.0.map_or("no defect", |mutant| mutant.name).to_owned()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        let blank = EmulatedCard::ephemeral_blank(Seed::Number(seed)).map_err(failed)?;
        let mut memory = blank.into_nvm();
        (memory.write_image(&personalised(seed)?)).map_err(failed)?;
        let memory = PowerCutNvm::new(memory);
        let (power, source) = (memory.switch(), RandomSource::default());
        let own = Seed::Number(seed).generator(DEFAULT_NAME, 0);
        let random = ChosenRandom::new(own.map_err(failed)?, source.clone());
        let card = self.card(memory, random);
        Ok(Box::new(InProcess::start(card, power, source)?))
    }
}

/// The memory of a card that the emulator personalised. Every mutant is asked with the same seeds,
/// and signing certificates takes longer than most cases.
fn personalised(seed: u64) -> Result<Vec<u8>, Failure> {
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
    card: Card<N, R>,
    response: Box<Response>,
    powered: bool,
}

impl<N: CardMemory + Send, R: TryCryptoRng + Send> CardInSlot for MutatedCard<N, R> {
    fn atr(&self) -> &[u8] {
        choose(self.id);
        self.card.atr()
    }

    fn power_on(&mut self) -> Result<(), SlotError> {
        choose(self.id);
        self.card.reset();
        self.powered = true;
        Ok(())
    }

    fn power_off(&mut self) {
        self.powered = false;
    }

    fn warm_reset(&mut self) -> Result<(), SlotError> {
        if self.powered {
            return self.power_on();
        }
        Err(SlotError::NoPower)
    }

    fn transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        if !self.powered {
            return Err(SlotError::NoPower);
        }
        choose(self.id);
        self.response.clear();
        self.card.transmit(command, &mut self.response);
        if self.card.nvm_mut().has_power() {
            return Ok(&self.response);
        }
        self.powered = false;
        Err(SlotError::PowerCut)
    }

    fn snapshot(&mut self) -> Result<Snapshot, SlotError> {
        let image = self.card.nvm_mut().read_image();
        image.map(Snapshot::from_bytes).map_err(SlotError::Fault)
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SlotError> {
        let (image, memory) = (snapshot.as_bytes(), self.card.nvm_mut());
        if image.len() != memory.capacity() {
            return Err(SlotError::SnapshotLength {
                given: image.len(),
                needed: memory.capacity(),
            });
        }
        self.powered = false;
        memory.write_image(image).map_err(SlotError::Fault)
    }
}

fn failed(error: impl Debug) -> Failure {
    Code::EmulatorFailed.because(format!("{error:?}"))
}
