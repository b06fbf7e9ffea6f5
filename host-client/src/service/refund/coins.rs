//! The shop's coins: those that paid a payment, and those that a refund may spend.

use std::collections::{BTreeMap, BTreeSet};

use bitcoin::address::NetworkUnchecked;
use bitcoin::{Address, Amount, OutPoint, Psbt, ScriptBuf};
use tillcard::chain::{Chain, OutputState};
use tillcard::till::TillError;

use super::draft::{CHANGE, Coin};
use super::{Refund, RefundCoin, RefundError, RefundState};
use crate::service::addresses::Addresses;
use crate::service::book::{PaymentQuery, RefundQuery};
use crate::service::error::ServiceError;
use crate::service::payment::{Payment, State};
use crate::service::shop::Shop;

/// A refund spends the coins of so many payments at most, beside the payment's own.
const PAYMENTS_MAX: u32 = 100;

/// What paid a payment.
struct Paid {
    amount: Amount,
    outpoints: Vec<OutPoint>,
}

impl RefundCoin {
    pub(super) fn of(coin: &Coin) -> Self {
        Self {
            txid: coin.outpoint.txid.to_string(),
            vout: coin.outpoint.vout,
            amount_sat: coin.output.value.to_sat(),
        }
    }

    pub(super) fn outpoint(&self) -> Result<OutPoint, ServiceError> {
        let txid = self.txid.parse().map_err(ServiceError::book)?;
        Ok(OutPoint::new(txid, self.vout))
    }
}

impl Shop {
    /// What of a payment can go back, refunds apart: what a card paid once it is settled, and what came
    /// from wallets once it is as deep; nothing without a block.
    pub(super) fn refundable(
        &self,
        payment: &Payment,
        chain: &dyn Chain,
    ) -> Result<Amount, ServiceError> {
        let mut total = Amount::ZERO;
        if let Some(paid) = self.paid_by_card(payment)? {
            let mut is_in_block = payment.confirmations > 0;
            for outpoint in &paid.outpoints {
                is_in_block |= confirmed(chain, outpoint)?.is_some();
            }
            total += if is_in_block {
                paid.amount
            } else {
                Amount::ZERO
            };
        }
        let least = payment.confirmations_required.max(1);
        let coins = payment.by_address.iter().flat_map(|it| &it.coins);
        let deep = coins.filter(|coin| coin.confirmations >= least);
        total += deep
            .map(|coin| Amount::from_sat(coin.amount_sat))
            .sum::<Amount>();
        match total {
            Amount::ZERO => Err(RefundError::NotSettled.into()),
            total => Ok(total),
        }
    }

    fn paid_by_card(&self, payment: &Payment) -> Result<Option<Paid>, ServiceError> {
        let record = self.store()?.read_one(&payment.id);
        let transaction = record.map_err(TillError::from)?.transaction;
        let Some(transaction) = transaction.filter(|_| payment.state == State::Settled) else {
            return Ok(None);
        };
        let (txid, own) = (transaction.compute_txid(), script(&payment.to)?);
        let ours = (0..).zip(&transaction.output);
        let ours: Vec<_> = ours
            .filter(|(_, output)| output.script_pubkey == own)
            .collect();
        Ok(Some(Paid {
            amount: ours.iter().map(|(_, output)| output.value).sum(),
            outpoints: (ours.iter())
                .map(|(vout, _)| OutPoint::new(txid, *vout))
                .collect(),
        }))
    }

    /// All coins that came for a payment.
    fn outpoints_of(&self, payment: &Payment) -> Result<Vec<OutPoint>, ServiceError> {
        let by_card = self.paid_by_card(payment)?;
        let mut all = by_card.map_or_else(Vec::new, |paid| paid.outpoints);
        for coin in payment.by_address.iter().flat_map(|it| &it.coins) {
            let txid = coin.txid.parse().map_err(ServiceError::book)?;
            all.push(OutPoint::new(txid, coin.vout));
        }
        Ok(all)
    }

    /// The coins that a refund of this payment must spend: one of each of its drafts that was given up, so
    /// that the network takes one of all these drafts at most, whoever has signed them.
    pub(super) fn shared_coins(
        &self,
        earlier: &[Refund],
        chain: &dyn Chain,
    ) -> Result<BTreeSet<OutPoint>, ServiceError> {
        let mut shared = BTreeSet::new();
        for given_up in earlier.iter().filter(|refund| !refund.state.counts()) {
            let mut first = None;
            let mut is_void = false;
            for coin in &given_up.coins {
                let outpoint = coin.outpoint()?;
                match chain.output(&outpoint)? {
                    OutputState::Unspent { .. } => first = first.or(Some(outpoint)),
                    OutputState::SpentOrUnknown => {
                        is_void |= chain.mempool_spender(&outpoint)?.is_none();
                    }
                }
            }
            match first.filter(|first| Some(*first) == reserved(given_up)) {
                _ if is_void => {}
                Some(first) => {
                    shared.insert(first);
                }
                // What spends it isn't in a block yet.
                None => return Err(RefundError::Open(given_up.id.clone()).into()),
            }
        }
        Ok(shared)
    }

    /// The coins that this refund may spend, in this order: those that it must, the payment's own, those of
    /// other payments and what refunds returned, the latest first. Only the next one that is asked for is looked up on the chain.
    pub(super) fn spendable<'a>(
        &self,
        payment: &Payment,
        shared: &BTreeSet<OutPoint>,
        addresses: &Addresses,
        chain: &'a dyn Chain,
    ) -> Result<impl Iterator<Item = Result<Coin, ServiceError>> + use<'a>, ServiceError> {
        let taken = self.taken_by_others(&payment.id)?;
        let mut candidates: Vec<OutPoint> = shared.iter().copied().collect();
        let mut own = vec![payment.clone()];
        own.extend(self.book.payments(&PaymentQuery {
            state: Some(State::Settled),
            limit: PAYMENTS_MAX,
            ..PaymentQuery::default()
        })?);
        let mut scripts = BTreeSet::new();
        for payment in &own {
            scripts.insert(script(&payment.to)?);
            for outpoint in self.outpoints_of(payment)? {
                if !taken.contains(&outpoint) && !candidates.contains(&outpoint) {
                    candidates.push(outpoint);
                }
            }
        }
        for refund in self.book.refunds(&RefundQuery {
            state: Some(RefundState::Settled),
            limit: PAYMENTS_MAX,
            ..RefundQuery::default()
        })? {
            let (outpoint, script) = change(&refund)?;
            scripts.insert(script);
            if !taken.contains(&outpoint) && !candidates.contains(&outpoint) {
                candidates.push(outpoint);
            }
        }
        let next = self.book.next_number_is(&addresses.name())?;
        let indexes: BTreeMap<ScriptBuf, u32> = addresses
            .indexes(scripts, next)
            .map_err(ServiceError::Book)?;
        Ok(candidates.into_iter().filter_map(move |outpoint| {
            let output = match confirmed(chain, &outpoint) {
                Ok(output) => output?,
                Err(error) => return Some(Err(error)),
            };
            let index = *indexes.get(&output.script_pubkey)?;
            Some(Ok(Coin {
                outpoint,
                output,
                index,
            }))
        }))
    }

    /// The coins that refunds of other payments spend, or may spend if somebody sends what was given up.
    fn taken_by_others(&self, payment: &str) -> Result<BTreeSet<OutPoint>, ServiceError> {
        let mut taken = BTreeSet::new();
        for refund in self.book.refunds_not_sent()? {
            if refund.payment == payment {
                continue;
            }
            match refund.state {
                RefundState::Drafted | RefundState::Signed => {
                    for coin in &refund.coins {
                        taken.insert(coin.outpoint()?);
                    }
                }
                _ => taken.extend(reserved(&refund)),
            }
        }
        Ok(taken)
    }
}

/// The coin that stays the payment's when a draft was given up.
fn reserved(refund: &Refund) -> Option<OutPoint> {
    refund.coins.first()?.outpoint().ok()
}

/// The output, if it is in a block and nothing spends it.
fn confirmed(
    chain: &dyn Chain,
    outpoint: &OutPoint,
) -> Result<Option<bitcoin::TxOut>, ServiceError> {
    Ok(match chain.output(outpoint)? {
        OutputState::Unspent {
            confirmations: 1..,
            output,
        } => Some(output),
        _ => None,
    })
}

/// The output by which a refund returned the rest to the shop, if it did: what is there is looked up.
fn change(refund: &Refund) -> Result<(OutPoint, ScriptBuf), ServiceError> {
    let psbt: Psbt = refund.psbt.parse().map_err(ServiceError::book)?;
    let txid = refund.txid.parse().map_err(ServiceError::book)?;
    let output = psbt.unsigned_tx.output.into_iter().nth(CHANGE);
    let script = output.map_or_else(ScriptBuf::new, |output| output.script_pubkey);
    Ok((OutPoint::new(txid, CHANGE as u32), script))
}

fn script(address: &str) -> Result<ScriptBuf, ServiceError> {
    let address: Address<NetworkUnchecked> = address.parse().map_err(ServiceError::book)?;
    Ok(address.assume_checked().script_pubkey())
}
