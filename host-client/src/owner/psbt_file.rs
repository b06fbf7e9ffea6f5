//! PSBTs as wallets write them: version 0 (BIP174) or 2 (BIP370), binary or in Base64. What was read
//! is written back in the same form.

use bitcoin::base64::Engine;
use bitcoin::base64::prelude::BASE64_STANDARD;
use bitcoin::{Psbt, taproot};
use psbt_v2::v2;

use super::OwnerError;

/// What a binary PSBT begins with.
const MAGIC: &[u8] = b"psbt\xFF";

/// A PSBT of either version.
pub struct PsbtFile {
    content: Content,
    binary: bool,
}

enum Content {
    V0(Psbt),
    V2(Box<v2::Psbt>),
}

impl PsbtFile {
    /// Reads a file's bytes.
    ///
    /// # Errors
    /// [`OwnerError::Psbt`] when they are no PSBT of a version known here.
    pub fn parse(bytes: &[u8]) -> Result<Self, OwnerError> {
        let binary = bytes.starts_with(MAGIC);
        let decoded = match binary {
            true => bytes.to_vec(),
            false => BASE64_STANDARD
                .decode(bytes.trim_ascii())
                .map_err(|error| OwnerError::Psbt(format!("it isn't Base64: {error}")))?,
        };
        let content = match (Psbt::deserialize(&decoded), v2::Psbt::deserialize(&decoded)) {
            (Ok(psbt), _) => Content::V0(psbt),
            (_, Ok(psbt)) => Content::V2(Box::new(psbt)),
            (Err(error), Err(_)) => {
                return Err(OwnerError::Psbt(format!("it is no PSBT: {error}")));
            }
        };
        Ok(Self { content, binary })
    }

    /// The transaction with what is needed to sign it, as version 0 has it.
    ///
    /// # Errors
    /// [`OwnerError::Psbt`] when a PSBT of version 2 asks for contradictory lock times.
    pub fn to_v0(&self) -> Result<Psbt, OwnerError> {
        let psbt = match &self.content {
            Content::V0(psbt) => return Ok(psbt.clone()),
            Content::V2(psbt) => psbt,
        };
        let unsigned = v2::Signer::new(v2::Psbt::clone(psbt))
            .map_err(|error| OwnerError::Psbt(error.to_string()))?
            .unsigned_tx();
        let mut same = Psbt::from_unsigned_tx(unsigned)
            .map_err(|error| OwnerError::Psbt(error.to_string()))?;
        for (input, from) in same.inputs.iter_mut().zip(&psbt.inputs) {
            input.witness_utxo.clone_from(&from.witness_utxo);
            input.non_witness_utxo.clone_from(&from.non_witness_utxo);
            input.sighash_type = from
                .sighash_type
                .map(|kind| bitcoin::psbt::PsbtSighashType::from_u32(kind.to_u32()));
            input.tap_key_origins.clone_from(&from.tap_key_origins);
        }
        for (output, from) in same.outputs.iter_mut().zip(&psbt.outputs) {
            output.tap_key_origins.clone_from(&from.tap_key_origins);
        }
        Ok(same)
    }

    /// Puts a card's signatures in (BIP371's `PSBT_IN_TAP_KEY_SIG`).
    pub fn put_signatures(&mut self, signatures: &[taproot::Signature]) {
        match &mut self.content {
            Content::V0(psbt) => {
                for (input, signature) in psbt.inputs.iter_mut().zip(signatures) {
                    input.tap_key_sig = Some(*signature);
                }
            }
            Content::V2(psbt) => {
                for (input, signature) in psbt.inputs.iter_mut().zip(signatures) {
                    input.tap_key_sig = Some(*signature);
                }
                // The signatures are for all inputs and outputs: none may change (BIP370).
                psbt.global.tx_modifiable_flags = 0;
            }
        }
    }

    /// The file's bytes, in the form in which it was read.
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = match &self.content {
            Content::V0(psbt) => psbt.serialize(),
            Content::V2(psbt) => psbt.serialize(),
        };
        match self.binary {
            true => bytes,
            false => format!("{}\n", BASE64_STANDARD.encode(bytes)).into_bytes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_psbt_is_told() {
        for bytes in [&b"psbt\xFF rubbish"[..], b"no Base64!", b"", b"AAAA"] {
            let error = PsbtFile::parse(bytes).err().expect("rubbish").to_string();
            assert!(error.contains("the card can't sign this: it is"), "{error}");
        }
    }
}
