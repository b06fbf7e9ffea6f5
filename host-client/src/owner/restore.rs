//! Finding cards again from words and chain.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::{fmt, fs};

use bitcoin::{Network, ScriptBuf, Transaction, Txid, XOnlyPublicKey};

use super::backup::{LeafGuess, SEALED_SIZE};
use super::keys::MasterKey;
use super::wallet::PrimaryWallet;
use super::{CardRecord, CardView, Owner, OwnerError, OwnerKeys, Progress, Words, backup};
use crate::chain::{Chain, ChainError, Tip};
use tillcard_client::account::{CardChain, IssuedCard, Leaf, Provenance};

/// Card numbers beyond the highest found that are still looked for: the gap of BIP44.
pub const NUMBER_GAP: u32 = 20;

/// Card numbers beyond the highest found that a restored owner leaves out: cards may have them that
/// nobody ever paid, and a number, with its keys, is never another card's.
pub(super) const NUMBERS_LEFT_OUT: u32 = NUMBER_GAP / 2;

/// Receive indexes of a possible imported card that are looked for: the gap of BIP44.
const RECEIVE_GAP: u32 = 20;

/// A card that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundCard {
    /// Its number.
    pub number: u32,
    /// Its account. Its identity key isn't found again.
    pub issued: IssuedCard,
    /// The transaction by which it was found: the top-up that carried its account key, or the
    /// first that paid it.
    pub found_by: Txid,
    /// Height of that transaction's block; none while it is in the mempool.
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
    /// Looks for backups in the wallet's transactions, and for payments to imported cards in the
    /// chain from `from_height` on and in the mempool; each find widens the search by numbers.
    pub(super) fn search(
        wallet: &PrimaryWallet,
        master: &MasterKey,
        network: Network,
        chain: &dyn Chain,
        from_height: u32,
        progress: &mut Progress<'_>,
    ) -> Result<Self, OwnerError> {
        let mut found = BTreeMap::new();
        let mut backups = Backups::in_wallet(wallet, master, network);
        // Numbers below these were tried: quick guesses first, the whole chain last.
        let (mut quick, mut slow, mut imported) = (0, 0, 0);
        loop {
            let bound = next_number(&found) + NUMBER_GAP;
            if quick < bound {
                backups.open(quick..bound, LeafGuess::WithoutDelay, &mut found)?;
                quick = bound;
            } else if slow < bound {
                backups.open(slow..bound, LeafGuess::Delayed, &mut found)?;
                slow = bound;
            } else if imported < bound {
                ImportedSearch::new(master, network, imported..bound)?.run(
                    chain,
                    from_height,
                    &mut found,
                    progress,
                )?;
                imported = bound;
            } else {
                break;
            }
        }
        let missing = 0..next_number(&found);
        Ok(Self {
            missing: missing.filter(|n| !found.contains_key(n)).collect(),
            cards: found.into_values().collect(),
        })
    }

    /// The number above those of all cards found.
    fn next_number(&self) -> u32 {
        self.cards.last().map_or(0, |card| card.number + 1)
    }
}

/// Cards found, by number.
type Found = BTreeMap<u32, FoundCard>;

fn next_number(found: &Found) -> u32 {
    found.last_key_value().map_or(0, |(highest, _)| highest + 1)
}

/// A data output of the wallet's that may be a card's backup.
struct PossibleBackup {
    sealed: [u8; SEALED_SIZE],
    transaction: Arc<Transaction>,
    height: Option<u32>,
    is_open: bool,
}

/// The data outputs of the wallet's transactions, tried as backups of each possible card.
struct Backups<'a> {
    master: &'a MasterKey,
    network: Network,
    /// Oldest first: of several copies, the oldest tells from where to look for coins.
    possible: Vec<PossibleBackup>,
}

impl<'a> Backups<'a> {
    fn in_wallet(wallet: &PrimaryWallet, master: &'a MasterKey, network: Network) -> Self {
        let mut possible = Vec::new();
        for (height, transaction) in wallet.transactions() {
            for output in &transaction.output {
                possible.extend(backup::sealed_in(&output.script_pubkey).map(|sealed| {
                    PossibleBackup {
                        sealed,
                        transaction: Arc::clone(&transaction),
                        height,
                        is_open: false,
                    }
                }));
            }
        }
        Self {
            master,
            network,
            possible,
        }
    }

    /// Tries the keys of these card numbers, with such a leaf.
    fn open(
        &mut self,
        numbers: Range<u32>,
        guess: fn(XOnlyPublicKey) -> LeafGuess,
        found: &mut Found,
    ) -> Result<(), OwnerError> {
        for number in numbers {
            let key = self.master.backup_key(number)?;
            let leaf = guess(self.master.leaf_key(number)?.public());
            for possible in self
                .possible
                .iter_mut()
                .filter(|possible| !possible.is_open)
            {
                let Some(first_input) = possible.transaction.input.first() else {
                    continue;
                };
                let outpoint = &first_input.previous_output;
                let sealed = &possible.sealed;
                let Some(account) = backup::open(&key, self.network, leaf, outpoint, sealed) else {
                    continue;
                };
                possible.is_open = true;
                let imported = self.master.imported_key(number)?;
                let provenance = match imported.account(self.network, account.leaf()) == account {
                    true => Provenance::Imported,
                    false => Provenance::Made,
                };
                found.entry(number).or_insert_with(|| FoundCard {
                    number,
                    issued: IssuedCard {
                        account,
                        provenance,
                        card_keys: None,
                    },
                    found_by: possible.transaction.compute_txid(),
                    height: possible.height,
                });
            }
        }
        Ok(())
    }
}

/// The scripts that imported cards could have, without a delay: the words give them all.
struct ImportedSearch {
    scripts: HashMap<ScriptBuf, (u32, IssuedCard)>,
}

impl ImportedSearch {
    fn new(master: &MasterKey, network: Network, numbers: Range<u32>) -> Result<Self, OwnerError> {
        let mut scripts = HashMap::new();
        for number in numbers {
            let key = master.imported_key(number)?;
            let leaf_key = master.leaf_key(number)?.public();
            for leaf in [Leaf::None, Leaf::with_delay(leaf_key, 0)] {
                let issued = IssuedCard {
                    account: key.account(network, leaf),
                    provenance: Provenance::Imported,
                    card_keys: None,
                };
                for index in 0..RECEIVE_GAP {
                    let script = issued.account.script(CardChain::Receive, index)?;
                    scripts.insert(script, (number, issued.clone()));
                }
            }
        }
        Ok(Self { scripts })
    }

    fn run(
        &self,
        chain: &dyn Chain,
        from_height: u32,
        found: &mut Found,
        progress: &mut Progress<'_>,
    ) -> Result<(), OwnerError> {
        let tip = chain.tip()?.height;
        for height in from_height..=tip {
            let Some(hash) = chain.block_hash(height)? else {
                break;
            };
            for transaction in &chain.block(&hash)?.txdata {
                self.look_at(transaction, Some(height), found);
            }
            progress(height, tip);
        }
        for txid in chain.mempool()? {
            if let Some(transaction) = chain.mempool_transaction(&txid)? {
                self.look_at(&transaction, None, found);
            }
        }
        Ok(())
    }

    fn look_at(&self, transaction: &Transaction, height: Option<u32>, found: &mut Found) {
        for output in &transaction.output {
            if let Some((number, issued)) = self.scripts.get(&output.script_pubkey) {
                found.entry(*number).or_insert_with(|| FoundCard {
                    number: *number,
                    issued: issued.clone(),
                    found_by: transaction.compute_txid(),
                    height,
                });
            }
        }
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
                card.number, card.found_by
            )?;
        }
        for number in &self.missing {
            writeln!(
                f,
                "Card {number}: not found. If there was such a card, its coins can't be found \
                 without it: no top-up carries its account key, and the words don't give it. Is it \
                 at hand: tillcard owner adopt."
            )?;
        }
        if self.cards.is_empty() {
            writeln!(
                f,
                "No card was found. If there were any, their coins can't be found: no top-up \
                 carries a card's account key, and the words don't give it. The old owner's folder \
                 is needed, or the card itself: tillcard owner adopt."
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
    /// As [`Self::create`]; [`ChainError::Behind`]. After an error the folder is as it was, so that it can be tried again.
    pub fn restore(
        folder: &Path,
        network: Network,
        words: &Words,
        chain: &dyn Chain,
        from_height: u32,
        progress: &mut Progress<'_>,
    ) -> Result<(Self, RestoreReport), OwnerError> {
        chain.expect_network(network)?;
        // What it doesn't know yet would be taken for what isn't there.
        chain.expect_complete()?;
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
        let mut owner = Self::lay_out(folder, network, words, birthday)?;
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
        let report = RestoreReport::search(
            &self.wallet,
            &master,
            self.network,
            chain,
            from_height,
            progress,
        )?;
        for card in &report.cards {
            let birthday = card.height.unwrap_or(from_height);
            let view = CardView::scan(&card.issued.account, chain, birthday, progress)?;
            let label = format!("card {} (restored)", card.number);
            let mut record =
                CardRecord::new(card.number, label.into(), card.issued.clone(), birthday);
            record.owner_keys = OwnerKeys::ANY;
            record.unmet = true;
            record.swept_by = Some(view.swept_by).filter(|sweeps| !sweeps.is_empty());
            record.next_receive_index = view.next_receive_index;
            record.backup = Some(card.found_by).filter(|_| !record.is_found_by_words());
            self.store.save(&record)?;
        }
        self.leave_out_numbers_below(report.next_number() + NUMBERS_LEFT_OUT)?;
        Ok(report)
    }
}
