//! Are the coins that a card offers on the chain? One that isn't may be the change of a payment
//! that another till never sent: then the card gives that payment, and this till sends it first.

use std::collections::HashSet;

use bitcoin::consensus::encode::deserialize;
use bitcoin::{OutPoint, Transaction, TxOut, Txid};

use super::machine::CardSaid;
use super::{Event, Settlement, TillError};
use crate::chain::{ChainError, OutputState, Reach};
use tillcard_client::card::{CardError, PaymentAsked, Session};
use tillcard_client::transport::Transport;

/// Payments of one card that are asked for at most: more than a card's log keeps.
const MAX_ANCESTORS: usize = 256;

/// Why coins couldn't be looked up.
pub(super) enum LookUpError {
    /// The card doesn't answer.
    Card(CardError),
    /// The chain doesn't.
    Till(TillError),
}

impl From<ChainError> for LookUpError {
    fn from(error: ChainError) -> Self {
        Self::Till(error.into())
    }
}

/// Transactions without a block that a transaction may hang on, itself included, and that may hang on
/// one: what most nodes take (Bitcoin Core's `DEFAULT_ANCESTOR_LIMIT` and `DEFAULT_DESCENDANT_LIMIT`).
const UNCONFIRMED_MAX: usize = 25;

impl Settlement<'_> {
    /// Looks up all offered coins.
    pub(super) fn look_up<T: Transport>(
        &mut self,
        session: &mut Session<T, PaymentAsked>,
    ) -> Result<CardSaid, LookUpError> {
        let (mut coins, mut absent) = (Vec::new(), Vec::new());
        let reach = self.chain.reach()?;
        if reach != Reach::Complete {
            // Nothing is asked of the card that only this source's ignorance would bring about.
            return Ok(CardSaid::LookedUp {
                coins,
                absent,
                is_crowded: false,
                reach,
            });
        }
        let mut asked = HashSet::new();
        let outpoints = session.preview().outpoints.clone();
        for outpoint in &outpoints {
            let mut coin = self.unspent(outpoint)?;
            if coin.is_none() {
                self.send_ancestors(session, outpoint.txid, &mut asked)?;
                coin = self.unspent(outpoint)?;
            }
            match coin {
                Some(coin) => coins.push(coin),
                None => absent.push(*outpoint),
            }
        }
        let is_crowded = absent.is_empty() && self.is_crowded(&outpoints)?;
        Ok(CardSaid::LookedUp {
            coins,
            absent,
            is_crowded,
            reach,
        })
    }

    /// Whether a transaction that spends these coins would hang on more transactions without a block
    /// than nodes take, or one of those have more that hang on it.
    fn is_crowded(&self, outpoints: &[OutPoint]) -> Result<bool, ChainError> {
        let mut ancestors = HashSet::new();
        let mut wanted: Vec<Txid> = outpoints.iter().map(|outpoint| outpoint.txid).collect();
        while let Some(txid) = wanted.pop() {
            if ancestors.contains(&txid) {
                continue;
            }
            let (Some(entry), Some(transaction)) = (
                self.chain.mempool_entry(&txid)?,
                self.chain.mempool_transaction(&txid)?,
            ) else {
                // In a block.
                continue;
            };
            ancestors.insert(txid);
            if ancestors.len() >= UNCONFIRMED_MAX || entry.descendants >= UNCONFIRMED_MAX as u64 {
                return Ok(true);
            }
            wanted.extend(transaction.input.iter().map(|i| i.previous_output.txid));
        }
        Ok(false)
    }

    /// An unspent output; none when it is spent or unknown.
    pub(super) fn unspent(&self, outpoint: &OutPoint) -> Result<Option<TxOut>, ChainError> {
        Ok(match self.chain.output(outpoint)? {
            OutputState::Unspent { output, .. } => Some(output),
            OutputState::SpentOrUnknown => None,
        })
    }

    /// Sends the card's payment `txid` and what it hangs on, as far as the card gives them and the
    /// network takes them.
    fn send_ancestors<T: Transport>(
        &mut self,
        session: &mut Session<T, PaymentAsked>,
        txid: Txid,
        asked: &mut HashSet<Txid>,
    ) -> Result<(), LookUpError> {
        // Youngest first: each is followed by those that it hangs on.
        let mut payments: Vec<Transaction> = Vec::new();
        let mut wanted = vec![txid];
        while let Some(txid) = wanted.pop() {
            if asked.len() >= MAX_ANCESTORS || !asked.insert(txid) {
                continue;
            }
            let Some(payment) = ask_ancestor(session, txid)? else {
                continue;
            };
            for input in &payment.input {
                if self.unspent(&input.previous_output)?.is_none() {
                    wanted.push(input.previous_output.txid);
                }
            }
            payments.push(payment);
        }
        for payment in payments.iter().rev() {
            match self.chain.broadcast(payment) {
                Ok(txid) => self.tell(Event::SentAncestor { txid }),
                // In a block already, or its coins are spent otherwise: the coin tells.
                Err(ChainError::Rejected { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// The card's payment of this id; none when it isn't one that it gives.
fn ask_ancestor<T: Transport>(
    session: &mut Session<T, PaymentAsked>,
    txid: Txid,
) -> Result<Option<Transaction>, LookUpError> {
    match session.ancestor(txid) {
        Ok(bytes) => Ok(deserialize(&bytes)
            .ok()
            .filter(|payment: &Transaction| payment.compute_txid() == txid)),
        Err(CardError::Refused { .. }) => Ok(None),
        Err(error) => Err(LookUpError::Card(error)),
    }
}
