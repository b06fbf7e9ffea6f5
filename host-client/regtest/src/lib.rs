//! A regtest chain in this process: Bitcoin Core's validation engine (`libbitcoinkernel`) on a
//! folder of its own, with a small mempool and a miner.
//!
//! Every block goes through Core's validation, ours too; what the chain says of a payment is
//! therefore what Bitcoin Core says. The coins are worth nothing.
//!
//! Whoever links this crate links Core's engine, 100 MB of it. The wallet and the till don't: they
//! ask the chain over RPC, as they ask any node ([`RegtestServer`]).

mod block_template;
mod coins;
mod kernel;
mod mempool;
mod rpc;
mod server;
mod switches;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::{
    Amount, Block, BlockHash, Network, OutPoint, Script, ScriptBuf, Transaction, TxOut, Txid,
};

use block_template::BlockTemplate;
use coins::Coins;
use kernel::Kernel;
use mempool::{ChainContext, Mempool};
pub use mempool::{MempoolEntry, MempoolPolicy};
pub use server::RegtestServer;
pub use switches::{Refusal, Switches};

/// Blocks whose median time is the least that the next block may have (BIP113).
const MEDIAN_TIME_SPAN: u32 = 11;

/// The block at the end of the best chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height; the genesis block's is 0.
    pub height: u32,
    /// Its hash.
    pub hash: BlockHash,
}

/// An output that nothing spends, in a block or in the mempool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unspent {
    /// Blocks that bury it, its own included; 0 while its transaction is in the mempool.
    pub confirmations: u32,
    /// The output itself.
    pub output: TxOut,
}

/// Core's validation refused a block, or the mempool a transaction.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rejected: {reason}")]
pub struct Rejected {
    /// Why. For a transaction, Bitcoin Core's reject reason; for a block, the state that the
    /// `block_checked` notification gave.
    pub reason: String,
}

/// Why the regtest chain can't be opened, kept, mined on or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegtestError {
    /// Core's engine doesn't open the folder.
    #[error(
        "the regtest chain in {} can't be opened: {cause}. Is another program using it? If \
         not, remove the folder: regtest coins are worth nothing",
        folder.display()
    )]
    Open {
        /// The chain's folder.
        folder: PathBuf,
        /// The engine's words.
        cause: String,
    },
    /// A file or folder can't be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of ours holds something else than we wrote.
    #[error("{} is damaged ({cause}): remove it", path.display())]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Core refused a block that we built ourselves.
    #[error("the new block was {0}")]
    Block(#[from] Rejected),
    /// A reorganisation goes deeper than the chain.
    #[error("{depth} blocks can't be replaced: there are {height} above the first")]
    TooDeep {
        /// How many blocks were to go.
        depth: u32,
        /// The chain's height.
        height: u32,
    },
    /// The server can't listen there.
    #[error("can't listen on {address}: {cause}")]
    Listen {
        /// Address and port.
        address: std::net::SocketAddr,
        /// Why.
        cause: String,
    },
    /// The operating system gives no random bytes for the cookie.
    #[error("the operating system gives no random bytes: {0}")]
    Random(getrandom::Error),
}

/// The embedded regtest chain. One process at a time can have a folder open; others reach it
/// through [`RegtestServer`].
pub struct RegtestChain {
    folder: PathBuf,
    state: Mutex<State>,
}

struct State {
    kernel: Kernel,
    coins: Coins,
    mempool: Mempool,
}

impl State {
    fn tip(&self) -> Tip {
        let height = self.kernel.height();
        // The engine always has a block at its height; the genesis block's hash is the only honest
        // thing to say should it ever not.
        let hash = self
            .kernel
            .block_hash(height)
            .unwrap_or_else(|| bitcoin::constants::genesis_block(Network::Regtest).block_hash());
        Tip { height, hash }
    }

    /// Seconds since 1970.
    fn median_time(&self) -> u32 {
        let height = self.kernel.height();
        let mut times: Vec<u32> = (height.saturating_sub(MEDIAN_TIME_SPAN - 1)..=height)
            .filter_map(|height| self.kernel.block_hash(height))
            .filter_map(|hash| self.kernel.block(&hash))
            .map(|block| block.header.time)
            .collect();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(0)
    }

    fn template(
        &self,
        pay_to: &Script,
        transactions: Vec<Transaction>,
        fees: Amount,
    ) -> BlockTemplate {
        let tip = self.tip();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        BlockTemplate {
            previous: tip.hash,
            height: tip.height + 1,
            time: u32::try_from(now)
                .unwrap_or(u32::MAX)
                .max(self.median_time() + 1),
            pay_to: ScriptBuf::from(pay_to),
            fees,
            transactions,
        }
    }

    fn submit(&mut self, block: &Block) -> Result<(), Rejected> {
        let verdict = self.kernel.submit(block);
        // A refused block may have been one of a branch whose valid part took over.
        let disconnected = self.coins.follow(&self.kernel);
        let context = ChainContext {
            coins: &self.coins,
            height: self.kernel.height(),
            median_time: self.median_time(),
        };
        self.mempool.follow(disconnected, &context);
        verdict
    }
}

impl RegtestChain {
    /// Opens the chain in `folder`, which is made when missing.
    ///
    /// # Errors
    /// When the folder can't be written, another process has it open, or its contents are damaged.
    pub fn open(folder: &Path) -> Result<Self, RegtestError> {
        let kernel = Kernel::open(folder)?;
        let mut coins = Coins::default();
        coins.follow(&kernel);
        let mut state = State {
            mempool: Mempool::empty(folder.join("mempool.hex")),
            kernel,
            coins,
        };
        let context = ChainContext {
            coins: &state.coins,
            height: state.kernel.height(),
            median_time: state.median_time(),
        };
        state.mempool.load(&context)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            state: Mutex::new(state),
        })
    }

    /// The folder that the chain lives in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Mines `blocks` blocks that pay subsidy and fees to `pay_to`; the first holds what waits in
    /// the mempool. Gives their hashes.
    ///
    /// # Errors
    /// [`RegtestError::Block`] should Core refuse one of them.
    pub fn mine(&self, blocks: u32, pay_to: &Script) -> Result<Vec<BlockHash>, RegtestError> {
        let mut state = self.state();
        let mut hashes = Vec::new();
        for _ in 0..blocks {
            let (transactions, fees) = state.mempool.for_block();
            let block = state.template(pay_to, transactions, fees).build();
            state.submit(&block)?;
            hashes.push(block.block_hash());
        }
        state.mempool.save()?;
        Ok(hashes)
    }

    /// Has the last `depth` blocks replaced by one more, all empty, whose rewards are nobody's. What
    /// was in the blocks waits in the mempool again. Gives the hashes of the blocks that left, lowest
    /// first.
    ///
    /// # Errors
    /// [`RegtestError::TooDeep`] when there aren't so many blocks; [`RegtestError::Block`] should
    /// Core refuse the branch.
    pub fn reorganise(&self, depth: u32) -> Result<Vec<BlockHash>, RegtestError> {
        let mut state = self.state();
        let tip = state.tip();
        if depth > tip.height {
            return Err(RegtestError::TooDeep {
                depth,
                height: tip.height,
            });
        }
        let left = (tip.height - depth + 1..=tip.height)
            .filter_map(|height| state.kernel.block_hash(height))
            .collect();
        let mut template = state.template(&ScriptBuf::new_op_return([]), Vec::new(), Amount::ZERO);
        template.height = tip.height - depth + 1;
        if let Some(previous) = state.kernel.block_hash(tip.height - depth) {
            template.previous = previous;
        }
        for _ in 0..=depth {
            let block = template.clone().build();
            template.previous = block.block_hash();
            template.height += 1;
            template.time += 1;
            let verdict = state.submit(&block);
            // The engine says nothing of a branch until it is the longer one.
            if state.tip().height > tip.height {
                verdict?;
            }
        }
        state.mempool.save()?;
        match state.tip().hash == template.previous {
            true => Ok(left),
            false => Err(RegtestError::Block(Rejected {
                reason: "the branch isn't the best chain".into(),
            })),
        }
    }

    /// Mines one block with these transactions and no others, whose fees nobody gets.
    ///
    /// # Errors
    /// [`RegtestError::Block`] when Core refuses it.
    pub fn mine_only(
        &self,
        pay_to: &Script,
        transactions: Vec<Transaction>,
    ) -> Result<BlockHash, RegtestError> {
        let block = self.assemble_block(pay_to, transactions);
        self.submit_block(&block)?;
        Ok(block.block_hash())
    }

    /// Has the mempool forget a transaction and all that hang on it, as a full one does. Gives their
    /// ids.
    ///
    /// # Errors
    /// [`RegtestError::Io`] when what is left can't be written.
    pub fn evict(&self, txid: Txid) -> Result<Vec<Txid>, RegtestError> {
        let mut state = self.state();
        let evicted = state.mempool.evict(txid);
        state.mempool.save()?;
        Ok(evicted.into_iter().collect())
    }

    /// Has the transactions that come from now on held against this policy.
    pub fn set_mempool_policy(&self, policy: MempoolPolicy) {
        self.state().mempool.set_policy(policy);
    }

    /// What the mempool takes.
    pub fn mempool_policy(&self) -> MempoolPolicy {
        self.state().mempool.policy()
    }

    /// A block on the tip with these transactions, checked by nobody yet and leaving their fees
    /// unclaimed: with [`Self::submit_block`] it asks Core what it thinks of them.
    pub fn assemble_block(&self, pay_to: &Script, transactions: Vec<Transaction>) -> Block {
        let state = self.state();
        state.template(pay_to, transactions, Amount::ZERO).build()
    }

    /// Submits a block to Core's validation. `Ok` means that Core checked it, found it valid and
    /// put it into the best chain or a branch of it.
    ///
    /// # Errors
    /// [`Rejected`] with the verdict of Core's `block_checked` notification.
    pub fn submit_block(&self, block: &Block) -> Result<(), Rejected> {
        let mut state = self.state();
        let verdict = state.submit(block);
        state.mempool.save().map_err(|error| Rejected {
            reason: error.to_string(),
        })?;
        verdict
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a transaction into the mempool. One that is there already is no error.
    ///
    /// # Errors
    /// [`Rejected`] with Bitcoin Core's reject reason.
    pub fn broadcast(&self, transaction: Transaction) -> Result<Txid, Rejected> {
        let mut guard = self.state();
        let state = &mut *guard;
        let context = ChainContext {
            coins: &state.coins,
            height: state.kernel.height(),
            median_time: state.median_time(),
        };
        let txid = state.mempool.accept(transaction, &context)?;
        state.mempool.save().map_err(|error| Rejected {
            reason: error.to_string(),
        })?;
        Ok(txid)
    }

    /// Height and hash of the best chain's last block.
    pub fn tip(&self) -> Tip {
        self.state().tip()
    }

    /// Hash of the best chain's block at `height`; none above the tip.
    pub fn block_hash(&self, height: u32) -> Option<BlockHash> {
        self.state().kernel.block_hash(height)
    }

    /// A whole block, if there is one of this hash.
    pub fn block(&self, hash: &BlockHash) -> Option<Block> {
        self.state().kernel.block(hash)
    }

    /// An output, mempool included; none when it is spent or never was.
    pub fn output(&self, outpoint: &OutPoint) -> Option<Unspent> {
        let state = self.state();
        if state.mempool.spender(outpoint).is_some() {
            return None;
        }
        if let Some(coin) = state.coins.get(outpoint) {
            return Some(Unspent {
                confirmations: state.kernel.height() - coin.height + 1,
                output: coin.output.clone(),
            });
        }
        let waiting = state.mempool.get(&outpoint.txid)?;
        let output = waiting.output.get(outpoint.vout as usize)?;
        Some(Unspent {
            confirmations: 0,
            output: output.clone(),
        })
    }

    /// Ids of all transactions in the mempool.
    pub fn mempool(&self) -> Vec<Txid> {
        self.state().mempool.txids()
    }

    /// A transaction in the mempool, if it is there.
    pub fn mempool_transaction(&self, txid: &Txid) -> Option<Transaction> {
        self.state().mempool.get(txid).cloned()
    }

    /// Size and fees of a transaction in the mempool, if it is there.
    pub fn mempool_entry(&self, txid: &Txid) -> Option<MempoolEntry> {
        self.state().mempool.describe(txid)
    }

    /// The mempool transaction that spends `outpoint`, if there is one.
    pub fn mempool_spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.state().mempool.spender(outpoint)
    }
}
