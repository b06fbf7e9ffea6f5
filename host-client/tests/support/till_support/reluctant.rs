//! A node that doesn't do all that it is asked.

use std::sync::{Arc, Mutex};

use bitcoin::{Block, BlockHash, Network, OutPoint, Transaction, Txid};
use tillcard::chain::{
    Chain, ChainError, FeeRate, MempoolEntry, OutputState, SourceProgress, Tip, TransactionStatus,
};

/// What a node doesn't do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reluctance {
    /// Nothing.
    #[default]
    None,
    /// It takes no transaction.
    Refuses,
    /// It takes none below a rate that it tells.
    Asks(FeeRate),
    /// It has heard of a block that it doesn't have, and knows no coin and no payment.
    Lags,
}

/// What the till's node doesn't do now.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mood(Arc<Mutex<Reluctance>>);

impl Mood {
    pub(crate) fn set(&self, reluctance: Reluctance) {
        *self.0.lock().expect("a mood") = reluctance;
    }

    fn get(&self) -> Reluctance {
        *self.0.lock().expect("a mood")
    }
}

pub(crate) struct Reluctant<'a> {
    pub(crate) chain: &'a dyn Chain,
    pub(crate) mood: Mood,
}

impl Reluctant<'_> {
    fn lags(&self) -> bool {
        self.mood.get() == Reluctance::Lags
    }
}

impl Chain for Reluctant<'_> {
    fn network(&self) -> Result<Network, ChainError> {
        self.chain.network()
    }

    fn tip(&self) -> Result<Tip, ChainError> {
        self.chain.tip()
    }

    fn source_progress(&self) -> Result<SourceProgress, ChainError> {
        let mut progress = self.chain.source_progress()?;
        progress.headers += u32::from(self.lags());
        Ok(progress)
    }

    fn block_hash(&self, height: u32) -> Result<Option<BlockHash>, ChainError> {
        match self.lags() {
            true => Ok(None),
            false => self.chain.block_hash(height),
        }
    }

    fn block(&self, hash: &BlockHash) -> Result<Block, ChainError> {
        self.chain.block(hash)
    }

    fn broadcast(&self, transaction: &Transaction) -> Result<Txid, ChainError> {
        match self.mood.get() {
            Reluctance::None => self.chain.broadcast(transaction),
            Reluctance::Refuses | Reluctance::Asks(_) => Err(ChainError::Rejected {
                reason: "mempool min fee not met".into(),
            }),
            Reluctance::Lags => Err(ChainError::Rejected {
                reason: "bad-txns-inputs-missingorspent".into(),
            }),
        }
    }

    fn output(&self, outpoint: &OutPoint) -> Result<OutputState, ChainError> {
        match self.lags() {
            true => Ok(OutputState::SpentOrUnknown),
            false => self.chain.output(outpoint),
        }
    }

    fn mempool(&self) -> Result<Vec<Txid>, ChainError> {
        self.chain.mempool()
    }

    fn mempool_transaction(&self, txid: &Txid) -> Result<Option<Transaction>, ChainError> {
        self.chain.mempool_transaction(txid)
    }

    fn mempool_entry(&self, txid: &Txid) -> Result<Option<MempoolEntry>, ChainError> {
        self.chain.mempool_entry(txid)
    }

    fn mempool_spender(&self, outpoint: &OutPoint) -> Result<Option<Txid>, ChainError> {
        self.chain.mempool_spender(outpoint)
    }

    fn least_fee_rate(&self) -> Result<FeeRate, ChainError> {
        match self.mood.get() {
            Reluctance::Asks(rate) => Ok(rate),
            _ => self.chain.least_fee_rate(),
        }
    }

    fn estimate_fee_rate(&self, blocks: u16) -> Result<FeeRate, ChainError> {
        self.chain.estimate_fee_rate(blocks)
    }

    fn transaction_status(
        &self,
        txid: &Txid,
        since_height: u32,
    ) -> Result<TransactionStatus, ChainError> {
        match self.lags() {
            true => Ok(TransactionStatus::Unknown),
            false => self.chain.transaction_status(txid, since_height),
        }
    }
}
