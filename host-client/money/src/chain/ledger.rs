//! The blocks, the coins and the mempool that all nodes of a story share.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bitcoin::absolute::LockTime;
use bitcoin::block::{Header, Version as BlockVersion};
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, Block, BlockHash, CompactTarget, Network, OutPoint, ScriptBuf, Sequence, Transaction,
    TxIn, TxMerkleNode, TxOut, Txid, Witness,
};
use tillcard_client::FeeRate;

use super::signatures;

/// Transactions without a block that hang together at most, as most nodes take them.
const MOST_UNCONFIRMED: usize = 25;

/// More blocks than all reorganisations of a story take away.
const DEEPLY: u32 = 40;

/// An output in a block.
#[derive(Clone)]
pub struct Coin {
    /// The output itself.
    pub output: TxOut,
    /// Height of its block.
    pub height: u32,
    /// Height of the block in which it was spent.
    pub spent: Option<u32>,
}

/// A transaction in the mempool.
#[derive(Clone)]
pub struct Pooled {
    /// The transaction.
    pub transaction: Arc<Transaction>,
    /// Its id.
    pub txid: Txid,
    /// Its fee.
    pub fee: Amount,
    /// Its size.
    pub vsize: u64,
}

/// A chain with its mempool, and all that was ever shown to it.
#[derive(Clone)]
pub struct Ledger {
    blocks: Vec<(BlockHash, Arc<Block>)>,
    coins: HashMap<OutPoint, Coin>,
    /// In the order in which they came, so that what spends stands behind what is spent.
    mempool: Vec<Pooled>,
    /// Every transaction that somebody tried to send, once: an adversary keeps them.
    shown: Vec<Arc<Transaction>>,
    known: HashSet<Txid>,
    /// How many blocks were taken away at once, at most.
    deepest_reorganisation: u32,
    stamp: u32,
}

impl Ledger {
    /// The chain of a private network, with its first block only.
    pub fn new() -> Self {
        let genesis = bitcoin::constants::genesis_block(Network::Regtest);
        Self {
            blocks: vec![(genesis.block_hash(), Arc::new(genesis))],
            coins: HashMap::new(),
            mempool: Vec::new(),
            shown: Vec::new(),
            known: HashSet::new(),
            deepest_reorganisation: 0,
            stamp: 0,
        }
    }

    /// Height of the last block.
    pub fn height(&self) -> u32 {
        u32::try_from(self.blocks.len() - 1).unwrap_or(u32::MAX)
    }

    /// The hash of the block at this height.
    pub fn hash(&self, height: u32) -> Option<BlockHash> {
        self.blocks.get(height as usize).map(|(hash, _)| *hash)
    }

    /// The block of this hash.
    pub fn block(&self, hash: &BlockHash) -> Option<&Arc<Block>> {
        let found = self.blocks.iter().rev().find(|(other, _)| other == hash);
        found.map(|(_, block)| block)
    }

    /// All transactions in blocks, oldest first, with the height of their blocks.
    pub fn confirmed(&self) -> impl Iterator<Item = (u32, &Transaction)> {
        (0..).zip(&self.blocks).flat_map(|(height, (_, block))| {
            block
                .txdata
                .iter()
                .map(move |transaction| (height, transaction))
        })
    }

    /// An output in a block, spent or not.
    pub fn coin(&self, outpoint: &OutPoint) -> Option<&Coin> {
        self.coins.get(outpoint)
    }

    /// The scripts of all outputs in blocks that a block spends.
    pub fn spent_scripts(&self) -> HashSet<&ScriptBuf> {
        let spent = self.coins.values().filter(|coin| coin.spent.is_some());
        spent.map(|coin| &coin.output.script_pubkey).collect()
    }

    /// All outputs in blocks that no block spends.
    pub fn unspent(&self) -> impl Iterator<Item = &TxOut> {
        let unspent = self.coins.values().filter(|coin| coin.spent.is_none());
        unspent.map(|coin| &coin.output)
    }

    /// The mempool, oldest first.
    pub fn mempool(&self) -> &[Pooled] {
        &self.mempool
    }

    /// The transaction of this id in the mempool.
    pub fn pooled(&self, txid: &Txid) -> Option<&Pooled> {
        self.mempool.iter().find(|pooled| pooled.txid == *txid)
    }

    /// The transaction in the mempool that spends this output.
    pub fn spender(&self, outpoint: &OutPoint) -> Option<&Pooled> {
        self.mempool
            .iter()
            .find(|pooled| spends(&pooled.transaction, outpoint))
    }

    /// How many blocks were taken away at once, at most.
    pub fn deepest_reorganisation(&self) -> u32 {
        self.deepest_reorganisation
    }

    /// The transactions in the mempool that hang on this one, itself included.
    pub fn descendants(&self, txid: &Txid) -> Vec<&Pooled> {
        let mut found: HashSet<Txid> = HashSet::from([*txid]);
        let mut family = Vec::new();
        for pooled in &self.mempool {
            let inputs = &pooled.transaction.input;
            let hangs = inputs
                .iter()
                .any(|i| found.contains(&i.previous_output.txid));
            if pooled.txid == *txid || hangs {
                found.insert(pooled.txid);
                family.push(pooled);
            }
        }
        family
    }

    /// Makes coins out of nothing, in a block of their own.
    pub fn grant(&mut self, outputs: Vec<TxOut>) -> Transaction {
        self.stamp += 1;
        let mut source = [0x6D; 32];
        source[..4].copy_from_slice(&self.stamp.to_be_bytes());
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![TxIn {
                previous_output: OutPoint::new(Txid::from_byte_array(source), 0),
                script_sig: ScriptBuf::new(),
                sequence: Sequence::MAX,
                witness: Witness::new(),
            }],
            output: outputs,
        };
        self.connect(vec![transaction.clone()]);
        transaction
    }

    /// Buries what was granted deeper than any story's reorganisation, and tells the height above which
    /// nothing was.
    pub fn bury(&mut self) -> u32 {
        let height = self.height();
        for _ in 0..DEEPLY {
            self.connect(Vec::new());
        }
        height
    }

    /// Takes a transaction into the mempool, as a node does that relays from `least` on. One that it
    /// has, or that is in a block, is no error.
    ///
    /// # Errors
    /// Why it isn't taken, in Bitcoin Core's words.
    pub fn accept(&mut self, transaction: &Transaction, least: FeeRate) -> Result<(), String> {
        let txid = self.remember(transaction);
        if self.pooled(&txid).is_some() || self.coins.contains_key(&OutPoint::new(txid, 0)) {
            return Ok(());
        }
        let (spent, rivals) = self.inputs(transaction)?;
        let paid_in: Amount = spent.iter().map(|output| output.value).sum();
        let paid_out: Amount = transaction.output.iter().map(|output| output.value).sum();
        let fee = paid_in
            .checked_sub(paid_out)
            .ok_or("bad-txns-in-belowout")?;
        let vsize = transaction.vsize() as u64;
        if fee < least.fee(vsize) {
            return Err("mempool min fee not met".into());
        }
        if self.ancestors(transaction) >= MOST_UNCONFIRMED {
            return Err("too-long-mempool-chain".into());
        }
        signatures::verify(transaction, &spent)?;
        self.replace(&rivals, fee, vsize)?;
        self.mempool.push(Pooled {
            transaction: Arc::new(transaction.clone()),
            txid,
            fee,
            vsize,
        });
        Ok(())
    }

    /// Takes note of a transaction that somebody has.
    pub fn remember(&mut self, transaction: &Transaction) -> Txid {
        let txid = transaction.compute_txid();
        if self.known.insert(txid) {
            self.shown.push(Arc::new(transaction.clone()));
        }
        txid
    }

    /// The outputs that a transaction spends, and those in the mempool that spend them too.
    fn inputs(&self, transaction: &Transaction) -> Result<(Vec<TxOut>, Vec<Txid>), String> {
        let (mut spent, mut rivals) = (Vec::new(), Vec::new());
        for input in &transaction.input {
            let outpoint = &input.previous_output;
            let output = match self.coins.get(outpoint) {
                Some(coin) if coin.spent.is_none() => coin.output.clone(),
                Some(_) => return Err("bad-txns-inputs-missingorspent".into()),
                None => self
                    .pooled(&outpoint.txid)
                    .and_then(|pooled| pooled.transaction.output.get(outpoint.vout as usize))
                    .cloned()
                    .ok_or("bad-txns-inputs-missingorspent")?,
            };
            rivals.extend(self.spender(outpoint).map(|pooled| pooled.txid));
            spent.push(output);
        }
        Ok((spent, rivals))
    }

    /// How many transactions in the mempool a transaction hangs on.
    fn ancestors(&self, transaction: &Transaction) -> usize {
        let mut found = HashSet::new();
        let mut wanted: Vec<Txid> = parents(transaction).collect();
        while let Some(txid) = wanted.pop() {
            if let Some(pooled) = self.pooled(&txid)
                && found.insert(txid)
            {
                wanted.extend(parents(&pooled.transaction));
            }
        }
        found.len()
    }

    /// Puts these out of the mempool, with what hangs on them, if so high a fee may (BIP125).
    fn replace(&mut self, rivals: &[Txid], fee: Amount, vsize: u64) -> Result<(), String> {
        let family = rivals.iter().flat_map(|txid| self.descendants(txid));
        let replaced: HashMap<Txid, Amount> =
            family.map(|pooled| (pooled.txid, pooled.fee)).collect();
        let outbid: Amount = replaced.values().copied().sum();
        if !replaced.is_empty() && fee < outbid + FeeRate::FLOOR.fee(vsize) {
            return Err("insufficient fee, rejecting replacement".into());
        }
        self.mempool
            .retain(|pooled| !replaced.contains_key(&pooled.txid));
        Ok(())
    }

    /// Forgets a transaction in the mempool, and what hangs on it.
    pub fn evict(&mut self, txid: &Txid) {
        let gone: HashSet<Txid> = self.descendants(txid).iter().map(|p| p.txid).collect();
        self.mempool.retain(|pooled| !gone.contains(&pooled.txid));
    }

    /// A block with all of the mempool.
    pub fn mine(&mut self) {
        let pooled = std::mem::take(&mut self.mempool);
        let transactions = pooled
            .into_iter()
            .map(|p| Transaction::clone(&p.transaction));
        self.connect(transactions.collect());
    }

    /// A block with what stands in the mempool first, so many.
    pub fn mine_first(&mut self, count: usize) {
        let later = self.mempool.split_off(count.min(self.mempool.len()));
        self.mine();
        self.mempool = later;
    }

    fn connect(&mut self, transactions: Vec<Transaction>) {
        let height = self.height() + 1;
        self.stamp += 1;
        for transaction in &transactions {
            for input in &transaction.input {
                if let Some(coin) = self.coins.get_mut(&input.previous_output) {
                    coin.spent = Some(height);
                }
            }
            let txid = transaction.compute_txid();
            for (vout, output) in (0..).zip(&transaction.output) {
                let coin = Coin {
                    output: output.clone(),
                    height,
                    spent: None,
                };
                self.coins.insert(OutPoint::new(txid, vout), coin);
            }
        }
        let header = Header {
            version: BlockVersion::TWO,
            prev_blockhash: self.blocks[self.blocks.len() - 1].0,
            merkle_root: TxMerkleNode::all_zeros(),
            time: self.stamp,
            bits: CompactTarget::default(),
            nonce: 0,
        };
        let block = Block {
            header,
            txdata: transactions,
        };
        self.blocks.push((block.block_hash(), Arc::new(block)));
    }

    /// Takes the last blocks away, and makes one more than those. Their transactions are in the
    /// mempool again, and in the first of the new blocks as far as `kept` says.
    pub fn reorganise(&mut self, depth: u32, kept: usize) {
        let first = self.height() + 1 - depth.min(self.height());
        let taken = self.blocks.split_off(first as usize);
        self.coins.retain(|_, coin| coin.height < first);
        for coin in self.coins.values_mut() {
            coin.spent = coin.spent.filter(|height| *height < first);
        }
        let young = std::mem::take(&mut self.mempool);
        let of_blocks = taken.iter().flat_map(|(_, block)| block.txdata.iter());
        let again: Vec<Transaction> = of_blocks.cloned().collect();
        for transaction in again.iter().chain(young.iter().map(|p| &*p.transaction)) {
            // What was in a block or in the mempool fits, but for what hangs on something forgotten.
            let _ = self.accept(transaction, FeeRate::from_sat_per_kvb(0));
        }
        self.deepest_reorganisation = self.deepest_reorganisation.max(depth);
        self.mine_first(kept);
        for _ in 0..depth {
            self.connect(Vec::new());
        }
    }

    /// An adversary sends everything that was ever shown, again and again, while blocks come.
    pub fn send_all(&mut self) {
        loop {
            let before = self.height();
            for transaction in self.shown.clone() {
                let _ = self.accept(&transaction, FeeRate::FLOOR);
            }
            if self.mempool.is_empty() {
                return;
            }
            self.mine();
            debug_assert!(self.height() > before);
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

fn spends(transaction: &Transaction, outpoint: &OutPoint) -> bool {
    transaction
        .input
        .iter()
        .any(|input| input.previous_output == *outpoint)
}

fn parents(transaction: &Transaction) -> impl Iterator<Item = Txid> {
    transaction
        .input
        .iter()
        .map(|input| input.previous_output.txid)
}
