//! What became of the payments in a card's log.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bitcoin::{OutPoint, Txid};

use super::{OwnerError, Progress};
use crate::chain::Chain;
use tillcard_client::card::Logged;

/// What became of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// It is in a block.
    Confirmed {
        /// Blocks that bury it, its own included.
        confirmations: u32,
    },
    /// It waits for a block.
    InMempool,
    /// Another transaction that spends a coin of it is in a block: it never will be.
    Conflicted {
        /// That transaction.
        by: Txid,
        /// Blocks that bury it, its own included.
        confirmations: u32,
    },
    /// Another transaction that spends a coin of it waits for a block.
    Contested {
        /// That transaction.
        by: Txid,
    },
    /// The network doesn't know it: the till never sent it, or it was forgotten.
    NotSent,
}

impl fmt::Display for PaymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Confirmed { confirmations: 1 } => write!(f, "in a block"),
            Self::Confirmed { confirmations } => write!(f, "in a block, {confirmations} deep"),
            Self::InMempool => write!(f, "sent, and not in a block yet"),
            Self::Conflicted { by, .. } => {
                write!(f, "never to be: its coins went another way in {by}")
            }
            Self::Contested { by } => {
                write!(
                    f,
                    "contested: {by} spends its coins, and isn't in a block yet"
                )
            }
            Self::NotSent => write!(f, "never sent by the till, as far as the network knows"),
        }
    }
}

/// What became of each of `payments`, by the blocks from `from_height` on and the mempool.
///
/// # Errors
/// Those of the chain.
pub fn statuses(
    payments: &[Logged],
    chain: &dyn Chain,
    from_height: u32,
    progress: &mut Progress<'_>,
) -> Result<Vec<PaymentStatus>, OwnerError> {
    let watched = payments.iter().flat_map(|payment| &payment.outpoints);
    let watched: HashSet<OutPoint> = watched.copied().collect();
    let tip = chain.tip()?.height;
    let mut spent: HashMap<OutPoint, (Txid, u32)> = HashMap::new();
    if !watched.is_empty() {
        for height in from_height..=tip {
            let Some(hash) = chain.block_hash(height)? else {
                break;
            };
            for transaction in &chain.block(&hash)?.txdata {
                let inputs = transaction.input.iter().map(|input| input.previous_output);
                for outpoint in inputs.filter(|outpoint| watched.contains(outpoint)) {
                    let confirmations = tip - height + 1;
                    spent.insert(outpoint, (transaction.compute_txid(), confirmations));
                }
            }
            progress(height, tip);
        }
    }
    payments
        .iter()
        .map(|payment| status(payment, chain, &spent))
        .collect()
}

fn status(
    payment: &Logged,
    chain: &dyn Chain,
    spent: &HashMap<OutPoint, (Txid, u32)>,
) -> Result<PaymentStatus, OwnerError> {
    for outpoint in &payment.outpoints {
        match spent.get(outpoint) {
            Some(&(txid, confirmations)) if txid == payment.txid => {
                return Ok(PaymentStatus::Confirmed { confirmations });
            }
            Some(&(by, confirmations)) => {
                return Ok(PaymentStatus::Conflicted { by, confirmations });
            }
            None => {}
        }
    }
    if chain.mempool_entry(&payment.txid)?.is_some() {
        return Ok(PaymentStatus::InMempool);
    }
    for outpoint in &payment.outpoints {
        if let Some(by) = chain.mempool_spender(outpoint)? {
            return Ok(PaymentStatus::Contested { by });
        }
    }
    Ok(PaymentStatus::NotSent)
}
