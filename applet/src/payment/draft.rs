//! The transaction: its serialisation, txid and sighashes (BIP144, BIP341).

use crate::capacities::MAX_INPUTS;
use crate::key::{InputHasher, OutputKey, Sighashes, Signer};
use crate::persistent::Coin;
use heapless::{Vec, VecView};
use rand_core::TryCryptoRng;
use sha2::{Digest, Sha256};
use tillcard_protocol::command::{SIGNATURE_LENGTH, TaprootScript, Txid};
use tillcard_protocol::hash;
use tillcard_protocol::status::{self, Status};
use tillcard_protocol::tlv;

const VERSION: u32 = 2;
const LOCK_TIME: u32 = 0;
/// Replaceable, without a relative lock time (BIP125, BIP68).
const SEQUENCE: u32 = 0xFFFF_FFFD;
const MARKER_AND_FLAG: [u8; 2] = [0x00, 0x01];
/// One witness element.
const WITNESS_PREFIX: [u8; 2] = [1, SIGNATURE_LENGTH as u8];

/// A coin to be spent, and under which key.
pub struct Input {
    /// The coin.
    pub coin: Coin,
    /// The coin's output key.
    pub key: OutputKey,
}

/// One for each input, in their order.
pub type Signatures = Vec<[u8; SIGNATURE_LENGTH], MAX_INPUTS>;

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
        hash.update(VERSION.to_le_bytes());
        self.write_body(|bytes| hash.update(bytes));
        hash.update(LOCK_TIME.to_le_bytes());
        hash::double(hash)
    }

    /// Signs every input.
    ///
    /// # Errors
    /// `6400`
    pub fn sign(
        &self,
        signer: &Signer<'_>,
        rng: &mut impl TryCryptoRng,
    ) -> Result<Signatures, Status> {
        let sighashes = self.sighashes();
        let mut signatures = Signatures::new();
        for (index, input) in self.inputs.iter().enumerate() {
            let sighash = sighashes.of_input(index as u32);
            signatures
                .push(signer.sign(&input.key, &sighash, rng)?)
                .map_err(|_| status::EXECUTION_ERROR)?;
        }
        Ok(signatures)
    }

    /// Appends the whole transaction.
    ///
    /// # Errors
    /// `6400` when there is no room for it.
    pub fn write(&self, signatures: &Signatures, out: &mut VecView<u8>) -> Result<(), Status> {
        let mut fits = Ok(());
        let mut append = |bytes: &[u8]| {
            if fits.is_ok() {
                fits = tlv::append(out, bytes);
            }
        };
        append(&VERSION.to_le_bytes());
        append(&MARKER_AND_FLAG);
        self.write_body(&mut append);
        for signature in signatures {
            append(&WITNESS_PREFIX);
            append(signature);
        }
        append(&LOCK_TIME.to_le_bytes());
        fits.map_err(|_| status::EXECUTION_ERROR)
    }

    fn sighashes(&self) -> Sighashes {
        let mut inputs = InputHasher::default();
        for input in self.inputs {
            let coin = &input.coin;
            inputs.add(&coin.outpoint(), coin.amount, &input.key.script(), SEQUENCE);
        }
        let mut outputs = Sha256::new();
        for output in &self.outputs {
            output.write(|bytes| outputs.update(bytes));
        }
        Sighashes::new(VERSION, LOCK_TIME, &inputs.finish(), &hash::finish(outputs))
    }

    /// Inputs and outputs with their counts, none of which exceeds 252.
    ///
    /// `[TX-3]`: version, inputs, outputs and lock time as the text has them.
    fn write_body(&self, mut sink: impl FnMut(&[u8])) {
        sink(&[self.inputs.len() as u8]);
        for input in self.inputs {
            sink(&input.coin.txid);
            sink(&input.coin.vout.to_le_bytes());
            sink(&[0]);
            sink(&SEQUENCE.to_le_bytes());
        }
        sink(&[self.outputs.len() as u8]);
        for output in &self.outputs {
            output.write(&mut sink);
        }
    }
}
