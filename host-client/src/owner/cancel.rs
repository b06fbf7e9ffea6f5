//! Cancelling a payment that isn't confirmed: its coins go to the primary wallet, for a higher fee.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxOut};

use super::card_view::unsigned_input;
use super::coins::chain_of;
use super::sweep::{DUST, KEY_PATH_INPUT_WEIGHT, ReplacementCost, outbidding_fee, sweep_vsize};
use super::{Owner, OwnerError, PaymentStatus, Progress, Visit};
use crate::chain::{Chain, FeeRate};
use tillcard_client::account::CardAccount;
use tillcard_client::card::{CardContents, Derivation, Logged, SigningOrder};
use tillcard_client::transport::Transport;

/// A cancellation that was sent.
#[derive(Clone, Debug)]
pub struct Cancellation {
    /// The transaction that takes the payment's coins to the primary wallet.
    pub transaction: Transaction,
    /// Its fee.
    pub fee: Amount,
}

impl Owner {
    /// Takes the payment of this number back, which isn't in a block, at a fee rate of at least
    /// `fee_rate`: its coins go to the primary wallet. Whichever of the two transactions comes into
    /// a block first stands. The card is let go.
    ///
    /// # Errors
    /// [`OwnerError::UnknownPayment`], [`OwnerError::NotCancelled`], and those of card and chain.
    pub fn cancel<T: Transport>(
        &mut self,
        mut visit: Visit<T>,
        number: u32,
        fee_rate: FeeRate,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<Cancellation, OwnerError> {
        chain.expect_complete()?;
        let log = visit.log(chain, progress)?;
        let (payment, status) = log.payment(number)?;
        let order = plan_cancel(
            &visit.record.account,
            &log.history.contents,
            payment,
            *status,
            chain,
            self.next_script()?,
            fee_rate,
        )?;
        let signed = visit.card.sign(&order);
        let signatures = signed.map_err(OwnerError::signing)?;
        visit.close()?;
        let transaction = order.signed(&signatures);
        self.send_signed(chain, &transaction)?;
        Ok(Cancellation {
            transaction,
            fee: order.fee().unwrap_or_default(),
        })
    }
}

/// What a card is to sign so that `payment` never will be, at least at `fee_rate`: all its coins go
/// to `destination`. `contents` is the card's, `status` what became of the payment.
///
/// # Errors
/// [`OwnerError::NotCancelled`] when it is in a block, or too late or too dear to be cancelled.
pub fn plan_cancel(
    account: &CardAccount,
    contents: &CardContents,
    payment: &Logged,
    status: PaymentStatus,
    chain: &dyn Chain,
    destination: ScriptBuf,
    fee_rate: FeeRate,
) -> Result<SigningOrder, OwnerError> {
    let refused = |cause| OwnerError::NotCancelled {
        number: payment.number,
        cause,
    };
    match status {
        _ if payment.cancelled => return Err(refused("it is cancelled already")),
        PaymentStatus::Confirmed { .. } => return Err(refused("it is in a block")),
        PaymentStatus::Conflicted { .. } => {
            return Err(refused(
                "its coins have gone another way already: tell the card with owner resolve",
            ));
        }
        PaymentStatus::InMempool | PaymentStatus::Contested { .. } | PaymentStatus::NotSent => {}
    }
    let mut coins = Vec::with_capacity(payment.outpoints.len());
    for outpoint in &payment.outpoints {
        coins.push(
            coin_of(account, contents, outpoint)?
                .ok_or_else(|| refused("the card doesn't know its coins any more"))?,
        );
    }
    let cost = cost_of(payment, status, chain)?;
    let vsize = sweep_vsize(coins.len(), KEY_PATH_INPUT_WEIGHT);
    let total: Amount = coins.iter().map(|(coin, _)| coin.value).sum();
    let rest = outbidding_fee(fee_rate, vsize, &[&cost])
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
                .map(|outpoint| unsigned_input(*outpoint, Sequence::ENABLE_RBF_NO_LOCKTIME))
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
fn cost_of(
    payment: &Logged,
    status: PaymentStatus,
    chain: &dyn Chain,
) -> Result<ReplacementCost, OwnerError> {
    let rival = match status {
        PaymentStatus::Contested { by } => by,
        _ => payment.txid,
    };
    let entry = chain.mempool_entry(&rival)?;
    // Without an entry, its size by the rate that was asked for.
    let rate = u64::from(payment.fee_rate.to_sat_per_kvb()).max(1);
    let size = (payment.fee.to_sat() * 1000 / rate).max(1);
    Ok(match entry {
        Some(entry) => ReplacementCost {
            total: entry.descendant_fee.max(payment.fee),
            fee: entry.descendant_fee.max(payment.fee),
            vsize: entry.vsize,
        },
        None => ReplacementCost {
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
) -> Result<Option<(TxOut, Derivation)>, OwnerError> {
    let Some(coin) = contents.coin(outpoint) else {
        return Ok(None);
    };
    let place = Derivation {
        chain: chain_of(coin),
        index: coin.place.index,
    };
    let output = TxOut {
        value: Amount::from_sat(coin.amount),
        script_pubkey: account.script(place.chain, place.index)?,
    };
    Ok(Some((output, place)))
}
