//! Moving a card's many coins into one.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Sequence, Transaction, TxOut};

use super::sweep::{DUST, KEY_PATH_INPUT_WEIGHT, input_fee, sweep_vsize};
use super::{CardCoin, CardView, Owner, OwnerError, Progress, Visit};
use crate::chain::{Chain, ChainError, FeeRate};
use tillcard_client::account::{CardAccount, CardChain};
use tillcard_client::card::{CardContents, Derivation, SigningOrder};
use tillcard_client::transport::Transport;

/// A consolidation that was sent.
#[derive(Clone, Debug)]
pub struct Consolidation {
    /// The transaction; its one output is the card's new coin.
    pub transaction: Transaction,
    /// How many coins became one.
    pub coins: usize,
    /// Its fee.
    pub fee: Amount,
}

impl Owner {
    /// Moves the card's confirmed coins into one, as many as the card signs for at once. The card is
    /// let go; it has to be told of the new coin once that is in a block, as of a top-up.
    ///
    /// # Errors
    /// [`OwnerError::NothingToConsolidate`], and those of card and chain.
    pub fn consolidate<T: Transport>(
        &mut self,
        mut visit: Visit<T>,
        fee_rate: FeeRate,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<Consolidation, OwnerError> {
        chain.expect_complete()?;
        let contents = visit.contents()?;
        let view = self.card_coins(chain, visit.record.number, progress)?;
        let least = visit.record.next_receive_index;
        let index = visit.free_receive_index(least.max(view.next_receive_index))?;
        let record = &visit.record;
        let order = plan_consolidation(
            &record.account,
            &view,
            &contents,
            index,
            fee_rate,
            usize::from(visit.card.capabilities().max_signing_inputs),
            record
                .limits
                .map_or(Amount::MAX_MONEY, |limits| limits.fee_cap),
        )?;
        let number = record.number;
        let signed = visit.card.sign(&order);
        let signatures = signed.map_err(OwnerError::signing)?;
        visit.close()?;
        let transaction = order.signed(&signatures);
        // Written before it is sent: whatever happens then, the folder knows of the coin.
        let before = self.store.load(number)?;
        self.note_own_payment(number, transaction.clone(), index)?;
        let sent = self.send_signed(chain, &transaction);
        if let Err(OwnerError::Chain(ChainError::Rejected { .. })) = sent {
            self.store.save(&before)?;
        }
        sent?;
        Ok(Consolidation {
            transaction,
            coins: order.coins.len(),
            fee: order.fee().unwrap_or_default(),
        })
    }
}

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
    let place = Derivation {
        chain: CardChain::Receive,
        index,
    };
    Ok(SigningOrder {
        transaction: Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: coins
                .iter()
                .map(|coin| coin.input(Sequence::ENABLE_RBF_NO_LOCKTIME))
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
                (coin.output.clone(), Derivation { chain, index })
            })
            .collect(),
        payees: vec![Some(place)],
    })
}
