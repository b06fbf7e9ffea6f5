//! Which of a card's owner keys is in force: the first, or one after a change.
//!
//! The words give a card [`OWNER_KEYS`] owner keys, one after the other. The folder writes down
//! that a key may be in force before the card is told, and the card is asked where it isn't known:
//! a change that is torn anywhere so never locks the owner out.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{Authority, CardRecord, Limits, Owner, OwnerError};
use tillcard_client::card::{Issued, Session};
use tillcard_client::transport::Transport;

/// Owner keys of a card, the first included. After a restore each of them may be in force.
pub const OWNER_KEYS: u32 = 20;

/// Status word of a command that another owner's key, or another card's, signed. It comes without
/// proof.
pub(super) const NOT_AUTHORISED: u16 = 0x6982;

/// The changes of a card's owner key that may have happened: at least so many, at most so many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerKeys {
    least: u32,
    most: u32,
}

impl OwnerKeys {
    /// What words and chain tell of a card.
    pub(super) const ANY: Self = Self {
        least: 0,
        most: OWNER_KEYS - 1,
    };

    /// After just so many changes.
    pub(super) fn after(changes: u32) -> Self {
        Self {
            least: changes,
            most: changes,
        }
    }

    /// The fewest changes that may have happened.
    pub(super) fn least(self) -> u32 {
        self.least
    }

    /// Each number of changes that may have happened, the fewest first.
    pub(super) fn changes(self) -> RangeInclusive<u32> {
        self.least..=self.most
    }
}

impl Owner {
    /// Finds out whether the card in the reader is this one. If so, the session goes on in a secure
    /// channel, and the folder knows afterwards which owner key the card obeys and what its limits
    /// are, and so does `record`.
    ///
    /// # Errors
    /// [`OwnerError::KeysUnknown`] when the folder doesn't know by what to tell it;
    /// [`OwnerError::OwnerKeyRefused`], [`OwnerError::Card`] when the card doesn't answer, and those
    /// of the card's file.
    pub fn recognise<T: Transport>(
        &mut self,
        record: &mut CardRecord,
        session: Session<T, Issued>,
    ) -> Result<(bool, Session<T, Issued>), OwnerError> {
        let (is_this, mut session) = Self::secure(record, session)?;
        if !is_this {
            session.close_channel()?;
            return Ok((false, session));
        }
        let master = self.master()?;
        for changes in record.owner_keys.changes() {
            let authority = Authority {
                key: master.owner_key(record.number, changes)?,
                card_id: record.account.card_id(),
            };
            let mut card = session.as_owner(&authority);
            let limits = card.read_limits();
            session = card.leave();
            match limits {
                Ok((limits, _)) => {
                    session.read_status()?;
                    let known = record.clone();
                    record.owner_keys = OwnerKeys::after(changes);
                    record.limits = Some(Limits::from(&limits));
                    if *record != known {
                        self.store.save(record)?;
                    }
                    return Ok((true, session));
                }
                Err(error) if error.status() == Some(NOT_AUTHORISED) => {}
                Err(error) => return Err(error.into()),
            }
        }
        // The channel has proven which card it is; a refusal proves nothing.
        Err(OwnerError::OwnerKeyRefused(record.number))
    }

    /// The same of a card that must be this one.
    ///
    /// # Errors
    /// [`OwnerError::AnotherCard`], and as [`Self::recognise`].
    pub fn meet<T: Transport>(
        &mut self,
        record: &mut CardRecord,
        session: Session<T, Issued>,
    ) -> Result<Session<T, Issued>, OwnerError> {
        match self.recognise(record, session)? {
            (true, session) => Ok(session),
            (false, _) => Err(OwnerError::AnotherCard(record.number)),
        }
    }

    /// Has the card obey the next owner key, and no other.
    ///
    /// # Errors
    /// [`OwnerError::OwnerKeysUsedUp`], [`OwnerError::AnotherCard`], and
    /// [`OwnerError::OwnerKeyUncertain`] when it isn't known which key the card obeys;
    /// [`Self::recognise`] then finds out.
    pub fn rotate_key<T: Transport>(
        &mut self,
        record: &mut CardRecord,
        session: Session<T, Issued>,
    ) -> Result<Session<T, Issued>, OwnerError> {
        let session = self.meet(record, session)?;
        let old = record.owner_keys.least;
        let new = old + 1;
        if new >= OWNER_KEYS {
            return Err(OwnerError::OwnerKeysUsedUp(record.number));
        }
        let authority = self.authority(record)?;
        let new_key = self.master()?.owner_key(record.number, new)?;
        let public = new_key.public();
        let new_authority = Authority {
            key: new_key,
            card_id: record.account.card_id(),
        };
        record.owner_keys = OwnerKeys {
            least: old,
            most: new,
        };
        self.store.save(record)?;
        let mut card = session.as_owner(&authority);
        card.change_owner_key(&public, &new_authority)
            .map_err(OwnerError::OwnerKeyUncertain)?;
        record.owner_keys = OwnerKeys::after(new);
        self.store.save(record)?;
        Ok(card.leave())
    }
}
