//! What the owner's wallet does around a card that is at home.

use bitcoin::{ScriptBuf, Transaction};

use super::{CardRecord, Limits, Owner, OwnerError, OwnerKey, TopUp};
use crate::chain::Chain;

impl Owner {
    /// What authorises owner commands to a card; after a restore, or a change of its key that was
    /// torn, [`Self::meet`] has to find out first which key does.
    ///
    /// # Errors
    /// When the words' file can't be read.
    pub fn authority(&self, card: &CardRecord) -> Result<(OwnerKey, [u8; 16]), OwnerError> {
        let changes = card.owner_keys.least();
        let key = self.master()?.owner_key(card.number, changes)?;
        Ok((key, card.account.card_id()))
    }

    /// A script of the primary wallet that was never paid.
    ///
    /// # Errors
    /// As [`Self::next_address`].
    pub fn next_script(&mut self) -> Result<ScriptBuf, OwnerError> {
        Ok(self.next_address()?.script_pubkey())
    }

    /// Sends a transaction that a card signed, and takes note of it.
    ///
    /// # Errors
    /// Those of the chain and of the wallet's file.
    pub fn send_signed(
        &mut self,
        chain: &dyn Chain,
        transaction: &Transaction,
    ) -> Result<(), OwnerError> {
        chain.broadcast(transaction)?;
        self.wallet.note_sent(transaction.clone())
    }

    /// Takes note of the limits that a card has now.
    ///
    /// # Errors
    /// [`OwnerError::UnknownCard`], and those of the card's file.
    pub fn note_limits(&mut self, number: u32, limits: Limits) -> Result<(), OwnerError> {
        let mut record = self.store.load(number)?;
        record.limits = Some(limits);
        self.store.save(&record)
    }

    /// Takes note of a transaction that pays the card at receive index `index` with its first
    /// output, before it is sent: it is then entered as top-ups are.
    ///
    /// # Errors
    /// [`OwnerError::UnknownCard`], and those of the card's file.
    pub fn note_own_payment(
        &mut self,
        number: u32,
        transaction: Transaction,
        index: u32,
    ) -> Result<(), OwnerError> {
        let mut record = self.store.load(number)?;
        record.next_receive_index = record.next_receive_index.max(index + 1);
        record.top_ups.push(TopUp {
            transaction,
            vout: 0,
            index,
            entered: false,
        });
        self.store.save(&record)
    }
}
