//! What the back office has signed comes back, or a draft is given up.

use bdk_wallet::miniscript::psbt::PsbtExt;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Psbt, Transaction};
use serde::Deserialize;
use tillcard::chain::{Chain, ChainError};
use utoipa::ToSchema;

use super::{Refund, RefundError, RefundState};
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::shop::{Shop, lock};

/// A draft that was signed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = SignedRefund)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signed {
    /// The refund's PSBT with the signatures of all inputs (BIP174), in Base64.
    psbt: String,
}

impl Shop {
    /// Takes the signed draft, and sends it. What can't be sent just now is stored, and sent later.
    pub(crate) fn take_signed(&self, id: &str, signed: &Signed) -> Result<Refund, ServiceError> {
        let _one_at_a_time = lock(&self.refunding);
        let refund = self.book.refund(id)?;
        if !matches!(refund.state, RefundState::Drafted | RefundState::Signed) {
            return match refund.transaction.is_some() && refund.state.is_sent() {
                // It came before.
                true => Ok(refund),
                false => Err(RefundError::WrongState(refund.state).into()),
            };
        }
        let draft: Psbt = refund.psbt.parse().map_err(ServiceError::book)?;
        let transaction = complete(draft, &signed.psbt)?;
        let stored = self.book.change_refund(id, |refund| {
            refund.transaction = Some(serialize_hex(&transaction));
            refund.comes_to(RefundState::Signed, Moment::now());
        })?;
        let chain = self.chain();
        match self.send_refund(id, &transaction, &chain) {
            Ok(sent) => Ok(sent),
            Err(ServiceError::Chain(error @ ChainError::Rejected { .. })) => Err(error.into()),
            Err(error) => {
                tracing::warn!(%error, refund = id, "it is sent later");
                Ok(stored)
            }
        }
    }

    pub(super) fn send_refund(
        &self,
        id: &str,
        transaction: &Transaction,
        chain: &dyn Chain,
    ) -> Result<Refund, ServiceError> {
        let height = chain.tip()?.height;
        chain.broadcast(transaction)?;
        tracing::info!(refund = id, "sent");
        self.book.change_refund(id, |refund| {
            refund.seen_at_height.get_or_insert(height);
            refund.comes_to(RefundState::Broadcast, Moment::now());
        })
    }

    /// Gives up a draft that isn't signed.
    pub(crate) fn cancel_refund(&self, id: &str) -> Result<Refund, ServiceError> {
        let _one_at_a_time = lock(&self.refunding);
        let refund = self.book.refund(id)?;
        match refund.state {
            RefundState::Cancelled => Ok(refund),
            RefundState::Drafted => self.give_up_refund(id, RefundState::Cancelled),
            state => Err(RefundError::WrongState(state).into()),
        }
    }

    pub(super) fn give_up_refund(
        &self,
        id: &str,
        state: RefundState,
    ) -> Result<Refund, ServiceError> {
        self.book.change_refund(id, |refund| {
            refund.given_up = Some(state);
            refund.comes_to(state, Moment::now());
        })
    }
}

/// The draft's transaction with the signatures that came, each of which is checked.
fn complete(mut draft: Psbt, signed: &str) -> Result<Transaction, RefundError> {
    let not_signed = |error: &dyn std::fmt::Display| RefundError::NotSigned(error.to_string());
    let signed: Psbt = (signed.trim().parse())
        .map_err(|error: bitcoin::psbt::PsbtParseError| not_signed(&error))?;
    if signed.unsigned_tx != draft.unsigned_tx {
        return Err(RefundError::OtherTransaction);
    }
    // What the till knows of the coins stands.
    draft.combine(signed).map_err(|error| not_signed(&error))?;
    let secp = Secp256k1::verification_only();
    draft.finalize_mut(&secp).map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        RefundError::NotSigned(errors.join(", "))
    })?;
    draft.extract(&secp).map_err(|error| not_signed(&error))
}
