//! Who signs a card's owner commands.

use tillcard_client::card::{CardError, OwnerAuthority};

use super::OwnerKey;

/// An owner key, and the card that it is for.
pub struct Authority {
    /// The key.
    pub key: OwnerKey,
    /// The card's id (`docs/protocol.md`, section 3.2); [`UNKNOWN_CARD`] while it isn't known.
    ///
    /// [`UNKNOWN_CARD`]: tillcard_client::card::UNKNOWN_CARD
    pub card_id: [u8; 16],
}

impl OwnerAuthority for Authority {
    fn card_id(&self) -> [u8; 16] {
        self.card_id
    }

    fn sign(&self, message: &[u8; 32]) -> Result<[u8; 64], CardError> {
        self.key
            .sign(message)
            .map_err(|error| CardError::OwnerKey(error.to_string()))
    }
}
