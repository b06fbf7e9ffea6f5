//! A card without a reader: the same commands, the same power, in this process.

use embedded_storage::nor_flash::NorFlash;
use tillcard_applet::nvm::{RamNvm, TornNvm};

use crate::card::{CardError, DEFAULT_NAME, EmulatedCard, NotDurable};
use crate::nvm::Durable;
use crate::seed::Seed;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoAnswer {
    /// Nobody connected, or the power failed since.
    #[error("the card has no power: connect to it first")]
    NoPower,
    /// The power failed while the card worked.
    #[error("the power failed during the command")]
    PowerCut,
    /// The card's memory refused.
    #[error(transparent)]
    NotDurable(#[from] NotDurable),
}

/// A card and the contacts that feed it.
pub struct InProcess<N> {
    card: EmulatedCard<N>,
    powered: bool,
}

impl<N: NorFlash + Durable> InProcess<N> {
    /// A card on the table, without power.
    pub fn new(card: EmulatedCard<N>) -> Self {
        Self {
            card,
            powered: false,
        }
    }

    /// Gives the card power and returns its answer to reset.
    pub fn connect(&mut self) -> &[u8] {
        self.reset()
    }

    /// Resets the card (cold: the power goes and comes) and returns its answer to reset.
    pub fn reset(&mut self) -> &[u8] {
        self.card.reset();
        self.powered = true;
        self.card.atr()
    }

    /// Takes the power away, be it to end a session in order or as a cut between two commands: a
    /// card can't tell one from the other.
    pub fn disconnect(&mut self) {
        self.card.reset();
        self.powered = false;
    }

    /// Gives the card a command APDU and returns its answer, which ends with the status word.
    ///
    /// # Errors
    /// [`NoAnswer`]
    pub fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, NoAnswer> {
        if !self.powered {
            return Err(NoAnswer::NoPower);
        }
        let answer = self.card.transmit(command).map(<[u8]>::to_vec);
        // Memory that can't even be read has lost its power.
        if self.card.nvm_mut().read(0, &mut [0; 1]).is_err() {
            self.powered = false;
            return Err(NoAnswer::PowerCut);
        }
        Ok(answer?)
    }

    /// How many APDUs the card answered.
    pub fn apdus(&self) -> u64 {
        self.card.apdus()
    }

    /// Takes the card out of its contacts.
    pub fn into_card(self) -> EmulatedCard<N> {
        self.card
    }
}

/// A card whose power can be cut between any two bytes that it writes.
pub type TearableCard = InProcess<TornNvm<RamNvm>>;

impl TearableCard {
    /// A fresh card, personalised, whose memory goes with it.
    ///
    /// # Errors
    /// [`CardError`]; [`CardError::Randomness`] with [`Seed::System`] only.
    pub fn ephemeral(seed: Seed) -> Result<Self, CardError> {
        let rng = seed.generator(DEFAULT_NAME, 0)?;
        let nvm = TornNvm::counting(RamNvm::default());
        let mut card = Self::new(EmulatedCard::personalised(nvm, rng)?);
        card.restore();
        Ok(card)
    }

    /// Bytes written or erased since the last [`Self::cut_after`] or [`Self::restore`].
    pub fn bytes_changed(&mut self) -> u64 {
        self.card.nvm_mut().changed()
    }

    /// Has the power fail once the card has written or erased so many more bytes.
    pub fn cut_after(&mut self, bytes: u64) {
        self.card.nvm_mut().start_counting(Some(bytes));
    }

    /// Mends the power supply. After a cut the card still has to be connected to anew.
    pub fn restore(&mut self) {
        self.card.nvm_mut().start_counting(None);
    }
}
