//! Where the till's cards come from.

use tillcard_client::Untrusted;
use tillcard_client::transport::{Pcsc, Readers, Transport, TransportError};

/// Where the till's cards come from.
pub trait CardSource {
    /// The connection to a card.
    type Card: Transport;

    /// Waits for a card with our application. `unusable` is told of each card that can't be used, and
    /// why; the wait goes on.
    ///
    /// # Errors
    /// As [`Readers::wait_for_card`].
    fn wait(
        &mut self,
        unusable: &mut dyn FnMut(&TransportError),
    ) -> Result<Self::Card, TransportError>;

    /// Name of the reader that a card is in.
    fn reader(card: &Self::Card) -> Untrusted;
}

impl CardSource for Readers {
    type Card = Pcsc;

    fn wait(&mut self, unusable: &mut dyn FnMut(&TransportError)) -> Result<Pcsc, TransportError> {
        let card = self.card_wait().next(None, unusable)?;
        card.ok_or(TransportError::TimedOut)
    }

    fn reader(card: &Pcsc) -> Untrusted {
        card.reader().clone()
    }
}
