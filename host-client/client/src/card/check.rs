//! Does the card's transaction do what the shop asked, and will the network take its signatures?

use std::collections::HashSet;

use bitcoin::blockdata::transaction::Version;
use bitcoin::consensus::encode::deserialize;
use bitcoin::secp256k1::{Message, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{
    Amount, OutPoint, TapSighashType, Transaction, TxIn, TxOut, XOnlyPublicKey, absolute,
};

use super::{PaymentOrder, Preview};
use crate::advice::{Advice, Explain};
use crate::verifier::VERIFIER;

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
    /// The fee isn't the one of the rate asked for.
    #[error("the card would pay another fee than the one at the rate asked for")]
    WrongFee,
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
            Self::WrongFee => Advice::new(
                "payment-wrong-fee",
                "the card wasn't asked to pay, and nothing was debited",
                "take no payment from this card",
            ),
            Self::Signature(_) => Advice::new("payment-signature-invalid", UNPAID, KEEP),
        }
    }
}

/// Checks what a card would pay against what it was asked (sections 7.3 and 7.4): the amount, and the
/// fee at the rate asked for. What is too little for a change output, less than 330 sat, goes to the
/// fee.
///
/// # Errors
/// [`CheckError`]: the card isn't to be asked to pay this.
pub fn check_preview(order: &PaymentOrder, preview: &Preview) -> Result<(), CheckError> {
    if preview.amount != order.amount {
        return Err(CheckError::WrongPayment);
    }
    let inputs = preview.outpoints.len();
    let fee = |outputs_of_change| {
        let vsize = vsize(inputs, order.payee.len(), outputs_of_change);
        order.fee_rate.fee(vsize)
    };
    let is_right = match preview.change {
        Amount::ZERO => {
            let bound = fee(1).checked_add(LEAST_CHANGE);
            preview.fee >= fee(0) && bound.is_some_and(|bound| preview.fee < bound)
        }
        change => change >= LEAST_CHANGE && preview.fee == fee(1),
    };
    let outpoints: HashSet<&OutPoint> = preview.outpoints.iter().collect();
    if outpoints.is_empty() || outpoints.len() != inputs {
        Err(CheckError::OtherInputs)
    } else if is_right {
        Ok(())
    } else {
        Err(CheckError::WrongFee)
    }
}

/// The least amount of a change output (section 7.4).
const LEAST_CHANGE: Amount = Amount::from_sat(330);

/// The virtual size of a payment with so many inputs, a payee's script of so many bytes, and so many
/// change outputs (section 7.4).
fn vsize(inputs: usize, payee: usize, outputs_of_change: u64) -> u64 {
    let (inputs, payee) = (inputs as u64, payee as u64);
    (42 + 230 * inputs + 4 * (9 + payee) + 172 * outputs_of_change).div_ceil(4)
}

/// The transaction that a card answered to a PAY that wasn't previewed, as far as it can be checked
/// without its coins: it has the prescribed form, and pays the shop.
///
/// # Errors
/// [`CheckError`]: it isn't the payment.
pub fn check_unpreviewed(bytes: &[u8], order: &PaymentOrder) -> Result<Transaction, CheckError> {
    let transaction: Transaction = deserialize(bytes).map_err(|_| CheckError::NotATransaction)?;
    check_form(&transaction)?;
    let payment = TxOut {
        value: order.amount,
        script_pubkey: order.payee.clone(),
    };
    if !transaction.output.contains(&payment) || transaction.output.len() > 2 {
        return Err(CheckError::WrongPayment);
    }
    Ok(transaction)
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
                    VERIFIER
                        .verify_schnorr(&signature, &Message::from(sighash), &key)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FeeRate;
    use bitcoin::ScriptBuf;

    fn order() -> PaymentOrder {
        let payee = ScriptBuf::from_bytes(vec![0x51; 34]);
        let rate = FeeRate::from_sat_per_kvb(2_000);
        PaymentOrder::new(Amount::from_sat(21_000), rate, payee).unwrap()
    }

    fn preview(inputs: u32, fee: u64, change: u64) -> Preview {
        let txid = bitcoin::hashes::Hash::all_zeros();
        Preview {
            amount: Amount::from_sat(21_000),
            fee: Amount::from_sat(fee),
            change: Amount::from_sat(change),
            outpoints: (0..inputs).map(|vout| OutPoint { txid, vout }).collect(),
        }
    }

    #[test]
    fn the_fee_is_that_of_the_rate() {
        // One input, two taproot outputs: 616 weight units, 154 vbytes, 308 sat.
        assert_eq!(check_preview(&order(), &preview(1, 308, 39_000)), Ok(()));
        for fee in [0, 307, 309, 637] {
            let wrong = check_preview(&order(), &preview(1, fee, 39_000));
            assert_eq!(wrong, Err(CheckError::WrongFee), "{fee}");
        }
        // Two inputs: 212 vbytes (846 weight units).
        assert_eq!(check_preview(&order(), &preview(2, 424, 330)), Ok(()));
    }

    #[test]
    fn without_change_the_fee_is_a_little_more() {
        // Without change 111 vbytes, 222 sat; up to 308 + 330 less one.
        for (fee, expected) in [
            (221, Err(CheckError::WrongFee)),
            (222, Ok(())),
            (637, Ok(())),
            (638, Err(CheckError::WrongFee)),
        ] {
            assert_eq!(
                check_preview(&order(), &preview(1, fee, 0)),
                expected,
                "{fee}"
            );
        }
        let tiny = check_preview(&order(), &preview(1, 308, 329));
        assert_eq!(tiny, Err(CheckError::WrongFee));
    }

    #[test]
    fn another_amount_or_no_coin_is_no_preview() {
        let mut other = preview(1, 308, 39_000);
        other.amount = Amount::from_sat(20_999);
        let wrong = check_preview(&order(), &other);
        assert_eq!(wrong, Err(CheckError::WrongPayment));
        let mut twice = preview(2, 424, 330);
        twice.outpoints[1] = twice.outpoints[0];
        for wrong in [preview(0, 308, 39_000), twice] {
            let found = check_preview(&order(), &wrong);
            assert_eq!(found, Err(CheckError::OtherInputs));
        }
    }
}
