//! One emulated card.

use embedded_storage::nor_flash::NorFlash;
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng, TryCryptoRng};
use tillcard_applet::nvm::RamNvm;
use tillcard_applet::{Card, Configuration, Response};
use tillcard_protocol::command::{GetData, Network, Select, State, StatusObject};

use crate::nvm::{Durable, SledNvm, Store, StoreError};
use crate::personalise::{self, PersonaliseError, test_root};
use crate::seed::{NoRandomness, Seed};
use crate::vpcd::{CardFault, SmartCard};

/// The name of the card when none is given.
pub const DEFAULT_NAME: &str = "card";

/// Why a card can't be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CardError {
    /// The card's memory can't be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The card's random generator can't be seeded.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// The card can't be given its certificates.
    #[error("the card can't be personalised: {0}")]
    Personalise(#[from] PersonaliseError),
}

/// The card's memory could not be made durable, so nobody may see the answer that depends on it.
/// Such a card must leave its reader.
#[derive(Debug, thiserror::Error)]
#[error("the card had to be taken out, since what it wrote can't be kept: {0}")]
pub struct NotDurable(pub Box<dyn core::error::Error + Send + Sync>);

/// The reference card, on memory that outlives a crash or on memory that doesn't.
///
/// An answer leaves only when everything that the card wrote is durable: no answer reveals what a
/// crash could undo.
pub struct EmulatedCard<N, R = ChaCha20Rng> {
    card: Card<N, R>,
    response: Box<Response>,
    apdus: u64,
}

impl EmulatedCard<RamNvm> {
    /// A fresh card called [`DEFAULT_NAME`], personalised, whose memory goes with it.
    ///
    /// # Errors
    /// [`CardError`]; [`CardError::Randomness`] with [`Seed::System`] only.
    pub fn ephemeral(seed: Seed) -> Result<Self, CardError> {
        let rng = seed.generator(DEFAULT_NAME, 0)?;
        Self::personalised(RamNvm::default(), rng)
    }

    /// A fresh card like [`Self::ephemeral`], which nobody has personalised: without keys and
    /// certificates of its own. Made in a small part of the time.
    ///
    /// # Errors
    /// [`NoRandomness`], with [`Seed::System`] only.
    pub fn ephemeral_blank(seed: Seed) -> Result<Self, NoRandomness> {
        let rng = seed.generator(DEFAULT_NAME, 0)?;
        Ok(Self::new(RamNvm::default(), rng))
    }
}

impl EmulatedCard<SledNvm> {
    /// The card called `name` in `store`, a fresh one when the store doesn't know the name. One
    /// that is in the factory state and not personalised, or not to the end, is personalised now.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn persistent(store: &Store, name: &str, seed: Seed) -> Result<Self, CardError> {
        let nvm = store.card(name)?;
        let rng = seed.generator(name, nvm.life())?;
        Self::personalised(nvm, rng)
    }

    /// The card called `name` in `store`, as it is; a fresh one has no keys and certificates of its
    /// own.
    ///
    /// # Errors
    /// [`CardError`].
    pub fn persistent_as_is(store: &Store, name: &str, seed: Seed) -> Result<Self, CardError> {
        let nvm = store.card(name)?;
        let rng = seed.generator(name, nvm.life())?;
        Ok(Self::new(nvm, rng))
    }
}

impl<N: NorFlash + Durable> EmulatedCard<N> {
    /// A card on a given memory, which is personalised as one of the emulator's batch, under the
    /// test root, unless that was done before or the card is somebody's.
    ///
    /// # Errors
    /// [`CardError::Personalise`]
    pub fn personalised(nvm: N, mut rng: ChaCha20Rng) -> Result<Self, CardError> {
        // The card's own numbers aren't shown in a certificate.
        let mut serial_numbers = ChaCha20Rng::from_rng(&mut rng);
        let mut card = Self::new(nvm, rng);
        card.personalise(&mut serial_numbers)?;
        Ok(card)
    }

    fn personalise(&mut self, rng: &mut impl CryptoRng) -> Result<(), CardError> {
        let mut transmit = |command: &[u8]| {
            self.answer(command)?;
            Ok::<_, NotDurable>(self.response.to_vec())
        };
        if personalise::is_blank(&mut transmit)? {
            personalise::personalise(&mut transmit, &test_root::emulator_batch()?, rng)?;
        }
        self.reset();
        Ok(())
    }
}

impl<N: NorFlash, R: TryCryptoRng> EmulatedCard<N, R> {
    /// A card on a given memory, with a given random source.
    pub fn new(nvm: N, rng: R) -> Self {
        Self {
            card: Card::new(nvm, rng, Configuration::ANY_NETWORK),
            response: Box::default(),
            apdus: 0,
        }
    }

    /// Makes it a card that can't be issued for mainnet: it answers ISSUE for mainnet as for a
    /// network that it doesn't know. A card that was issued stays what it is.
    pub fn refuse_mainnet(&mut self) {
        self.card.configure(Configuration::TESTS_ONLY);
    }

    /// The card's answer to reset (ISO/IEC 7816-3 §8).
    pub fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    /// Takes the power away and gives it back: the card forgets all that isn't in its memory.
    pub fn reset(&mut self) {
        self.card.reset();
    }

    /// How many APDUs the card answered since it was made.
    pub fn apdus(&self) -> u64 {
        self.apdus
    }

    /// The card's memory.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.card.nvm_mut()
    }

    /// Ends the card and gives back its memory.
    pub fn into_nvm(self) -> N {
        self.card.into_nvm()
    }
}

impl<N: NorFlash + Durable, R: TryCryptoRng> EmulatedCard<N, R> {
    /// Gives the card a command APDU; the answer ends with the status word.
    ///
    /// # Errors
    /// [`NotDurable`]: there is an answer, but it must not be seen.
    pub fn transmit(&mut self, command: &[u8]) -> Result<&[u8], NotDurable> {
        self.answer(command)?;
        self.apdus += 1;
        Ok(&self.response)
    }

    /// The network that the card was issued for; none when it wasn't, or when its memory is
    /// damaged. Asks as a reader would, without being counted, and resets the card.
    ///
    /// # Errors
    /// [`NotDurable`]
    pub fn network(&mut self) -> Result<Option<Network>, NotDurable> {
        self.answer(Select::to_apdu().as_bytes())?;
        self.answer(GetData::Status.to_apdu().as_bytes())?;
        let network = self
            .response
            .strip_suffix(&[0x90, 0x00])
            .and_then(|object| match StatusObject::parse(object).ok()?.state {
                State::Issued { network, .. } => Some(network),
                State::Factory | State::Terminated | State::OtherVersion | State::Damaged => None,
            });
        self.reset();
        Ok(network)
    }

    fn answer(&mut self, command: &[u8]) -> Result<(), NotDurable> {
        self.response.clear();
        self.card.transmit(command, &mut self.response);
        self.card
            .nvm_mut()
            .flush()
            .map_err(|error| NotDurable(Box::new(error)))
    }
}

impl<N: NorFlash + Durable, R: TryCryptoRng> SmartCard for EmulatedCard<N, R> {
    fn atr(&self) -> &[u8] {
        self.atr()
    }

    fn reset(&mut self) {
        self.reset();
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, CardFault> {
        Ok(self.transmit(command)?.to_vec())
    }
}
