//! The owner's side: the primary wallet, its words, and what is known of the cards.
//!
//! An owner lives in a folder of his own:
//!
//! | file | |
//! |---|---|
//! | `words` | the backup words, readable by this user only |
//! | `owner.json` | the network |
//! | `wallet.sqlite` | the primary wallet, watch-only |
//! | `cards/N.json` | card number N: account, limits, top-ups |
//! | `cards/N.expected.json` | the same while it isn't known whether the card is issued |
//!
//! The words lie there unencrypted: this is a hot wallet, for test networks.

mod backup;
mod cancel;
mod card_account;
mod card_view;
mod channel;
mod consolidate;
mod error;
mod fate;
mod history;
mod imported;
mod issued;
mod keys;
mod leaf;
mod limits;
mod new_card;
mod owner_keys;
mod psbt;
mod psbt_file;
mod restore;
mod store;
mod sweep;
mod tagged_hash;
mod top_up;
mod visit;
mod wallet;
mod words;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bitcoin::{Address, Amount, Network, ScriptBuf, Transaction, TxOut, XOnlyPublicKey};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use cancel::plan_cancel;
pub use card_account::{CardAccount, CardChain, Issue};
pub use card_view::{CardCoin, CardView, SCAN_GAP};
pub use consolidate::plan_consolidation;
pub use error::OwnerError;
pub use fate::{Fate, fates};
pub use history::History;
pub use imported::ImportedKey;
pub(crate) use issued::is_signed;
pub use issued::{IssuedCard, Provenance};
pub use keys::{BACKUP_KEY, LATER_OWNER_KEYS, LEAF_KEY, LeafKey, OWNER_KEY, OwnerKey, PURPOSE};
pub use leaf::Leaf;
pub use limits::Limits;
pub use new_card::NewCard;
pub use owner_keys::{OWNER_KEYS, OwnerKeys};
pub use psbt::plan_psbt;
pub use psbt_file::PsbtFile;
pub use restore::{FoundCard, MAX_CARDS, RestoreReport};
pub use store::{CardRecord, TopUp};
pub use sweep::{KEY_PATH_INPUT_WEIGHT, SWEEP_INPUT_WEIGHT, Sweep, SweepOptions};
use sweep::{Purse, SweepKey};
pub use wallet::{Balance, Progress};
pub use words::{WordCount, Words};

use crate::chain::{Chain, FeeRate, Tip};
use keys::MasterKey;
use store::CardStore;
use wallet::PrimaryWallet;

/// `owner.json`.
#[derive(Serialize, Deserialize)]
struct OwnerFile {
    format: u32,
    network: Network,
}

const OWNER_FORMAT: u32 = 1;

/// An owner, in his folder.
pub struct Owner {
    folder: PathBuf,
    network: Network,
    wallet: PrimaryWallet,
    store: CardStore,
}

impl Owner {
    /// Makes a new owner in `folder`, which is made when missing. The wallet looks at blocks from
    /// the chain's tip on. The words are to be shown once, by the caller.
    ///
    /// # Errors
    /// [`OwnerError::FolderTaken`] when an owner's files are there: nothing is ever overwritten.
    pub fn create(
        folder: &Path,
        network: Network,
        words: &Words,
        chain: &dyn Chain,
    ) -> Result<Self, OwnerError> {
        chain.expect_network(network)?;
        Self::found(folder, network, words, chain.tip()?)
    }

    /// Opens the owner in `folder`.
    ///
    /// # Errors
    /// [`OwnerError::NoOwner`] when there is none, [`OwnerError::Damaged`] when a file isn't as it
    /// was written.
    pub fn open(folder: &Path) -> Result<Self, OwnerError> {
        let path = folder.join("owner.json");
        if !path.exists() {
            return Err(OwnerError::NoOwner(folder.to_path_buf()));
        }
        let file: OwnerFile = store::read_json(&path)?;
        if file.format != OWNER_FORMAT {
            return Err(OwnerError::damaged(&path, "it is of another version"));
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            network: file.network,
            wallet: PrimaryWallet::open(&folder.join("wallet.sqlite"), file.network)?,
            store: CardStore::new(folder.join("cards")),
        })
    }

    /// The owner's network.
    pub fn network(&self) -> Network {
        self.network
    }

    /// Brings the primary wallet up to the chain and its mempool.
    ///
    /// # Errors
    /// Those of the chain and of the wallet's file.
    pub fn sync(
        &mut self,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<(), OwnerError> {
        self.wallet.sync(chain, progress)
    }

    /// What the primary wallet holds, as of the last [`Self::sync`].
    pub fn balance(&self) -> Balance {
        self.wallet.balance()
    }

    /// An address of the primary wallet that was never paid, and never given out unless twenty
    /// unpaid ones are out.
    ///
    /// # Errors
    /// Those of the wallet's file.
    pub fn next_address(&mut self) -> Result<Address, OwnerError> {
        self.wallet.next_address()
    }

    /// Pays `amount` to `script` from the primary wallet: signs and sends the transaction.
    ///
    /// # Errors
    /// [`OwnerError::InsufficientFunds`], [`OwnerError::FeeRateAboveCap`], and
    /// [`Rejected`](crate::chain::ChainError::Rejected) when the chain refuses it.
    pub fn send(
        &mut self,
        chain: &dyn Chain,
        script: ScriptBuf,
        amount: Amount,
        fee_rate: FeeRate,
    ) -> Result<Transaction, OwnerError> {
        chain.expect_network(self.network)?;
        let output = TxOut {
            value: amount,
            script_pubkey: script,
        };
        let psbt = self.wallet.prepare(vec![output], fee_rate)?;
        let transaction = self.wallet.sign(psbt, &self.master()?)?;
        chain.broadcast(&transaction)?;
        self.wallet.note_sent(transaction.clone())?;
        Ok(transaction)
    }

    /// The number for the next card to be issued.
    ///
    /// # Errors
    /// Those of the cards' folder.
    pub fn next_card_number(&self) -> Result<u32, OwnerError> {
        let expected = self.store.expected()?;
        let expected = expected.iter().map(|record| record.number);
        let numbers = self.store.numbers()?.into_iter().chain(expected);
        Ok(numbers.max().map_or(0, |last| last + 1))
    }

    /// The primary's leaf key for card `number`, as ISSUE takes it.
    ///
    /// # Errors
    /// When the words' file can't be read.
    pub fn leaf_key(&self, number: u32) -> Result<XOnlyPublicKey, OwnerError> {
        Ok(self.master()?.leaf_key(number)?.public())
    }

    /// The account key that card `number` has if it is imported.
    ///
    /// # Errors
    /// When the words' file can't be read.
    pub fn imported_key(&self, number: u32) -> Result<ImportedKey, OwnerError> {
        self.master()?.imported_key(number)
    }

    /// The key that authorises owner commands to card `number`, as ISSUE takes it.
    ///
    /// # Errors
    /// When the words' file can't be read.
    pub fn owner_key(&self, number: u32) -> Result<OwnerKey, OwnerError> {
        self.master()?.owner_key(number, 0)
    }

    /// All cards, by number.
    ///
    /// # Errors
    /// Those of the cards' files.
    pub fn cards(&self) -> Result<Vec<CardRecord>, OwnerError> {
        let numbers = self.store.numbers()?;
        numbers.into_iter().map(|n| self.store.load(n)).collect()
    }

    /// One card.
    ///
    /// # Errors
    /// [`OwnerError::UnknownCard`].
    pub fn card(&self, number: u32) -> Result<CardRecord, OwnerError> {
        self.store.load(number)
    }

    /// The coins of card `number` as the chain shows them, the card being absent.
    ///
    /// # Errors
    /// [`OwnerError::UnknownCard`], and as [`CardView::scan`].
    pub fn card_coins(
        &self,
        chain: &dyn Chain,
        number: u32,
        progress: &mut Progress<'_>,
    ) -> Result<CardView, OwnerError> {
        let record = self.store.load(number)?;
        CardView::scan(&record.account, chain, record.birthday, progress)
    }

    /// Blocks a lost card: sends all its coins to the primary wallet, by script path, or by key
    /// path when the account key came from the words. It can be asked again, should coins have
    /// come, have grown deep enough for the leaf's delay, or a sweep have been replaced since.
    ///
    /// # Errors
    /// [`Rejected`](crate::chain::ChainError::Rejected) when the chain refuses a sweep; the card counts as blocked then
    /// too, and the sweep can be tried again.
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
        let sweep = if view.coins.is_empty() {
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
        swept_by.extend(sweep.transactions.iter().map(Transaction::compute_txid));
        record.swept_by = Some(swept_by);
        self.store.save(&record)?;
        for transaction in &sweep.transactions {
            chain.broadcast(transaction)?;
            self.wallet.note_sent(transaction.clone())?;
        }
        Ok(sweep)
    }

    /// Lays out a new folder.
    fn found(
        folder: &Path,
        network: Network,
        words: &Words,
        birthday: Tip,
    ) -> Result<Self, OwnerError> {
        let (words_path, wallet_path) = (folder.join("words"), folder.join("wallet.sqlite"));
        let owner_path = folder.join("owner.json");
        let cards = folder.join("cards");
        if [&words_path, &wallet_path, &owner_path, &cards]
            .into_iter()
            .any(|path| path.exists())
        {
            return Err(OwnerError::FolderTaken(folder.to_path_buf()));
        }
        let mut private = fs::DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&cards).map_err(OwnerError::io(&cards))?;
        write_words(&words_path, words)?;
        let master = MasterKey::new(words, network)?;
        let wallet = PrimaryWallet::create(&wallet_path, network, &master, birthday)?;
        let file = OwnerFile {
            format: OWNER_FORMAT,
            network,
        };
        store::write_json(&owner_path, &file)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            network,
            wallet,
            store: CardStore::new(cards),
        })
    }

    fn master(&self) -> Result<MasterKey, OwnerError> {
        let words = read_words(&self.folder.join("words"))?;
        MasterKey::new(&words, self.network)
    }
}

fn read_words(path: &Path) -> Result<Words, OwnerError> {
    let mode = fs::metadata(path)
        .map_err(OwnerError::io(path))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(OwnerError::WordsExposed(path.to_path_buf()));
    }
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(OwnerError::io(path))?;
    Words::parse(&text)
}

/// Writes the words where only this user can read them, and never over others.
fn write_words(path: &Path, words: &Words) -> Result<(), OwnerError> {
    let phrase = words.phrase();
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.write_all(phrase.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        })
        .map_err(OwnerError::io(path))
}
