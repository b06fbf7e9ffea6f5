//! Making a test card.

use std::fs;
use std::path::Path;

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tillcard_runtime::nvm::RamNvm;
use tillcard_test_owner::Funding;

use super::certificates::certify;
use super::issuing::issue;
use super::{Description, LifeState, NamedCard, Scenario, TestCardError};
use crate::card::EmulatedCard;
use crate::layers::{Event, FaultSwitch, Faulty, Recorded, Trace};
use crate::nvm::{PowerCutNvm, PowerSwitch};
use crate::seed::Seed;
use crate::slot::{CardInSlot, Snapshot};

/// A test card, and what a test does with it besides putting it into a reader.
pub struct TestCard {
    /// The card, without power.
    pub card: Box<dyn CardInSlot>,
    /// What it is.
    pub about: Description,
    /// What goes wrong with it.
    pub faults: FaultSwitch,
    /// What was said to it, and what it answered.
    pub trace: Trace,
}

impl Scenario {
    /// The scenario in a text.
    ///
    /// # Errors
    /// [`TestCardError::Scenario`], which names the line.
    pub fn read(toml: &str) -> Result<Self, TestCardError> {
        toml::from_str(toml).map_err(|error| TestCardError::Scenario(Box::new(error)))
    }
}

impl TestCard {
    /// The test card of this name, or of the scenario in the file when the name ends with `.toml`.
    ///
    /// # Errors
    /// [`TestCardError`]
    pub fn named(name: &str, seed: u64) -> Result<Self, TestCardError> {
        Self::called(name, name, seed, None)
    }

    /// The test card of a kind, which is a name as [`Self::named`] takes it, under a name of its own,
    /// with coins from `funding`; without it, they are invented.
    ///
    /// # Errors
    /// [`TestCardError`]
    pub fn called(
        name: &str,
        kind: &str,
        seed: u64,
        funding: Option<&mut dyn Funding>,
    ) -> Result<Self, TestCardError> {
        let path = Path::new(kind);
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            let text = fs::read_to_string(path)
                .map_err(|error| TestCardError::File(path.to_owned(), error))?;
            return Self::of(name, &Scenario::read(&text)?, seed, funding);
        }
        let named = NamedCard::find(kind);
        let named = named.ok_or_else(|| TestCardError::Unknown(kind.to_owned()))?;
        Self::of(name, &named.scenario()?, seed, funding)
    }

    /// The test card of a scenario, with coins from `funding`; without it, they are invented.
    ///
    /// # Errors
    /// [`TestCardError`]
    pub fn of(
        name: &str,
        scenario: &Scenario,
        seed: u64,
        funding: Option<&mut dyn Funding>,
    ) -> Result<Self, TestCardError> {
        let mut rng = Seed::Number(seed).generator(name, 0)?;
        let (mut card, power) = blank(&mut rng);
        let mut about = Description::new(name, &scenario.about);
        card.power_on()?;
        about.revocation_list = certify(&mut card, scenario.certificates, &mut rng)?;
        if scenario.state != LifeState::NotIssued {
            issue(&mut card, scenario, &mut rng, funding, &mut about)?;
        }
        card.power_off();
        if scenario.damaged {
            damage(&mut card)?;
        }
        let card = Faulty::new(card, power, rng);
        for fault in &scenario.faults {
            card.switch().set(fault.clone());
        }
        Ok(Self::around(card, about))
    }

    /// A card with the memory of another, whose faults it doesn't have. From now on each goes its own
    /// way, and draws other random numbers than the other.
    ///
    /// # Errors
    /// [`TestCardError::Slot`] when the memory is one of another kind of card.
    pub fn twin(about: Description, memory: &Snapshot, seed: u64) -> Result<Self, TestCardError> {
        let mut rng = Seed::Number(seed).generator(&about.name, 0)?;
        let (mut card, power) = blank(&mut rng);
        card.restore(memory)?;
        Ok(Self::around(Faulty::new(card, power, rng), about))
    }

    /// A card that isn't one of the test cards, so that it can be laid on a tray.
    pub fn around(card: Faulty<impl CardInSlot + 'static>, about: Description) -> Self {
        let faults = card.switch();
        let card = Recorded::new(card);
        let trace = card.trace();
        faults.follow(move |fault| {
            let fault = fault.clone();
            trace.add(Event::Fault { fault });
        });
        Self {
            about,
            faults,
            trace: card.trace(),
            card: Box::new(card),
        }
    }
}

/// A card as it is made, and the switch of its power.
fn blank(rng: &mut ChaCha20Rng) -> (EmulatedCard<PowerCutNvm<RamNvm>>, PowerSwitch) {
    let memory = PowerCutNvm::new(RamNvm::default());
    let power = memory.switch();
    let mut card = EmulatedCard::new(memory, ChaCha20Rng::from_rng(rng));
    card.refuse_mainnet();
    (card, power)
}

/// Spoils a byte in each 64: what a worn-out memory does.
fn damage(card: &mut dyn CardInSlot) -> Result<(), TestCardError> {
    let mut image = card.snapshot()?.as_bytes().to_vec();
    for byte in image.iter_mut().skip(64).step_by(64) {
        *byte ^= 0x55;
    }
    Ok(card.restore(&Snapshot::from_bytes(image))?)
}
