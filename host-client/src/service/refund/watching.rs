//! Watches what becomes of refunds on the chain: those that were given up too, since who has signed a draft
//! can send it.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::consensus::encode::deserialize_hex;
use bitcoin::{Address, OutPoint, Transaction, Txid};
use tillcard::chain::{Chain, OutputState, Tip, TransactionStatus};
use tillcard::till::machine::DEEPEST_REORGANISATION;

use super::{Refund, RefundState};
use crate::service::by_address::watching::WATCHED;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::payment::Reason;
use crate::service::shop::{Shop, lock};

/// The coins of refunds that are watched.
#[derive(Default)]
pub(crate) struct WatchedRefunds(BTreeMap<OutPoint, BTreeSet<String>>);

impl WatchedRefunds {
    pub(super) fn add(&mut self, refund: &Refund) -> Result<(), ServiceError> {
        for coin in &refund.coins {
            let refunds = self.0.entry(coin.outpoint()?).or_default();
            refunds.insert(refund.id.clone());
        }
        Ok(())
    }

    fn remove(&mut self, id: &str) {
        self.0.retain(|_, refunds| {
            refunds.remove(id);
            !refunds.is_empty()
        });
    }

    /// The refunds that spend a coin which this transaction spends.
    fn touched_by(&self, transaction: &Transaction) -> BTreeSet<String> {
        let spent = transaction.input.iter().map(|input| input.previous_output);
        let found = spent.filter_map(|outpoint| self.0.get(&outpoint));
        found.flatten().cloned().collect()
    }

    fn all(&self) -> BTreeSet<String> {
        self.0.values().flatten().cloned().collect()
    }
}

/// Where a refund stands, by the chain.
struct Seen {
    state: RefundState,
    confirmations: u32,
}

impl Shop {
    /// Watches the refunds that a reorganisation reaches, or that may still be sent.
    pub(in crate::service) fn watch_refunds(&self) -> Result<(), ServiceError> {
        let mut watched = lock(&self.refunds);
        let since = Moment::now().minus(WATCHED);
        let all = self.book.refunds_to_watch(DEEPEST_REORGANISATION, since)?;
        for refund in all {
            watched.add(&refund)?;
        }
        Ok(())
    }

    /// A transaction came to the chain: if it is a refund's, or takes a refund's place and pays the customer
    /// no less, that is where the refund is.
    pub(in crate::service) fn refund_came(
        &self,
        transaction: &Transaction,
        height: u32,
    ) -> Result<(), ServiceError> {
        let touched = lock(&self.refunds).touched_by(transaction);
        if touched.is_empty() {
            return Ok(());
        }
        let txid = transaction.compute_txid().to_string();
        let mut refunds = Vec::new();
        for id in touched {
            refunds.push(self.book.refund(&id)?);
        }
        let is_it = |refund: &&Refund| refund.txid == txid || refund.draft_txid == txid;
        let takes_its_place = |refund: &&Refund| {
            let to = refund.to.parse::<Address<_>>().ok();
            let to = to.map(|to| to.assume_checked().script_pubkey());
            let mut outputs = transaction.output.iter();
            refund.state.counts()
                && outputs.any(|output| {
                    Some(&output.script_pubkey) == to.as_ref()
                        && output.value.to_sat() >= refund.amount_sat
                })
        };
        let found = refunds.iter().find(is_it);
        let Some(found) = found.or_else(|| refunds.iter().find(takes_its_place)) else {
            return Ok(());
        };
        if found.txid == txid && found.seen_at_height.is_some() {
            return Ok(());
        }
        self.book.change_refund(&found.id, |refund| {
            refund.txid.clone_from(&txid);
            refund.seen_at_height = Some(height);
            refund.updated_at = Moment::now();
        })?;
        Ok(())
    }

    /// Gives up the drafts that nobody signed in time.
    pub(in crate::service) fn expire_refunds(&self) -> Result<(), ServiceError> {
        for id in self.book.refunds_to_expire(Moment::now())? {
            let _one_at_a_time = lock(&self.refunding);
            if self.book.refund(&id)?.state == RefundState::Drafted {
                self.give_up_refund(&id, RefundState::Expired)?;
            }
        }
        Ok(())
    }

    /// Looks where the watched refunds stand. The blocks up to `tip` were searched before. Without a new
    /// block those that were given up are left alone, unless the mempool has them: drafts pile up, and each
    /// costs the node some questions.
    pub(in crate::service) fn follow_refunds(
        &self,
        chain: &dyn Chain,
        tip: &Tip,
        is_new_block: bool,
    ) -> Result<(), ServiceError> {
        let all = lock(&self.refunds).all();
        for id in all {
            let _one_at_a_time = lock(&self.refunding);
            let refund = self.book.refund(&id)?;
            let is_quiet = !refund.state.counts() && refund.seen_at_height.is_none();
            if is_quiet && !is_new_block {
                continue;
            }
            let seen = look(&refund, chain)?;
            // A block that came meanwhile may have it.
            if seen.state == RefundState::Conflicted && chain.tip()?.hash != tip.hash {
                continue;
            }
            if seen.state == RefundState::Signed
                && let Some(transaction) = &refund.transaction
            {
                let transaction = deserialize_hex(transaction).map_err(ServiceError::book)?;
                if let Err(error) = self.send_refund(&id, &transaction, chain) {
                    tracing::warn!(%error, refund = id, "it can't be sent just now");
                }
            } else if (seen.state, seen.confirmations) != (refund.state, refund.confirmations) {
                self.refund_stands(&refund, &seen)?;
            }
            if seen.confirmations > DEEPEST_REORGANISATION {
                lock(&self.refunds).remove(&id);
            }
        }
        Ok(())
    }

    fn refund_stands(&self, before: &Refund, seen: &Seen) -> Result<(), ServiceError> {
        let was_given_up = before.given_up.is_some() && seen.state.is_sent();
        let reason = match seen.state {
            RefundState::Conflicted => Some((
                "refund-conflicted",
                "another transaction spends a coin of it, so that it won't be paid; look in the back \
                 office's wallet, then draft it again",
            )),
            _ if was_given_up => Some((
                "refund-sent-after-all",
                "it was given up here, and somebody who had signed it has sent it: the customer gets the \
                 money, don't give it back another way",
            )),
            _ if before.confirmations > seen.confirmations => Some((
                "refund-reorganised",
                "its block has left the chain: wait until it is in a block again",
            )),
            _ => None,
        };
        self.book.change_refund(&before.id, |refund| {
            refund.confirmations = seen.confirmations;
            refund.reason = reason.map(|(code, detail)| Reason {
                code: code.to_owned(),
                detail: detail.to_owned(),
            });
            refund.comes_to(seen.state, Moment::now());
        })?;
        Ok(())
    }
}

/// Where a refund stands, by the chain and by what the shop decided.
fn look(refund: &Refund, chain: &dyn Chain) -> Result<Seen, ServiceError> {
    let txid: Txid = refund.txid.parse().map_err(ServiceError::book)?;
    let status = match refund.seen_at_height {
        Some(height) => {
            chain.transaction_status(&txid, height.saturating_sub(DEEPEST_REORGANISATION))?
        }
        None if chain.mempool_entry(&txid)?.is_some() => TransactionStatus::InMempool,
        None => TransactionStatus::Unknown,
    };
    let state = match status {
        TransactionStatus::InMempool => RefundState::Broadcast,
        TransactionStatus::Confirmed { confirmations, .. } => {
            let is_deep = confirmations >= refund.confirmations_required;
            let state = match is_deep {
                true => RefundState::Settled,
                false => RefundState::Confirmed,
            };
            return Ok(Seen {
                state,
                confirmations,
            });
        }
        TransactionStatus::Unknown => {
            let mut is_free = true;
            for coin in &refund.coins {
                let output = chain.output(&coin.outpoint()?)?;
                is_free &= matches!(output, OutputState::Unspent { .. });
            }
            match (is_free, refund.given_up) {
                (false, _) => RefundState::Conflicted,
                (true, _) if refund.transaction.is_some() => RefundState::Signed,
                (true, Some(given_up)) => given_up,
                (true, None) => RefundState::Drafted,
            }
        }
    };
    Ok(Seen {
        state,
        confirmations: 0,
    })
}
