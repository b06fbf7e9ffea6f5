//! Behind the till: what happens to a payment after the card has signed it, and after a till that
//! lost power in the middle of it is back.

use std::time::{Duration, Instant};

use bitcoin::Transaction;

use super::{Decline, Event, Outcome, PaymentRecord, PaymentState, PaymentStore, TillError};
use crate::chain::{Chain, ChainError, TransactionStatus};

/// Sends payments, waits for them, writes down how far they came.
pub struct Settlement<'a> {
    /// The chain.
    pub chain: &'a dyn Chain,
    /// Where payments are written down.
    pub store: PaymentStore,
    /// How often the chain is asked whether the payment is confirmed.
    pub poll_interval: Duration,
    /// Is told each step.
    pub on_event: Box<dyn FnMut(&Event) + 'a>,
}

impl Settlement<'_> {
    /// Goes on with the payments that the card had signed when the till stopped, oldest first.
    /// One that the network has already is sent again in vain; nobody is charged twice, since it is
    /// the same transaction.
    ///
    /// # Errors
    /// [`TillError`] when chain or disk fail; the payments not settled by then can be resumed again.
    pub fn resume(&mut self) -> Result<Vec<Outcome>, TillError> {
        let mut outcomes = Vec::new();
        for mut record in self.open_records()? {
            if let Some(transaction) = record.transaction.clone() {
                outcomes.push(self.settle(&mut record, transaction)?);
            }
        }
        Ok(outcomes)
    }

    /// Payments that a card was asked to sign, and that it may have signed without the till's
    /// having heard of it, oldest first.
    ///
    /// # Errors
    /// [`TillError::Store`].
    pub fn asked(&self) -> Result<Vec<PaymentRecord>, TillError> {
        let mut asked = self.open_records()?;
        asked.retain(|record| record.state == PaymentState::Asked);
        Ok(asked)
    }

    fn open_records(&self) -> Result<Vec<PaymentRecord>, TillError> {
        let mut open = self.store.read()?;
        open.retain(|record| !record.state.is_final());
        open.sort_by_key(|record| record.since_height);
        Ok(open)
    }

    pub(super) fn tell(&mut self, event: Event) {
        if tracing::enabled!(tracing::Level::INFO)
            && let Ok(event) = serde_json::to_string(&event)
        {
            tracing::info!(%event, "payment");
        }
        (self.on_event)(&event);
    }

    /// Writes down, sends, waits, writes down what came of it.
    pub(super) fn settle(
        &mut self,
        record: &mut PaymentRecord,
        transaction: Transaction,
    ) -> Result<Outcome, TillError> {
        self.store.write(record)?;
        let decline = self.send_and_wait(record, &transaction)?;
        record.state = match decline {
            None => PaymentState::Settled,
            Some(_) => PaymentState::Declined,
        };
        self.store.write(record)?;
        Ok(match decline {
            None => Outcome::Settled(transaction),
            Some(decline) => {
                self.tell(decline.event());
                Outcome::Declined(decline)
            }
        })
    }

    /// Sends the payment, again if the network forgot it, until it is confirmed as often as
    /// wanted. Returns why it never will be, if so.
    fn send_and_wait(
        &mut self,
        record: &mut PaymentRecord,
        transaction: &Transaction,
    ) -> Result<Option<Decline>, TillError> {
        let txid = transaction.compute_txid();
        let mut shown = 0;
        let mut chain_was_there = true;
        let mut sent = false;
        loop {
            let asked = Instant::now();
            match self.step(record, transaction, &mut sent) {
                Ok(Some(confirmations)) => {
                    chain_was_there = true;
                    if confirmations != shown {
                        shown = confirmations;
                        self.tell(Event::Confirmed { confirmations });
                    }
                    if confirmations >= record.confirmations {
                        self.tell(Event::Settled {
                            txid,
                            confirmations,
                        });
                        return Ok(None);
                    }
                }
                Ok(None) => sent = false,
                Err(TillError::Chain(ChainError::Rejected { reason })) => {
                    return Ok(Some(Decline::Rejected { reason }));
                }
                Err(TillError::Chain(
                    error @ (ChainError::Unavailable { .. } | ChainError::WarmingUp { .. }),
                )) => {
                    if std::mem::take(&mut chain_was_there) {
                        self.tell(Event::ChainUnavailable {
                            reason: error.to_string(),
                        });
                    }
                }
                Err(error) => return Err(error),
            }
            std::thread::sleep(self.poll_interval.saturating_sub(asked.elapsed()));
        }
    }

    /// Sends the payment if it isn't, and asks where it stands: the number of its confirmations, or
    /// nothing when the network doesn't know it.
    fn step(
        &mut self,
        record: &mut PaymentRecord,
        transaction: &Transaction,
        sent: &mut bool,
    ) -> Result<Option<u32>, TillError> {
        let txid = transaction.compute_txid();
        let mut status = self.chain.transaction_status(&txid, record.since_height)?;
        if status == TransactionStatus::Unknown && !*sent {
            self.chain.broadcast(transaction)?;
            *sent = true;
            status = TransactionStatus::InMempool;
        }
        if record.state == PaymentState::Signed {
            self.tell(Event::Broadcast { txid });
            record.state = PaymentState::Broadcast;
            self.store.write(record)?;
        }
        Ok(match status {
            TransactionStatus::Unknown => None,
            TransactionStatus::InMempool => Some(0),
            TransactionStatus::Confirmed { confirmations, .. } => Some(confirmations),
        })
    }
}
