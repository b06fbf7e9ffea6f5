//! PREVIEW, PAY.

use super::Tillcard;
use crate::command::{MAX_MONEY, MIN_FEE_RATE, PaymentRequest, Previewed};
use crate::hash::{Hash, sha256};
use crate::key::{CHANGE, RECEIVE};
use crate::payment::{Candidates, Draft, Input, MAX_INPUTS, PayeeScript, Plan};
use crate::persistent::{
    Coin, Identity, LogEntry, MAX_INDEX, MAX_LOG, Payment, Place, Slot, Tally,
};
use crate::status::{self, Status};
use crate::volatile::Authorisation;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use heapless::Vec;
use rand_core::TryCryptoRng;

/// A payment that every rule allows.
struct Allowed {
    identity: Identity,
    plan: Plan,
    /// The counters as they will be.
    tally: Tally,
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    pub(super) fn preview(
        &mut self,
        request: &PaymentRequest<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.require_issued()?;
        if self.take_authorisation() != Authorisation::Holder {
            return Err(status::SECURITY_STATUS);
        }
        let plan = self.allow(request)?.plan;
        self.volatile.authorisation = Authorisation::Previewed(request_hash(request));
        let outpoints = plan.inputs.iter().map(|(_, coin)| (coin.txid, coin.vout));
        Ok(Previewed::write(
            reply,
            plan.amount,
            plan.fee,
            plan.change,
            outpoints,
        )?)
    }

    pub(super) fn pay(
        &mut self,
        request: &PaymentRequest<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.require_issued()?;
        match self.take_authorisation() {
            Authorisation::Holder => {}
            Authorisation::Previewed(hash) if hash == request_hash(request) => {}
            _ => return Err(status::SECURITY_STATUS),
        }
        let Allowed {
            identity,
            plan,
            tally,
        } = self.allow(request)?;
        let inputs = inputs(&identity, &plan)?;
        let change_place = Place {
            chain: CHANGE,
            index: tally.next_change.saturating_sub(1),
        };
        let change_script = match plan.change {
            0 => None,
            _ => Some(
                identity
                    .account
                    .chain(CHANGE)?
                    .key(change_place.index, &identity.merkle_root())?
                    .script(),
            ),
        };
        let draft = Draft::new(
            &inputs,
            (plan.amount, request.payee_script),
            change_script.as_ref().map(|script| (plan.change, script)),
        );
        let txid = draft.txid();
        let spent: Vec<Slot, MAX_INPUTS> = plan.inputs.iter().map(|(slot, _)| *slot).collect();
        let places: Vec<Place, MAX_INPUTS> =
            plan.inputs.iter().map(|(_, coin)| coin.place).collect();
        self.persistent.pay(&Payment {
            spent: &spent,
            places: &places,
            change: draft.change_vout().map(|vout| Coin {
                txid,
                vout,
                amount: plan.change,
                place: change_place,
            }),
            tally,
            entry: LogEntry {
                txid,
                amount: plan.amount,
                fee: plan.fee,
                payee_script: request.payee_script,
            },
        })?;
        // Only now, with the debit beyond recall, is anything signed.
        draft.sign(&mut self.rng, reply)
    }

    /// Whatever comes of a payment command, it ends the authorisation.
    fn take_authorisation(&mut self) -> Authorisation {
        core::mem::take(&mut self.volatile.authorisation)
    }

    /// The rules, in the order of `[PAY-4]`.
    fn allow(&mut self, request: &PaymentRequest<'_>) -> Result<Allowed, Status> {
        let identity = self.persistent.identity()?;
        let limits = identity.limits;
        if !(MIN_FEE_RATE..=limits.max_fee_rate).contains(&request.fee_rate) {
            return Err(status::FEE_RATE);
        }
        let payee = PayeeScript::new(request.payee_script).ok_or(status::PAYEE_SCRIPT)?;
        if !(payee.dust()..=MAX_MONEY).contains(&request.amount) {
            return Err(status::AMOUNT);
        }
        if request.amount > limits.per_payment {
            return Err(status::OVER_PAYMENT_LIMIT);
        }
        let mut tally = self.persistent.tally()?;
        if tally.payments >= MAX_LOG.into() {
            return Err(status::LOG_FULL);
        }
        let plan =
            self.candidates()?
                .choose(request.amount, payee.as_bytes().len(), request.fee_rate)?;
        if plan.fee > limits.fee_cap {
            return Err(status::FEE_CAP);
        }
        // Each summand is at most MAX_MONEY.
        tally.debited += plan.amount + plan.fee;
        if tally.debited > limits.cumulative {
            return Err(status::OVER_CUMULATIVE_LIMIT);
        }
        if plan.change > 0 {
            if tally.next_change >= MAX_INDEX {
                return Err(status::NO_ROOM);
            }
            tally.next_change += 1;
        }
        tally.payments += 1;
        Ok(Allowed {
            identity,
            plan,
            tally,
        })
    }

    fn candidates(&mut self) -> Result<Candidates, Status> {
        let mut candidates = Candidates::default();
        self.persistent.for_each_coin(|persistent, slot, coin| {
            if !persistent.is_retired(coin.place)? {
                candidates.add(slot, coin);
            }
            Ok(())
        })?;
        Ok(candidates)
    }
}

/// The coins with their keys, each chain derived once.
fn inputs(identity: &Identity, plan: &Plan) -> Result<Vec<Input, MAX_INPUTS>, Status> {
    let merkle_root = identity.merkle_root();
    let mut inputs = Vec::new();
    let mut chains = [None, None];
    for (_, coin) in &plan.inputs {
        let chain = match coin.place.chain {
            RECEIVE => &mut chains[0],
            _ => &mut chains[1],
        };
        let chain = match chain {
            Some(chain) => chain,
            None => chain.insert(identity.account.chain(coin.place.chain)?),
        };
        let input = Input {
            coin: *coin,
            key: chain.key(coin.place.index, &merkle_root)?,
        };
        inputs.push(input).map_err(|_| status::EXECUTION_ERROR)?;
    }
    Ok(inputs)
}

fn request_hash(request: &PaymentRequest<'_>) -> Hash {
    sha256(&[
        &request.amount.to_be_bytes(),
        &request.fee_rate.to_be_bytes(),
        request.payee_script,
    ])
}
