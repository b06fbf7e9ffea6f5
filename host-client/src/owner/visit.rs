//! A card at its owner's: which one it is, and what may be asked of it.

use bitcoin::{ScriptBuf, Transaction};
use tillcard_client::card::{self, CardContents, PinBlock, Policy, Session};
use tillcard_client::transport::Transport;

use super::sending::{broadcast, unnoted};
use super::{Authority, CardRecord, Limits, Owner, OwnerError, TopUp};
use crate::chain::{Chain, ChainError};

/// A card at its owner's, in a secure channel: the owner signs its commands.
pub struct Visit<T> {
    /// What the owner's folder knows of the card.
    pub record: CardRecord,
    /// The session.
    pub card: Session<T, card::Owner<Authority>>,
}

/// What is used of a card's limits since they were set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Amounts and fees paid.
    pub debited: bitcoin::Amount,
    /// Payments.
    pub payments: u16,
    /// Those of them without PIN.
    pub payments_without_pin: u16,
}

impl Owner {
    /// The card of this number; without a number, the only one.
    ///
    /// # Errors
    /// [`OwnerError::UnknownCard`], [`OwnerError::SeveralCards`], [`OwnerError::NoCards`].
    pub fn choose_card(&self, number: Option<u32>) -> Result<CardRecord, OwnerError> {
        if let Some(number) = number {
            return self.card(number);
        }
        let mut cards = self.cards()?;
        match (cards.pop(), cards.is_empty()) {
            (Some(only), true) => Ok(only),
            (Some(_), false) => Err(OwnerError::SeveralCards),
            (None, _) => Err(OwnerError::NoCards),
        }
    }

    /// Meets card `number`, or the only one, behind `transport`. Its limits are known afterwards.
    ///
    /// # Errors
    /// As [`Self::choose_card`] and [`Self::meet`];
    /// [`CardError::WrongNetwork`](tillcard_client::card::CardError::WrongNetwork).
    pub fn visit<T: Transport>(
        &mut self,
        number: Option<u32>,
        transport: T,
    ) -> Result<Visit<T>, OwnerError> {
        let mut record = self.choose_card(number)?;
        let session = card::open(transport)?.issued()?;
        session.expect_network(self.network)?;
        let session = self.meet(&mut record, session)?;
        let authority = self.authority(&record)?;
        Ok(Visit {
            record,
            card: session.as_owner(authority),
        })
    }

    /// What authorises owner commands to a card; after a restore, or a change of its key that was
    /// torn, [`Self::meet`] has to find out first which key does.
    ///
    /// # Errors
    /// When the words' file can't be read.
    pub fn authority(&self, card: &CardRecord) -> Result<Authority, OwnerError> {
        let changes = card.owner_keys.least();
        let key = self.master()?.owner_key(card.number, changes)?;
        Ok(Authority {
            key,
            card_id: card.account.card_id(),
        })
    }

    /// A script of the primary wallet that was never paid.
    ///
    /// # Errors
    /// As [`Self::next_address`].
    pub fn next_script(&mut self) -> Result<ScriptBuf, OwnerError> {
        Ok(self.next_address()?.script_pubkey())
    }

    /// Sends a transaction that a card signed, and takes note of it.
    ///
    /// # Errors
    /// [`Rejected`](ChainError::Rejected) when the chain refuses it; [`OwnerError::Unsent`] when it
    /// isn't known whether it was sent; [`OwnerError::SentUnnoted`].
    pub fn send_signed(
        &mut self,
        chain: &dyn Chain,
        transaction: &Transaction,
    ) -> Result<(), OwnerError> {
        let txid = transaction.compute_txid();
        broadcast(chain, transaction).map_err(|error| match error {
            ChainError::Rejected { .. } => error.into(),
            error => OwnerError::Unsent { txid, error },
        })?;
        tracing::info!(%txid, "sent");
        self.note_sent(transaction)
    }

    /// Takes note of a transaction that was sent.
    pub(super) fn note_sent(&mut self, transaction: &Transaction) -> Result<(), OwnerError> {
        let noted = self.wallet.note_sent(transaction.clone());
        noted.map_err(unnoted(transaction.compute_txid()))
    }

    /// Has the card obey the next owner key, and no other, and lets it go. Returns its number.
    ///
    /// # Errors
    /// As [`Self::rotate_key`].
    pub fn change_owner_key<T: Transport>(&mut self, visit: Visit<T>) -> Result<u32, OwnerError> {
        let Visit { mut record, card } = visit;
        let session = self.rotate_key(&mut record, card.leave())?;
        session.close()?;
        Ok(record.number)
    }

    /// Sets the card's limits anew; it counts from zero.
    ///
    /// # Errors
    /// [`OwnerError::UnreadPayments`] while the owner hasn't acknowledged all payments;
    /// [`OwnerError::ChangeUncertain`].
    pub fn set_limits<T: Transport>(
        &mut self,
        visit: &mut Visit<T>,
        limits: Limits,
    ) -> Result<(), OwnerError> {
        let unread = visit.contents()?.unread();
        if unread > 0 {
            return Err(OwnerError::UnreadPayments(unread));
        }
        let set = visit.card.set_limits(card::Limits::from(&limits));
        set.map_err(OwnerError::ChangeUncertain)?;
        self.note_limits(visit.record.number, limits)
    }

    /// Takes note of the limits that a card has now.
    fn note_limits(&mut self, number: u32, limits: Limits) -> Result<(), OwnerError> {
        let mut record = self.store.load(number)?;
        record.limits = Some(limits);
        self.store.save(&record)
    }

    /// Takes note of a transaction that pays the card at receive index `index` with its first
    /// output, before it is sent: it is then entered as top-ups are.
    ///
    /// # Errors
    /// [`OwnerError::UnknownCard`], and those of the card's file.
    pub fn note_own_payment(
        &mut self,
        number: u32,
        transaction: Transaction,
        index: u32,
    ) -> Result<(), OwnerError> {
        let mut record = self.store.load(number)?;
        record.next_receive_index = record.next_receive_index.max(index + 1);
        record.top_ups.push(TopUp {
            transaction,
            vout: 0,
            index,
            entered: false,
        });
        self.store.save(&record)
    }
}

impl<T: Transport> Visit<T> {
    /// Ends the visit: resets the card and lets it go.
    ///
    /// # Errors
    /// As [`Session::close`].
    pub fn close(self) -> Result<(), OwnerError> {
        self.card.close()?;
        Ok(())
    }

    /// What the card knows of its coins, and its counters.
    ///
    /// # Errors
    /// Those of the card.
    pub fn contents(&mut self) -> Result<CardContents, OwnerError> {
        Ok(self.card.read_coins()?)
    }

    /// What is used of the card's limits.
    ///
    /// # Errors
    /// As [`Self::contents`].
    pub fn usage(&mut self) -> Result<Usage, OwnerError> {
        let header = self.contents()?.header;
        Ok(Usage {
            debited: bitcoin::Amount::from_sat(header.debited),
            payments: header.payments,
            payments_without_pin: header.payments_without_pin,
        })
    }

    /// PIN entries left; 0 means that the PIN is blocked.
    pub fn tries_left(&self) -> u8 {
        self.card.tries_left()
    }

    /// Gives the card a new PIN, and all its tries.
    ///
    /// # Errors
    /// [`OwnerError::PinUncertain`] when it isn't known which PIN the card has now.
    pub fn set_pin(&mut self, pin: &PinBlock) -> Result<(), OwnerError> {
        // A refusal too comes without proof.
        self.card.set_pin(pin).map_err(OwnerError::PinUncertain)
    }

    /// Gives the PIN that the card has all its tries back.
    ///
    /// # Errors
    /// [`OwnerError::ChangeUncertain`].
    pub fn unblock_pin(&mut self) -> Result<(), OwnerError> {
        let unblocked = self.card.unblock_pin();
        unblocked.map_err(OwnerError::ChangeUncertain)
    }

    /// The card's policy.
    ///
    /// # Errors
    /// As [`Self::contents`].
    pub fn policy(&mut self) -> Result<Policy, OwnerError> {
        let (_, policy) = self.card.read_limits()?;
        Ok(policy)
    }

    /// Sets the card's policy.
    ///
    /// # Errors
    /// [`OwnerError::ChangeUncertain`].
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), OwnerError> {
        let set = self.card.set_policy(policy);
        set.map_err(OwnerError::ChangeUncertain)
    }

    /// Has the card forget its owner, so that anybody can issue it.
    ///
    /// # Errors
    /// [`OwnerError::EndUncertain`] when it isn't known whether it has.
    pub fn factory_reset(self) -> Result<(), OwnerError> {
        match self.card.factory_reset() {
            Ok(session) => closed(session),
            Err(failed) => Err(OwnerError::EndUncertain(failed.error)),
        }
    }

    /// Ends the card's life, for good.
    ///
    /// # Errors
    /// As [`Self::factory_reset`].
    pub fn terminate(self) -> Result<(), OwnerError> {
        match self.card.terminate() {
            Ok(session) => closed(session),
            Err(failed) => Err(OwnerError::EndUncertain(failed.error)),
        }
    }
}

fn closed<T: Transport, S>(session: Session<T, S>) -> Result<(), OwnerError> {
    session.close()?;
    Ok(())
}
