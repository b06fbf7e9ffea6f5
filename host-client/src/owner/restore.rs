//! Finding cards again from words and chain.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fmt, fs};

use bitcoin::{Network, Txid};

use super::keys::MasterKey;
use super::wallet::PrimaryWallet;
use super::{CardAccount, CardRecord, CardView, Owner, OwnerError, Progress, Words, backup};
use crate::chain::{Chain, ChainError, Tip};

/// Card numbers that are tried on each possible backup.
pub const MAX_CARDS: u32 = 20;

/// A card that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCard {
    /// Its number.
    pub number: u32,
    /// Its account.
    pub account: CardAccount,
    /// The top-up that carried its account key.
    pub top_up: Txid,
    /// Height of that top-up's block; none while it is in the mempool.
    pub height: Option<u32>,
}

/// What a restore found. Its `Display` is written for the owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RestoreReport {
    /// Cards found, by number.
    pub cards: Vec<FoundCard>,
    /// Numbers below the highest found that weren't: there may have been such cards, but their
    /// coins can't be found.
    pub missing: Vec<u32>,
}

impl RestoreReport {
    /// Tries every data output of the wallet's transactions as a backup of each possible card.
    pub(super) fn search(
        wallet: &PrimaryWallet,
        master: &MasterKey,
        network: Network,
    ) -> Result<Self, OwnerError> {
        let keys = (0..MAX_CARDS)
            .map(|number| {
                Ok((
                    number,
                    master.backup_key(number)?,
                    master.leaf_key(number)?.public(),
                ))
            })
            .collect::<Result<Vec<_>, OwnerError>>()?;
        let mut found = BTreeMap::new();
        for (height, transaction) in wallet.transactions() {
            let Some(first_input) = transaction.input.first() else {
                continue;
            };
            let outputs = transaction.output.iter();
            for sealed in outputs.filter_map(|output| backup::sealed_in(&output.script_pubkey)) {
                for (number, key, leaf_key) in &keys {
                    let outpoint = &first_input.previous_output;
                    if let Some(account) = backup::open(key, network, *leaf_key, outpoint, &sealed)
                    {
                        // Of several copies, the oldest tells from where to look for coins.
                        found.entry(*number).or_insert_with(|| FoundCard {
                            number: *number,
                            account,
                            top_up: transaction.compute_txid(),
                            height,
                        });
                    }
                }
            }
        }
        let missing = match found.last_key_value() {
            Some((&highest, _)) => (0..highest).filter(|n| !found.contains_key(n)).collect(),
            None => Vec::new(),
        };
        Ok(Self {
            cards: found.into_values().collect(),
            missing,
        })
    }
}

impl fmt::Display for RestoreReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for card in &self.cards {
            let place = match card.height {
                Some(height) => format!("block {height}"),
                None => "the mempool".to_owned(),
            };
            writeln!(
                f,
                "Card {}: found through its top-up {} in {place}.",
                card.number, card.top_up
            )?;
        }
        for number in &self.missing {
            writeln!(
                f,
                "Card {number}: not found. If there was such a card, its coins can't be found: no \
                 top-up carries its account key, and the words don't give it."
            )?;
        }
        if self.cards.is_empty() {
            writeln!(
                f,
                "No card was found. If there were any, their coins can't be found: no top-up \
                 carries a card's account key, and the words don't give it. The card itself or \
                 the old owner's folder is needed."
            )?;
        }
        Ok(())
    }
}

impl Owner {
    /// Restores an owner from his words: reads the chain from `from_height` on (0 when in doubt)
    /// and finds the primary wallet's coins, the cards whose account key is on the chain, and
    /// theirs.
    ///
    /// # Errors
    /// As [`Self::create`]. After an error the folder is as it was, so that it can be tried again.
    pub fn restore(
        folder: &Path,
        network: Network,
        words: &Words,
        chain: &dyn Chain,
        from_height: u32,
        progress: &mut Progress<'_>,
    ) -> Result<(Self, RestoreReport), OwnerError> {
        chain.expect_network(network)?;
        let before = from_height.saturating_sub(1);
        let hash = chain
            .block_hash(before)?
            .ok_or_else(|| ChainError::NotFound {
                what: format!("a block at height {before}"),
            })?;
        let birthday = Tip {
            height: before,
            hash,
        };
        let mut owner = Self::found(folder, network, words, birthday)?;
        match owner.find_cards(words, chain, from_height, progress) {
            Ok(report) => Ok((owner, report)),
            Err(error) => {
                // The words are the owner's own, on paper; what was read can be read again.
                for name in ["wallet.sqlite", "owner.json", "words"] {
                    let _ = fs::remove_file(folder.join(name));
                }
                let _ = fs::remove_dir_all(folder.join("cards"));
                Err(error)
            }
        }
    }

    fn find_cards(
        &mut self,
        words: &Words,
        chain: &dyn Chain,
        from_height: u32,
        progress: &mut Progress<'_>,
    ) -> Result<RestoreReport, OwnerError> {
        self.wallet.sync(chain, progress)?;
        let master = MasterKey::new(words, self.network)?;
        let report = RestoreReport::search(&self.wallet, &master, self.network)?;
        for card in &report.cards {
            let birthday = card.height.unwrap_or(from_height);
            let view = CardView::scan(&card.account, chain, birthday, progress)?;
            let label = format!("card {} (restored)", card.number);
            let mut record = CardRecord::new(card.number, label, card.account.clone(), birthday);
            record.next_receive_index = view.next_receive_index;
            record.backup = Some(card.top_up);
            self.store.save(&record)?;
        }
        Ok(report)
    }
}
