//! Cancelling a payment that isn't confirmed: its coins go to the primary wallet, for a higher fee.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};

use super::sweep::{Bid, DUST, KEY_PATH_INPUT_WEIGHT, outbidding_fee, sweep_vsize};
use super::{CardAccount, CardChain, Fate, OwnerError};
use crate::card::{CardContents, KeyPlace, Logged, SigningOrder};
use crate::chain::{Chain, FeeRate};

/// What a card is to sign so that `payment` never will be, at least at `fee_rate`: all its coins go
/// to `destination`. `contents` is the card's, `fate` what became of the payment.
///
/// # Errors
/// [`OwnerError::NotCancelled`] when it is in a block, or too late or too dear to be cancelled.
pub fn plan_cancel(
    account: &CardAccount,
    contents: &CardContents,
    payment: &Logged,
    fate: Fate,
    chain: &dyn Chain,
    destination: ScriptBuf,
    fee_rate: FeeRate,
) -> Result<SigningOrder, OwnerError> {
    let refused = |cause| OwnerError::NotCancelled {
        number: payment.number,
        cause,
    };
    match fate {
        _ if payment.cancelled => return Err(refused("it is cancelled already")),
        Fate::Confirmed { .. } => return Err(refused("it is in a block")),
        Fate::Conflicted { .. } => {
            return Err(refused(
                "its coins have gone another way already: tell the card with owner resolve",
            ));
        }
        Fate::InMempool | Fate::Contested { .. } | Fate::NotSent => {}
    }
    let mut coins = Vec::with_capacity(payment.outpoints.len());
    for outpoint in &payment.outpoints {
        coins.push(
            coin_of(account, contents, outpoint)?
                .ok_or_else(|| refused("the card doesn't know its coins any more"))?,
        );
    }
    let bid = bid(payment, fate, chain)?;
    let vsize = sweep_vsize(coins.len(), KEY_PATH_INPUT_WEIGHT);
    let total: Amount = coins.iter().map(|(coin, _)| coin.value).sum();
    let rest = outbidding_fee(fee_rate, vsize, &[&bid])
        .filter(|fee| *fee <= FeeRate::CAP.fee(vsize))
        .and_then(|fee| total.checked_sub(fee))
        .filter(|rest| *rest >= DUST)
        .ok_or_else(|| refused("outbidding it costs more than there is to be had"))?;
    Ok(SigningOrder {
        transaction: Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: payment
                .outpoints
                .iter()
                .map(|outpoint| TxIn {
                    previous_output: *outpoint,
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                    witness: Witness::new(),
                })
                .collect(),
            output: vec![TxOut {
                value: rest,
                script_pubkey: destination,
            }],
        },
        coins,
        payees: vec![None],
    })
}

/// What is to be outbid: the payment itself, wherever it lies, and what hangs on it.
fn bid(payment: &Logged, fate: Fate, chain: &dyn Chain) -> Result<Bid, OwnerError> {
    let rival = match fate {
        Fate::Contested { by } => by,
        _ => payment.txid,
    };
    let entry = chain.mempool_entry(&rival)?;
    // Without an entry, its size by the rate that was asked for.
    let rate = u64::from(payment.fee_rate.to_sat_per_kvb()).max(1);
    let size = (payment.fee.to_sat() * 1000 / rate).max(1);
    Ok(match entry {
        Some(entry) => Bid {
            total: entry.descendant_fee.max(payment.fee),
            fee: entry.descendant_fee.max(payment.fee),
            vsize: entry.vsize,
        },
        None => Bid {
            total: payment.fee,
            fee: payment.fee,
            vsize: size,
        },
    })
}

/// A coin that the card knows, and where its key is.
fn coin_of(
    account: &CardAccount,
    contents: &CardContents,
    outpoint: &bitcoin::OutPoint,
) -> Result<Option<(TxOut, KeyPlace)>, OwnerError> {
    let Some(coin) = contents.coin(outpoint) else {
        return Ok(None);
    };
    let chain = match coin.place.chain {
        0 => CardChain::Receive,
        _ => CardChain::Change,
    };
    let place = KeyPlace {
        chain,
        index: coin.place.index,
    };
    let output = TxOut {
        value: Amount::from_sat(coin.amount),
        script_pubkey: account.script(place.chain, place.index)?,
    };
    Ok(Some((output, place)))
}
