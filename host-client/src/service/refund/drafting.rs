//! Drafts refunds.

use std::time::Duration;

use bitcoin::{Amount, Psbt, ScriptBuf};
use tillcard::chain::Chain;

use super::draft::{CHANGE, Coin, Wanted};
use super::{NewRefund, Passed, Refund, RefundCoin, RefundError, RefundState};
use crate::service::addresses::Addresses;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::requests::{REFERENCE_MAX, Repeatable, invalid};
use crate::service::shop::{Shop, lock};

/// How long a draft waits for its signature, in seconds: three days, and a month at most.
const PATIENCE: u32 = 3 * 24 * 60 * 60;
const PATIENCE_MAX: u32 = 30 * 24 * 60 * 60;

/// The most coins that a refund spends.
const COINS_MAX: usize = 20;

impl Shop {
    /// Drafts a refund. The answer's body; the same one when the request came before.
    pub(crate) fn draft_refund(
        &self,
        wanted: &NewRefund,
        repeatable: Option<Repeatable>,
    ) -> Result<String, ServiceError> {
        let _one_at_a_time = lock(&self.refunding);
        if let Some(body) = self.answered(repeatable.as_ref())? {
            return Ok(body);
        }
        let patience = match wanted.expires_in_s.unwrap_or(PATIENCE) {
            seconds @ 1..=PATIENCE_MAX => Duration::from_secs(seconds.into()),
            _ => {
                let most = format!("expires_in_s isn't between 1 and {PATIENCE_MAX}");
                return Err(invalid(most));
            }
        };
        let reference = wanted.reference.as_deref().unwrap_or_default();
        if reference.len() > REFERENCE_MAX {
            return Err(invalid(format!("reference is over {REFERENCE_MAX} bytes")));
        }
        let payment = self.book.payment(&wanted.payment)?;
        let earlier = self.book.refunds_of(&payment.id)?;
        let is_open =
            |refund: &&Refund| refund.state.counts() && refund.state != RefundState::Settled;
        if let Some(open) = earlier.iter().find(is_open) {
            return Err(RefundError::Open(open.id.clone()).into());
        }
        let to = self.destination(&wanted.to)?;
        let chain = self.chain();
        chain.expect_complete()?;
        let paid = self.refundable(&payment, &chain)?;
        let gone = earlier.iter().filter(|refund| refund.state.counts());
        let gone: u64 = gone.map(|refund| refund.amount_sat).sum();
        let left = paid.checked_sub(Amount::from_sat(gone)).unwrap_or_default();
        let amount = wanted.amount_sat.map_or(left, Amount::from_sat);
        if amount == Amount::ZERO || amount > left {
            return Err(RefundError::OverPaid(left).into());
        }
        let dust = to.minimal_non_dust();
        if amount < dust {
            return Err(RefundError::Dust(dust).into());
        }
        let addresses = self.setup.addresses.as_ref();
        let addresses = addresses.ok_or(RefundError::NoDescriptor)?;
        let terms = Wanted {
            to,
            amount,
            rate: self.fee_rate(wanted.fee_rate_sat_per_kvb)?,
            witness: addresses.witness().map_err(ServiceError::Book)?,
        };
        let shared = self.shared_coins(&earlier, &chain)?;
        let mut coins = Vec::new();
        let mut lacks = RefundError::CoinsShort(amount);
        let mut plan = None;
        for coin in self.spendable(&payment, &shared, addresses, &chain)? {
            coins.push(coin?);
            match terms.plan(&coins) {
                Ok(found) if coins.len() >= shared.len() => {
                    plan = Some(found);
                    break;
                }
                Err(error @ RefundError::CoinsShort(_)) => lacks = error,
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            if coins.len() == COINS_MAX {
                break;
            }
        }
        let plan = plan.ok_or(lacks)?;
        let change = match plan.change {
            Some(amount) => Some((amount, self.book.next_number(&addresses.name())?)),
            None => None,
        };
        let psbt = psbt(&terms, &coins, change, addresses)?;
        let txid = psbt.unsigned_tx.compute_txid().to_string();
        let now = Moment::now();
        let state = RefundState::Drafted;
        let refund = Refund {
            id: name()?,
            payment: payment.id.clone(),
            state,
            amount_sat: amount.to_sat(),
            fee_sat: plan.fee.to_sat(),
            to: wanted.to.clone(),
            reference: wanted.reference.clone(),
            txid: txid.clone(),
            draft_txid: txid,
            psbt: psbt.to_string(),
            coins: coins.iter().map(RefundCoin::of).collect(),
            transaction: None,
            confirmations: 0,
            confirmations_required: payment.confirmations_required.max(1),
            seen_at_height: None,
            given_up: None,
            reason: None,
            created_at: now,
            updated_at: now,
            expires_at: now.plus(patience),
            history: vec![Passed { state, at: now }],
        };
        let body = serde_json::to_string(&refund).map_err(ServiceError::book)?;
        let answer = repeatable.map(|request| request.answered_by(&body));
        self.book.add_refund(&refund, answer.as_ref())?;
        lock(&self.refunds).add(&refund)?;
        tracing::info!(
            refund = refund.id,
            payment = refund.payment,
            amount_sat = refund.amount_sat,
            "drafted"
        );
        Ok(body)
    }

    fn destination(&self, to: &str) -> Result<ScriptBuf, ServiceError> {
        let to = self.address_of_network(to);
        let to = to.map_err(RefundError::Address)?.script_pubkey();
        match lock(&self.addresses).has(&to) {
            true => Err(RefundError::Address("it is one of the shop's own".to_owned()).into()),
            false => Ok(to),
        }
    }
}

/// The draft, with what a wallet needs to know its own keys in it.
fn psbt(
    terms: &Wanted,
    coins: &[Coin],
    change: Option<(Amount, u32)>,
    addresses: &Addresses,
) -> Result<Psbt, ServiceError> {
    let change_output = match change {
        Some((amount, index)) => {
            let address = addresses.at(index).map_err(ServiceError::Book)?;
            Some((amount, address.script_pubkey()))
        }
        None => None,
    };
    let transaction = terms.transaction(coins, change_output);
    let mut psbt = Psbt::from_unsigned_tx(transaction).map_err(ServiceError::book)?;
    for (number, coin) in coins.iter().enumerate() {
        psbt.inputs[number].witness_utxo = Some(coin.output.clone());
        let described = addresses.describe_input(&mut psbt, number, coin.index);
        described.map_err(ServiceError::Book)?;
    }
    if let Some((_, index)) = change {
        let described = addresses.describe_output(&mut psbt, CHANGE, index);
        described.map_err(ServiceError::Book)?;
    }
    Ok(psbt)
}

fn name() -> Result<String, ServiceError> {
    let mut name = [0; 8];
    getrandom::fill(&mut name).map_err(ServiceError::book)?;
    Ok(hex::encode(name))
}
