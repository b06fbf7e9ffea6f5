//! PREVIEW, both forms of PAY.

use super::Tillcard;
use super::inputs_outputs::InputsOutputs;
use super::rules::Allowed;
use super::state::ShopSession;
use crate::payment::{Draft, Signatures};
use crate::persistent::{Coin, Identity, LogEntry, Payment};
use crate::volatile::Holder;
use apdu_app::VecView;
use embedded_storage::nor_flash::NorFlash;
use rand_core::TryCryptoRng;
use tillcard_protocol::command::{Authority, PaymentRequest, Place, Previewed, Source};
use tillcard_protocol::status::{self, Status};

/// What the card knows of a request's payment identity.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Known {
    /// No payment of that identity is kept.
    Unknown,
    /// The payment that this very request asked for.
    Same(u32),
    /// One that another request asked for.
    Other,
}

impl<N: NorFlash, R: TryCryptoRng> Tillcard<N, R> {
    /// - `[PAY-1]`: for the holder.
    /// - `[PAY-2]`: one PREVIEW, and one more after a report.
    /// - `[NOP-2]`: it asks for the PIN in any case.
    #[inline(never)]
    pub(super) fn preview(
        &mut self,
        _: ShopSession,
        request: &PaymentRequest<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        // Whatever comes of it, the authorisation isn't what it was.
        let holder = self.volatile.holder.take().ok_or(status::SECURITY_STATUS)?;
        let hash = request.digest();
        if holder
            .request
            .is_some_and(|previewed| previewed != hash || !holder.may_preview)
        {
            return Err(status::SECURITY_STATUS);
        }
        let counters = self.persistent.counters()?;
        if self
            .persistent
            .find_payment(&counters, &request.identity)?
            .is_some()
        {
            return Err(status::IDENTITY_IN_USE);
        }
        let allowed = self.allow(request, Authority::Pin, &holder.absent)?;
        // The card's own scripts are taproot, and cost time to derive.
        if matches!(request.payee_script, [0x51, 0x20, ..]) {
            self.inputs_outputs(request, &allowed)?;
        }
        let plan = allowed.plan;
        self.volatile.holder = Some(Holder {
            request: Some(hash),
            may_preview: false,
            offered: plan.inputs.iter().map(|(slot, _)| *slot).collect(),
            ..holder
        });
        let outpoints = plan.inputs.iter().map(|(_, coin)| coin.outpoint());
        let previewed = Previewed {
            amount: plan.amount,
            fee: plan.fee,
            change: plan.change,
            outpoints,
        };
        Ok(previewed.write(reply)?)
    }

    /// - `[PAY-3]`: the authorisation ends, whatever comes of it.
    /// - `[REC-3]`: also when the payment is given again.
    #[inline(never)]
    pub(super) fn pay(
        &mut self,
        _: ShopSession,
        request: &PaymentRequest<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let (holder, known) = self.take_holder_for(request)?;
        if let Known::Same(payment_number) = known {
            return self.pay_known(payment_number, holder.is_some(), reply);
        }
        let (authority, absent) = match holder {
            Some(Holder {
                request: Some(previewed),
                ..
            }) if previewed != request.digest() => return Err(status::SECURITY_STATUS),
            Some(holder) => (Authority::Pin, holder.absent),
            None => {
                self.require_allowed_without_pin(request.amount)?;
                (Authority::None, Default::default())
            }
        };
        self.rng.require_healthy()?;
        if known == Known::Other {
            return Err(status::IDENTITY_IN_USE);
        }
        let allowed = self.allow(request, authority, &absent)?;
        let inputs_outputs = self.inputs_outputs(request, &allowed)?;
        let draft = inputs_outputs.draft(request.amount, request.payee_script);
        // A signature that isn't valid costs nothing; a valid one leaves after the debit.
        let signatures = self.sign(&allowed.identity, &inputs_outputs, &draft)?;
        self.persistent
            .pay(&payment(request, &allowed, authority, &draft))?;
        draft.write(&signatures, reply)?;
        self.volatile.paid = Some(allowed.counters.log_next - 1);
        Ok(())
    }

    /// PAY, again only.
    ///
    /// - `[REC-4]`: it writes no payment.
    #[inline(never)]
    pub(super) fn pay_again(
        &mut self,
        _: ShopSession,
        request: &PaymentRequest<'_>,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        let (holder, known) = self.take_holder_for(request)?;
        match known {
            Known::Same(payment_number) => self.pay_known(payment_number, holder.is_some(), reply),
            Known::Other => Err(status::IDENTITY_IN_USE),
            Known::Unknown => Err(status::DATA_NOT_FOUND),
        }
    }

    /// What each PAY begins with: the authorisation, which it ends, and what the
    /// card knows of the payment.
    fn take_holder_for(
        &mut self,
        request: &PaymentRequest<'_>,
    ) -> Result<(Option<Holder>, Known), Status> {
        self.volatile.paid = None;
        let holder = self.volatile.holder.take();
        let counters = self.persistent.counters()?;
        let known = match self.persistent.find_payment(&counters, &request.identity)? {
            None => Known::Unknown,
            Some(payment_number) if self.is_request_of(payment_number, request)? => {
                Known::Same(payment_number)
            }
            Some(_) => Known::Other,
        };
        Ok((holder, known))
    }

    /// Gives a kept payment again, which is then the session's last.
    fn pay_known(
        &mut self,
        payment_number: u32,
        has_holder: bool,
        reply: &mut VecView<u8>,
    ) -> Result<(), Status> {
        self.give_again(payment_number, has_holder, reply)?;
        self.volatile.paid = Some(payment_number);
        Ok(())
    }

    /// Keys and scripts of a payment that the rules allow; `9408` when it would
    /// pay the card itself (`[PAY-10]`).
    fn inputs_outputs(
        &mut self,
        request: &PaymentRequest<'_>,
        allowed: &Allowed,
    ) -> Result<InputsOutputs, Status> {
        let coins = allowed.plan.inputs.iter().map(|(_, coin)| *coin);
        let change = allowed.change.map(|(_, change)| change);
        let inputs_outputs = InputsOutputs::derive(&allowed.identity, coins, change)?;
        if inputs_outputs.have_script(request.payee_script)
            || self.is_next_receive_script(request.payee_script)?
        {
            return Err(status::PAYEE_SCRIPT);
        }
        Ok(inputs_outputs)
    }

    /// The signatures of a payment, of which none has left yet. The account's secret is loaded
    /// here, and is gone afterwards.
    #[inline(never)]
    pub(super) fn sign(
        &mut self,
        identity: &Identity,
        inputs_outputs: &InputsOutputs,
        draft: &Draft<'_>,
    ) -> Result<Signatures, Status> {
        let secret = self.persistent.account_secret(identity)?;
        draft.sign(&inputs_outputs.signer(secret), &mut self.rng)
    }

    /// Whether RECEIVE SCRIPT would answer this script (`[PAY-10]`).
    fn is_next_receive_script(&mut self, script: &[u8]) -> Result<bool, Status> {
        // The card's own scripts are taproot, and may cost time to derive.
        Ok(matches!(script, [0x51, 0x20, ..]) && self.next_receive()?.1[..] == *script)
    }
}

/// What the payment changes.
///
/// - `[TX-4]`: change goes to the next change index.
/// - `[TX-5]`: and is a coin at once.
fn payment<'a>(
    request: &PaymentRequest<'a>,
    allowed: &'a Allowed,
    authority: Authority,
    draft: &Draft<'_>,
) -> Payment<'a> {
    let txid = draft.txid();
    let unrooted = request.source == Source::Unrooted;
    let change = allowed.change.zip(draft.change_vout());
    Payment {
        spent: &allowed.plan.inputs,
        change: change.map(|((slot, change), vout)| {
            let coin = Coin {
                txid,
                vout,
                amount: change.amount,
                place: Place::change(change.index),
                unrooted,
                doubtful: false,
                spent: None,
            };
            (slot, coin)
        }),
        counters: allowed.counters,
        entry: LogEntry {
            txid,
            amount: request.amount,
            fee: allowed.plan.fee,
            fee_rate: request.fee_rate,
            payee_script: request.payee_script,
            change: allowed.change.map(|(_, change)| change),
            inputs: allowed.plan.inputs.iter().map(|(slot, _)| *slot).collect(),
            unrooted,
            without_pin: authority == Authority::None,
            identity: request.identity,
            merchant: request.merchant,
            invoice: request.invoice,
        },
    }
}
