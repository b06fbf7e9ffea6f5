//! Whether a transaction's signatures spend what they spend: taproot outputs, by key or by a leaf of
//! one key, which is all that cards and their owners have.

use std::sync::LazyLock;

use bitcoin::blockdata::opcodes::all::OP_CHECKSIG;
use bitcoin::script::Instruction;
use bitcoin::secp256k1::{All, Message, Secp256k1, schnorr::Signature};
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::taproot::{ControlBlock, LeafVersion, TapLeafHash};
use bitcoin::{Script, TapSighashType, Transaction, TxOut, Witness, XOnlyPublicKey};

static SECP: LazyLock<Secp256k1<All>> = LazyLock::new(Secp256k1::new);

/// # Errors
/// In Bitcoin Core's words.
pub(super) fn verify(transaction: &Transaction, spent: &[TxOut]) -> Result<(), String> {
    let mut cache = SighashCache::new(transaction);
    for (index, (input, output)) in transaction.input.iter().zip(spent).enumerate() {
        let (key, signature, leaf) = claim(&input.witness, &output.script_pubkey)
            .ok_or("mandatory-script-verify-flag-failed")?;
        let prevouts = Prevouts::All(spent);
        let kind = TapSighashType::Default;
        let hash = match leaf {
            None => cache.taproot_key_spend_signature_hash(index, &prevouts, kind),
            Some(leaf) => cache.taproot_script_spend_signature_hash(index, &prevouts, leaf, kind),
        };
        let hash = hash.map_err(|error| error.to_string())?;
        SECP.verify_schnorr(&signature, &Message::from(hash), &key)
            .map_err(|_| "mandatory-script-verify-flag-failed (Invalid Schnorr signature)")?;
    }
    Ok(())
}

/// The key that must have signed, its signature, and the leaf if it is one.
fn claim(
    witness: &Witness,
    script: &Script,
) -> Option<(XOnlyPublicKey, Signature, Option<TapLeafHash>)> {
    if !script.is_p2tr() {
        return None;
    }
    let output_key = XOnlyPublicKey::from_slice(&script.as_bytes()[2..]).ok()?;
    let items: Vec<&[u8]> = witness.iter().collect();
    match items[..] {
        [signature] => Some((output_key, Signature::from_slice(signature).ok()?, None)),
        [signature, leaf, control] => {
            let leaf = Script::from_bytes(leaf);
            let control = ControlBlock::decode(control).ok()?;
            if !control.verify_taproot_commitment(&SECP, output_key, leaf) {
                return None;
            }
            let hash = TapLeafHash::from_script(leaf, LeafVersion::TapScript);
            Some((
                only_key(leaf)?,
                Signature::from_slice(signature).ok()?,
                Some(hash),
            ))
        }
        _ => None,
    }
}

/// The key of `<key> OP_CHECKSIG`.
fn only_key(leaf: &Script) -> Option<XOnlyPublicKey> {
    let mut instructions = leaf.instructions();
    let Some(Ok(Instruction::PushBytes(key))) = instructions.next() else {
        return None;
    };
    let ends = matches!(instructions.next(), Some(Ok(Instruction::Op(op))) if op == OP_CHECKSIG);
    (ends && instructions.next().is_none())
        .then(|| XOnlyPublicKey::from_slice(key.as_bytes()).ok())
        .flatten()
}
