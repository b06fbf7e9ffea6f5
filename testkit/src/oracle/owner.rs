//! What the owner does: funding, and transactions that he has signed (sections
//! 6.2 and 8.4).

use super::model::{Model, announcement};
use super::payment::{Written, outpoint_bytes};
use super::random::Random;
use super::wallet::{Place, Wallet, place_number};
use crate::card::{Reader, apdu, objects, send};
use bitcoin::absolute::LockTime;
use bitcoin::consensus::serialize;
use bitcoin::hashes::{Hash, sha256};
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};

/// A transaction with an output of this amount to this script, among others.
pub fn funding(random: &mut Random, script: &ScriptBuf, amount: u64) -> (Transaction, OutPoint) {
    let input = |random: &mut Random| TxIn {
        previous_output: OutPoint::new(Txid::from_byte_array(random.bytes()), 0),
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let output = |script_pubkey: &ScriptBuf, amount| TxOut {
        value: Amount::from_sat(amount),
        script_pubkey: script_pubkey.clone(),
    };
    let mut outputs = vec![output(script, amount)];
    if random.once_in(2) {
        outputs.insert(0, output(&ScriptBuf::from(vec![0x51; 30]), 1_000));
    }
    let vout = outputs.len() as u32 - 1;
    let transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input(random)],
        output: outputs,
    };
    let outpoint = OutPoint::new(transaction.compute_txid(), vout);
    (transaction, outpoint)
}

/// Streams a transaction's bytes; the last status word.
pub fn stream(card: &mut impl Reader, header: [u8; 4], bytes: &[u8]) -> (Vec<u8>, u16) {
    let mut last = (Vec::new(), 0);
    for piece in bytes.chunks(255) {
        last = send(card, &apdu(header, piece, true));
        if last.1 != 0x9000 {
            break;
        }
    }
    last
}

/// Has the owner enter a coin of this amount at a place.
pub fn enter(
    card: &mut impl Reader,
    model: &mut Model<'_>,
    random: &mut Random,
    place: Place,
    amount: u64,
) {
    let script = model.wallet.script(place);
    let (transaction, outpoint) = funding(random, &script, amount);
    assert_eq!(model.begin_entry(&outpoint, place, false), 0x9000);
    let body = announcement(&outpoint, place);
    let (_, status) = model.wallet.command(card, [0x80, 0x22, 0, 0], &body);
    assert_eq!(status, 0x9000);
    let (answer, status) = stream(card, [0x80, 0x22, 1, 0], &serialize(&transaction));
    assert_eq!(status, 0x9000);
    assert_eq!(answer, objects(&[(0x80, &amount.to_be_bytes())]));
    let output = (amount, &script);
    assert_eq!(model.complete_entry(outpoint, place, false, output), 0x9000);
}

/// A transaction of the owner's.
pub struct Unsigned {
    pub version: u32,
    pub lock_time: u32,
    pub inputs: Vec<(OutPoint, u32, u64, Place)>,
    pub outputs: Vec<(u64, Result<Place, ScriptBuf>)>,
}

impl Unsigned {
    pub fn stream(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (outpoint, sequence, amount, place) in &self.inputs {
            bytes.extend(outpoint_bytes(outpoint));
            bytes.extend(sequence.to_be_bytes());
            bytes.extend(amount.to_be_bytes());
            bytes.extend(place_number(*place).to_be_bytes());
        }
        for (amount, payee) in &self.outputs {
            bytes.extend(amount.to_be_bytes());
            match payee {
                Ok(place) => bytes.extend(place_number(*place).to_be_bytes()),
                Err(script) => {
                    bytes.extend([0xFF; 4]);
                    bytes.push(u8::try_from(script.len()).unwrap());
                    bytes.extend(script.as_bytes());
                }
            }
        }
        bytes
    }

    /// The body of the first command.
    pub fn body(&self, stream: &[u8]) -> Vec<u8> {
        objects(&[
            (0x80, &self.version.to_be_bytes()),
            (0x81, &self.lock_time.to_be_bytes()),
            (0x82, &[self.inputs.len() as u8]),
            (0x83, &[self.outputs.len() as u8]),
            (0x84, &sha256::Hash::hash(stream).to_byte_array()),
        ])
    }

    pub fn written(&self, wallet: &Wallet) -> Written {
        let output = |(amount, payee): &(u64, Result<Place, ScriptBuf>)| TxOut {
            value: Amount::from_sat(*amount),
            script_pubkey: match payee {
                Ok(place) => wallet.script(*place),
                Err(script) => script.clone(),
            },
        };
        let input = |(outpoint, sequence, _, _): &(OutPoint, u32, u64, Place)| TxIn {
            previous_output: *outpoint,
            script_sig: ScriptBuf::new(),
            sequence: Sequence(*sequence),
            witness: Witness::new(),
        };
        Written {
            transaction: Transaction {
                version: Version(self.version as i32),
                lock_time: LockTime::from_consensus(self.lock_time),
                input: self.inputs.iter().map(input).collect(),
                output: self.outputs.iter().map(output).collect(),
            },
            spent: self
                .inputs
                .iter()
                .map(|(_, _, amount, place)| output(&(*amount, Ok(*place))))
                .collect(),
        }
    }

    /// The answer to the piece that completes the stream.
    pub fn summary(&self) -> Vec<u8> {
        let inputs: u64 = self.inputs.iter().map(|(_, _, amount, _)| amount).sum();
        let (mut own, mut other) = (0, 0);
        for (amount, payee) in &self.outputs {
            *(if payee.is_ok() { &mut own } else { &mut other }) += amount;
        }
        objects(&[
            (0x80, &inputs.to_be_bytes()),
            (0x81, &own.to_be_bytes()),
            (0x82, &other.to_be_bytes()),
            (0x83, &(inputs - own - other).to_be_bytes()),
        ])
    }
}
