//! Layers around a card in a slot.

use crate::slot::{CardInSlot, Layer, SlotError};

/// Counts the command APDUs that a card answered.
pub struct Counted<C> {
    card: C,
    apdus: u64,
}

impl<C: CardInSlot> Counted<C> {
    /// Counts from 0.
    pub fn new(card: C) -> Self {
        Self { card, apdus: 0 }
    }

    /// Command APDUs that were answered; one that got no answer isn't counted.
    pub fn apdus(&self) -> u64 {
        self.apdus
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
        self.apdus += 1;
        Ok(answer)
    }
}
