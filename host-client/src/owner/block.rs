//! Blocking a lost card.

use bitcoin::Transaction;
use tillcard_client::account::Provenance;

use super::sending::{broadcast, unnoted};
use super::sweep::{Purse, SweepKey};
use super::{CardView, Owner, OwnerError, Progress, Sweep, SweepOptions};
use crate::chain::{Chain, ChainError};

impl Owner {
    /// Blocks a lost card: sends all its coins to the primary wallet, by script path, or by key
    /// path when the account key came from the words. It can be asked again, should coins have
    /// come, have grown deep enough for the leaf's delay, or a sweep have been replaced since.
    ///
    /// # Errors
    /// [`Rejected`](ChainError::Rejected) when the chain refuses a sweep, and
    /// [`OwnerError::SweepUnsent`] when it isn't known whether it was sent; the card counts as blocked
    /// then too, and the sweep can be tried again.
    pub fn block(
        &mut self,
        chain: &dyn Chain,
        number: u32,
        options: SweepOptions,
        progress: &mut Progress<'_>,
    ) -> Result<Sweep, OwnerError> {
        let mut record = self.store.load(number)?;
        let leaf_key = self.master()?.leaf_key(number)?;
        let imported = match record.provenance {
            Provenance::Imported => Some(self.master()?.imported_key(number)?),
            Provenance::Made => None,
        };
        let view = CardView::scan(&record.account, chain, record.birthday, progress)?;
        let mut swept_by = record.swept_by.take().unwrap_or_default();
        let mut sweep = if view.coins.is_empty() {
            Sweep::default()
        } else {
            let destination = self.wallet.next_address()?.script_pubkey();
            let purse = Purse {
                account: &record.account,
                key: match &imported {
                    Some(key) => SweepKey::Account(key),
                    None => SweepKey::Leaf(&leaf_key),
                },
            };
            Sweep::build(&purse, &view, chain, &destination, &swept_by, options)?
        };
        sweep.reach = view.reach;
        swept_by.extend(sweep.transactions.iter().map(Transaction::compute_txid));
        record.swept_by = Some(swept_by);
        // Neither a full disk nor one that isn't taken stops the others: the card is lost.
        let mut noted = self.store.save(&record);
        let (mut sent, mut failed) = (None, None);
        for transaction in &sweep.transactions {
            let txid = transaction.compute_txid();
            match broadcast(chain, transaction) {
                Ok(()) => {
                    tracing::info!(card = number, %txid, "sweep sent");
                    sent = Some(txid);
                    noted = noted.and(self.wallet.note_sent(transaction.clone()));
                }
                Err(error @ ChainError::Rejected { .. }) => failed = Some(error.into()),
                Err(error) => failed = Some(OwnerError::SweepUnsent { txid, error }),
            }
        }
        match (failed, noted, sent) {
            (Some(error), ..) | (None, Err(error), None) => Err(error),
            (None, Err(error), Some(txid)) => Err(unnoted(txid)(error)),
            (None, Ok(()), _) => Ok(sweep),
        }
    }
}
