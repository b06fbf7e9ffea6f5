//! Taking up a card: written down before it is issued, so that nothing is lost when its answer is.

use super::channel::{open_claimed, settle_channel};
use super::{
    CardRecord, CardView, IssuedCard, Limits, MAX_CARDS, OWNER_KEYS, Owner, OwnerError, OwnerKeys,
    Progress, Provenance,
};
use crate::card::{CardError, CardKeys, Issued, Session};
use crate::chain::Chain;
use crate::transport::Transport;

/// A card that was just issued, or will be in a moment.
pub struct NewCard {
    /// Its number, as [`Owner::next_card_number`] gave it for its keys.
    pub number: u32,
    /// What the owner calls it.
    pub label: String,
    /// Its account, its key and where they come from.
    pub issued: IssuedCard,
    /// Its limits.
    pub limits: Limits,
    /// Whether its account key goes, encrypted, into the first top-up's transaction (92 vbytes
    /// more). Without it, words and chain alone don't find the card's coins, unless the key is
    /// imported and the leaf has no delay.
    pub backup_on_chain: bool,
}

/// A card that the one in the reader may be.
struct Claim {
    number: u32,
    /// How often its owner key may have been changed.
    changes: u32,
    /// What the folder knows of it.
    record: Option<CardRecord>,
}

impl Owner {
    /// Takes up a card that was just issued.
    ///
    /// # Errors
    /// As [`Self::expect_card`].
    pub fn add_card(&mut self, card: NewCard, chain: &dyn Chain) -> Result<CardRecord, OwnerError> {
        let own_keys = card.issued.own_keys;
        let record = self.expect_card(card, chain)?;
        self.confirm_card(record, own_keys)
    }

    /// Writes down a card that will be issued in a moment. It is none of the owner's cards until
    /// [`Self::confirm_card`] or [`Self::adopt`] makes it one.
    ///
    /// # Errors
    /// [`OwnerError::CardExists`], and [`OwnerError::Key`] when its leaf key isn't the one of its
    /// number, or there is neither a leaf nor a key from the words: its coins could never be
    /// swept.
    pub fn expect_card(
        &mut self,
        card: NewCard,
        chain: &dyn Chain,
    ) -> Result<CardRecord, OwnerError> {
        let expected = self.store.expected()?;
        if self.store.numbers()?.contains(&card.number)
            || expected.iter().any(|record| record.number == card.number)
        {
            return Err(OwnerError::CardExists(card.number));
        }
        let account = &card.issued.account;
        if !self.is_reachable(card.number, &card.issued)? || account.network() != self.network {
            return Err(OwnerError::Key(
                "the card was issued with another leaf key or for another network".into(),
            ));
        }
        let birthday = chain.tip()?.height;
        let mut record = CardRecord::new(card.number, card.label, card.issued, birthday);
        record.limits = Some(card.limits);
        record.backup_on_chain = card.backup_on_chain;
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
        own_keys: Option<CardKeys>,
    ) -> Result<CardRecord, OwnerError> {
        if let Some(own_keys) = own_keys {
            record.note_own_keys(own_keys);
        }
        self.store.save(&record)?;
        self.store.remove_expected(record.number)?;
        Ok(record)
    }

    /// Forgets a card that was expected and isn't issued, or isn't to be used.
    ///
    /// # Errors
    /// Those of the cards' folder.
    pub fn forget_expected(&mut self, number: u32) -> Result<(), OwnerError> {
        self.store.remove_expected(number)
    }

    /// Takes up the card in the reader if its owner is this one: it obeys one of the owner keys that
    /// the words give. What it signs of itself is checked as when it is issued. The session goes on
    /// in a secure channel. Coins of a card that the folder knew nothing of are looked for from the
    /// block at height `since` on.
    ///
    /// # Errors
    /// [`OwnerError::NotOurs`], [`OwnerError::Card`] when a check fails, and those of chain and
    /// files.
    pub fn adopt<T: Transport>(
        &mut self,
        mut session: Session<T, Issued>,
        since: u32,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<(CardRecord, Session<T, Issued>), OwnerError> {
        session.expect_network(self.network)?;
        open_claimed(&mut session)?;
        let master = self.master()?;
        for claim in self.claims()? {
            let key = master.owner_key(claim.number, claim.changes)?;
            let read;
            (read, session) = self.ask_account(key, session)?;
            let Some(issued) = read else {
                continue;
            };
            let mut record = match claim.record {
                Some(record) => {
                    record.expect(&issued)?;
                    record
                }
                None => self.record_of(claim.number, &issued, since, chain, progress)?,
            };
            if let Some(keys) = issued.own_keys {
                settle_channel(&mut session, &keys.agreement)?;
            }
            let authority = (
                master.owner_key(claim.number, claim.changes)?,
                issued.account.card_id(),
            );
            let mut card = session.as_owner(&authority);
            let (limits, _) = card.read_limits()?;
            record.owner_keys = OwnerKeys::after(claim.changes);
            record.limits = Some(Limits::from(&limits));
            let record = self.confirm_card(record, issued.own_keys)?;
            return Ok((record, card.leave()));
        }
        Err(OwnerError::NotOurs)
    }

    /// The cards that one in the reader may be: those that the folder knows, then all others to
    /// which the words give a key.
    fn claims(&self) -> Result<Vec<Claim>, OwnerError> {
        let mut claims = Vec::new();
        let known = [self.store.expected()?, self.cards()?].concat();
        let numbers: Vec<u32> = known.iter().map(|record| record.number).collect();
        for record in known {
            claims.extend(record.owner_keys.changes().map(|changes| Claim {
                number: record.number,
                changes,
                record: Some(record.clone()),
            }));
        }
        // Few cards have had their key changed: those that haven't come first.
        for changes in 0..OWNER_KEYS {
            let others = (0..MAX_CARDS).filter(|number| !numbers.contains(number));
            claims.extend(others.map(|number| Claim {
                number,
                changes,
                record: None,
            }));
        }
        Ok(claims)
    }

    /// What there is to know of a card that only the words know.
    fn record_of(
        &self,
        number: u32,
        issued: &IssuedCard,
        since: u32,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<CardRecord, OwnerError> {
        if !self.is_reachable(number, issued)? {
            return Err(CardError::IssueRecord("its leaf isn't this owner's").into());
        }
        let view = CardView::scan(&issued.account, chain, since, progress)?;
        let label = format!("card {number} (adopted)");
        let mut record = CardRecord::new(number, label, issued.clone(), since);
        record.next_receive_index = view.next_receive_index;
        Ok(record)
    }

    /// Whether the owner can take the card's coins without it.
    fn is_reachable(&self, number: u32, issued: &IssuedCard) -> Result<bool, OwnerError> {
        Ok(match (issued.account.leaf().key(), issued.provenance) {
            (Some(key), _) => key == self.leaf_key(number)?,
            (None, provenance) => provenance == Provenance::Imported,
        })
    }
}
