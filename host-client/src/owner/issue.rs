//! Issuing a card: made the owner's, and written down first, so that nothing is lost with an answer.

use tillcard_client::account::Leaf;
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
    pub label: String,
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
    /// Issues the card in the session, which was vetted with this result. The session goes on.
    ///
    /// # Errors
    /// [`OwnerError::Card`] when the card refuses or lies: it isn't one of the owner's cards then.
    /// [`OwnerError::IssueUncertain`] when it isn't known whether it is issued, and
    /// [`OwnerError::IssuedUnnoted`] when it is, and the folder couldn't be written:
    /// [`Self::adopt`] takes it up.
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
            issued: session.expected(),
            limits: terms.limits,
            backup_on_chain: terms.backup_on_chain,
        };
        // Written down first: whatever becomes of its answer, its coins are found.
        let record = self.expect_card(new_card, chain)?;
        let (issued, session) = match session.issue() {
            Ok(issued) => issued,
            Err(failed) => return Err(self.not_issued(number, failed.error)),
        };
        if let Err(error) = trust.expect(&issued) {
            return Err(self.not_issued(number, error));
        }
        let record = self
            .confirm_card(record, issued.card_keys)
            .map_err(|error| OwnerError::IssuedUnnoted(Box::new(error)))?;
        tracing::info!(card = number, "issued");
        Ok((record, session))
    }

    /// Why a card isn't issued, as far as that is known.
    fn not_issued(&mut self, number: u32, error: CardError) -> OwnerError {
        match error {
            CardError::Refused { .. } | CardError::DishonestKey | CardError::IssueRecord(_) => {
                match self.forget_expected(number) {
                    Ok(()) => error.into(),
                    Err(error) => error,
                }
            }
            error => OwnerError::IssueUncertain(error),
        }
    }
}
