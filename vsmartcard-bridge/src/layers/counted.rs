//! Counting commands.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::slot::{CardInSlot, Layer, SlotError};

/// Counts the command APDUs that a card answered; one that got no answer isn't counted.
pub struct Counted<C> {
    card: C,
    answered: ApduCount,
}

/// How many command APDUs a [`Counted`] card answered so far. It can be asked while the card is
/// elsewhere.
#[derive(Clone, Default)]
pub struct ApduCount(Arc<AtomicU64>);

impl ApduCount {
    /// Command APDUs that were answered.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl<C: CardInSlot> Counted<C> {
    /// Counts from 0.
    pub fn new(card: C) -> Self {
        Self {
            card,
            answered: ApduCount::default(),
        }
    }

    /// Command APDUs that were answered so far.
    pub fn apdus(&self) -> u64 {
        self.answered.get()
    }

    /// The count, which goes on.
    pub fn count(&self) -> ApduCount {
        self.answered.clone()
    }

    /// Takes the layer away.
    pub fn into_inner(self) -> C {
        self.card
    }
}

impl<C: CardInSlot> Layer for Counted<C> {
    type Inner = C;

    fn inner(&self) -> &C {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut C {
        &mut self.card
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        let answer = self.card.transmit(command)?;
        self.answered.0.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }
}
