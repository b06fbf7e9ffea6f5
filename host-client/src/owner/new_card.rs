//! Taking up a card: written down before it is issued, so that nothing is lost when its answer is.

use super::{CardRecord, Limits, Owner, OwnerError};
use crate::chain::Chain;
use tillcard_client::Untrusted;
use tillcard_client::account::{IssuedCard, Provenance};
use tillcard_client::card::CardKeys;

/// A card that was just issued, or will be in a moment.
pub struct NewCard {
    /// Its number, as [`Owner::next_card_number`] gave it for its keys.
    pub number: u32,
    /// What the owner calls it.
    pub label: Untrusted,
    /// Its account, its key and where they come from.
    pub issued: IssuedCard,
    /// Its limits.
    pub limits: Limits,
    /// Whether its account key goes, encrypted, into the first top-up's transaction (92 vbytes
    /// more). Without it, words and chain alone don't find the card's coins, unless the key is
    /// imported and the leaf has no delay.
    pub backup_on_chain: bool,
}

impl Owner {
    /// Takes up a card that was just issued.
    ///
    /// # Errors
    /// As [`Self::expect_card`].
    pub fn add_card(&mut self, card: NewCard, chain: &dyn Chain) -> Result<CardRecord, OwnerError> {
        let card_keys = card.issued.card_keys;
        let record = self.expect_card(card, chain)?;
        self.confirm_card(record, card_keys)
    }

    /// Writes down a card that will be issued in a moment. It is none of the owner's cards until
    /// [`Self::confirm_card`] or [`Self::adopt`] makes it one.
    ///
    /// # Errors
    /// [`OwnerError::CardExists`], and [`AccountError::Key`](tillcard_client::account::AccountError::Key) when its leaf key isn't the one of its
    /// number, or there is neither a leaf nor a key from the words: its coins could never be
    /// swept.
    pub fn expect_card(
        &mut self,
        card: NewCard,
        chain: &dyn Chain,
    ) -> Result<CardRecord, OwnerError> {
        self.expect_vetted(card, false, chain)
    }

    /// The same of a card that has shown certificates, or hasn't.
    pub(super) fn expect_vetted(
        &mut self,
        card: NewCard,
        certified: bool,
        chain: &dyn Chain,
    ) -> Result<CardRecord, OwnerError> {
        let expected = self.store.expected()?;
        if self.store.numbers()?.contains(&card.number)
            || expected.iter().any(|record| record.number == card.number)
        {
            return Err(OwnerError::CardExists(card.number));
        }
        let account = &card.issued.account;
        if !self.is_own(card.number, &card.issued)? || account.network() != self.network {
            return Err(OwnerError::key(
                "the card was issued with another key than the words give it, or for another \
                 network",
            ));
        }
        let birthday = chain.tip()?.height;
        let mut record = CardRecord::new(card.number, card.label, card.issued, birthday);
        record.limits = Some(card.limits);
        record.backup_on_chain = card.backup_on_chain;
        record.certified = certified;
        self.store.save_expected(&record)?;
        Ok(record)
    }

    /// Makes a card the owner's that was expected and is issued.
    ///
    /// # Errors
    /// Those of the card's file.
    pub fn confirm_card(
        &mut self,
        mut record: CardRecord,
        card_keys: Option<CardKeys>,
    ) -> Result<CardRecord, OwnerError> {
        if let Some(card_keys) = card_keys {
            record.note_card_keys(card_keys);
        }
        self.store.save(&record)?;
        self.store.remove_expected(record.number)?;
        Ok(record)
    }

    /// Whether the owner can take the card's coins without it, and nobody else can: its leaf is the
    /// one that the words give, and so is its key if it was imported.
    pub(super) fn is_own(&self, number: u32, issued: &IssuedCard) -> Result<bool, OwnerError> {
        let (account, provenance) = (&issued.account, issued.provenance);
        let has_own_leaf = match account.leaf().key() {
            Some(key) => key == self.leaf_key(number)?,
            None => provenance == Provenance::Imported,
        };
        Ok(match provenance {
            Provenance::Made => has_own_leaf,
            Provenance::Imported => {
                let key = self.imported_key(number)?;
                has_own_leaf && key.account(self.network, account.leaf()) == *account
            }
        })
    }
}
