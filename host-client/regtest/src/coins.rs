//! The coins of the best chain: the engine has no question for them, so they are gathered from its
//! blocks.

use std::collections::HashMap;

use bitcoin::{Block, BlockHash, OutPoint, Transaction, TxOut};

use super::kernel::Kernel;

/// A coin in a block of the best chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Coin {
    pub(super) output: TxOut,
    pub(super) height: u32,
    pub(super) is_coinbase: bool,
}

/// All unspent outputs of the best chain up to `tip`.
#[derive(Default)]
pub(super) struct Coins {
    unspent: HashMap<OutPoint, Coin>,
    tip: Option<(u32, BlockHash)>,
}

impl Coins {
    pub(super) fn get(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.unspent.get(outpoint)
    }

    /// Brings the coins up to the engine's best chain. After a reorganisation they are gathered
    /// anew; the transactions of the blocks that left the chain are given back, oldest first.
    pub(super) fn follow(&mut self, kernel: &Kernel) -> Vec<Transaction> {
        let mut disconnected = Vec::new();
        let next = match self.tip {
            Some((height, hash)) if kernel.block_hash(height) == Some(hash) => height + 1,
            Some((height, hash)) => {
                disconnected = transactions_off_chain(kernel, height, hash);
                *self = Self::default();
                0
            }
            None => 0,
        };
        for height in next..=kernel.height() {
            let Some((hash, block)) = kernel
                .block_hash(height)
                .and_then(|hash| Some((hash, kernel.block(&hash)?)))
            else {
                break;
            };
            // The genesis block's coin can't be spent, by rule.
            if height > 0 {
                self.connect(&block, height);
            }
            self.tip = Some((height, hash));
        }
        disconnected
    }

    fn connect(&mut self, block: &Block, height: u32) {
        for transaction in &block.txdata {
            for input in &transaction.input {
                self.unspent.remove(&input.previous_output);
            }
            let txid = transaction.compute_txid();
            let is_coinbase = transaction.is_coinbase();
            for (vout, output) in (0..).zip(&transaction.output) {
                if output.script_pubkey.is_op_return() {
                    continue;
                }
                self.unspent.insert(
                    OutPoint { txid, vout },
                    Coin {
                        output: output.clone(),
                        height,
                        is_coinbase,
                    },
                );
            }
        }
    }
}

/// Transactions, coinbases aside, of the blocks from `hash` at `height` down to the best chain.
fn transactions_off_chain(kernel: &Kernel, height: u32, hash: BlockHash) -> Vec<Transaction> {
    let mut blocks = Vec::new();
    let (mut height, mut hash) = (height, hash);
    while kernel.block_hash(height) != Some(hash) {
        let Some(block) = kernel.block(&hash) else {
            break;
        };
        hash = block.header.prev_blockhash;
        height = height.saturating_sub(1);
        blocks.push(block);
    }
    let oldest_first = blocks.into_iter().rev();
    oldest_first
        .flat_map(|block| block.txdata.into_iter().skip(1))
        .collect()
}
