//! Top-ups: the primary wallet pays a card, and the card learns of it.

use std::time::Duration;

use bitcoin::{Amount, ScriptBuf, Transaction, TxOut, Txid};

use super::{CardRecord, Owner, OwnerError, TopUp, Visit, backup};

use crate::chain::{Chain, ChainError, FeeRate, OutputState};
use tillcard_client::account::CardChain;
use tillcard_client::transport::Transport;

/// A card knows its receive indexes up to nine above the next one (`docs/protocol.md` §6.2).
const MAX_PENDING_TOP_UPS: usize = 10;

impl Owner {
    /// Pays `amount` to card `number` from the primary wallet. The card's first top-up carries its
    /// account key, encrypted, if the owner didn't decline that. The result is to be streamed to
    /// the card, then [`Self::mark_entered`].
    ///
    /// # Errors
    /// As [`Self::send`]; also [`OwnerError::CardBlocked`] and
    /// [`OwnerError::TooManyPendingTopUps`].
    pub fn top_up(
        &mut self,
        chain: &dyn Chain,
        number: u32,
        amount: Amount,
        fee_rate: FeeRate,
    ) -> Result<TopUp, OwnerError> {
        chain.expect_network(self.network)?;
        let mut record = self.store.load(number)?;
        if record.is_blocked() {
            return Err(OwnerError::CardBlocked(number));
        }
        let pending = record.pending_top_ups().count();
        if pending >= MAX_PENDING_TOP_UPS {
            return Err(OwnerError::TooManyPendingTopUps(pending));
        }
        let index = record.next_receive_index;
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
        record.next_receive_index = index + 1;
        record.top_ups.push(top_up.clone());
        self.store.save(&record)?;
        if let Err(error) = chain.broadcast(&top_up.transaction) {
            if matches!(error, ChainError::Rejected { .. }) {
                self.store.save(&before)?;
            }
            return Err(error.into());
        }
        tracing::info!(card = number, txid = %top_up.txid(), "top-up sent");
        self.wallet.note_sent(top_up.transaction.clone())?;
        Ok(top_up)
    }

    /// Sends again the top-ups of card `number` that may not have reached the network.
    ///
    /// # Errors
    /// Those of the chain, save that it knows the transaction already.
    pub fn resend_top_ups(&mut self, chain: &dyn Chain, number: u32) -> Result<(), OwnerError> {
        for top_up in self.store.load(number)?.pending_top_ups() {
            match chain.output(&top_up.outpoint())? {
                OutputState::Unspent { .. } => (),
                OutputState::SpentOrUnknown => {
                    chain.broadcast(&top_up.transaction)?;
                    self.wallet.note_sent(top_up.transaction.clone())?;
                }
            }
        }
        Ok(())
    }

    /// Waits until a top-up is in a block, and asks the chain every `interval` meanwhile. `waiting`
    /// is called once, if it isn't at first.
    ///
    /// # Errors
    /// [`OwnerError::TopUpUnknown`] when the network doesn't know the transaction (any more).
    pub fn await_top_up(
        &self,
        chain: &dyn Chain,
        top_up: &TopUp,
        interval: Duration,
        waiting: &mut dyn FnMut(),
    ) -> Result<(), OwnerError> {
        let mut told = false;
        loop {
            match chain.output(&top_up.outpoint()) {
                Ok(OutputState::Unspent {
                    confirmations: 1.., ..
                }) => return Ok(()),
                Ok(OutputState::Unspent { .. }) => {
                    if !std::mem::replace(&mut told, true) {
                        waiting();
                    }
                }
                Ok(OutputState::SpentOrUnknown) => {
                    return Err(OwnerError::TopUpUnknown(top_up.txid()));
                }
                Err(ChainError::Unavailable { .. } | ChainError::WarmingUp { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            std::thread::sleep(interval);
        }
    }

    /// Tells the card of these top-ups, by streaming each to it. `taken` is called for each that the
    /// card has checked, with the amount that it read.
    ///
    /// # Errors
    /// Those of the card and of its file.
    pub fn enter_top_ups<T: Transport>(
        &mut self,
        visit: &mut Visit<T>,
        top_ups: &[TopUp],
        taken: &mut dyn FnMut(&TopUp, Amount),
    ) -> Result<(), OwnerError> {
        for top_up in top_ups {
            let amount = visit.card.enter_coin(
                &top_up.transaction,
                top_up.vout,
                CardChain::Receive,
                top_up.index,
            )?;
            self.mark_entered(visit.record.number, &top_up.txid())?;
            taken(top_up, amount);
        }
        Ok(())
    }

    /// Notes that the card has taken a top-up.
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
