//! The till's payments on disk, one file each. What is asked is written down before the card is
//! asked to sign, and what the card signed before it is sent: a till that loses power, or a card
//! that is torn out, neither loses a payment nor charges twice.

use std::fs;
use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Transaction, TxOut, Txid};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use tillcard_client::advice::{Advice, Explain};
use tillcard_client::card::{PaymentOrder, Preview};

use crate::atomic_file;

/// Why a payment can't be written down or read.
#[derive(Debug, thiserror::Error)]
#[error("the till's payments in {folder}: {cause}")]
pub struct PaymentStoreError {
    folder: PathBuf,
    cause: String,
}

impl Explain for PaymentStoreError {
    fn advice(&self) -> Advice {
        Advice::new(
            "payment-store-failed",
            "nothing is sent before it is written down; a card that was asked may have paid",
            "make room on the disk, check that you may write there, then run tillcard till resume",
        )
    }
}

/// How far a payment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum PaymentState {
    /// The card was asked to sign it, and may have; nobody has its answer. The same request gets
    /// it again.
    Asked,
    /// The card signed it; the network may not have it yet.
    Signed,
    /// The network has it.
    Broadcast,
    /// The shop has its money.
    Settled,
    /// The network refused it.
    Declined,
}

impl PaymentState {
    /// Whether nothing is left to be done.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Declined)
    }
}

/// What is kept of a payment. Nothing of it is secret, and nothing of it tells who paid, beyond
/// what the chain tells everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentRecord {
    /// The payment's name.
    pub id: String,
    /// How far it came.
    pub state: PaymentState,
    /// The shop's address.
    pub to: String,
    /// Blocks that must bury it before it is settled.
    pub confirmations: u32,
    /// The chain's height when the card was asked: no earlier block has the transaction.
    pub since_height: u32,
    /// What the card is asked.
    pub order: PaymentOrder,
    /// What the card said that it would pay; nothing when it was asked without a PIN.
    pub preview: Option<Preview>,
    /// The coins that it said it would spend.
    pub coins: Vec<TxOut>,
    /// The transaction that it wrote, serialised with witness (BIP144), in hex.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub transaction: Option<Transaction>,
}

impl PaymentRecord {
    /// The transaction's id, once there is one.
    pub fn txid(&self) -> Option<Txid> {
        self.transaction.as_ref().map(Transaction::compute_txid)
    }
}

fn to_hex<S: Serializer>(transaction: &Option<Transaction>, to: S) -> Result<S::Ok, S::Error> {
    match transaction {
        Some(transaction) => to.serialize_some(&serialize_hex(transaction)),
        None => to.serialize_none(),
    }
}

fn from_hex<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Transaction>, D::Error> {
    Option::<String>::deserialize(from)?
        .map(|hex| deserialize_hex(&hex).map_err(serde::de::Error::custom))
        .transpose()
}

/// A folder with a file for each payment.
pub struct PaymentStore {
    folder: PathBuf,
}

impl PaymentStore {
    /// The store in `folder`, which is made if it isn't there.
    ///
    /// # Errors
    /// [`PaymentStoreError`] when the folder can't be made.
    pub fn open(folder: &Path) -> Result<Self, PaymentStoreError> {
        let store = Self {
            folder: folder.to_owned(),
        };
        fs::create_dir_all(folder).map_err(|error| store.error(error))?;
        Ok(store)
    }

    /// Writes a payment down, in place of what was known of it. When this returns, the disk has it.
    ///
    /// # Errors
    /// [`PaymentStoreError`] when the disk doesn't take it.
    pub fn write(&self, record: &PaymentRecord) -> Result<(), PaymentStoreError> {
        let failed = |error: &dyn std::error::Error| self.error(error);
        let text = serde_json::to_vec_pretty(record).map_err(|e| failed(&e))?;
        atomic_file::replace(&self.file(&record.id), &text, atomic_file::PRIVATE)
            .map_err(|e| failed(&e))
    }

    /// All payments, in no order.
    ///
    /// # Errors
    /// [`PaymentStoreError`] when a file can't be read.
    pub fn read(&self) -> Result<Vec<PaymentRecord>, PaymentStoreError> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(|e| self.error(e))? {
            let path = entry.map_err(|e| self.error(e))?.path();
            if path.extension().is_some_and(|ext| ext == "json") {
                let text = fs::read(&path).map_err(|e| self.error(e))?;
                records.push(serde_json::from_slice(&text).map_err(|e| self.error(e))?);
            }
        }
        Ok(records)
    }

    fn file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    fn error(&self, cause: impl std::fmt::Display) -> PaymentStoreError {
        PaymentStoreError {
            folder: self.folder.clone(),
            cause: cause.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::FeeRate;
    use bitcoin::absolute::LockTime;
    use bitcoin::transaction::Version;
    use bitcoin::{Amount, ScriptBuf};

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let store = PaymentStore::open(&folder.path().join("payments")).unwrap();
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![Default::default()],
            output: Vec::new(),
        };
        let amount = Amount::from_sat(21_000);
        let order = PaymentOrder::new(amount, FeeRate::FALLBACK, ScriptBuf::new()).unwrap();
        let coin = TxOut {
            value: amount * 2,
            script_pubkey: ScriptBuf::new(),
        };
        let mut record = PaymentRecord {
            id: "milk".into(),
            state: PaymentState::Asked,
            to: "bcrt1q".into(),
            confirmations: 1,
            since_height: 101,
            order,
            preview: Some(Preview {
                amount,
                fee: Amount::from_sat(308),
                change: Amount::from_sat(20_692),
                outpoints: vec![Default::default()],
            }),
            coins: vec![coin],
            transaction: None,
        };
        store.write(&record).unwrap();
        assert_eq!(store.read().unwrap(), [record.clone()]);
        record.state = PaymentState::Settled;
        record.transaction = Some(transaction);
        store.write(&record).unwrap();
        assert_eq!(store.read().unwrap(), [record]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = PaymentStore::open(&file.path().join("payments"))
            .err()
            .unwrap();
        assert!(error.to_string().contains("payments"));
    }
}
