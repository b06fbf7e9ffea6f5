//! Are the coins that a card offers on the chain? One that isn't may be the change of a payment
//! that another till never sent: then the card gives that payment, and this till sends it first.

use std::collections::HashSet;

use bitcoin::consensus::encode::deserialize;
use bitcoin::{OutPoint, Transaction, TxOut, Txid};

use super::{Event, Settlement, TillError};
use crate::chain::{ChainError, OutputState};
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

/// The coins that a card offers, as the chain knows them.
pub(super) struct Offered {
    /// Those that are there, in the order of the offer.
    pub(super) coins: Vec<TxOut>,
    /// Those that are spent, or never were.
    pub(super) absent: Vec<OutPoint>,
}

impl Settlement<'_> {
    /// Looks up all offered coins.
    pub(super) fn look_up<T: Transport>(
        &mut self,
        session: &mut Session<T, PaymentAsked>,
    ) -> Result<Offered, LookUpError> {
        let mut offered = Offered {
            coins: Vec::new(),
            absent: Vec::new(),
        };
        let mut asked = HashSet::new();
        for outpoint in session.preview().outpoints.clone() {
            let mut coin = self.unspent(&outpoint)?;
            if coin.is_none() {
                self.send_ancestors(session, outpoint.txid, &mut asked)?;
                coin = self.unspent(&outpoint)?;
            }
            match coin {
                Some(coin) => offered.coins.push(coin),
                None => offered.absent.push(outpoint),
            }
        }
        Ok(offered)
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
