//! The owner has the card sign a transaction that was built elsewhere (`docs/protocol.md`, section
//! 8.4).

use bitcoin::hashes::{Hash, HashEngine, sha256};
use bitcoin::secp256k1::{Message, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::{Amount, TapSighashType, Transaction, TxOut, Witness, XOnlyPublicKey, taproot};
use tillcard_protocol::command::{
    InputSignature, OutputPayee, Place, Sign, SigningInput, SigningOutput, SigningSummary, Unsigned,
};

use super::convert::to_outpoint;
use super::owner::TOO_LONG;
use super::{CardError, Owner, OwnerAuthority, Session};
use crate::account::CardChain;
use crate::transport::Transport;
use crate::verifier::VERIFIER;

/// Where a key of a card is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Derivation {
    /// Its chain.
    pub chain: CardChain,
    /// Its index on the chain.
    pub index: u32,
}

impl Derivation {
    fn to_card(self) -> Place {
        Place {
            chain: self.chain as u32,
            index: self.index,
        }
    }
}

/// A transaction for a card to sign, with what the card can't see in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningOrder {
    /// The transaction; what witnesses it has doesn't matter.
    pub transaction: Transaction,
    /// The outputs that it spends, all of them the card's, in the order of its inputs.
    pub coins: Vec<(TxOut, Derivation)>,
    /// For each of its outputs, where the card's key is that it pays, if it pays the card.
    pub payees: Vec<Option<Derivation>>,
}

impl SigningOrder {
    /// What it pays to miners; none when it pays out more than it takes in.
    pub fn fee(&self) -> Option<Amount> {
        let paid_in = sum(self.coins.iter().map(|(coin, _)| coin.value))?;
        let paid_out = sum(self.transaction.output.iter().map(|output| output.value))?;
        paid_in.checked_sub(paid_out)
    }

    /// What it pays to others than the card.
    pub fn to_others(&self) -> Amount {
        let outputs = self.transaction.output.iter().zip(&self.payees);
        let others = outputs.filter(|(_, place)| place.is_none());
        sum(others.map(|(output, _)| output.value)).unwrap_or(Amount::MAX_MONEY)
    }

    /// The transaction with these signatures as its witnesses.
    pub fn signed(&self, signatures: &[taproot::Signature]) -> Transaction {
        let mut transaction = self.transaction.clone();
        for (input, signature) in transaction.input.iter_mut().zip(signatures) {
            input.witness = Witness::p2tr_key_spend(signature);
        }
        transaction
    }

    fn summary(&self) -> Option<SigningSummary> {
        let inputs = sum(self.coins.iter().map(|(coin, _)| coin.value))?;
        let other_outputs = self.to_others();
        let fee = self.fee()?;
        Some(SigningSummary {
            inputs: inputs.to_sat(),
            own_outputs: inputs
                .checked_sub(fee)?
                .checked_sub(other_outputs)?
                .to_sat(),
            other_outputs: other_outputs.to_sat(),
            fee: fee.to_sat(),
        })
    }

    fn stream(&self) -> Result<Vec<u8>, CardError> {
        let mut stream = Vec::new();
        for (input, (coin, place)) in self.transaction.input.iter().zip(&self.coins) {
            let input = SigningInput {
                outpoint: to_outpoint(&input.previous_output),
                sequence: input.sequence.0,
                amount: coin.value.to_sat(),
                place: place.to_card(),
            };
            stream.extend_from_slice(&input.to_bytes());
        }
        for (output, place) in self.transaction.output.iter().zip(&self.payees) {
            let output = SigningOutput {
                amount: output.value.to_sat(),
                payee: match place {
                    Some(place) => OutputPayee::Own(place.to_card()),
                    None => OutputPayee::Other(output.script_pubkey.as_bytes()),
                },
            };
            let bytes = output.to_bytes().map_err(|_| {
                CardError::Unsendable("an output's script is longer than a card takes")
            })?;
            stream.extend_from_slice(&bytes);
        }
        Ok(stream)
    }
}

fn sum(mut amounts: impl Iterator<Item = Amount>) -> Option<Amount> {
    amounts.try_fold(Amount::ZERO, Amount::checked_add)
}

const NAME: &str = "SIGN";
const MALFORMED: CardError = CardError::Malformed { command: NAME };

impl<T: Transport, A: OwnerAuthority> Session<T, Owner<A>> {
    /// Has the card sign every input, by key path with SIGHASH_DEFAULT (BIP341), and verifies each
    /// signature. The card first takes the coins for spent.
    ///
    /// # Errors
    /// [`CardError::Refused`]: the status words of section 8.4; [`CardError::BadSignature`].
    pub fn sign(&mut self, order: &SigningOrder) -> Result<Vec<taproot::Signature>, CardError> {
        let transaction = &order.transaction;
        let (inputs, outputs) = (transaction.input.len(), transaction.output.len());
        if inputs != order.coins.len()
            || outputs != order.payees.len()
            || inputs > usize::from(self.capabilities.max_signing_inputs)
            || outputs > usize::from(self.capabilities.max_signing_outputs)
        {
            return Err(CardError::Unsendable(
                "the transaction has more inputs or outputs than this card signs",
            ));
        }
        let count = |number: usize| u8::try_from(number).map_err(|_| TOO_LONG);
        let stream = order.stream()?;
        let unsigned = Unsigned {
            // The bits of BIP68's version, whatever their sign.
            version: transaction.version.0 as u32,
            lock_time: transaction.lock_time.to_consensus_u32(),
            inputs: count(inputs)?,
            outputs: count(outputs)?,
            digest: digest(&stream),
        };
        self.command(NAME, &unsigned)?;
        let mut answer = Vec::new();
        for piece in stream.chunks(self.link.data_max()) {
            if !answer.is_empty() {
                // The card took the stream for complete before it was.
                return Err(MALFORMED);
            }
            let command = Sign::piece(piece).map_err(|_| TOO_LONG)?;
            answer = self.link.ask(NAME, &command)?;
        }
        let summary = SigningSummary::parse(&answer).map_err(|_| MALFORMED)?;
        if order.summary() != Some(summary) {
            return Err(MALFORMED);
        }
        let mut signatures = Vec::with_capacity(inputs);
        for number in 0..unsigned.inputs {
            let answer = self.link.ask(NAME, &Sign::input(number))?;
            let InputSignature(bytes) = InputSignature::parse(&answer).map_err(|_| MALFORMED)?;
            signatures.push(taproot::Signature {
                signature: schnorr::Signature::from_slice(&bytes).map_err(|_| MALFORMED)?,
                sighash_type: TapSighashType::Default,
            });
        }
        verify(order, &signatures)?;
        Ok(signatures)
    }
}

fn digest(stream: &[u8]) -> [u8; 32] {
    let mut engine = sha256::Hash::engine();
    engine.input(stream);
    sha256::Hash::from_engine(engine).to_byte_array()
}

fn verify(order: &SigningOrder, signatures: &[taproot::Signature]) -> Result<(), CardError> {
    let coins: Vec<&TxOut> = order.coins.iter().map(|(coin, _)| coin).collect();
    let prevouts = Prevouts::All(&coins);
    let mut cache = SighashCache::new(&order.transaction);
    for (input, (coin, signature)) in coins.iter().zip(signatures).enumerate() {
        let key = coin.script_pubkey.as_bytes().get(2..);
        let key = key.and_then(|key| XOnlyPublicKey::from_slice(key).ok());
        let sighash =
            cache.taproot_key_spend_signature_hash(input, &prevouts, TapSighashType::Default);
        let valid = key.zip(sighash.ok()).is_some_and(|(key, sighash)| {
            let message = Message::from(sighash);
            VERIFIER
                .verify_schnorr(&signature.signature, &message, &key)
                .is_ok()
        });
        if !valid {
            return Err(CardError::BadSignature { input });
        }
    }
    Ok(())
}
