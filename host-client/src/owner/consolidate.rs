//! Moving a card's many coins into one.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Witness};

use super::sweep::{DUST, KEY_PATH_INPUT_WEIGHT, input_fee, sweep_vsize};
use super::{CardAccount, CardChain, CardCoin, CardView, OwnerError};
use crate::card::{CardContents, KeyPlace, SigningOrder};
use crate::chain::FeeRate;

/// What a card is to sign so that its confirmed coins become one at receive index `index`: at most
/// `most` of them, the smallest first, for a fee of at most `fee_cap`. Coins that a payment of the
/// card's spends are left to it; those that the card doesn't know are taken too.
///
/// # Errors
/// [`OwnerError::NothingToConsolidate`].
pub fn plan_consolidation(
    account: &CardAccount,
    view: &CardView,
    contents: &CardContents,
    index: u32,
    fee_rate: FeeRate,
    most: usize,
    fee_cap: Amount,
) -> Result<SigningOrder, OwnerError> {
    let worth = input_fee(fee_rate, KEY_PATH_INPUT_WEIGHT);
    let is_free = |coin: &&CardCoin| {
        let known = contents.coin(&coin.outpoint);
        coin.height.is_some()
            && coin.spent_by.is_none()
            && known.is_none_or(|known| known.spent_by.is_none())
            && coin.output.value > worth
    };
    let mut coins: Vec<&CardCoin> = view.coins.iter().filter(is_free).collect();
    coins.sort_by_key(|coin| (coin.output.value, coin.outpoint));
    let fee = |inputs| fee_rate.fee(sweep_vsize(inputs, KEY_PATH_INPUT_WEIGHT));
    coins.truncate(most);
    while coins.len() > 1 && fee(coins.len()) > fee_cap {
        coins.pop();
    }
    if coins.len() < 2 {
        return Err(OwnerError::NothingToConsolidate(
            "the card has no two coins in blocks that are worth their fee and within its limits",
        ));
    }
    let total: Amount = coins.iter().map(|coin| coin.output.value).sum();
    let rest = total
        .checked_sub(fee(coins.len()))
        .filter(|rest| *rest >= DUST)
        .ok_or(OwnerError::NothingToConsolidate("the fee would eat it all"))?;
    let place = KeyPlace {
        chain: CardChain::Receive,
        index,
    };
    Ok(SigningOrder {
        transaction: Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins
                .iter()
                .map(|coin| TxIn {
                    previous_output: coin.outpoint,
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                    witness: Witness::new(),
                })
                .collect(),
            output: vec![TxOut {
                value: rest,
                script_pubkey: account.script(place.chain, place.index)?,
            }],
        },
        coins: coins
            .iter()
            .map(|coin| {
                let (chain, index) = (coin.chain, coin.index);
                (coin.output.clone(), KeyPlace { chain, index })
            })
            .collect(),
        payees: vec![Some(place)],
    })
}
