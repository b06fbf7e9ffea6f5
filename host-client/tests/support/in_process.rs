//! The reference card in this process, as the client sees it.

use embedded_storage::nor_flash::NorFlash;
use tillcard_client::transport::{Transport, TransportError};
use tillcard_emu::inprocess;
use tillcard_emu::nvm::Durable;

/// The reference card in process, powered as long as the value lives.
pub(crate) struct InProcess<N> {
    card: inprocess::InProcess<N>,
    atr: Vec<u8>,
    apdus: u64,
}

impl<N: NorFlash + Durable> InProcess<N> {
    /// Gives the card power.
    pub(crate) fn connect(mut card: inprocess::InProcess<N>) -> Self {
        let atr = card.connect().to_vec();
        Self {
            card,
            atr,
            apdus: 0,
        }
    }
}

impl<N: NorFlash + Durable> Transport for InProcess<N> {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.apdus += 1;
        // As over a reader: a card that can't answer has left.
        self.card
            .transmit(command)
            .map_err(|_| TransportError::CardRemoved)
    }

    fn apdus(&self) -> u64 {
        self.apdus
    }

    fn reset(&mut self) -> Result<(), TransportError> {
        self.atr = self.card.reset().to_vec();
        Ok(())
    }

    fn power_cut(&mut self) -> Result<(), TransportError> {
        self.card.disconnect();
        self.atr = self.card.connect().to_vec();
        Ok(())
    }

    fn disconnect(mut self) -> Result<(), TransportError> {
        self.card.disconnect();
        Ok(())
    }
}
