//! The owner's side: the primary wallet, its words, and what is known of the cards.
//!
//! An owner lives in a folder of his own:
//!
//! | file | |
//! |---|---|
//! | `words` | the backup words, readable by this user only |
//! | `owner.json` | the network, and which card numbers are taken |
//! | `wallet.sqlite` | the primary wallet, watch-only |
//! | `cards/N.json` | card number N: account, limits, top-ups |
//! | `cards/N.expected.json` | the same while it isn't known whether the card is issued |
//!
//! The words lie there unencrypted: this is a hot wallet, for test networks.

mod adopt;
mod at_hand;
mod authority;
mod backup;
mod block;
mod cancel;
mod card_view;
mod channel;
mod coins;
mod consolidate;
mod error;
mod folder;
mod history;
mod imported;
mod issue;
mod keys;
mod limits;
mod new_card;
mod owner_keys;
mod payment_status;
mod places;
mod psbt;
mod psbt_file;
mod restore;
mod sending;
mod store;
mod sweep;
mod top_up;
mod visit;
mod wallet;
mod words;

use std::path::PathBuf;

use bitcoin::{Address, Amount, Network, ScriptBuf, Transaction, TxOut, XOnlyPublicKey};

pub use adopt::AdoptTerms;
pub use at_hand::AtHand;
pub use authority::Authority;
pub use cancel::{Cancellation, plan_cancel};
pub use card_view::{CardCoin, CardView, SCAN_GAP};
pub use coins::{CoinEntry, ComparedCoins, KnownCoin, outpoint};
pub use consolidate::{Consolidation, plan_consolidation};
pub use error::OwnerError;
pub use history::{Acknowledged, History, PaymentLog};
pub use imported::ImportedKey;
pub use issue::{IssueTerms, LeafTerms};
pub use keys::{BACKUP_KEY, LATER_OWNER_KEYS, LEAF_KEY, LeafKey, OWNER_KEY, OwnerKey, PURPOSE};
pub use limits::Limits;
pub use new_card::NewCard;
pub use owner_keys::{OWNER_KEYS, OwnerKeys};
pub use payment_status::{PaymentStatus, statuses};
pub use places::PlaceUse;
pub use psbt::plan_psbt;
pub use psbt_file::PsbtFile;
pub use restore::{FoundCard, NUMBER_GAP, RestoreReport};
pub use store::{CardRecord, TopUp};
pub use sweep::{KEY_PATH_INPUT_WEIGHT, SWEEP_INPUT_WEIGHT, Sweep, SweepOptions};
pub use top_up::{AwaitedTopUps, await_top_ups};
pub use visit::{Usage, Visit};
pub use wallet::{Balance, Progress};
pub use words::{WordCount, Words};

use crate::chain::{Chain, FeeRate};
use store::CardStore;
use wallet::PrimaryWallet;

/// An owner, in his folder.
pub struct Owner {
    folder: PathBuf,
    network: Network,
    wallet: PrimaryWallet,
    store: CardStore,
    /// No new card gets a number below this one.
    least_number: u32,
}

impl Owner {
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
        self.send_signed(chain, &transaction)?;
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
        let next = numbers.max().map_or(0, |last| last + 1);
        Ok(next.max(self.least_number))
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
}
