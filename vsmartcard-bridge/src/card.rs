//! One emulated card.

use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng, TryCryptoRng};
use tillcard_applet::{Card, Configuration, Response};
use tillcard_personalise::{PersonaliseError, is_blank, personalise, test_root};
use tillcard_protocol::command::{GetData, Network, Select, State, StatusObject};
use tillcard_runtime::nvm::RamNvm;
use zeroize::Zeroize;

use crate::nvm::{CardMemory, SledNvm, Store, StoreError};
use crate::seed::{NoRandomness, Seed};
use crate::slot::{CardInSlot, SlotError, Snapshot};

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

impl CardError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Randomness(error) => error.code(),
            Self::Personalise(error) => error.code(),
        }
    }
}

/// The reference card, on memory that outlives a crash or on memory that doesn't.
///
/// An answer leaves only when everything that the card wrote is durable: no answer reveals what a
/// crash could undo.
pub struct EmulatedCard<N, R = ChaCha20Rng> {
    card: Card<N, R>,
    response: Box<Response>,
    powered: bool,
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

impl<N: CardMemory> EmulatedCard<N> {
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
        self.powered = true;
        let mut transmit = |command: &[u8]| self.transmit(command).map(<[u8]>::to_vec);
        if is_blank(&mut transmit)? {
            personalise(&mut transmit, &test_root::emulator_batch()?, rng)?;
        }
        // Nothing of the personalisation stays in the card's RAM.
        self.card.reset();
        self.power_off();
        Ok(())
    }
}

impl<N: CardMemory, R: TryCryptoRng + Send> EmulatedCard<N, R> {
    /// A card on a given memory, with a given random source, without power.
    pub fn new(nvm: N, rng: R) -> Self {
        Self {
            card: Card::new(nvm, rng, Configuration::ANY_NETWORK),
            response: Box::default(),
            powered: false,
        }
    }

    /// Makes it a card that can't be issued for mainnet: it answers ISSUE for mainnet as for a
    /// network that it doesn't know. A card that was issued stays what it is.
    pub fn refuse_mainnet(&mut self) {
        self.card.configure(Configuration::TESTS_ONLY);
    }

    /// The card's memory.
    pub fn nvm_mut(&mut self) -> &mut N {
        self.card.nvm_mut()
    }

    /// Ends the card and gives back its memory.
    pub fn into_nvm(self) -> N {
        self.card.into_nvm()
    }

    /// The network that the card was issued for; none when it wasn't, or when its memory is
    /// damaged. Asks as a reader would, and leaves the card without power.
    ///
    /// # Errors
    /// [`SlotError`]
    pub fn network(&mut self) -> Result<Option<Network>, SlotError> {
        self.power_on()?;
        self.transmit(Select::to_apdu().as_bytes())?;
        let answer = self.transmit(GetData::Status.to_apdu().as_bytes())?;
        let network = answer.strip_suffix(&[0x90, 0x00]).and_then(|object| {
            match StatusObject::parse(object).ok()?.state {
                State::Issued { network, .. } => Some(network),
                State::Factory | State::Terminated | State::OtherVersion | State::Damaged => None,
            }
        });
        self.power_off();
        Ok(network)
    }
}

impl<N: CardMemory, R: TryCryptoRng + Send> CardInSlot for EmulatedCard<N, R> {
    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn power_on(&mut self) -> Result<(), SlotError> {
        self.response.clear();
        self.card.reset();
        self.powered = true;
        Ok(())
    }

    fn power_off(&mut self) {
        // The rest of the session is forgotten when the power comes back: without it, nothing asks.
        self.response.zeroize();
        self.powered = false;
    }

    fn warm_reset(&mut self) -> Result<(), SlotError> {
        match self.powered {
            true => self.power_on(),
            false => Err(SlotError::NoPower),
        }
    }

    fn transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        if !self.powered {
            return Err(SlotError::NoPower);
        }
        self.response.clear();
        self.card.transmit(command, &mut self.response);
        let nvm = self.card.nvm_mut();
        nvm.flush().map_err(SlotError::NotDurable)?;
        if !nvm.has_power() {
            self.power_off();
            return Err(SlotError::PowerCut);
        }
        Ok(&self.response)
    }

    fn snapshot(&mut self) -> Result<Snapshot, SlotError> {
        let image = self.card.nvm_mut().read_image().map_err(SlotError::Fault)?;
        Ok(Snapshot::from_bytes(image))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), SlotError> {
        let nvm = self.card.nvm_mut();
        let (given, needed) = (snapshot.as_bytes().len(), nvm.capacity());
        if given != needed {
            return Err(SlotError::SnapshotLength { given, needed });
        }
        self.powered = false;
        nvm.write_image(snapshot.as_bytes())
            .map_err(SlotError::Fault)?;
        nvm.flush().map_err(SlotError::NotDurable)
    }
}
