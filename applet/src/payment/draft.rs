//! The transaction: its serialisation, txid and sighashes (BIP144, BIP341).

use super::MAX_INPUTS;
use crate::command::{SIGNATURE_LENGTH, TaprootScript, Txid};
use crate::hash::{self, Hash};
use crate::key::{self, CoinKey};
use crate::persistent::Coin;
use crate::status::{self, Status};
use crate::tlv;
use heapless::{Vec, VecView};
use rand_core::TryCryptoRng;
use sha2::{Digest, Sha256};

const VERSION: [u8; 4] = 2u32.to_le_bytes();
const LOCK_TIME: [u8; 4] = [0; 4];
/// Replaceable, without a relative lock time (BIP125, BIP68).
const SEQUENCE: [u8; 4] = 0xFFFF_FFFDu32.to_le_bytes();
const MARKER_AND_FLAG: [u8; 2] = [0x00, 0x01];
/// BIP341: epoch, hash type (SIGHASH_DEFAULT).
const SIGHASH_PREFIX: [u8; 2] = [0x00, 0x00];
/// BIP341: key path, no annex.
const SPEND_TYPE: [u8; 1] = [0x00];
/// One witness element.
const WITNESS_PREFIX: [u8; 2] = [1, SIGNATURE_LENGTH as u8];

/// A coin to be spent, and what signs for it.
pub struct Input {
    /// The coin.
    pub coin: Coin,
    /// Its key.
    pub key: CoinKey,
}

#[derive(Clone, Copy)]
struct Output<'a> {
    amount: u64,
    script: &'a [u8],
}

impl Output<'_> {
    fn write(&self, mut sink: impl FnMut(&[u8])) {
        sink(&self.amount.to_le_bytes());
        // Every script here is shorter than 253 bytes, so its CompactSize is a
        // byte.
        sink(&[self.script.len() as u8]);
        sink(self.script);
    }
}

/// A transaction without its signatures.
pub struct Draft<'a> {
    inputs: &'a [Input],
    outputs: Vec<Output<'a>, 2>,
    /// Where the change stands among the outputs.
    change: Option<u32>,
}

impl<'a> Draft<'a> {
    /// Spends the inputs, at most [`MAX_INPUTS`], to a payee and perhaps to
    /// change, ordered by amount, then by script (BIP69).
    pub fn new(
        inputs: &'a [Input],
        payee: (u64, &'a [u8]),
        change: Option<(u64, &'a TaprootScript)>,
    ) -> Self {
        let payee = Output {
            amount: payee.0,
            script: payee.1,
        };
        let mut outputs = Vec::new();
        let mut change_at = None;
        if let Some((amount, script)) = change {
            let first = (amount, &script[..]) < (payee.amount, payee.script);
            change_at = Some(u32::from(!first));
            // Both fit: the vector has room for two.
            let _ = outputs.push(Output {
                amount,
                script: &script[..],
            });
            let _ = outputs.insert(usize::from(first), payee);
        } else {
            let _ = outputs.push(payee);
        }
        Self {
            inputs,
            outputs,
            change: change_at,
        }
    }

    /// Which output is the change.
    pub fn change_vout(&self) -> Option<u32> {
        self.change
    }

    /// The txid, which the signatures don't alter.
    pub fn txid(&self) -> Txid {
        let mut hash = Sha256::new();
        hash.update(VERSION);
        self.write_body(|bytes| hash.update(bytes));
        hash.update(LOCK_TIME);
        hash::double(hash)
    }

    /// Signs every input and appends the whole transaction.
    ///
    /// # Errors
    /// `6400`; then nothing is appended.
    pub fn sign(&self, rng: &mut impl TryCryptoRng, out: &mut VecView<u8>) -> Result<(), Status> {
        let common = self.sighash_common();
        let mut signatures = Vec::<_, MAX_INPUTS>::new();
        for (index, input) in self.inputs.iter().enumerate() {
            let sighash = hash::finish(
                common
                    .clone()
                    .chain_update(SPEND_TYPE)
                    .chain_update((index as u32).to_le_bytes()),
            );
            let signature = key::sign(input.key.signing_key(), &sighash, rng)?;
            signatures
                .push(signature)
                .map_err(|_| status::EXECUTION_ERROR)?;
        }
        let mut fits = Ok(());
        let mut append = |bytes: &[u8]| {
            if fits.is_ok() {
                fits = tlv::append(out, bytes);
            }
        };
        append(&VERSION);
        append(&MARKER_AND_FLAG);
        self.write_body(&mut append);
        for signature in &signatures {
            append(&WITNESS_PREFIX);
            append(signature);
        }
        append(&LOCK_TIME);
        fits.map_err(|_| status::EXECUTION_ERROR)
    }

    /// What all inputs' sighashes begin with.
    fn sighash_common(&self) -> Sha256 {
        let over_inputs = |write: &dyn Fn(&Input, &mut Sha256)| -> Hash {
            let mut hash = Sha256::new();
            for input in self.inputs {
                write(input, &mut hash);
            }
            hash::finish(hash)
        };
        let prevouts = over_inputs(&|input, hash| {
            hash.update(input.coin.txid);
            hash.update(input.coin.vout.to_le_bytes());
        });
        let amounts = over_inputs(&|input, hash| hash.update(input.coin.amount.to_le_bytes()));
        let scripts = over_inputs(&|input, hash| {
            let script = input.key.script();
            hash.update([script.len() as u8]);
            hash.update(script);
        });
        let sequences = over_inputs(&|_, hash| hash.update(SEQUENCE));
        let mut outputs = Sha256::new();
        for output in &self.outputs {
            output.write(|bytes| outputs.update(bytes));
        }
        hash::tagged("TapSighash")
            .chain_update(SIGHASH_PREFIX)
            .chain_update(VERSION)
            .chain_update(LOCK_TIME)
            .chain_update(prevouts)
            .chain_update(amounts)
            .chain_update(scripts)
            .chain_update(sequences)
            .chain_update(hash::finish(outputs))
    }

    /// Inputs and outputs with their counts, none of which exceeds 252.
    fn write_body(&self, mut sink: impl FnMut(&[u8])) {
        sink(&[self.inputs.len() as u8]);
        for input in self.inputs {
            sink(&input.coin.txid);
            sink(&input.coin.vout.to_le_bytes());
            sink(&[0]);
            sink(&SEQUENCE);
        }
        sink(&[self.outputs.len() as u8]);
        for output in &self.outputs {
            output.write(&mut sink);
        }
    }
}
