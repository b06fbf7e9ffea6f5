//! Where the till and the owner see coins and send transactions.
//!
//! [`Chain`] is the seam; Bitcoin Core over RPC ([`CoreRpc`]) stands behind it, and whatever speaks
//! that part of its RPC, as the private chain of `tillcard-regtest` does. It is blocking and object safe; an async program calls it
//! from `spawn_blocking`. It holds only questions that any backend can answer without a wallet or
//! an index of its own.

mod core_rpc;
mod error;
mod progress;

use std::time::SystemTime;

use bitcoin::{Amount, Block, BlockHash, Network, OutPoint, Transaction, TxOut, Txid};

pub use core_rpc::{Auth, CoreRpc, CoreRpcConfig};
pub use error::ChainError;
pub use progress::{MAX_TIP_AGE, Reach, SourceProgress};
pub use tillcard_client::FeeRate;

/// The block at the end of the best chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height; the genesis block's is 0.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// What the chain, mempool included, knows of an output (as Bitcoin Core's `gettxout` with
/// `include_mempool`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutputState {
    /// The output exists and nothing spends it.
    Unspent {
        /// Blocks that bury it, its own included; 0 while its transaction is in the mempool.
        confirmations: u32,
        /// The output itself.
        output: TxOut,
    },
    /// It is spent, in a block or in the mempool, or never was. A backend without an index can't
    /// tell the two apart.
    SpentOrUnknown,
}

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionStatus {
    /// Neither in the mempool nor in a block that was searched.
    Unknown,
    /// In the mempool.
    InMempool,
    /// In a block of the best chain.
    Confirmed {
        /// Height of that block.
        height: u32,
        /// Its hash.
        block: BlockHash,
        /// Blocks that bury the transaction, its own included (at least 1).
        confirmations: u32,
    },
}

/// A transaction in the mempool, with what hangs on it (as Bitcoin Core's `getmempoolentry`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolEntry {
    /// Virtual size in vbytes.
    pub vsize: u64,
    /// Its own fee.
    pub fee: Amount,
    /// Its own fee and those of all its descendants in the mempool: what a replacement must outbid
    /// (BIP125, rule 3).
    pub descendant_fee: Amount,
    /// How many transactions in the mempool hang on it, itself included.
    pub descendants: u64,
}

/// Sees coins and sends transactions.
///
/// Every method may fail with [`ChainError::Unavailable`], [`ChainError::WarmingUp`],
/// [`ChainError::Unauthorized`] or [`ChainError::Protocol`]; what else is told with each.
pub trait Chain: Send + Sync {
    /// The network, told by the hash of its genesis block.
    ///
    /// # Errors
    /// [`ChainError::UnknownNetwork`] when no network known here begins with that block.
    fn network(&self) -> Result<Network, ChainError>;

    /// Height and hash of the best chain's last block, taken in one step.
    fn tip(&self) -> Result<Tip, ChainError>;

    /// How far the source itself has come, as it says: what it doesn't know yet isn't so.
    fn source_progress(&self) -> Result<SourceProgress, ChainError>;

    /// Hash of the best chain's block at `height`; none above the tip.
    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, ChainError>;

    /// A whole block.
    ///
    /// # Errors
    /// [`ChainError::NotFound`] when the backend doesn't have it.
    fn block(&self, hash: &BlockHash) -> Result<Block, ChainError>;

    /// Hands a transaction to the network. One that is in the mempool or in a block already is no
    /// error.
    ///
    /// # Errors
    /// [`ChainError::Rejected`] with the backend's reason when it doesn't take the transaction.
    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainError>;

    /// State of an output, mempool included.
    fn output(&self, outpoint: &OutPoint) -> Result<OutputState, ChainError>;

    /// Ids of all transactions in the mempool.
    fn mempool(&self) -> Result<Vec<Txid>, ChainError>;

    /// A transaction in the mempool, if it is (still) there.
    fn mempool_transaction(&self, txid: &Txid) -> Result<Option<Transaction>, ChainError>;

    /// Size and fees of a transaction in the mempool, if it is (still) there.
    fn mempool_entry(&self, txid: &Txid) -> Result<Option<MempoolEntry>, ChainError>;

    /// The mempool transaction that spends `outpoint`, if there is one: a conflict watch asks this.
    fn mempool_spender(&self, outpoint: &OutPoint) -> Result<Option<Txid>, ChainError>;

    /// The least fee rate at which the backend takes a transaction into its mempool just now; for one
    /// that doesn't tell, the rate from which on Bitcoin Core relays.
    ///
    /// # Errors
    /// As every method.
    fn least_fee_rate(&self) -> Result<FeeRate, ChainError> {
        Ok(FeeRate::FLOOR)
    }

    /// The fee rate the backend believes confirms a transaction within `blocks` blocks, uncapped.
    /// Wallets use [`Chain::fee_rate`].
    ///
    /// # Errors
    /// [`ChainError::NoFeeEstimate`] on mainnet when the backend has none. Elsewhere
    /// [`FeeRate::FALLBACK`] stands in, since a test network seldom has enough traffic.
    fn estimate_fee_rate(&self, blocks: u16) -> Result<FeeRate, ChainError>;

    /// [`Chain::estimate_fee_rate`] kept between [`FeeRate::FLOOR`] and [`FeeRate::CAP`], so that a
    /// mad or hostile backend can't make a wallet burn its coins.
    ///
    /// # Errors
    /// As [`Chain::estimate_fee_rate`].
    fn fee_rate(&self, blocks: u16) -> Result<FeeRate, ChainError> {
        Ok(self
            .estimate_fee_rate(blocks)?
            .clamp(FeeRate::FLOOR, FeeRate::CAP))
    }

    /// Where a transaction stands: the mempool first, then the blocks from the tip down to
    /// `since_height`, the height at which the caller first heard of it. It costs a block read for
    /// each height, so it is meant for recent transactions.
    fn transaction_status(
        &self,
        txid: &Txid,
        since_height: u32,
    ) -> Result<TransactionStatus, ChainError> {
        if self.mempool_entry(txid)?.is_some() {
            return Ok(TransactionStatus::InMempool);
        }
        let tip = self.tip()?;
        for height in (since_height..=tip.height).rev() {
            let Some(hash) = self.block_hash(height)? else {
                // The chain became shorter under our feet.
                continue;
            };
            let block = self.block(&hash)?;
            if block.txdata.iter().any(|tx| tx.compute_txid() == *txid) {
                return Ok(TransactionStatus::Confirmed {
                    height,
                    block: hash,
                    confirmations: tip.height - height + 1,
                });
            }
        }
        Ok(TransactionStatus::Unknown)
    }

    /// Whether the source has come as far as its chain, by its own word and this computer's clock.
    fn reach(&self) -> Result<Reach, ChainError> {
        let network = self.network()?;
        Ok(self.source_progress()?.reach(network, SystemTime::now()))
    }

    /// Fails unless the source has come as far as its chain.
    ///
    /// # Errors
    /// [`ChainError::Behind`].
    fn expect_complete(&self) -> Result<(), ChainError> {
        match self.reach()? {
            Reach::Complete => Ok(()),
            Reach::Behind(progress) => Err(ChainError::Behind(progress)),
        }
    }

    /// Fails unless the backend is on `expected`.
    ///
    /// # Errors
    /// [`ChainError::WrongNetwork`] when it is on another one.
    fn expect_network(&self, expected: Network) -> Result<(), ChainError> {
        let found = self.network()?;
        if found == expected {
            Ok(())
        } else {
            Err(ChainError::WrongNetwork { expected, found })
        }
    }
}

/// The network whose genesis block has this hash, if it is one of those a card knows.
fn network_of_genesis(genesis: &BlockHash) -> Option<Network> {
    [
        Network::Bitcoin,
        Network::Testnet,
        Network::Testnet4,
        Network::Signet,
        Network::Regtest,
    ]
    .into_iter()
    .find(|&network| bitcoin::constants::genesis_block(network).block_hash() == *genesis)
}
