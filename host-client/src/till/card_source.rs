//! Where the till's cards come from.

use tillcard_client::Untrusted;
use tillcard_client::transport::{Pcsc, Readers, Transport, TransportError};

/// Where the till's cards come from.
pub trait CardSource {
    /// The connection to a card.
    type Card: Transport;

    /// Waits for a card with our application.
    ///
    /// # Errors
    /// As [`Readers::wait_for_card`].
    fn wait(&mut self) -> Result<Self::Card, TransportError>;

    /// Name of the reader that a card is in.
    fn reader(card: &Self::Card) -> Untrusted;
}

impl CardSource for Readers {
    type Card = Pcsc;

    fn wait(&mut self) -> Result<Pcsc, TransportError> {
        self.wait_for_card(None)
    }

    fn reader(card: &Pcsc) -> Untrusted {
        card.reader().clone()
    }
}
