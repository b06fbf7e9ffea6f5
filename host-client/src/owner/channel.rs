//! The owner's channels: to a card whose agreement key the folder knows, from the issue record, or
//! because the card was adopted. A card whose key it doesn't know is asked for nothing but that
//! ([`Owner::adopt`]).

use super::{CardRecord, Owner, OwnerError};
use tillcard_client::card::{CardError, Issued, Session};
use tillcard_client::transport::Transport;

impl Owner {
    /// Opens a channel to the card in the reader if it is this one: whether it is.
    ///
    /// # Errors
    /// [`OwnerError::KeysUnknown`], and those of the card.
    pub(super) fn secure<T: Transport>(
        record: &CardRecord,
        mut session: Session<T, Issued>,
    ) -> Result<(bool, Session<T, Issued>), OwnerError> {
        let key = record
            .agreement_key
            .ok_or(OwnerError::KeysUnknown(record.number))?;
        match session.open_channel(&key) {
            Ok(()) => Ok((true, session)),
            Err(CardError::NotThisCard) => Ok((false, session)),
            Err(error) => Err(error.into()),
        }
    }
}
