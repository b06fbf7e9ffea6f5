//! A card's coins as the chain shows them: found by their scripts alone, the card being absent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use bitcoin::{OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

use super::{OwnerError, Progress};
use crate::chain::{Chain, Reach, Tip};
use tillcard_client::account::{CardAccount, CardChain};

/// Unused indexes after the last used one that are still looked at, on both chains. Twenty is the
/// usual gap (BIP44); a card may also have written payments that were never sent, each with a
/// change index of its own, as many as its log has room for, and 255 is the most that a card can
/// declare (`docs/protocol.md` §2.4).
pub const SCAN_GAP: u32 = 20 + 255;

/// How often a scan begins anew when the chain is reorganised meanwhile.
const ATTEMPTS: u32 = 3;

/// A coin of a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardCoin {
    /// Where it is.
    pub outpoint: OutPoint,
    /// Its amount and script.
    pub output: TxOut,
    /// Chain of its index.
    pub chain: CardChain,
    /// Its index.
    pub index: u32,
    /// Height of its block; none while it is in the mempool.
    pub height: Option<u32>,
    /// The mempool transaction that spends it, if there is one.
    pub spent_by: Option<Txid>,
}

impl CardCoin {
    /// An input that spends it, still without its witness.
    pub fn input(&self, sequence: Sequence) -> TxIn {
        unsigned_input(self.outpoint, sequence)
    }
}

/// An input that spends a coin, still without its witness.
pub(super) fn unsigned_input(outpoint: OutPoint, sequence: Sequence) -> TxIn {
    TxIn {
        previous_output: outpoint,
        script_sig: ScriptBuf::new(),
        sequence,
        witness: Witness::new(),
    }
}

/// All coins of a card that no block has spent yet.
#[derive(Clone, Debug)]
pub struct CardView {
    /// The chain's tip when it was read.
    pub tip: Tip,
    /// Whether the source had come as far as its chain; if it hadn't, there may be other coins.
    pub reach: Reach,
    /// The coins, in no particular order.
    pub coins: Vec<CardCoin>,
    /// Where coins of the card were spent, in a block or in the mempool: it takes no others there, and
    /// spends none in shops.
    pub spent_places: BTreeSet<(CardChain, u32)>,
    /// The transactions that took coins of the card by its leaf: the owner's, who has blocked it.
    pub swept_by: Vec<Txid>,
    /// One above the highest receive index that was ever paid.
    pub next_receive_index: u32,
    /// One above the highest change index that was ever paid.
    pub next_change_index: u32,
}

impl CardView {
    /// Looks for the coins of `account` in the blocks from `from_height` on and in the mempool.
    ///
    /// # Errors
    /// [`OwnerError::ChainUnsteady`] when the chain was reorganised at each of three attempts.
    pub fn scan(
        account: &CardAccount,
        chain: &dyn Chain,
        from_height: u32,
        progress: &mut Progress<'_>,
    ) -> Result<Self, OwnerError> {
        chain.expect_network(account.network())?;
        for _ in 0..ATTEMPTS {
            let reach = chain.reach()?;
            let tip = chain.tip()?;
            let mut scan = Scan::new(account)?;
            for height in from_height..=tip.height {
                let Some(hash) = chain.block_hash(height)? else {
                    break;
                };
                for transaction in &chain.block(&hash)?.txdata {
                    scan.confirm(transaction, height)?;
                }
                progress(height, tip.height);
            }
            scan.read_mempool(chain)?;
            if chain.tip()? == tip {
                return Ok(Self {
                    tip,
                    reach,
                    next_receive_index: scan.next_index(CardChain::Receive),
                    next_change_index: scan.next_index(CardChain::Change),
                    coins: scan.coins.into_values().collect(),
                    spent_places: scan.spent_places,
                    swept_by: scan.swept_by,
                });
            }
        }
        Err(OwnerError::ChainUnsteady)
    }
}

struct Scan<'a> {
    account: &'a CardAccount,
    watched: HashMap<ScriptBuf, (CardChain, u32)>,
    /// One above the highest index watched, and one above the highest used.
    watched_to: BTreeMap<CardChain, u32>,
    used_to: BTreeMap<CardChain, u32>,
    coins: BTreeMap<OutPoint, CardCoin>,
    spent_places: BTreeSet<(CardChain, u32)>,
    swept_by: Vec<Txid>,
}

impl<'a> Scan<'a> {
    fn new(account: &'a CardAccount) -> Result<Self, OwnerError> {
        let mut scan = Self {
            account,
            watched: HashMap::new(),
            watched_to: BTreeMap::new(),
            used_to: BTreeMap::new(),
            coins: BTreeMap::new(),
            spent_places: BTreeSet::new(),
            swept_by: Vec::new(),
        };
        for chain in CardChain::ALL {
            scan.watch(chain)?;
        }
        Ok(scan)
    }

    fn next_index(&self, chain: CardChain) -> u32 {
        self.used_to.get(&chain).copied().unwrap_or(0)
    }

    /// Keeps the gap above the highest used index watched.
    fn watch(&mut self, chain: CardChain) -> Result<(), OwnerError> {
        let from = self.watched_to.get(&chain).copied().unwrap_or(0);
        let to = self.next_index(chain) + SCAN_GAP;
        for index in from..to {
            let script = self.account.script(chain, index)?;
            self.watched.insert(script, (chain, index));
        }
        self.watched_to.insert(chain, to.max(from));
        Ok(())
    }

    fn confirm(&mut self, transaction: &Transaction, height: u32) -> Result<(), OwnerError> {
        for input in &transaction.input {
            if let Some(coin) = self.coins.remove(&input.previous_output) {
                self.note_spent(&coin, transaction, input);
            }
        }
        self.take_outputs(transaction, Some(height))
    }

    fn note_spent(&mut self, coin: &CardCoin, transaction: &Transaction, input: &TxIn) {
        self.spent_places.insert((coin.chain, coin.index));
        // Of all who can spend it, the owner alone does so by script path (BIP341).
        if input.witness.taproot_control_block().is_some() {
            let txid = transaction.compute_txid();
            if self.swept_by.last() != Some(&txid) {
                self.swept_by.push(txid);
            }
        }
    }

    fn take_outputs(
        &mut self,
        transaction: &Transaction,
        height: Option<u32>,
    ) -> Result<(), OwnerError> {
        let mut txid = None;
        for (vout, output) in (0..).zip(&transaction.output) {
            let Some(&(chain, index)) = self.watched.get(&output.script_pubkey) else {
                continue;
            };
            let outpoint = OutPoint {
                txid: *txid.get_or_insert_with(|| transaction.compute_txid()),
                vout,
            };
            let coin = CardCoin {
                outpoint,
                output: output.clone(),
                chain,
                index,
                height,
                spent_by: None,
            };
            self.coins.insert(outpoint, coin);
            let used_to = self.used_to.entry(chain).or_default();
            *used_to = (*used_to).max(index + 1);
            self.watch(chain)?;
        }
        Ok(())
    }

    fn read_mempool(&mut self, chain: &dyn Chain) -> Result<(), OwnerError> {
        let mut waiting = Vec::new();
        for txid in chain.mempool()? {
            if let Some(transaction) = chain.mempool_transaction(&txid)? {
                self.take_outputs(&transaction, None)?;
                waiting.push((txid, transaction));
            }
        }
        for (txid, transaction) in waiting {
            for input in &transaction.input {
                if let Some(coin) = self.coins.get_mut(&input.previous_output) {
                    coin.spent_by = Some(txid);
                    let coin = coin.clone();
                    self.note_spent(&coin, &transaction, input);
                }
            }
        }
        Ok(())
    }
}
