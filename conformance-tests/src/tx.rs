//! Transactions: those that the suite makes to enter coins, and those that a card answers.

use crate::keys::Account;
use crate::model::{Plan, Request};
use crate::outcome::{Step, Stop, require};
use crate::values::Stream;
use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::{deserialize, serialize};
use bitcoin::hashes::Hash;
use bitcoin::sighash::{Prevouts, SighashCache};
use bitcoin::transaction::Version;
use bitcoin::{
    Amount, OutPoint, ScriptBuf, Sequence, TapSighashType, Transaction, TxIn, TxOut, Txid, Witness,
};

/// The sequence of every input that a card writes.
const SEQUENCE: u32 = 0xFFFF_FFFD;

/// A transaction that makes coins: `inputs` inputs with made-up outpoints and P2WPKH-like empty
/// scriptSigs, and these outputs.
#[must_use]
pub fn funding(stream: &mut Stream, inputs: usize, outputs: &[(u64, ScriptBuf)]) -> Transaction {
    Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input: (0..inputs)
            .map(|_| TxIn {
                previous_output: OutPoint {
                    txid: Txid::from_byte_array(stream.bytes()),
                    vout: stream.below(4) as u32,
                },
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                witness: Witness::new(),
            })
            .collect(),
        output: outputs
            .iter()
            .map(|(amount, script)| TxOut {
                value: Amount::from_sat(*amount),
                script_pubkey: script.clone(),
            })
            .collect(),
    }
}

/// A transaction without marker, flag and witness: the preimage of its txid.
#[must_use]
pub fn preimage(transaction: &Transaction) -> Vec<u8> {
    let mut stripped = transaction.clone();
    for input in &mut stripped.input {
        input.witness = Witness::new();
    }
    serialize(&stripped)
}

/// The txid as a transaction carries it.
#[must_use]
pub fn txid(transaction: &Transaction) -> [u8; 32] {
    transaction.compute_txid().to_byte_array()
}

/// The double SHA-256 of any bytes, as a transaction carries it.
#[must_use]
pub fn txid_of_bytes(bytes: &[u8]) -> [u8; 32] {
    bitcoin::hashes::sha256d::Hash::hash(bytes).to_byte_array()
}

/// What a checked payment showed.
pub struct Payment {
    /// The transaction.
    pub transaction: Transaction,
    /// Its txid as transactions carry it.
    pub txid: [u8; 32],
    /// Which output is the change.
    pub change_vout: Option<u32>,
}

/// Checks the answer to PAY against the plan: every byte of the transaction is determined by it,
/// but for the signatures, which must be valid.
///
/// # Errors
/// [`Stop::Fail`] with the first difference.
pub fn check_payment(
    bytes: &[u8],
    account: &Account,
    request: &Request,
    plan: &Plan,
) -> Step<Payment> {
    let transaction: Transaction = deserialize(bytes).map_err(|e| {
        Stop::Fail(format!(
            "PAY answered no transaction (BIP144): {e}, {} bytes",
            bytes.len()
        ))
    })?;
    require!(
        serialize(&transaction) == bytes,
        "the transaction isn't serialised as BIP144 says"
    );
    check_form(&transaction, plan)?;
    let change_vout = check_outputs(&transaction, account, request, plan)?;
    check_signatures(&transaction, account, plan)?;
    check_size(&transaction, request, plan)?;
    Ok(Payment {
        txid: txid(&transaction),
        transaction,
        change_vout,
    })
}

fn check_form(transaction: &Transaction, plan: &Plan) -> Step<()> {
    require!(
        transaction.version == Version::TWO,
        "the transaction has version {} instead of 2",
        transaction.version.0
    );
    require!(
        transaction.lock_time == LockTime::ZERO,
        "the transaction has lock time {} instead of 0",
        transaction.lock_time.to_consensus_u32()
    );
    require!(
        transaction.input.len() == plan.inputs.len(),
        "the transaction has {} inputs instead of {}",
        transaction.input.len(),
        plan.inputs.len()
    );
    for (position, (input, coin)) in transaction.input.iter().zip(&plan.inputs).enumerate() {
        let outpoint = OutPoint {
            txid: Txid::from_byte_array(coin.txid),
            vout: coin.vout,
        };
        require!(
            input.previous_output == outpoint,
            "input {position} spends {} instead of {outpoint}",
            input.previous_output
        );
        require!(
            input.sequence.0 == SEQUENCE,
            "input {position} has sequence {:08X} instead of {SEQUENCE:08X}",
            input.sequence.0
        );
        require!(
            input.script_sig.is_empty(),
            "input {position} has a scriptSig"
        );
        require!(
            input.witness.len() == 1 && input.witness[0].len() == 64,
            "the witness of input {position} isn't one 64-byte signature"
        );
    }
    Ok(())
}

/// The outputs that a payment must have, in the order of BIP69, and which of them is the change.
fn expected_outputs(
    account: &Account,
    request: &Request,
    plan: &Plan,
) -> Step<(Vec<TxOut>, Option<u32>)> {
    let payee = TxOut {
        value: Amount::from_sat(request.amount),
        script_pubkey: request.payee.clone(),
    };
    let mut expected = vec![payee];
    let change = (plan.change > 0)
        .then(|| {
            Ok(TxOut {
                value: Amount::from_sat(plan.change),
                script_pubkey: account.script(1, plan.change_index)?,
            })
        })
        .transpose()?;
    expected.extend(change.clone());
    expected.sort_by(|a, b| {
        (a.value, a.script_pubkey.as_bytes()).cmp(&(b.value, b.script_pubkey.as_bytes()))
    });
    let position = change.and_then(|change| expected.iter().position(|output| *output == change));
    Ok((expected, position.map(|position| position as u32)))
}

/// The txid of a payment, which no signature enters, and which output is the change.
pub fn expected_txid(
    account: &Account,
    request: &Request,
    plan: &Plan,
) -> Step<([u8; 32], Option<u32>)> {
    let (output, change_vout) = expected_outputs(account, request, plan)?;
    let input = plan
        .inputs
        .iter()
        .map(|coin| TxIn {
            previous_output: OutPoint {
                txid: Txid::from_byte_array(coin.txid),
                vout: coin.vout,
            },
            script_sig: ScriptBuf::new(),
            sequence: Sequence(SEQUENCE),
            witness: Witness::new(),
        })
        .collect();
    let transaction = Transaction {
        version: Version::TWO,
        lock_time: LockTime::ZERO,
        input,
        output,
    };
    Ok((txid(&transaction), change_vout))
}

fn check_outputs(
    transaction: &Transaction,
    account: &Account,
    request: &Request,
    plan: &Plan,
) -> Step<Option<u32>> {
    let (expected, change_vout) = expected_outputs(account, request, plan)?;
    let shown = |outputs: &[TxOut]| {
        outputs
            .iter()
            .map(|output| {
                format!(
                    "{} sat to {}",
                    output.value.to_sat(),
                    output.script_pubkey.to_hex_string()
                )
            })
            .collect::<Vec<_>>()
            .join(", ")
    };
    require!(
        transaction.output == expected,
        "the outputs are [{}] instead of [{}]",
        shown(&transaction.output),
        shown(&expected)
    );
    Ok(change_vout)
}

fn check_signatures(transaction: &Transaction, account: &Account, plan: &Plan) -> Step<()> {
    let spent = plan
        .inputs
        .iter()
        .map(|coin| {
            Ok(TxOut {
                value: Amount::from_sat(coin.amount),
                script_pubkey: account.script(coin.chain, coin.index)?,
            })
        })
        .collect::<Step<Vec<TxOut>>>()?;
    let hashes = sighashes(transaction, &spent)?;
    for (position, (coin, hash)) in plan.inputs.iter().zip(&hashes).enumerate() {
        let key = account.output_key(coin.chain, coin.index)?;
        require!(
            crate::keys::verifies(&key, hash, &transaction.input[position].witness[0]),
            "the signature of input {position} isn't valid under the output key of its coin \
             (CARD/{}/{})",
            coin.chain,
            coin.index
        );
    }
    Ok(())
}

/// What BIP341 has each input of a transaction sign, by key path with SIGHASH_DEFAULT and without
/// annex, when it spends these outputs.
///
/// # Errors
/// [`Stop::Error`] when there aren't as many outputs as inputs.
pub fn sighashes(transaction: &Transaction, spent: &[TxOut]) -> Step<Vec<[u8; 32]>> {
    let mut cache = SighashCache::new(transaction);
    (0..transaction.input.len())
        .map(|position| {
            cache
                .taproot_key_spend_signature_hash(
                    position,
                    &Prevouts::All(spent),
                    TapSighashType::Default,
                )
                .map(|hash| hash.to_byte_array())
                .map_err(|e| Stop::Error(format!("the sighash of input {position}: {e}")))
        })
        .collect()
}

fn check_size(transaction: &Transaction, request: &Request, plan: &Plan) -> Step<()> {
    let expected = crate::model::size(
        plan.inputs.len() as u64,
        request.payee.len() as u64,
        plan.change > 0,
    );
    require!(
        transaction.vsize() as u64 == expected,
        "the transaction has {} vB; the formula of the text gives {expected}",
        transaction.vsize()
    );
    Ok(())
}

/// Byte-level pieces of transactions, for those that no library would write.
pub mod raw {
    /// Version 2.
    pub const VERSION: [u8; 4] = [2, 0, 0, 0];
    /// Lock time 0.
    pub const LOCK_TIME: [u8; 4] = [0, 0, 0, 0];

    /// A CompactSize in its shortest form.
    #[must_use]
    pub fn compact_size(value: u64) -> Vec<u8> {
        match value {
            0..=0xFC => vec![value as u8],
            0xFD..=0xFFFF => [&[0xFD][..], &(value as u16).to_le_bytes()].concat(),
            0x1_0000..=0xFFFF_FFFF => [&[0xFE][..], &(value as u32).to_le_bytes()].concat(),
            _ => [&[0xFF][..], &value.to_le_bytes()].concat(),
        }
    }

    /// An input.
    #[must_use]
    pub fn input(txid: [u8; 32], vout: u32, script: &[u8]) -> Vec<u8> {
        [
            &txid[..],
            &vout.to_le_bytes(),
            &compact_size(script.len() as u64),
            script,
            &[0xFF; 4],
        ]
        .concat()
    }

    /// An output.
    #[must_use]
    pub fn output(amount: u64, script: &[u8]) -> Vec<u8> {
        [
            &amount.to_le_bytes()[..],
            &compact_size(script.len() as u64),
            script,
        ]
        .concat()
    }
}
