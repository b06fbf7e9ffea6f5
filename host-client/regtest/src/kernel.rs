//! Bitcoin Core's validation engine: blocks and scripts are judged here, and nowhere else.

use std::path::Path;
use std::sync::{Arc, Mutex, Once, PoisonError};

use bitcoin::consensus::{deserialize, serialize};
use bitcoin::hashes::Hash;
use bitcoin::{Block, BlockHash, Transaction, TxOut};
use bitcoinkernel::prelude::*;
use bitcoinkernel::{
    BlockValidationStateRef, ChainType, ChainstateManager, ContextBuilder,
    PrecomputedTransactionData, ScriptPubkey, VERIFY_ALL, ValidationMode,
};

use super::{RegtestError, Rejected};

/// The verdicts that `block_checked` announced while one block was processed.
type Verdicts = Arc<Mutex<Vec<(BlockHash, Result<(), Rejected>)>>>;

/// The engine with a regtest chain on disk.
pub(super) struct Kernel {
    // The order matters: the manager must go before the context it was made with.
    manager: ChainstateManager,
    _context: bitcoinkernel::Context,
    verdicts: Verdicts,
}

impl Kernel {
    /// Opens the chain in `folder`, which is made when missing.
    ///
    /// The engine writes its databases out only now and then, so a process that was killed leaves
    /// them behind the block files. Those are complete: the databases are therefore built anew from
    /// the block files at each start (as `bitcoind -reindex` does), with every block validated
    /// again. A regtest chain is short: a thousand empty blocks take a quarter of a second.
    pub(super) fn open(folder: &Path) -> Result<Self, RegtestError> {
        static QUIET: Once = Once::new();
        QUIET.call_once(bitcoinkernel::disable_logging);

        let failed = |cause: bitcoinkernel::KernelError| RegtestError::Open {
            folder: folder.to_path_buf(),
            cause: cause.to_string(),
        };
        let blocks = folder.join("blocks");
        std::fs::create_dir_all(&blocks).map_err(|source| RegtestError::Io {
            path: blocks.clone(),
            source,
        })?;
        let (Some(folder_name), Some(blocks_name)) = (folder.to_str(), blocks.to_str()) else {
            return Err(RegtestError::Open {
                folder: folder.to_path_buf(),
                cause: "the folder's name isn't UTF-8".into(),
            });
        };

        let verdicts = Verdicts::default();
        let heard = Arc::clone(&verdicts);
        let context = ContextBuilder::new()
            .chain_type(ChainType::Regtest)
            .with_block_checked_validation(
                move |block: bitcoinkernel::Block, state: BlockValidationStateRef<'_>| {
                    let verdict = match state.mode() {
                        ValidationMode::Valid => Ok(()),
                        mode => Err(Rejected {
                            reason: format!("{mode:?} ({:?})", state.result()),
                        }),
                    };
                    heard
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push((hash_of(&block.hash()), verdict));
                },
            )
            .build()
            .map_err(failed)?;
        let manager = ChainstateManager::builder(&context, folder_name, blocks_name)
            .and_then(|builder| builder.wipe_db(true, true)?.build())
            .map_err(failed)?;
        manager.import_blocks().map_err(failed)?;
        Ok(Self {
            manager,
            _context: context,
            verdicts,
        })
    }

    /// Hands a block to the engine. The verdict is the one of the `block_checked` notification:
    /// `process_block` itself answers "new block" for a block with a bad signature too.
    pub(super) fn submit(&self, block: &Block) -> Result<(), Rejected> {
        let refused = |reason: &str| Rejected {
            reason: reason.into(),
        };
        let raw = bitcoinkernel::Block::new(&serialize(block))
            .map_err(|_| refused("block decode failed"))?;
        self.verdicts().clear();
        let outcome = self.manager.process_block(&raw);
        let hash = block.block_hash();
        let verdict = self
            .verdicts()
            .drain(..)
            .find_map(|(checked, verdict)| (checked == hash).then_some(verdict));
        match verdict {
            Some(verdict) => verdict,
            None if self.is_in_best_chain(&hash) => Err(refused("duplicate")),
            None if outcome.is_rejected() => Err(refused("the header or a parent is invalid")),
            None => Err(refused("inconclusive: the block isn't in the best chain")),
        }
    }

    fn verdicts(&self) -> std::sync::MutexGuard<'_, Vec<(BlockHash, Result<(), Rejected>)>> {
        self.verdicts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_in_best_chain(&self, hash: &BlockHash) -> bool {
        self.block_height(hash)
            .and_then(|height| self.block_hash(height))
            .is_some_and(|found| found == *hash)
    }

    fn block_height(&self, hash: &BlockHash) -> Option<u32> {
        let key = bitcoinkernel::BlockHash::from(hash.to_byte_array());
        let entry = self.manager.get_block_tree_entry(&key)?;
        u32::try_from(entry.height()).ok()
    }

    /// Height of the best chain's last block.
    pub(super) fn height(&self) -> u32 {
        u32::try_from(self.manager.active_chain().height()).unwrap_or(0)
    }

    /// Hash of the best chain's block at `height`.
    pub(super) fn block_hash(&self, height: u32) -> Option<BlockHash> {
        let entry = self
            .manager
            .active_chain()
            .at_height(usize::try_from(height).ok()?)?;
        Some(hash_of(&entry.block_hash()))
    }

    /// A block that was stored, whether or not it is in the best chain.
    pub(super) fn block(&self, hash: &BlockHash) -> Option<Block> {
        let key = bitcoinkernel::BlockHash::from(hash.to_byte_array());
        let entry = self.manager.get_block_tree_entry(&key)?;
        let raw = self.manager.read_block_data(&entry).ok()?;
        deserialize(&raw.consensus_encode().ok()?).ok()
    }
}

fn hash_of(hash: &impl BlockHashExt) -> BlockHash {
    BlockHash::from_byte_array(hash.to_bytes())
}

/// Runs the scripts of every input of `transaction`, which spends `spent` in this order, under all
/// of Core's consensus rules. The error names the first input that fails.
pub(super) fn verify_scripts(transaction: &Transaction, spent: &[TxOut]) -> Result<(), String> {
    let broken = |error: bitcoinkernel::KernelError| error.to_string();
    let raw = bitcoinkernel::Transaction::new(&serialize(transaction)).map_err(broken)?;
    let outputs = spent
        .iter()
        .map(|output| {
            let script = ScriptPubkey::new(output.script_pubkey.as_bytes()).map_err(broken)?;
            let value = i64::try_from(output.value.to_sat()).map_err(|error| error.to_string())?;
            Ok(bitcoinkernel::TxOut::new(&script, value))
        })
        .collect::<Result<Vec<_>, String>>()?;
    let precomputed = PrecomputedTransactionData::new(&raw, &outputs).map_err(broken)?;
    for (index, output) in outputs.iter().enumerate() {
        bitcoinkernel::verify(
            &output.script_pubkey(),
            Some(output.value()),
            &raw,
            index,
            Some(VERIFY_ALL),
            &precomputed,
        )
        .map_err(|_| {
            format!("mandatory-script-verify-flag-failed (input {index} of the transaction)")
        })?;
    }
    Ok(())
}
