//! Transactions that the owner built elsewhere, by rust-bitcoin, and the
//! streams that announce them to the card.

use super::{Owner, send};
use bitcoin::absolute::LockTime;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::secp256k1::{Message, XOnlyPublicKey, schnorr};
use bitcoin::sighash::{Prevouts, SighashCache, TapSighashType};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use embedded_storage::nor_flash::NorFlash;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, TryCryptoRng};
use tillcard_applet::Card;
use tillcard_protocol::command::{
    InputSignature, Outpoint, OutputPayee, PIECE_MAX, Place, Sign, SigningInput, SigningOutput,
    Unsigned,
};

/// An output of the owner's making.
#[derive(Clone)]
pub enum Payee {
    Own(Place),
    Other(Vec<u8>),
}

/// A transaction, as the owner sees it.
#[derive(Clone)]
pub struct Built {
    pub version: u32,
    pub lock_time: u32,
    pub inputs: Vec<SigningInput>,
    pub outputs: Vec<(u64, Payee)>,
}

impl Built {
    /// Spends coins that the card doesn't know, at random places, to itself and
    /// others, for a fee in sat.
    pub fn random(rng: &mut ChaCha20Rng, inputs: usize, outputs: usize, fee: u64) -> Self {
        let mut txid = || {
            let mut txid = [0; 32];
            rng.fill_bytes(&mut txid);
            txid
        };
        let txids: Vec<_> = (0..inputs).map(|_| txid()).collect();
        let inputs: Vec<_> = txids
            .into_iter()
            .map(|txid| SigningInput {
                outpoint: Outpoint {
                    txid,
                    vout: rng.next_u32() >> (rng.next_u32() % 32),
                },
                sequence: rng.next_u32(),
                amount: 20_000 + u64::from(rng.next_u32() % 10_000_000),
                place: Place {
                    chain: rng.next_u32() % 2,
                    index: rng.next_u32() % 4096,
                },
            })
            .collect();
        let mut left = inputs.iter().map(|input| input.amount).sum::<u64>() - fee;
        let outputs = (1..=outputs)
            .rev()
            .map(|remaining| {
                let amount = match remaining {
                    1 => left,
                    _ => rng.next_u64() % (left + 1),
                };
                left -= amount;
                let payee = match rng.next_u32() % 3 {
                    0 => Payee::Own(Place::receive(rng.next_u32() % 10)),
                    1 => Payee::Own(Place::change(rng.next_u32() % 20)),
                    _ => {
                        let mut script = vec![0; 1 + (rng.next_u32() % 252) as usize];
                        rng.fill_bytes(&mut script);
                        Payee::Other(script)
                    }
                };
                (amount, payee)
            })
            .collect();
        Self {
            version: 1 + rng.next_u32() % 3,
            lock_time: rng.next_u32(),
            inputs,
            outputs,
        }
    }

    /// The stream that the card takes in.
    pub fn stream(&self) -> Vec<u8> {
        let inputs = self.inputs.iter().flat_map(|input| input.to_bytes());
        let outputs = self.outputs.iter().flat_map(|(amount, payee)| {
            let amount = *amount;
            let (payee, bytes) = match payee {
                Payee::Own(place) => (
                    OutputPayee::Own(*place),
                    place.to_u32().to_be_bytes().to_vec(),
                ),
                Payee::Other(script) => (
                    OutputPayee::Other(script),
                    [&[0xFF; 4][..], &[script.len() as u8], &script[..]].concat(),
                ),
            };
            let bytes = [&amount.to_be_bytes()[..], &bytes].concat();
            // Only what fits can be encoded: the card must refuse the rest.
            if let Ok(encoded) = (SigningOutput { amount, payee }).to_bytes() {
                assert_eq!(bytes, &encoded[..]);
            }
            bytes
        });
        inputs.chain(outputs).collect()
    }

    /// What announces it.
    pub fn unsigned(&self) -> Unsigned {
        Unsigned {
            version: self.version,
            lock_time: self.lock_time,
            inputs: self.inputs.len() as u8,
            outputs: self.outputs.len() as u8,
            digest: sha256::Hash::hash(&self.stream()).to_byte_array(),
        }
    }

    /// The transaction by rust-bitcoin, and the outputs that it spends.
    pub fn transaction(&self, owner: &Owner) -> (Transaction, Vec<TxOut>) {
        let script = |place: Place| owner.script(place.chain, place.index);
        let spent = self.inputs.iter().map(|input| TxOut {
            value: Amount::from_sat(input.amount),
            script_pubkey: script(input.place),
        });
        let transaction = Transaction {
            version: Version(self.version as i32),
            lock_time: LockTime::from_consensus(self.lock_time),
            input: self
                .inputs
                .iter()
                .map(|input| TxIn {
                    previous_output: OutPoint::new(
                        Txid::from_byte_array(input.outpoint.txid),
                        input.outpoint.vout,
                    ),
                    script_sig: ScriptBuf::new(),
                    sequence: Sequence(input.sequence),
                    witness: Witness::new(),
                })
                .collect(),
            output: self
                .outputs
                .iter()
                .map(|(amount, payee)| TxOut {
                    value: Amount::from_sat(*amount),
                    script_pubkey: match payee {
                        Payee::Own(place) => script(*place),
                        Payee::Other(script) => ScriptBuf::from(script.clone()),
                    },
                })
                .collect(),
        };
        (transaction, spent.collect())
    }

    /// Announces and streams it, in pieces of the longest length.
    pub fn announce<N: NorFlash, R: TryCryptoRng>(
        &self,
        owner: &Owner,
        card: &mut Card<N, R>,
    ) -> (Vec<u8>, u16) {
        let (answer, status) = owner.command(card, &self.unsigned());
        if status != 0x9000 {
            return (answer, status);
        }
        pieces(card, &self.stream(), || PIECE_MAX)
    }

    /// Asks for the signature of an input and verifies it.
    pub fn signature_of<N: NorFlash>(
        &self,
        owner: &Owner,
        card: &mut Card<N, ChaCha20Rng>,
        input: usize,
    ) -> u16 {
        let (answer, status) = send(card, Sign::input(input as u8).as_bytes());
        if status == 0x9000 {
            let (transaction, spent) = self.transaction(owner);
            verify(owner, &transaction, &spent, input, &answer);
        } else {
            assert!(answer.is_empty());
        }
        status
    }
}

/// Streams bytes in pieces of the lengths that `length` gives.
pub fn pieces<N: NorFlash, R: TryCryptoRng>(
    card: &mut Card<N, R>,
    mut stream: &[u8],
    mut length: impl FnMut() -> usize,
) -> (Vec<u8>, u16) {
    loop {
        let (piece, rest) = stream.split_at(length().min(stream.len()));
        let (answer, status) = send(card, Sign::piece(piece).unwrap().as_bytes());
        if status != 0x9000 || rest.is_empty() {
            return (answer, status);
        }
        assert!(answer.is_empty());
        stream = rest;
    }
}

/// Checks a signature by libsecp256k1, over the sighash of rust-bitcoin.
pub fn verify(
    owner: &Owner,
    transaction: &Transaction,
    spent: &[TxOut],
    input: usize,
    answer: &[u8],
) {
    let signature = InputSignature::parse(answer).unwrap().0;
    let sighash = SighashCache::new(transaction)
        .taproot_key_spend_signature_hash(input, &Prevouts::All(spent), TapSighashType::Default)
        .unwrap();
    let key = XOnlyPublicKey::from_slice(&spent[input].script_pubkey.as_bytes()[2..]).unwrap();
    owner
        .secp
        .verify_schnorr(
            &schnorr::Signature::from_slice(&signature).unwrap(),
            &Message::from(sighash),
            &key,
        )
        .unwrap();
}
