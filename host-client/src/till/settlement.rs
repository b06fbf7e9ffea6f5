//! Behind the counter: the chain, the stored payments, and somebody to tell.

use std::time::Duration;

use bitcoin::{Transaction, TxOut};

use super::blocks;
use super::driver::{self, NoReader};
use super::machine::{ChainSaid, ChainTask, ClerkSaid, Conflict, Input, Machine, Outcome, Wishes};
use super::{Event, PaymentRecord, PaymentState, PaymentStore, TillError};
use crate::chain::{Chain, ChainError, Reach, TransactionStatus};

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
    /// Goes on with the payments for which no card is needed, oldest first: those that a card had
    /// signed when the till stopped are sent again and waited for, and those for which no card was
    /// asked to pay are cancelled. Nobody is charged twice, since it is the same transaction. Those that
    /// had ended are looked at again, and told only if the chain has changed that.
    ///
    /// # Errors
    /// [`TillError`] when chain or disk fail; the payments not settled by then can be resumed again.
    pub fn resume(&mut self) -> Result<Vec<Outcome>, TillError> {
        let mut outcomes = Vec::new();
        for record in self.open_records()? {
            if record.state == PaymentState::Asked {
                continue;
            }
            match self.resume_one(&record.id, &mut NoReader)? {
                None | Some(Outcome::AsBefore { .. }) => {}
                Some(outcome) => outcomes.push(outcome),
            }
        }
        Ok(outcomes)
    }

    /// Closes a payment whose outcome is open, at the shop's own risk: the till asks for it no more.
    /// Nothing when it isn't one that may be closed, or another till is at it.
    ///
    /// # Errors
    /// [`TillError::Store`].
    pub fn close(&mut self, id: &str) -> Result<Option<Outcome>, TillError> {
        let open = self.open_payments()?;
        match open
            .iter()
            .any(|record| record.id == id && record.state.may_be_closed())
        {
            true => self.act(id, ClerkSaid::Close, &mut NoReader),
            false => Ok(None),
        }
    }

    /// Goes on with a stored payment; nothing when another till is at it, or has ended it.
    pub(super) fn resume_one(
        &mut self,
        id: &str,
        hand: &mut dyn driver::Hand,
    ) -> Result<Option<Outcome>, TillError> {
        self.act(id, ClerkSaid::Resume, hand)
    }

    /// Does what the clerk says with a stored payment.
    fn act(
        &mut self,
        id: &str,
        said: ClerkSaid,
        hand: &mut dyn driver::Hand,
    ) -> Result<Option<Outcome>, TillError> {
        let Some(claim) = self.store.claim(id)? else {
            return Ok(None);
        };
        // As it is now that nobody else changes it.
        let record = self.store.read_one(id)?;
        if record.is_over() {
            return Ok(None);
        }
        let mut machine = Machine::default();
        machine.add(record, Wishes::default());
        let outcome = driver::run(&mut machine, id, Input::Clerk(said), hand, self)?;
        claim.end(&outcome);
        Ok(Some(outcome))
    }

    /// Payments that a card was asked to make, and whose outcome is open, oldest first.
    ///
    /// # Errors
    /// [`TillError::Store`].
    pub fn asked(&self) -> Result<Vec<PaymentRecord>, TillError> {
        let mut asked = self.open_records()?;
        asked.retain(|record| record.state == PaymentState::Asked);
        Ok(asked)
    }

    /// Payments that a card was asked to make, or made, and that aren't settled, oldest first.
    ///
    /// # Errors
    /// [`TillError::Store`].
    pub fn open_payments(&self) -> Result<Vec<PaymentRecord>, TillError> {
        let mut open = self.open_records()?;
        open.retain(|record| record.state.is_open());
        Ok(open)
    }

    fn open_records(&self) -> Result<Vec<PaymentRecord>, TillError> {
        let mut open = self.store.read()?;
        open.retain(|record| !record.is_over());
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

    pub(super) fn wait(&self) {
        std::thread::sleep(self.poll_interval);
    }

    /// Asks the chain what the machine wants to know.
    pub(super) fn ask(&self, task: ChainTask) -> Result<Input, TillError> {
        let said = match task {
            ChainTask::Check => self.check().map_err(TillError::from)?,
            // The card has signed: whatever the chain says now, the payment isn't lost.
            ChainTask::Inputs(payment) => ChainSaid::Inputs(self.inputs(&payment).unwrap_or(None)),
            ChainTask::Send(payment) => match self.chain.broadcast(&payment) {
                Err(ChainError::Rejected { reason }) => {
                    let reach = self.chain.reach();
                    or_unavailable(reach.map(|reach| ChainSaid::Refused { reason, reach }))?
                }
                sent => or_unavailable(sent.map(|_| ChainSaid::Sent))?,
            },
            ChainTask::Status { txid, since_height } => {
                let status = self.chain.transaction_status(&txid, since_height);
                or_unavailable(status.map(|status| match depth(status) {
                    None => ChainSaid::Unknown,
                    Some(0) => ChainSaid::InMempool,
                    Some(confirmations) => ChainSaid::Confirmed { confirmations },
                }))?
            }
            ChainTask::LookAgain { txid, since_height } => {
                let status = self.with_reach(|chain| chain.transaction_status(&txid, since_height));
                or_unavailable(status.map(|(status, reach)| ChainSaid::LookedAgain {
                    confirmations: depth(status),
                    reach,
                }))?
            }
            ChainTask::FindPayment {
                order,
                outpoints,
                since_height,
            } => {
                let found = self.with_reach(|chain| {
                    blocks::find_payment(chain, &order, &outpoints, since_height)
                });
                let found = found.map(|(payment, reach)| ChainSaid::Found { payment, reach });
                or_unavailable(found)?
            }
            ChainTask::Conflict {
                txid,
                outpoints,
                since_height,
            } => {
                let found = self.with_reach(|chain| {
                    blocks::find_conflict(chain, &txid, &outpoints, since_height)
                });
                or_unavailable(found.map(|(found, reach)| {
                    let conflict = found.map(|(by, confirmations)| Conflict { by, confirmations });
                    ChainSaid::Conflict { conflict, reach }
                }))?
            }
        };
        Ok(Input::Chain(said))
    }

    fn check(&self) -> Result<ChainSaid, ChainError> {
        let ((height, least), reach) =
            self.with_reach(|chain| Ok((chain.tip()?.height, chain.least_fee_rate()?)))?;
        Ok(ChainSaid::Ready {
            height,
            least,
            reach,
        })
    }

    /// An answer of the chain, and how far its source had come before.
    fn with_reach<R>(
        &self,
        ask: impl FnOnce(&dyn Chain) -> Result<R, ChainError>,
    ) -> Result<(R, Reach), ChainError> {
        let reach = self.chain.reach()?;
        Ok((ask(self.chain)?, reach))
    }

    /// The coins that a transaction spends; nothing when one of them is spent or unknown.
    fn inputs(&self, payment: &Transaction) -> Result<Option<Vec<TxOut>>, ChainError> {
        let inputs = payment.input.iter();
        inputs
            .map(|input| self.unspent(&input.previous_output))
            .collect()
    }
}

/// Blocks that bury a transaction; 0 when it waits for one, nothing when it isn't known.
fn depth(status: TransactionStatus) -> Option<u32> {
    match status {
        TransactionStatus::Unknown => None,
        TransactionStatus::InMempool => Some(0),
        TransactionStatus::Confirmed { confirmations, .. } => Some(confirmations),
    }
}

/// A chain that can't be asked just now is one of the things that it says.
fn or_unavailable(said: Result<ChainSaid, ChainError>) -> Result<ChainSaid, ChainError> {
    match said {
        Err(error @ (ChainError::Unavailable { .. } | ChainError::WarmingUp { .. })) => {
            Ok(ChainSaid::Unavailable {
                reason: error.to_string(),
            })
        }
        said => said,
    }
}
