//! Giving a card coins (`docs/protocol.md`, section 6.2).

use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, consensus,
};
use tillcard_protocol::command::{Announced, CoinEntered, EnterCoin, PIECE_MAX, Place};

use crate::{Contact, Funding, Owner, OwnerError};

const ENTER_COIN: &str = "ENTER COIN";

/// An output that pays a card.
#[derive(Clone, Debug)]
pub struct Coin {
    /// The transaction that made it.
    pub transaction: Transaction,
    /// Which of its outputs.
    pub vout: u32,
    /// The receive index whose script it pays.
    pub index: u32,
}

impl Coin {
    /// Its outpoint.
    #[must_use]
    pub fn outpoint(&self) -> OutPoint {
        OutPoint::new(self.transaction.compute_txid(), self.vout)
    }

    /// The output itself.
    ///
    /// # Panics
    /// When the transaction has no such output.
    #[must_use]
    pub fn output(&self) -> TxOut {
        self.transaction.output[self.vout as usize].clone()
    }

    /// The coin as it is announced to a card.
    #[must_use]
    pub fn announced(&self) -> Announced {
        Announced {
            txid: self.transaction.compute_txid().to_byte_array(),
            vout: self.vout,
            place: Place::receive(self.index),
        }
    }
}

/// A transaction that pays `amount` to a script, and spends an output that nobody has: one that no
/// chain will ever take. `source` tells it from others.
#[must_use]
pub fn funding_transaction(source: [u8; 32], script: ScriptBuf, amount: Amount) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![TxIn {
            previous_output: OutPoint::new(Txid::from_byte_array(source), 0),
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        }],
        output: vec![TxOut {
            value: amount,
            script_pubkey: script,
        }],
    }
}

impl Owner {
    /// Coins of these amounts, at the card's receive indexes from 0 on.
    ///
    /// # Errors
    /// [`OwnerError::Chain`]
    pub fn fund(
        &self,
        amounts: impl IntoIterator<Item = Amount>,
        funding: &mut dyn Funding,
    ) -> Result<Vec<Coin>, OwnerError> {
        let wanted: Vec<TxOut> = (0..)
            .zip(amounts)
            .map(|(index, value)| TxOut {
                value,
                script_pubkey: self.account.script(0, index),
            })
            .collect();
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let coins = (0..).zip(funding.fund(&wanted)?);
        Ok(coins
            .map(|(index, (transaction, vout))| Coin {
                transaction,
                vout,
                index,
            })
            .collect())
    }

    /// Gives the card a coin by the owner's signature, which makes it a rooted one; the amount that
    /// the card read.
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn enter(&self, card: &mut dyn Contact, coin: &Coin) -> Result<Amount, OwnerError> {
        let announced = coin.announced();
        let signature = self.authorise(card, &announced)?;
        card.ask(ENTER_COIN, &EnterCoin::begin(&announced, &signature))?;
        stream(card, &coin.transaction)
    }

    /// Gives the card a coin as a shop does, without the owner (a credit); its amount. The holder's
    /// PIN was verified, and RECEIVE SCRIPT gave the index out.
    ///
    /// # Errors
    /// [`OwnerError`]
    pub fn credit(&self, card: &mut dyn Contact, coin: &Coin) -> Result<Amount, OwnerError> {
        card.ask(ENTER_COIN, &EnterCoin::credit(&coin.announced()))?;
        stream(card, &coin.transaction)
    }
}

/// What a txid is the hash of: a transaction without its witnesses.
#[must_use]
pub fn stripped(transaction: &Transaction) -> Vec<u8> {
    let mut stripped = transaction.clone();
    for input in &mut stripped.input {
        input.witness.clear();
    }
    consensus::serialize(&stripped)
}

/// Sends the card an announced transaction.
fn stream(card: &mut dyn Contact, transaction: &Transaction) -> Result<Amount, OwnerError> {
    let mut answer = Vec::new();
    for piece in stripped(transaction).chunks(PIECE_MAX) {
        let piece = EnterCoin::piece(piece).map_err(|_| OwnerError::TooLong(ENTER_COIN))?;
        answer = card.ask(ENTER_COIN, &piece)?;
    }
    let entered = CoinEntered::parse(&answer).map_err(|_| OwnerError::Malformed(ENTER_COIN))?;
    Ok(Amount::from_sat(entered.amount))
}
