//! The primary wallet: BIP86 descriptors in `bdk_wallet`, kept in SQLite (the file store of the
//! same authors is for development only, by their own word).
//!
//! The wallet on disk is watch-only. Private keys come from the words for the moment of signing.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bdk_wallet::chain::{BlockId, CheckPoint};
use bdk_wallet::error::CreateTxError;
use bdk_wallet::rusqlite::{Connection, ErrorCode};
use bdk_wallet::{KeychainKind, PersistedWallet, SignOptions, Update, Wallet};
use bitcoin::{Address, Amount, Network, Psbt, ScriptBuf, Transaction, TxOut, Txid};

use super::OwnerError;
use super::keys::MasterKey;
use crate::chain::{Chain, FeeRate, Tip};

/// Blocks between two writes of the wallet while it follows the chain.
const BLOCKS_PER_WRITE: u32 = 500;

/// Reorganisations while the wallet follows the chain, after which it gives up.
const MAX_REORGANISATIONS: u32 = 10;

/// Addresses given out and never paid, after which the oldest is given out again. A restore finds
/// what was paid to any of the 25 addresses (BDK's look-ahead) after the last one used.
const MAX_UNUSED_ADDRESSES: usize = 20;

/// Told after each block that is read: its height, and the tip's.
pub type Progress<'a> = dyn FnMut(u32, u32) + 'a;

/// What the primary wallet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Confirmed and free to spend.
    pub confirmed: Amount,
    /// In the mempool, from whomever.
    pub unconfirmed: Amount,
    /// Mined by ourselves less than 100 blocks ago.
    pub immature: Amount,
}

/// The primary wallet.
pub(super) struct PrimaryWallet {
    wallet: PersistedWallet<Connection>,
    database: Connection,
}

impl PrimaryWallet {
    /// Makes the wallet's file. It looks at blocks above `birthday` only.
    pub(super) fn create(
        path: &Path,
        network: Network,
        master: &MasterKey,
        birthday: Tip,
    ) -> Result<Self, OwnerError> {
        let (receive, change) = master.primary_descriptors()?;
        let mut database = open_database(path)?;
        let wallet = Wallet::create(receive, change)
            .network(network)
            .create_wallet(&mut database)
            .map_err(OwnerError::wallet)?;
        let mut primary = Self { wallet, database };
        if birthday.height > 0 {
            let block = BlockId {
                height: birthday.height,
                hash: birthday.hash,
            };
            let chain: CheckPoint = primary
                .wallet
                .latest_checkpoint()
                .push(block)
                .map_err(|_| OwnerError::wallet("the birthday isn't above the genesis block"))?;
            let update = Update {
                chain: Some(chain),
                ..Update::default()
            };
            primary
                .wallet
                .apply_update(update)
                .map_err(OwnerError::wallet)?;
            primary.persist()?;
        }
        Ok(primary)
    }

    /// Opens the wallet's file.
    pub(super) fn open(path: &Path, network: Network) -> Result<Self, OwnerError> {
        // Opening a file that isn't there would make an empty one.
        if !path.exists() {
            return Err(OwnerError::damaged(path, "it is missing"));
        }
        let mut database = open_database(path)?;
        let wallet = Wallet::load()
            .check_network(network)
            .load_wallet(&mut database)
            .map_err(|error| OwnerError::damaged(path, error))?
            .ok_or_else(|| OwnerError::damaged(path, "it holds no wallet"))?;
        Ok(Self { wallet, database })
    }

    /// Follows the chain from the last block that both know, then the mempool.
    pub(super) fn sync(
        &mut self,
        chain: &dyn Chain,
        progress: &mut Progress<'_>,
    ) -> Result<(), OwnerError> {
        chain.expect_network(self.wallet.network())?;
        let mut height = self.fork_height(chain)? + 1;
        let mut reorganisations = 0;
        loop {
            let tip = chain.tip()?;
            if height > tip.height {
                break;
            }
            let Some(hash) = chain.block_hash(height)? else {
                break;
            };
            let block = chain.block(&hash)?;
            let connected = self.wallet.apply_block(&block, height);
            if connected.is_err() {
                // The chain was reorganised between two blocks.
                reorganisations += 1;
                if reorganisations > MAX_REORGANISATIONS {
                    return Err(OwnerError::ChainUnsteady);
                }
                height = self.fork_height(chain)? + 1;
                continue;
            }
            progress(height, tip.height);
            if height % BLOCKS_PER_WRITE == 0 {
                self.persist()?;
            }
            height += 1;
        }
        self.sync_mempool(chain)?;
        self.persist()
    }

    /// Height of the last block that wallet and chain share; the genesis block at least.
    fn fork_height(&self, chain: &dyn Chain) -> Result<u32, OwnerError> {
        for checkpoint in self.wallet.latest_checkpoint().iter() {
            if chain.block_hash(checkpoint.height())? == Some(checkpoint.hash()) {
                return Ok(checkpoint.height());
            }
        }
        Ok(0)
    }

    fn sync_mempool(&mut self, chain: &dyn Chain) -> Result<(), OwnerError> {
        let now = now();
        let present: HashSet<Txid> = chain.mempool()?.into_iter().collect();
        let (still, gone): (Vec<_>, Vec<_>) = self
            .wallet
            .transactions()
            .filter(|known| known.chain_position.is_unconfirmed())
            .map(|known| (known.tx_node.txid, Arc::clone(&known.tx_node.tx)))
            .partition(|(txid, _)| present.contains(txid));
        self.wallet
            .apply_evicted_txs(gone.into_iter().map(|(txid, _)| (txid, now)));

        let known: HashSet<Txid> = still.iter().map(|(txid, _)| *txid).collect();
        let mut seen: Vec<Arc<Transaction>> = still.into_iter().map(|(_, tx)| tx).collect();
        for txid in present.difference(&known) {
            if let Some(transaction) = chain.mempool_transaction(txid)? {
                seen.push(Arc::new(transaction));
            }
        }
        self.wallet
            .apply_unconfirmed_txs(seen.into_iter().map(|transaction| (transaction, now)));
        Ok(())
    }

    pub(super) fn balance(&self) -> Balance {
        let balance = self.wallet.balance();
        Balance {
            confirmed: balance.confirmed,
            unconfirmed: balance.trusted_pending + balance.untrusted_pending,
            immature: balance.immature,
        }
    }

    /// An address that was never paid, and never given out unless too many unpaid ones are out.
    pub(super) fn next_address(&mut self) -> Result<Address, OwnerError> {
        let kind = KeychainKind::External;
        let unused: Vec<_> = self.wallet.list_unused_addresses(kind).collect();
        let too_many = unused.len() >= MAX_UNUSED_ADDRESSES;
        let address = match unused.into_iter().next() {
            Some(oldest) if too_many => oldest,
            _ => self.wallet.reveal_next_address(kind),
        };
        self.persist()?;
        Ok(address.address)
    }

    /// Prepares a transaction that pays these outputs at this fee rate.
    pub(super) fn prepare(
        &mut self,
        outputs: Vec<TxOut>,
        fee_rate: FeeRate,
    ) -> Result<Psbt, OwnerError> {
        if fee_rate > FeeRate::CAP {
            return Err(OwnerError::FeeRateAboveCap(fee_rate));
        }
        let recipients: Vec<(ScriptBuf, Amount)> = outputs
            .into_iter()
            .map(|output| (output.script_pubkey, output.value))
            .collect();
        let mut builder = self.wallet.build_tx();
        builder
            .set_recipients(recipients)
            .fee_rate(fee_rate.to_bitcoin());
        let psbt = builder.finish().map_err(|error| match error {
            CreateTxError::CoinSelection(short) => OwnerError::InsufficientFunds {
                needed: short.needed,
                available: short.available,
            },
            other => OwnerError::wallet(other),
        })?;
        // The change address is taken from now on.
        self.persist()?;
        Ok(psbt)
    }

    /// Signs what [`Self::prepare`] gave.
    pub(super) fn sign(
        &self,
        mut psbt: Psbt,
        master: &MasterKey,
    ) -> Result<Transaction, OwnerError> {
        master.sign(&mut psbt)?;
        let complete = self
            .wallet
            .finalize_psbt(&mut psbt, SignOptions::default())
            .map_err(OwnerError::wallet)?;
        if !complete {
            return Err(OwnerError::wallet("some inputs couldn't be signed"));
        }
        psbt.extract_tx().map_err(OwnerError::wallet)
    }

    /// Takes note of a transaction that the chain accepted just now.
    pub(super) fn note_sent(&mut self, transaction: Transaction) -> Result<(), OwnerError> {
        self.wallet
            .apply_unconfirmed_txs([(Arc::new(transaction), now())]);
        self.persist()
    }

    /// Whether the transaction is in the chain or the mempool, as far as the wallet knows.
    pub(super) fn knows(&self, txid: &Txid) -> bool {
        self.wallet
            .transactions()
            .any(|known| known.tx_node.txid == *txid)
    }

    /// Whether the transaction is in a block, as far as the wallet knows.
    pub(super) fn has_confirmed(&self, txid: &Txid) -> bool {
        let mut known = self.wallet.transactions();
        known.any(|known| known.tx_node.txid == *txid && known.chain_position.is_confirmed())
    }

    /// All transactions of the wallet with the heights of their blocks, oldest first; those in the
    /// mempool last.
    pub(super) fn transactions(&self) -> Vec<(Option<u32>, Arc<Transaction>)> {
        let mut all: Vec<_> = self
            .wallet
            .transactions()
            .map(|known| {
                let height = known.chain_position.confirmation_height_upper_bound();
                (height, Arc::clone(&known.tx_node.tx))
            })
            .collect();
        all.sort_by_key(|(height, _)| height.unwrap_or(u32::MAX));
        all
    }

    fn persist(&mut self) -> Result<(), OwnerError> {
        self.wallet
            .persist(&mut self.database)
            .map(|_| ())
            .map_err(OwnerError::wallet)
    }
}

/// Opens the wallet's file for this process alone: two that pay from the same coins at once would
/// undo each other's records.
fn open_database(path: &Path) -> Result<Connection, OwnerError> {
    let database = Connection::open(path).map_err(OwnerError::wallet)?;
    database
        .busy_timeout(Duration::ZERO)
        .map_err(OwnerError::wallet)?;
    database
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT;")
        .map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy) => OwnerError::InUse(path.to_path_buf()),
            Some(ErrorCode::NotADatabase) => OwnerError::damaged(path, error),
            _ => OwnerError::wallet(error),
        })?;
    Ok(database)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
