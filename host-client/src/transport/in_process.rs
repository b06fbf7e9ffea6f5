//! An emulated card in our own process, without a reader.

use tillcard_emu::CardInSlot;

use super::{Transport, TransportError};

/// A card in process, powered as long as the value lives.
pub struct InProcess<C> {
    card: C,
    apdus: u64,
}

impl<C: CardInSlot> InProcess<C> {
    /// Gives the card power. One that can't start answers no command: it is as one that was
    /// removed.
    pub fn connect(mut card: C) -> Self {
        let _ = card.power_on();
        Self { card, apdus: 0 }
    }

    /// Takes the card out.
    pub fn into_card(mut self) -> C {
        self.card.power_off();
        self.card
    }
}

impl<C: CardInSlot> Transport for InProcess<C> {
    fn atr(&self) -> &[u8] {
        self.card.atr()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.apdus += 1;
        // As over a reader: a card that can't answer has left.
        self.card
            .transmit(command)
            .map(<[u8]>::to_vec)
            .map_err(|_| TransportError::CardRemoved)
    }

    fn apdus(&self) -> u64 {
        self.apdus
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.card
            .warm_reset()
            .map_err(|_| TransportError::CardRemoved)
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        self.card.power_off();
        self.card
            .power_on()
            .map_err(|_| TransportError::CardRemoved)
    }

    fn disconnect(mut self) -> Result<(), TransportError> {
        self.card.power_off();
        Ok(())
    }
}
