//! Does the card's transaction do what the shop asked, and will the network take its signatures?

use bitcoin::blockdata::transaction::Version;
use bitcoin::consensus::encode::deserialize;
use bitcoin::secp256k1::{Message, Secp256k1, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{
    Amount, OutPoint, TapSighashType, Transaction, TxIn, TxOut, XOnlyPublicKey, absolute,
};

use super::{PaymentOrder, Preview};
use crate::advice::{Advice, Explain};

/// What is wrong with a card's transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The bytes are no transaction.
    #[error("the card's answer is no transaction")]
    NotATransaction,
    /// Version, lock time or an input's sequence or script isn't what the protocol prescribes.
    #[error("the card's transaction has an unusual form: {0}")]
    Form(&'static str),
    /// It spends other coins than the preview said.
    #[error("the card's transaction spends other coins than the card said before")]
    OtherInputs,
    /// It doesn't pay the payee exactly the amount, once.
    #[error("the card's transaction doesn't pay the amount to the shop's address")]
    WrongPayment,
    /// Change or fee isn't what the preview said.
    #[error("the card's transaction has another change or fee than the card said before")]
    WrongChangeOrFee,
    /// A coin isn't a taproot output, or its signature isn't valid.
    #[error("the card's signature for coin {0} isn't valid")]
    Signature(OutPoint),
}

impl Explain for CheckError {
    fn advice(&self) -> Advice {
        const UNPAID: &str = "the shop isn't paid, and the transaction isn't sent";
        const KEEP: &str = "don't hand out the goods, and take no other payment from this card";
        match self {
            Self::NotATransaction => Advice::new("payment-not-a-transaction", UNPAID, KEEP),
            Self::Form(_) => Advice::new("payment-form-unusual", UNPAID, KEEP),
            Self::OtherInputs => Advice::new("payment-other-coins", UNPAID, KEEP),
            Self::WrongPayment => Advice::new("payment-wrong-amount", UNPAID, KEEP),
            Self::WrongChangeOrFee => Advice::new("payment-wrong-change", UNPAID, KEEP),
            Self::Signature(_) => Advice::new("payment-signature-invalid", UNPAID, KEEP),
        }
    }
}

/// Checks the transaction that a card answered to PAY against what was asked (`order`), what the
/// card promised (`preview`) and what the chain says of the coins (`spent`, in the order of the
/// inputs), signatures included (BIP341, key path).
///
/// # Errors
/// [`CheckError`]: the payment must not be taken for one.
pub fn check_payment(
    bytes: &[u8],
    order: &PaymentOrder,
    preview: &Preview,
    spent: &[TxOut],
) -> Result<Transaction, CheckError> {
    let transaction: Transaction = deserialize(bytes).map_err(|_| CheckError::NotATransaction)?;
    check_form(&transaction)?;
    let inputs = transaction.input.iter().map(|input| &input.previous_output);
    if !inputs.eq(&preview.outpoints) || spent.len() != preview.outpoints.len() {
        return Err(CheckError::OtherInputs);
    }
    check_outputs(&transaction, order, preview, spent)?;
    check_signatures(&transaction, spent)?;
    Ok(transaction)
}

/// What a card must have promised that wrote this transaction, which spends `spent`: for payments
/// that weren't previewed. None when it pays out more than it takes in, or less than the amount.
pub fn unpreviewed(
    transaction: &Transaction,
    order: &PaymentOrder,
    spent: &[TxOut],
) -> Option<Preview> {
    let paid_in = checked_sum(spent.iter().map(|coin| coin.value))?;
    let paid_out = checked_sum(transaction.output.iter().map(|output| output.value))?;
    Some(Preview {
        amount: order.amount,
        fee: paid_in.checked_sub(paid_out)?,
        change: paid_out.checked_sub(order.amount)?,
        outpoints: transaction
            .input
            .iter()
            .map(|input| input.previous_output)
            .collect(),
    })
}

fn check_form(transaction: &Transaction) -> Result<(), CheckError> {
    if transaction.version != Version::TWO {
        return Err(CheckError::Form("its version isn't 2"));
    }
    if transaction.lock_time != absolute::LockTime::ZERO {
        return Err(CheckError::Form("it has a lock time"));
    }
    for input in &transaction.input {
        if input.sequence.0 != 0xFFFF_FFFD {
            return Err(CheckError::Form("an input's sequence isn't FFFFFFFD"));
        }
        if !input.script_sig.is_empty() {
            return Err(CheckError::Form("an input has a scriptSig"));
        }
    }
    Ok(())
}

fn check_outputs(
    transaction: &Transaction,
    order: &PaymentOrder,
    preview: &Preview,
    spent: &[TxOut],
) -> Result<(), CheckError> {
    let payment = TxOut {
        value: order.amount,
        script_pubkey: order.payee.clone(),
    };
    let position = transaction.output.iter().position(|out| *out == payment);
    let position = position.ok_or(CheckError::WrongPayment)?;
    if preview.amount != order.amount {
        return Err(CheckError::WrongPayment);
    }
    let others = transaction.output.iter().enumerate();
    let change: Vec<_> = others.filter(|(i, _)| *i != position).collect();
    let change = match change[..] {
        [] => Amount::ZERO,
        [(_, output)] => output.value,
        _ => return Err(CheckError::WrongChangeOrFee),
    };
    let paid_in = checked_sum(spent.iter().map(|coin| coin.value));
    let paid_out = checked_sum([order.amount, change, preview.fee].into_iter());
    if change != preview.change || paid_in.is_none() || paid_in != paid_out {
        return Err(CheckError::WrongChangeOrFee);
    }
    Ok(())
}

fn checked_sum(mut amounts: impl Iterator<Item = Amount>) -> Option<Amount> {
    amounts.try_fold(Amount::ZERO, Amount::checked_add)
}

fn check_signatures(transaction: &Transaction, spent: &[TxOut]) -> Result<(), CheckError> {
    let secp = Secp256k1::verification_only();
    let prevouts = Prevouts::All(spent);
    let mut cache = SighashCache::new(transaction);
    for (i, (input, coin)) in transaction.input.iter().zip(spent).enumerate() {
        let sighash = cache
            .taproot_key_spend_signature_hash(i, &prevouts, TapSighashType::Default)
            .ok();
        let valid =
            signed_key(input, coin)
                .zip(sighash)
                .is_some_and(|((key, signature), sighash)| {
                    secp.verify_schnorr(&signature, &Message::from(sighash), &key)
                        .is_ok()
                });
        if !valid {
            return Err(CheckError::Signature(input.previous_output));
        }
    }
    Ok(())
}

/// The output key of a taproot coin (BIP341) and the signature that spends it by key path: one
/// witness element of 64 bytes (SIGHASH_DEFAULT, no annex).
fn signed_key(input: &TxIn, coin: &TxOut) -> Option<(XOnlyPublicKey, schnorr::Signature)> {
    if !coin.script_pubkey.is_p2tr() || input.witness.len() != 1 {
        return None;
    }
    let key = XOnlyPublicKey::from_slice(&coin.script_pubkey.as_bytes()[2..]).ok()?;
    let signature = schnorr::Signature::from_slice(&input.witness[0]).ok()?;
    Some((key, signature))
}
