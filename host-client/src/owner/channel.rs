//! The owner's channels: to a card whose agreement key the folder knows, and to one of which it has
//! still to be learned.
//!
//! A folder knows the key from the issue record. After a restore, and from a folder of version 0.2
//! or before, it doesn't. Then the key that the card's certificate names opens the channel,
//! unchecked, and READ ACCOUNT goes through it: the owner's signature is good in that channel alone,
//! so that whoever sits in the middle can't pass it on, and only the owner's card knows its account.
//! A card without certificates is asked in a plain session, once: the key that it then names is
//! believed if the identity key that the folder knows has signed it, or if the folder knows none.

use super::owner_keys::NOT_AUTHORISED;
use super::{CardRecord, IssuedCard, Owner, OwnerError, OwnerKey, OwnerKeys};
use crate::card::{AgreementKey, CardError, CardKey, Issued, Session, UNKNOWN_CARD};
use crate::genuine::claimed_key;
use crate::transport::Transport;

/// A session, and whether the card in it is the one that is meant.
type Met<T> = (bool, Session<T, Issued>);

impl Owner {
    /// Opens a channel to the card in the reader if it may be this one.
    pub(super) fn secure<T: Transport>(
        &mut self,
        record: &mut CardRecord,
        mut session: Session<T, Issued>,
    ) -> Result<Met<T>, OwnerError> {
        let Some(key) = record.agreement_key else {
            return self.learn_keys(record, session);
        };
        match session.open_channel(&key) {
            Ok(()) => Ok((true, session)),
            Err(CardError::NotThisCard) => Ok((false, session)),
            Err(error) => Err(error.into()),
        }
    }

    /// Has the card tell its own keys, if it is this one, and opens a channel.
    fn learn_keys<T: Transport>(
        &mut self,
        record: &mut CardRecord,
        mut session: Session<T, Issued>,
    ) -> Result<Met<T>, OwnerError> {
        open_claimed(&mut session)?;
        let master = self.master()?;
        for changes in record.owner_keys.changes() {
            let key = master.owner_key(record.number, changes)?;
            let read;
            (read, session) = self.ask_account(key, session)?;
            if let Some(issued) = read {
                record.expect(&issued)?;
                if let Some(keys) = issued.own_keys {
                    settle_channel(&mut session, &keys.agreement)?;
                    record.note_own_keys(keys);
                }
                record.owner_keys = OwnerKeys::after(changes);
                self.store.save(record)?;
                return Ok((true, session));
            }
        }
        Ok((false, session))
    }

    /// What the card signs of itself, if it obeys this key.
    pub(super) fn ask_account<T: Transport>(
        &self,
        key: OwnerKey,
        session: Session<T, Issued>,
    ) -> Result<(Option<IssuedCard>, Session<T, Issued>), OwnerError> {
        let owner_key = key.public();
        let authority = (key, UNKNOWN_CARD);
        let mut card = session.as_owner(&authority);
        let read = card.read_account(self.network, &owner_key);
        let session = card.leave();
        match read {
            Ok(issued) => Ok((Some(issued), session)),
            Err(error) if error.status() == Some(NOT_AUTHORISED) => Ok((None, session)),
            Err(error) => Err(error.into()),
        }
    }
}

impl CardRecord {
    /// Makes sure that a card which the owner's key opens is the one that was issued.
    ///
    /// # Errors
    /// [`CardError::IssueRecord`].
    pub(super) fn expect(&self, issued: &IssuedCard) -> Result<(), CardError> {
        let same_account = self.account == issued.account && self.provenance == issued.provenance;
        let identity = issued.own_keys.map(|keys| keys.identity);
        if same_account && (self.identity_key.is_none() || self.identity_key == identity) {
            Ok(())
        } else {
            Err(CardError::IssueRecord(
                "it isn't what the card was told when it was issued",
            ))
        }
    }
}

/// Opens a channel with the key that the card's certificate names, whoever vouches for it; without
/// one, and without such a key, the session stays plain.
pub(super) fn open_claimed<T: Transport>(
    session: &mut Session<T, Issued>,
) -> Result<(), CardError> {
    let certificates = session.certificates(CardKey::Agreement)?;
    let key = certificates.and_then(|certificates| claimed_key(&certificates).ok());
    match key {
        Some(key) => session.open_channel(&AgreementKey(key)),
        None => Ok(()),
    }
}

/// Makes sure that the channel is one with this key, or opens one.
pub(super) fn settle_channel<T: Transport>(
    session: &mut Session<T, Issued>,
    key: &AgreementKey,
) -> Result<(), CardError> {
    match session.channel_key() {
        None => session.open_channel(key),
        Some(open) if open == key => Ok(()),
        Some(_) => Err(CardError::IssueRecord(
            "the channel's key is another than the one that it names",
        )),
    }
}
