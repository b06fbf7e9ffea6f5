//! How the owner's transactions reach the network.

use bitcoin::{OutPoint, Transaction, Txid};

use super::OwnerError;
use crate::chain::{Chain, ChainError, OutputState};

/// Sends a transaction. That the chain refuses it is believed only of one that it doesn't have: an
/// answer alone proves nothing.
///
/// # Errors
/// [`Rejected`](ChainError::Rejected) for a transaction that the chain doesn't have; any other: it may
/// be on its way.
pub(super) fn broadcast(chain: &dyn Chain, transaction: &Transaction) -> Result<(), ChainError> {
    match chain.broadcast(transaction) {
        Err(ChainError::Rejected { .. }) if has(chain, transaction)? => Ok(()),
        sent => sent.map(drop),
    }
}

/// What a file that can't be written means for a transaction that was sent.
pub(super) fn unnoted(txid: Txid) -> impl FnOnce(OwnerError) -> OwnerError {
    move |error| OwnerError::SentUnnoted {
        txid,
        error: Box::new(error),
    }
}

/// Whether the chain has the transaction: in its mempool, or in a block, with an output that nobody
/// has spent.
fn has(chain: &dyn Chain, transaction: &Transaction) -> Result<bool, ChainError> {
    let txid = transaction.compute_txid();
    if chain.mempool_transaction(&txid)?.is_some() {
        return Ok(true);
    }
    for vout in (0..).take(transaction.output.len()) {
        if chain.output(&OutPoint { txid, vout })? != OutputState::SpentOrUnknown {
            return Ok(true);
        }
    }
    Ok(false)
}
