//! A reader's slot: the card in it, and its power.

use std::time::{Duration, Instant};

use tracing::error;
use zeroize::Zeroizing;

use super::codes::ReturnCode;
use crate::slot::{CardInSlot, SlotError, Snapshot};

/// How long a card that nobody is connected to keeps its power, as with pcscd.
const GRACE: Duration = Duration::from_millis(400);

/// What is in the slot.
#[derive(Default)]
pub(super) struct Slot {
    card: Option<Box<dyn CardInSlot>>,
    is_powered: bool,
    /// A card that isn't in the reader any more, until somebody takes it.
    pulled: Option<Box<dyn CardInSlot>>,
    /// Since when nobody is connected, if nobody is.
    unused_since: Option<Instant>,
    /// Why a card had to leave.
    fault: Option<SlotError>,
}

impl Slot {
    pub(super) fn insert(&mut self, card: Box<dyn CardInSlot>) {
        *self = Self {
            card: Some(card),
            ..Self::default()
        };
    }

    /// Takes the card out, without power; gives it back, or why it had to leave before.
    pub(super) fn remove(&mut self) -> Result<Option<Box<dyn CardInSlot>>, SlotError> {
        self.power_off();
        match self.fault.take() {
            Some(fault) => Err(fault),
            None => Ok(self.card.take().or(self.pulled.take())),
        }
    }

    /// A client connects: a card without power gets some.
    pub(super) fn connect(&mut self) -> Result<(), ReturnCode> {
        if self.is_forgotten() {
            self.power_off();
        }
        self.unused_since = None;
        if self.is_powered {
            return Ok(());
        }
        self.power_on()
    }

    /// Nobody is connected any more.
    pub(super) fn release(&mut self) {
        self.unused_since = Some(Instant::now());
    }

    /// Whether the card has power, or nobody has asked it for anything yet.
    pub(super) fn is_powered(&self) -> bool {
        self.is_powered && !self.is_forgotten()
    }

    fn is_forgotten(&self) -> bool {
        (self.unused_since).is_some_and(|since| since.elapsed() >= GRACE)
    }

    /// A cold reset.
    pub(super) fn power_on(&mut self) -> Result<(), ReturnCode> {
        let card = self.card.as_mut().ok_or(ReturnCode::NO_SMARTCARD)?;
        self.is_powered = card.power_on().is_ok();
        match self.is_powered {
            true => Ok(()),
            false => Err(ReturnCode::UNRESPONSIVE_CARD),
        }
    }

    pub(super) fn power_off(&mut self) {
        if let Some(card) = &mut self.card {
            card.power_off();
        }
        self.is_powered = false;
    }

    /// A warm reset; a cold one where there is no power.
    pub(super) fn reset(&mut self) -> Result<(), ReturnCode> {
        let card = self.card.as_mut().ok_or(ReturnCode::NO_SMARTCARD)?;
        match card.warm_reset() {
            Ok(()) => Ok(()),
            Err(SlotError::NoPower) => self.power_on(),
            Err(_) => {
                self.is_powered = false;
                Err(ReturnCode::UNRESPONSIVE_CARD)
            }
        }
    }

    /// Gives the card a command. Where there is no answer, nobody knows whether it was done.
    pub(super) fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReturnCode> {
        let card = self.card.as_mut().ok_or(ReturnCode::NOT_TRANSACTED)?;
        match card.transmit(command) {
            Ok(answer) => return Ok(Zeroizing::new(answer.to_vec())),
            Err(SlotError::NoAnswer) => return Err(ReturnCode::NOT_TRANSACTED),
            Err(SlotError::NoPower | SlotError::PowerCut) => {}
            Err(SlotError::Left) => {
                card.power_off();
                self.pulled = self.card.take();
            }
            Err(fault) => {
                error!(code = fault.code(), "the card had to leave its reader");
                self.card = None;
                self.fault = Some(fault);
            }
        }
        self.is_powered = false;
        Err(ReturnCode::NOT_TRANSACTED)
    }

    pub(super) fn has_card(&self) -> bool {
        self.card.is_some()
    }

    /// What the card answers to a reset.
    pub(super) fn atr(&self) -> Option<Vec<u8>> {
        self.card.as_ref().map(|card| card.atr().to_vec())
    }

    pub(super) fn snapshot(&mut self) -> Result<Option<Snapshot>, SlotError> {
        self.card.as_mut().map(|card| card.snapshot()).transpose()
    }

    /// Gives the card another memory, which is a cold reset to who uses it; whether there is a card.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) -> Result<bool, SlotError> {
        let Some(card) = &mut self.card else {
            return Ok(false);
        };
        let was_powered = std::mem::take(&mut self.is_powered);
        card.restore(snapshot)?;
        if was_powered {
            card.power_on()?;
            self.is_powered = true;
        }
        Ok(true)
    }
}
