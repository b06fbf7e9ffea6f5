//! Issuing a card: made the owner's, and written down first, so that nothing is lost with an answer.

use tillcard_client::Untrusted;
use tillcard_client::account::{IssuedCard, Leaf};
use tillcard_client::card::{
    self, CardError, Factory, IssueOrder, Issued, PinBlock, Policy, Session,
};
use tillcard_client::transport::Transport;
use tillcard_client::vetting::Trust;

use super::{CardRecord, Limits, NewCard, Owner, OwnerError};
use crate::chain::Chain;

/// What the owner decides when a card is issued.
pub struct IssueTerms<'a> {
    /// What the owner calls the card.
    pub label: Untrusted,
    /// Whether the card's key comes from the words, in place of one that it makes.
    pub import: bool,
    /// The owner's way to the coins without the card.
    pub leaf: LeafTerms,
    /// Whether the card's account key goes, encrypted, onto the chain with its first top-up.
    pub backup_on_chain: bool,
    /// What shops may take.
    pub limits: Limits,
    /// What is allowed in plain sessions, and whether the card gives statements.
    pub policy: Policy,
    /// The holder's PIN.
    pub pin: &'a PinBlock,
}

/// The owner's way to the coins without the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeafTerms {
    /// None; for imported keys only.
    None,
    /// The owner's own key, once a coin is so many blocks deep; 0 for at any time.
    CardKey {
        /// Blocks.
        delay: u16,
    },
}

impl Owner {
    /// Issues the card in the session, which was vetted with this result. What it then says that its
    /// limits and its policy are is compared with what it was told; so is the PIN of a card without
    /// certificates, which it was told in a plain session. The session goes on in a secure channel.
    ///
    /// Once ISSUE is sent, the card's number and its key are never another card's: what was written
    /// down stays, whatever the answer is.
    ///
    /// # Errors
    /// [`OwnerError::Card`] when the card lies, or refuses before it is told to be the owner's.
    /// [`OwnerError::IssueUncertain`] when it isn't known whether it is issued, and
    /// [`OwnerError::IssuedUnnoted`] when it is, and what it says of itself couldn't be read back or
    /// written down: [`Self::adopt`] takes it up. [`OwnerError::IssuedOtherwise`] when it was issued
    /// with something else than it was told.
    pub fn issue<T: Transport>(
        &mut self,
        session: Session<T, Factory>,
        trust: &Trust,
        terms: IssueTerms<'_>,
        chain: &dyn Chain,
    ) -> Result<(CardRecord, Session<T, Issued>), OwnerError> {
        let number = self.next_card_number()?;
        let imported = match terms.import {
            true => Some(self.imported_key(number)?.account_key()),
            false => None,
        };
        let order = IssueOrder {
            network: self.network,
            owner_key: self.owner_key(number)?.public(),
            leaf: match terms.leaf {
                LeafTerms::None => Leaf::None,
                LeafTerms::CardKey { delay } => Leaf::with_delay(self.leaf_key(number)?, delay),
            },
            import: imported.as_ref(),
            pin: terms.pin,
            limits: card::Limits::from(&terms.limits),
            policy: terms.policy,
        };
        let session = session.prepare(&order).map_err(|failed| failed.error)?;
        let new_card = NewCard {
            number,
            label: terms.label,
            issued: IssuedCard {
                card_keys: trust.keys(),
                ..session.expected()
            },
            limits: terms.limits,
            backup_on_chain: terms.backup_on_chain,
        };
        // Written down first: whatever becomes of its answer, its coins are found.
        let record = self.expect_vetted(new_card, trust.keys().is_some(), chain)?;
        let (issued, session) = session.issue().map_err(|failed| not_issued(failed.error))?;
        trust.expect(&issued)?;
        let session = self.read_back(&record, session, &order, &issued, trust)?;
        let record = self
            .confirm_card(record, issued.card_keys)
            .map_err(|error| OwnerError::IssuedUnnoted(Box::new(error)))?;
        tracing::info!(card = number, "issued");
        Ok((record, session))
    }

    /// Asks the card, in its channel, what it was issued with. A card without certificates answers
    /// in a channel to the key that it named: that shows what was changed on the way to it, not
    /// that nobody has put a card of his own in its place.
    fn read_back<T: Transport>(
        &self,
        record: &CardRecord,
        mut session: Session<T, Issued>,
        order: &IssueOrder<'_>,
        issued: &IssuedCard,
        trust: &Trust,
    ) -> Result<Session<T, Issued>, OwnerError> {
        let unread = |error: CardError| OwnerError::IssuedUnnoted(Box::new(error.into()));
        if let (None, Some(keys)) = (trust.keys(), issued.card_keys) {
            session.open_channel(&keys.agreement).map_err(unread)?;
            session = match session.expect_pin(order.pin, &keys.agreement) {
                Err(CardError::WrongPin { .. }) => return Err(OwnerError::IssuedOtherwise("PIN")),
                session => session.map_err(unread)?,
            };
        }
        let mut card = session.as_owner(self.authority(record)?);
        let (limits, policy) = card.read_limits().map_err(unread)?;
        if limits != order.limits {
            return Err(OwnerError::IssuedOtherwise("limits"));
        }
        if policy != order.policy {
            return Err(OwnerError::IssuedOtherwise("policy"));
        }
        Ok(card.leave())
    }
}

/// Why a card isn't issued, as far as that is known.
fn not_issued(error: CardError) -> OwnerError {
    match error {
        CardError::DishonestKey | CardError::IssueRecord(_) => error.into(),
        error => OwnerError::IssueUncertain(error),
    }
}
