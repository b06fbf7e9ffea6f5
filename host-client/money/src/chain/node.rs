//! A node: the ledger as one till or owner sees it, truthfully or not at all.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use bitcoin::{Block, BlockHash, OutPoint, Transaction, Txid};
use tillcard::chain::{
    Chain, ChainError, FeeRate, MempoolEntry, OutputState, SourceProgress, Tip, TransactionStatus,
};

use super::{Ledger, Network};
use crate::dice::Dice;
use crate::fuse::Fuse;

/// What is wrong with a node, and what happens on the network while it is asked.
#[derive(Clone, Copy, Debug)]
pub struct Temper {
    /// Of a hundred questions, those that nobody answers, until it begins to speak. A transaction may be sent all
    /// the same.
    pub silent: u32,
    /// Blocks that it hasn't got yet. It then knows no mempool, and says that it is behind; they come
    /// while it is asked.
    pub behind: u32,
    /// Whether it takes no transaction, whatever it says of fees.
    pub refuses: bool,
    /// The fee rate from which on it takes transactions.
    pub least: FeeRate,
    /// Of a hundred polls, those at which a block comes.
    pub mines: u32,
    /// Of a hundred polls, those at which the network forgets a transaction.
    pub evicts: u32,
    /// Of a hundred polls, those at which the last blocks are others.
    pub reorganises: u32,
}

impl Temper {
    /// Nothing is wrong, and blocks come.
    pub const HONEST: Self = Self {
        silent: 0,
        behind: 0,
        refuses: false,
        least: FeeRate::FLOOR,
        mines: 100,
        evicts: 0,
        reorganises: 0,
    };
}

/// Polls after which whoever waits will wait for ever.
const MOST_POLLS: u32 = 500;

/// Of a hundred questions for how far it has come, and of a hundred polls, those at which a node that
/// is behind gets a block, and a silent one begins to speak. So often that some tills wait for it in vain and
/// others don't.
const CATCHES_UP: u32 = 5;

/// A node.
pub struct Node {
    network: Network,
    /// Since its temper was set.
    polls: AtomicU32,
    temper: Mutex<(Temper, Dice)>,
    fuse: Fuse,
}

impl Node {
    /// A node of this network, for a program that dies with this fuse.
    pub fn new(network: Network, dice: Dice, fuse: Fuse) -> Self {
        Self {
            network,
            polls: AtomicU32::new(0),
            temper: Mutex::new((Temper::HONEST, dice)),
            fuse,
        }
    }

    /// From now on.
    pub fn set(&self, temper: Temper) {
        self.polls.store(0, Ordering::Relaxed);
        self.with(|current, _| *current = temper);
    }

    fn with<R>(&self, act: impl FnOnce(&mut Temper, &mut Dice) -> R) -> R {
        let mut both = self.temper.lock().unwrap_or_else(PoisonError::into_inner);
        let (temper, dice) = &mut *both;
        act(temper, dice)
    }

    /// A question, answered from the ledger by a node that knows blocks up to this height.
    fn ask<R>(
        &self,
        answer: impl FnOnce(&Ledger, u32) -> Result<R, ChainError>,
    ) -> Result<R, ChainError> {
        self.fuse.burn();
        let (is_silent, behind) = self.with(|temper, dice| {
            let is_silent = dice.percent(temper.silent);
            (is_silent, temper.behind)
        });
        if is_silent {
            return Err(silent());
        }
        let ledger = self.network.ledger();
        let known = ledger.height().saturating_sub(behind);
        answer(&ledger, known)
    }

    /// Time passes on the network.
    fn poll(&self) {
        if self.polls.fetch_add(1, Ordering::Relaxed) >= MOST_POLLS {
            self.fuse.end_stuck();
        }
        self.catch_up();
        let (mines, forgotten, depth) = self.with(|temper, dice| {
            let reorganises = dice.percent(temper.reorganises);
            let depth = reorganises.then(|| 1 + dice.below(2));
            let forgotten = dice.percent(temper.evicts).then(|| dice.number());
            (dice.percent(temper.mines), forgotten, depth)
        });
        let mut ledger = self.network.ledger();
        if let Some(choice) = forgotten
            && let count @ 1.. = ledger.mempool().len()
        {
            let txid = ledger.mempool()[choice as usize % count].txid;
            ledger.evict(&txid);
        }
        if let Some(depth) = depth {
            ledger.reorganise(depth, 1);
        }
        if mines {
            ledger.mine();
        }
    }

    /// A block that it hasn't got yet may come, and silence may end: each block takes a question, so that
    /// a silent node's chain would grow faster than it can be asked for.
    fn catch_up(&self) {
        self.with(|temper, dice| {
            if temper.silent > 0 && dice.percent(CATCHES_UP) {
                temper.silent = 0;
            }
            if temper.behind > 0 && dice.percent(CATCHES_UP) {
                temper.behind -= 1;
            }
        });
    }

    /// Whether it knows the mempool.
    fn is_there(&self) -> bool {
        self.with(|temper, _| temper.behind == 0)
    }
}

fn silent() -> ChainError {
    ChainError::Unavailable {
        url: "http://node".into(),
        cause: "nobody answers".into(),
    }
}

impl Chain for Node {
    fn network(&self) -> Result<bitcoin::Network, ChainError> {
        Ok(bitcoin::Network::Regtest)
    }

    fn tip(&self) -> Result<Tip, ChainError> {
        self.ask(|ledger, height| {
            let hash = ledger.hash(height).ok_or_else(silent)?;
            Ok(Tip { height, hash })
        })
    }

    fn source_progress(&self) -> Result<SourceProgress, ChainError> {
        self.catch_up();
        self.ask(|ledger, blocks| {
            Ok(SourceProgress {
                blocks,
                headers: ledger.height(),
                is_loading: blocks < ledger.height(),
                tip_time: None,
            })
        })
    }

    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, ChainError> {
        self.ask(|ledger, known| Ok(ledger.hash(height).filter(|_| height <= known)))
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, ChainError> {
        self.ask(|ledger, _| {
            let block = ledger.block(hash).ok_or_else(|| ChainError::NotFound {
                what: format!("block {hash}"),
            })?;
            Ok(Block::clone(block))
        })
    }

    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainError> {
        self.fuse.burn();
        let (temper, is_silent, arrives) = self.with(|temper, dice| {
            let is_silent = dice.percent(temper.silent);
            (*temper, is_silent, dice.percent(50))
        });
        let mut ledger = self.network.ledger();
        if is_silent {
            if arrives {
                // Its answer is lost.
                let _ = ledger.accept(transaction, temper.least);
            }
            return Err(silent());
        }
        let rejected = |reason: String| ChainError::Rejected {
            reason: reason.into(),
        };
        if temper.refuses || temper.behind > 0 {
            ledger.remember(transaction);
            return Err(rejected("mempool min fee not met".into()));
        }
        ledger.accept(transaction, temper.least).map_err(rejected)?;
        Ok(transaction.compute_txid())
    }

    fn output(&self, outpoint: &OutPoint) -> Result<OutputState, ChainError> {
        let is_there = self.is_there();
        self.ask(|ledger, known| {
            let confirmed = ledger.coin(outpoint).filter(|coin| coin.height <= known);
            let unspent = match confirmed {
                Some(coin) if coin.spent.is_none_or(|height| height > known) => {
                    Some((known - coin.height + 1, coin.output.clone()))
                }
                Some(_) => None,
                None if is_there => ledger.pooled(&outpoint.txid).and_then(|pooled| {
                    let output = pooled.transaction.output.get(outpoint.vout as usize)?;
                    Some((0, output.clone()))
                }),
                None => None,
            };
            Ok(match unspent {
                Some((confirmations, output))
                    if !is_there || ledger.spender(outpoint).is_none() =>
                {
                    OutputState::Unspent {
                        confirmations,
                        output,
                    }
                }
                _ => OutputState::SpentOrUnknown,
            })
        })
    }

    fn mempool(&self) -> Result<Vec<Txid>, ChainError> {
        let is_there = self.is_there();
        self.ask(|ledger, _| {
            let mempool = ledger.mempool().iter().filter(|_| is_there);
            Ok(mempool.map(|pooled| pooled.txid).collect())
        })
    }

    fn mempool_transaction(&self, txid: &Txid) -> Result<Option<Transaction>, ChainError> {
        let is_there = self.is_there();
        self.ask(|ledger, _| {
            let pooled = ledger.pooled(txid).filter(|_| is_there);
            Ok(pooled.map(|pooled| Transaction::clone(&pooled.transaction)))
        })
    }

    fn mempool_entry(&self, txid: &Txid) -> Result<Option<MempoolEntry>, ChainError> {
        let is_there = self.is_there();
        self.ask(|ledger, _| {
            let pooled = ledger.pooled(txid).filter(|_| is_there);
            Ok(pooled.map(|pooled| {
                let family = ledger.descendants(txid);
                MempoolEntry {
                    vsize: pooled.vsize,
                    fee: pooled.fee,
                    descendant_fee: family.iter().map(|other| other.fee).sum(),
                    descendants: family.len() as u64,
                }
            }))
        })
    }

    fn mempool_spender(&self, outpoint: &OutPoint) -> Result<Option<Txid>, ChainError> {
        let is_there = self.is_there();
        self.ask(|ledger, _| {
            let spender = ledger.spender(outpoint).filter(|_| is_there);
            Ok(spender.map(|pooled| pooled.txid))
        })
    }

    fn least_fee_rate(&self) -> Result<FeeRate, ChainError> {
        self.ask(|_, _| Ok(self.with(|temper, _| temper.least)))
    }

    fn estimate_fee_rate(&self, _: u16) -> Result<FeeRate, ChainError> {
        self.ask(|_, _| Ok(FeeRate::FALLBACK))
    }

    /// As every chain's; time passes with each such question.
    fn transaction_status(
        &self,
        txid: &Txid,
        since_height: u32,
    ) -> Result<TransactionStatus, ChainError> {
        self.poll();
        let is_there = self.is_there();
        self.ask(|ledger, known| {
            if is_there && ledger.pooled(txid).is_some() {
                return Ok(TransactionStatus::InMempool);
            }
            let coin = ledger.coin(&OutPoint::new(*txid, 0));
            let coin = coin.filter(|coin| (since_height..=known).contains(&coin.height));
            Ok(match coin {
                Some(coin) => TransactionStatus::Confirmed {
                    height: coin.height,
                    block: ledger.hash(coin.height).ok_or_else(silent)?,
                    confirmations: known - coin.height + 1,
                },
                None => TransactionStatus::Unknown,
            })
        })
    }
}
