//! The regtest chain's mempool: small, strict, kept on disk.
//!
//! The scripts are judged by Core's engine; the rest follows Bitcoin Core's default policy as far
//! as a wallet meets it (its reject reasons are used), with full replace-by-fee. Two things are
//! stricter: data outputs are held to the classic 83 bytes, and time-based relative lock times
//! aren't taken.

mod policy;
mod rules;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Amount, OutPoint, Transaction, TxOut, Txid};

pub use policy::MempoolPolicy;
pub(super) use rules::ChainContext;
use rules::{Spent, check_form, check_lock_times, fee_of, rejected};

use super::kernel::verify_scripts;
use super::{RegtestError, Rejected};

/// Room for transactions in a block; the rest is the coinbase's and the header's.
const BLOCK_WEIGHT: u64 = 3_990_000;

/// A transaction in the mempool, with its descendants (as Bitcoin Core's `getmempoolentry`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MempoolEntry {
    /// Virtual size in vbytes.
    pub vsize: u64,
    /// Its own fee.
    pub fee: Amount,
    /// Its own fee and those of all its descendants in the mempool.
    pub descendant_fee: Amount,
    /// How many transactions hang on it, itself included.
    pub descendants: u64,
}

/// An input that isn't there; callers of the RPC know this reason by a code of its own.
pub(super) const MISSING_INPUTS: &str = "bad-txns-inputs-missingorspent";

/// The transaction is in a block; callers of the RPC know this reason by a code of its own.
pub(super) const IN_BLOCK: &str = "txn-already-known";

struct Entry {
    transaction: Transaction,
    fee: Amount,
}

impl Entry {
    fn vsize(&self) -> u64 {
        self.transaction.vsize() as u64
    }
}

/// Transactions waiting for a block, in the order in which they came: parents before children.
pub(super) struct Mempool {
    entries: BTreeMap<u64, Entry>,
    arrivals: HashMap<Txid, u64>,
    spenders: HashMap<OutPoint, Txid>,
    next_arrival: u64,
    policy: MempoolPolicy,
    path: PathBuf,
}

impl Mempool {
    /// An empty mempool that [`Self::save`] writes to `path`.
    pub(super) fn empty(path: PathBuf) -> Self {
        Self {
            entries: BTreeMap::new(),
            arrivals: HashMap::new(),
            spenders: HashMap::new(),
            next_arrival: 0,
            policy: MempoolPolicy::default(),
            path,
        }
    }

    /// Has the transactions that come from now on held against this policy.
    pub(super) fn set_policy(&mut self, policy: MempoolPolicy) {
        self.policy = policy;
    }

    pub(super) fn policy(&self) -> MempoolPolicy {
        self.policy
    }

    /// Forgets a transaction and all that hang on it; their ids.
    pub(super) fn evict(&mut self, txid: Txid) -> BTreeSet<Txid> {
        let mut evicted = self.with_descendants([txid]);
        evicted.retain(|txid| self.arrivals.contains_key(txid));
        for txid in &evicted {
            self.remove(txid);
        }
        evicted
    }

    /// Takes up the transactions that were waiting when the file was written last, as far as they
    /// still hold.
    pub(super) fn load(&mut self, context: &ChainContext<'_>) -> Result<(), RegtestError> {
        let stored = match std::fs::read_to_string(&self.path) {
            Ok(stored) => stored,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(source) => {
                return Err(RegtestError::Io {
                    path: self.path.clone(),
                    source,
                });
            }
        };
        for line in stored.lines() {
            let transaction = deserialize_hex(line).map_err(|error| RegtestError::Damaged {
                path: self.path.clone(),
                cause: error.to_string(),
            })?;
            self.readmit(transaction, context);
        }
        Ok(())
    }

    /// Takes a transaction, or says why not. One that is here already is no error.
    pub(super) fn accept(
        &mut self,
        transaction: Transaction,
        context: &ChainContext<'_>,
    ) -> Result<Txid, Rejected> {
        let txid = transaction.compute_txid();
        if self.arrivals.contains_key(&txid) {
            return Ok(txid);
        }
        check_form(&transaction)?;
        if (0..transaction.output.len() as u32)
            .any(|vout| context.coins.get(&OutPoint { txid, vout }).is_some())
        {
            return Err(rejected(IN_BLOCK));
        }
        let spent = self.spent_by(&transaction, context)?;
        let fee = fee_of(&transaction, &spent)?;
        let vsize = transaction.vsize() as u64;
        if fee < self.policy.fee(vsize) {
            return Err(rejected("min relay fee not met"));
        }
        check_lock_times(&transaction, &spent, context)?;
        let replaced = self.replaced_by(&transaction, fee, vsize)?;
        self.check_chain(&transaction, &replaced)?;
        let outputs: Vec<TxOut> = spent.into_iter().map(|spent| spent.output).collect();
        verify_scripts(&transaction, &outputs).map_err(|reason| Rejected { reason })?;

        for txid in replaced {
            self.remove(&txid);
        }
        self.insert(txid, Entry { transaction, fee });
        Ok(txid)
    }

    /// Drops what `context` no longer allows (confirmed or conflicting), after trying to take in
    /// the transactions of blocks that left the best chain.
    pub(super) fn follow(&mut self, disconnected: Vec<Transaction>, context: &ChainContext<'_>) {
        let waiting = std::mem::take(&mut self.entries);
        self.arrivals.clear();
        self.spenders.clear();
        let waiting = waiting.into_values().map(|entry| entry.transaction);
        for transaction in disconnected.into_iter().chain(waiting) {
            self.readmit(transaction, context);
        }
    }

    /// Takes a transaction of earlier if it still holds; that it doesn't is its ordinary end.
    fn readmit(&mut self, transaction: Transaction, context: &ChainContext<'_>) {
        let _ = self.accept(transaction, context);
    }

    /// Writes the waiting transactions to disk, one a line in hexadecimal.
    pub(super) fn save(&self) -> Result<(), RegtestError> {
        let io = |source| RegtestError::Io {
            path: self.path.clone(),
            source,
        };
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        for entry in self.entries.values() {
            writeln!(file, "{}", serialize_hex(&entry.transaction)).map_err(io)?;
        }
        file.persist(&self.path).map_err(|error| io(error.error))?;
        Ok(())
    }

    /// Transactions for the next block, parents before children, with the sum of their fees.
    pub(super) fn for_block(&self) -> (Vec<Transaction>, Amount) {
        let mut weight = 0;
        let mut fees = Amount::ZERO;
        let mut chosen = Vec::new();
        for entry in self.entries.values() {
            weight += entry.transaction.weight().to_wu();
            // Whatever comes later may depend on what found no room.
            if weight > BLOCK_WEIGHT {
                break;
            }
            fees += entry.fee;
            chosen.push(entry.transaction.clone());
        }
        (chosen, fees)
    }

    pub(super) fn txids(&self) -> Vec<Txid> {
        self.entries
            .values()
            .map(|entry| entry.transaction.compute_txid())
            .collect()
    }

    pub(super) fn get(&self, txid: &Txid) -> Option<&Transaction> {
        Some(&self.entry(txid)?.transaction)
    }

    pub(super) fn spender(&self, outpoint: &OutPoint) -> Option<Txid> {
        self.spenders.get(outpoint).copied()
    }

    pub(super) fn describe(&self, txid: &Txid) -> Option<MempoolEntry> {
        let entry = self.entry(txid)?;
        let descendants = self.with_descendants([*txid]);
        Some(MempoolEntry {
            vsize: entry.vsize(),
            fee: entry.fee,
            descendant_fee: self.fees(&descendants),
            descendants: descendants.len() as u64,
        })
    }

    fn entry(&self, txid: &Txid) -> Option<&Entry> {
        self.entries.get(self.arrivals.get(txid)?)
    }

    fn insert(&mut self, txid: Txid, entry: Entry) {
        for input in &entry.transaction.input {
            self.spenders.insert(input.previous_output, txid);
        }
        self.arrivals.insert(txid, self.next_arrival);
        self.entries.insert(self.next_arrival, entry);
        self.next_arrival += 1;
    }

    fn remove(&mut self, txid: &Txid) {
        let Some(entry) = self
            .arrivals
            .remove(txid)
            .and_then(|arrival| self.entries.remove(&arrival))
        else {
            return;
        };
        for input in &entry.transaction.input {
            self.spenders.remove(&input.previous_output);
        }
    }

    fn spent_by(
        &self,
        transaction: &Transaction,
        context: &ChainContext<'_>,
    ) -> Result<Vec<Spent>, Rejected> {
        transaction
            .input
            .iter()
            .map(|input| {
                let outpoint = &input.previous_output;
                if let Some(coin) = context.coins.get(outpoint) {
                    return Ok(Spent {
                        output: coin.output.clone(),
                        height: Some(coin.height),
                        is_coinbase: coin.is_coinbase,
                    });
                }
                let parent = self.get(&outpoint.txid);
                let output = parent.and_then(|parent| parent.output.get(outpoint.vout as usize));
                match output {
                    Some(output) => Ok(Spent {
                        output: output.clone(),
                        height: None,
                        is_coinbase: false,
                    }),
                    None => Err(rejected(MISSING_INPUTS)),
                }
            })
            .collect()
    }

    /// The transactions that must go for this one, when it pays enough for that (BIP125 rules 3
    /// and 4, and a higher fee rate than each that it conflicts with).
    fn replaced_by(
        &self,
        transaction: &Transaction,
        fee: Amount,
        vsize: u64,
    ) -> Result<BTreeSet<Txid>, Rejected> {
        let conflicts: BTreeSet<Txid> = transaction
            .input
            .iter()
            .filter_map(|input| self.spender(&input.previous_output))
            .collect();
        let replaced = self.with_descendants(conflicts.iter().copied());
        if transaction
            .input
            .iter()
            .any(|input| replaced.contains(&input.previous_output.txid))
        {
            return Err(rejected("bad-txns-spends-conflicting-tx"));
        }
        let outbid = |conflict: &Txid| {
            self.entry(conflict).is_none_or(|entry| {
                u128::from(fee.to_sat()) * u128::from(entry.vsize())
                    > u128::from(entry.fee.to_sat()) * u128::from(vsize)
            })
        };
        let needed = self.fees(&replaced) + self.policy.fee(vsize);
        if !replaced.is_empty() && (fee < needed || !conflicts.iter().all(outbid)) {
            return Err(rejected("insufficient fee"));
        }
        Ok(replaced)
    }

    /// Refuses a transaction with too many ancestors, or as one descendant too many of an ancestor.
    /// Those that it replaces don't count.
    fn check_chain(
        &self,
        transaction: &Transaction,
        replaced: &BTreeSet<Txid>,
    ) -> Result<(), Rejected> {
        let limit = self.policy.chain_limit as usize;
        let ancestors = self.ancestors(transaction);
        if ancestors.len() + 1 > limit {
            return Err(Rejected {
                reason: format!(
                    "too-long-mempool-chain, too many unconfirmed ancestors [limit: {limit}]"
                ),
            });
        }
        for ancestor in ancestors {
            let with_descendants = self.with_descendants([ancestor]);
            if with_descendants.difference(replaced).count() + 1 > limit {
                return Err(Rejected {
                    reason: format!(
                        "too-long-mempool-chain, too many descendants for tx {ancestor} [limit: \
                         {limit}]"
                    ),
                });
            }
        }
        Ok(())
    }

    /// All transactions here that this one hangs on.
    fn ancestors(&self, transaction: &Transaction) -> BTreeSet<Txid> {
        let mut found = BTreeSet::new();
        let mut asked = vec![transaction];
        while let Some(transaction) = asked.pop() {
            for input in &transaction.input {
                let txid = input.previous_output.txid;
                if let Some(parent) = self.get(&txid)
                    && found.insert(txid)
                {
                    asked.push(parent);
                }
            }
        }
        found
    }

    fn with_descendants(&self, roots: impl IntoIterator<Item = Txid>) -> BTreeSet<Txid> {
        let mut found: BTreeSet<Txid> = roots.into_iter().collect();
        // Children come after their parents, so one pass finds all.
        for entry in self.entries.values() {
            let inputs = &entry.transaction.input;
            if inputs
                .iter()
                .any(|input| found.contains(&input.previous_output.txid))
            {
                found.insert(entry.transaction.compute_txid());
            }
        }
        found
    }

    fn fees(&self, txids: &BTreeSet<Txid>) -> Amount {
        txids
            .iter()
            .filter_map(|txid| self.entry(txid))
            .map(|entry| entry.fee)
            .sum()
    }
}
