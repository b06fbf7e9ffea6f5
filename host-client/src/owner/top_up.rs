//! Top-ups: the primary wallet pays a card, and the card learns of it.

use std::time::Duration;

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, Txid};

use super::sending::{broadcast, unnoted};
use super::{CardRecord, Owner, OwnerError, TopUp, Visit, backup};

use crate::chain::{Chain, ChainError, FeeRate, OutputState};
use tillcard_client::account::CardChain;
use tillcard_client::card::CardError;
use tillcard_client::transport::Transport;

/// A card knows its receive indexes up to nine above the next one (`docs/protocol.md` §6.2).
const MAX_PENDING_TOP_UPS: usize = 10;

/// Top-ups by what the chain says of them.
#[derive(Clone, Debug, Default)]
pub struct AwaitedTopUps {
    /// In a block.
    pub confirmed: Vec<TopUp>,
    /// The network doesn't know them (any more), or their coins are spent.
    pub unknown: Vec<TopUp>,
}

/// Waits until none of these top-ups is left that a block may still take, and asks the chain every
/// `interval` meanwhile. `waiting` is called once, if they aren't in blocks at first. No folder is
/// held: the owner may block a card meanwhile.
///
/// # Errors
/// Those of the chain, save that it can't be reached for a while.
pub fn await_top_ups(
    chain: &dyn Chain,
    top_ups: &[TopUp],
    interval: Duration,
    waiting: &mut dyn FnMut(),
) -> Result<AwaitedTopUps, OwnerError> {
    let mut told = false;
    loop {
        match look_at(chain, top_ups) {
            Ok(Some(awaited)) => return Ok(awaited),
            Ok(None) => {
                if !std::mem::replace(&mut told, true) {
                    waiting();
                }
            }
            Err(ChainError::Unavailable { .. } | ChainError::WarmingUp { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(interval);
    }
}

/// None while one of them waits for a block.
fn look_at(chain: &dyn Chain, top_ups: &[TopUp]) -> Result<Option<AwaitedTopUps>, ChainError> {
    let mut awaited = AwaitedTopUps::default();
    for top_up in top_ups {
        match chain.output(&top_up.outpoint())? {
            OutputState::Unspent {
                confirmations: 0, ..
            } => return Ok(None),
            OutputState::Unspent { .. } => awaited.confirmed.push(top_up.clone()),
            OutputState::SpentOrUnknown => awaited.unknown.push(top_up.clone()),
        }
    }
    Ok(Some(awaited))
}

impl Owner {
    /// Pays `amount` to card `number` from the primary wallet, at the next index that the folder
    /// knows of; the card isn't asked, as it is by [`Self::top_up_at_hand`]. The card's first top-up
    /// carries its account key, encrypted, if the owner didn't decline that. The result is to be
    /// streamed to the card, then [`Self::mark_entered`].
    ///
    /// # Errors
    /// As [`Self::send`]; also [`OwnerError::CardBlocked`], [`OwnerError::CardUnmet`],
    /// [`OwnerError::BelowLeastCoin`], [`OwnerError::TooManyPendingTopUps`] and
    /// [`OwnerError::TopUpUnsent`].
    pub fn top_up(
        &mut self,
        chain: &dyn Chain,
        number: u32,
        amount: Amount,
        fee_rate: FeeRate,
    ) -> Result<TopUp, OwnerError> {
        let record = self.payable(chain, number, amount)?;
        let pending = record.pending_top_ups().count();
        if pending >= MAX_PENDING_TOP_UPS {
            return Err(OwnerError::TooManyPendingTopUps(pending));
        }
        let index = record.next_receive_index;
        self.pay_card(chain, record, index, amount, fee_rate)
    }

    /// The same of the card at hand, which is asked first whether it would take the coin: at an index
    /// that it hasn't used, and that it knows.
    ///
    /// # Errors
    /// As [`Self::top_up`]; [`OwnerError::TopUpNotTaken`], and nothing was sent.
    pub fn top_up_at_hand<T: Transport>(
        &mut self,
        visit: &mut Visit<T>,
        chain: &dyn Chain,
        amount: Amount,
        fee_rate: FeeRate,
    ) -> Result<TopUp, OwnerError> {
        let record = self.payable(chain, visit.record.number, amount)?;
        let index = visit.free_receive_index(record.next_receive_index)?;
        self.pay_card(chain, record, index, amount, fee_rate)
    }

    /// The card, if it may be paid so much.
    fn payable(
        &self,
        chain: &dyn Chain,
        number: u32,
        amount: Amount,
    ) -> Result<CardRecord, OwnerError> {
        chain.expect_network(self.network)?;
        let record = self.store.load(number)?;
        if record.is_blocked() {
            return Err(OwnerError::CardBlocked(number));
        }
        if record.unmet {
            return Err(OwnerError::CardUnmet(number));
        }
        match record.limits {
            Some(limits) if amount < limits.least_coin => Err(OwnerError::BelowLeastCoin {
                amount,
                least: limits.least_coin,
            }),
            _ => Ok(record),
        }
    }

    fn pay_card(
        &mut self,
        chain: &dyn Chain,
        mut record: CardRecord,
        index: u32,
        amount: Amount,
        fee_rate: FeeRate,
    ) -> Result<TopUp, OwnerError> {
        let script = record.account.script(CardChain::Receive, index)?;
        let carries_backup = record.backup_on_chain
            && !record.is_found_by_words()
            && !record.backup.is_some_and(|txid| self.wallet.knows(&txid));
        let transaction =
            self.sign_top_up(&record, script.clone(), amount, fee_rate, carries_backup)?;
        let vout = transaction
            .output
            .iter()
            .position(|output| output.script_pubkey == script)
            .and_then(|place| u32::try_from(place).ok())
            .ok_or_else(|| OwnerError::wallet("the transaction doesn't pay the card"))?;
        let top_up = TopUp {
            transaction,
            vout,
            index,
            entered: false,
        };

        // Written before it is sent: whatever happens then, the tool knows of the coin.
        let before = record.clone();
        if carries_backup {
            record.backup = Some(top_up.txid());
        }
        record.next_receive_index = record.next_receive_index.max(index + 1);
        record.top_ups.push(top_up.clone());
        self.store.save(&record)?;
        let txid = top_up.txid();
        match broadcast(chain, &top_up.transaction) {
            Ok(()) => {}
            Err(error @ ChainError::Rejected { .. }) => {
                self.store.save(&before)?;
                return Err(error.into());
            }
            Err(error) => return Err(OwnerError::TopUpUnsent { txid, error }),
        }
        tracing::info!(card = record.number, %txid, "top-up sent");
        self.note_sent(&top_up.transaction)?;
        Ok(top_up)
    }

    /// Sends again the top-ups of card `number` that may not have reached the network. Those are
    /// returned that it refuses, with its reason; they don't stop the others. One that is in a block,
    /// and whose coin is spent, is nothing to tell the card of any more.
    ///
    /// # Errors
    /// Those of the chain and of files.
    pub fn resend_top_ups(
        &mut self,
        chain: &dyn Chain,
        number: u32,
    ) -> Result<Vec<(TopUp, ChainError)>, OwnerError> {
        let mut refused = Vec::new();
        for top_up in self.store.load(number)?.pending_top_ups() {
            let txid = top_up.txid();
            if chain.output(&top_up.outpoint())? != OutputState::SpentOrUnknown {
                continue;
            }
            if self.wallet.has_confirmed(&txid) {
                self.mark_entered(number, &txid)?;
                continue;
            }
            match broadcast(chain, &top_up.transaction) {
                Ok(()) => self.note_sent(&top_up.transaction)?,
                Err(error @ ChainError::Rejected { .. }) => refused.push((top_up.clone(), error)),
                Err(error) => return Err(OwnerError::TopUpUnsent { txid, error }),
            }
        }
        Ok(refused)
    }

    /// Tells the card of these top-ups, by streaming each to it. `taken` is called for each that the
    /// card has checked, with the amount that it read. Those are returned that it refuses: they don't
    /// stop the others, and stay to be told, since a refusal comes without proof.
    ///
    /// # Errors
    /// [`OwnerError::TopUpUntold`] when the card doesn't answer; [`OwnerError::SentUnnoted`] when its
    /// file can't be written.
    pub fn enter_top_ups<T: Transport>(
        &mut self,
        visit: &mut Visit<T>,
        top_ups: &[TopUp],
        taken: &mut dyn FnMut(&TopUp, Amount),
    ) -> Result<Vec<(TopUp, CardError)>, OwnerError> {
        let contents = visit.card.read_coins().map_err(OwnerError::TopUpUntold)?;
        let mut refused = Vec::new();
        for top_up in top_ups {
            // One whose answer was lost the last time.
            let known = contents.coin(&top_up.outpoint());
            let entered = match known {
                Some(coin) => Ok(Amount::from_sat(coin.amount)),
                None => visit.card.enter_coin(
                    &top_up.transaction,
                    top_up.vout,
                    CardChain::Receive,
                    top_up.index,
                ),
            };
            match entered {
                Ok(amount) => {
                    let txid = top_up.txid();
                    self.mark_entered(visit.record.number, &txid)
                        .map_err(unnoted(txid))?;
                    taken(top_up, amount);
                }
                Err(error) if error.status().is_some() => refused.push((top_up.clone(), error)),
                Err(error) => return Err(OwnerError::TopUpUntold(error)),
            }
        }
        Ok(refused)
    }

    /// Notes that there is nothing to tell the card of a top-up any more.
    ///
    /// # Errors
    /// [`OwnerError::UnknownCard`], and those of the card's file.
    pub fn mark_entered(&mut self, number: u32, txid: &Txid) -> Result<(), OwnerError> {
        let mut record = self.store.load(number)?;
        for top_up in &mut record.top_ups {
            if top_up.txid() == *txid {
                top_up.entered = true;
            }
        }
        self.store.save(&record)
    }

    fn sign_top_up(
        &mut self,
        record: &CardRecord,
        script: ScriptBuf,
        amount: Amount,
        fee_rate: FeeRate,
        carries_backup: bool,
    ) -> Result<Transaction, OwnerError> {
        let master = self.master()?;
        let mut outputs = vec![TxOut {
            value: amount,
            script_pubkey: script,
        }];
        // What is sealed depends on the first input, which is known once the coins are chosen:
        // until then, zeros of the same size stand there.
        let placeholder = backup::script(&[0; backup::SEALED_SIZE]);
        if carries_backup {
            outputs.push(TxOut {
                value: Amount::ZERO,
                script_pubkey: placeholder.clone(),
            });
        }
        let mut psbt = self.wallet.prepare(outputs, fee_rate)?;
        if carries_backup {
            let transaction = &mut psbt.unsigned_tx;
            let first_input = transaction
                .input
                .first()
                .map(|input| input.previous_output)
                .ok_or_else(|| OwnerError::wallet("a transaction without inputs"))?;
            let key = master.backup_key(record.number)?;
            let sealed = backup::seal(&key, &record.account, &first_input);
            for output in &mut transaction.output {
                if output.script_pubkey == placeholder {
                    output.script_pubkey = backup::script(&sealed);
                }
            }
        }
        self.wallet.sign(psbt, &master)
    }
}
