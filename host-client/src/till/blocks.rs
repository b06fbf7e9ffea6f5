//! Looks for transactions in the blocks since a payment was asked for, and in the mempool.

use bitcoin::{OutPoint, Transaction, Txid};

use crate::chain::{Chain, ChainError};
use tillcard_client::card::PaymentOrder;

/// The transaction that pays the order, and spends `outpoints` when there are any.
pub(super) fn find_payment(
    chain: &dyn Chain,
    order: &PaymentOrder,
    outpoints: &[OutPoint],
    since_height: u32,
) -> Result<Option<Transaction>, ChainError> {
    let found = find(chain, since_height, |transaction| {
        let mut outputs = transaction.output.iter();
        let inputs = transaction.input.iter().map(|input| &input.previous_output);
        outputs.any(|out| out.value == order.amount && out.script_pubkey == order.payee)
            && (outpoints.is_empty() || inputs.eq(outpoints))
    })?;
    Ok(found.map(|(transaction, _)| transaction))
}

/// The transaction other than `txid` that spends one of `outpoints`, and how many blocks bury it: none
/// when it waits for one.
pub(super) fn find_conflict(
    chain: &dyn Chain,
    txid: &Txid,
    outpoints: &[OutPoint],
    since_height: u32,
) -> Result<Option<(Txid, u32)>, ChainError> {
    let found = find(chain, since_height, |transaction| {
        let mut inputs = transaction.input.iter();
        inputs.any(|input| outpoints.contains(&input.previous_output))
            && transaction.compute_txid() != *txid
    })?;
    if let Some((transaction, confirmations)) = found {
        return Ok(Some((transaction.compute_txid(), confirmations)));
    }
    for outpoint in outpoints {
        let spender = chain.mempool_spender(outpoint)?;
        if let Some(spender) = spender.filter(|spender| spender != txid) {
            return Ok(Some((spender, 0)));
        }
    }
    Ok(None)
}

fn find(
    chain: &dyn Chain,
    since_height: u32,
    is_it: impl Fn(&Transaction) -> bool,
) -> Result<Option<(Transaction, u32)>, ChainError> {
    let tip = chain.tip()?.height;
    for height in since_height..=tip {
        let Some(hash) = chain.block_hash(height)? else {
            // The chain became shorter under our feet.
            break;
        };
        let found = chain.block(&hash)?.txdata.into_iter().find(&is_it);
        if let Some(transaction) = found {
            return Ok(Some((transaction, tip - height + 1)));
        }
    }
    Ok(None)
}
