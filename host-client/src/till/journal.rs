//! The till's payments on disk, one file each: a signed payment is written down before it is sent,
//! so that a till that loses power loses no money.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Transaction, Txid};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a payment can't be written down or read.
#[derive(Debug, thiserror::Error)]
#[error("the till's journal in {folder}: {cause}")]
pub struct JournalError {
    folder: PathBuf,
    cause: String,
}

/// How far a payment came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RecordState {
    /// The card signed it; the network may not have it yet.
    Signed,
    /// The network has it.
    Broadcast,
    /// The shop has its money.
    Settled,
    /// The network refused it.
    Declined,
}

impl RecordState {
    /// Whether nothing is left to be done.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Settled | Self::Declined)
    }
}

/// What is kept of a payment. Nothing of it is secret, and nothing of it tells who paid, beyond
/// what the chain tells everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The payment's name.
    pub id: String,
    /// How far it came.
    pub state: RecordState,
    /// Amount to the shop, in sat.
    pub amount_sat: u64,
    /// The shop's address.
    pub to: String,
    /// Blocks that must bury it before it is settled.
    pub confirmations: u32,
    /// Fee that the card paid, in sat.
    pub fee_sat: u64,
    /// The transaction's id.
    pub txid: Txid,
    /// The chain's height when the card signed: no earlier block has the transaction.
    pub since_height: u32,
    /// The transaction, serialised with witness (BIP144), in hex.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub transaction: Transaction,
}

fn to_hex<S: Serializer>(transaction: &Transaction, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&serialize_hex(transaction))
}

fn from_hex<'de, D: Deserializer<'de>>(from: D) -> Result<Transaction, D::Error> {
    deserialize_hex(&String::deserialize(from)?).map_err(serde::de::Error::custom)
}

/// A folder with a file for each payment.
pub struct Journal {
    folder: PathBuf,
}

impl Journal {
    /// The journal in `folder`, which is made if it isn't there.
    ///
    /// # Errors
    /// [`JournalError`] when the folder can't be made.
    pub fn open(folder: &Path) -> Result<Self, JournalError> {
        let journal = Self {
            folder: folder.to_owned(),
        };
        fs::create_dir_all(folder).map_err(|error| journal.error(error))?;
        Ok(journal)
    }

    /// Writes a payment down, in place of what was known of it. When this returns, the disk has it.
    ///
    /// # Errors
    /// [`JournalError`] when the disk doesn't take it.
    pub fn write(&self, record: &Record) -> Result<(), JournalError> {
        let failed = |error: &dyn std::error::Error| self.error(error);
        let text = serde_json::to_vec_pretty(record).map_err(|e| failed(&e))?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(|e| failed(&e))?;
        file.write_all(&text)
            .and_then(|()| file.as_file().sync_all())
            .map_err(|e| failed(&e))?;
        file.persist(self.file(&record.id))
            .map_err(|e| failed(&e))?;
        fs::File::open(&self.folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|e| failed(&e))
    }

    /// All payments, in no order.
    ///
    /// # Errors
    /// [`JournalError`] when a file can't be read.
    pub fn read(&self) -> Result<Vec<Record>, JournalError> {
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

    fn error(&self, cause: impl std::fmt::Display) -> JournalError {
        JournalError {
            folder: self.folder.clone(),
            cause: cause.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bitcoin::absolute::LockTime;
    use bitcoin::transaction::Version;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::open(&folder.path().join("payments")).unwrap();
        let transaction = Transaction {
            version: Version::TWO,
            lock_time: LockTime::ZERO,
            input: vec![Default::default()],
            output: Vec::new(),
        };
        let mut record = Record {
            id: "milk".into(),
            state: RecordState::Signed,
            amount_sat: 21_000,
            to: "bcrt1q".into(),
            confirmations: 1,
            fee_sat: 308,
            txid: transaction.compute_txid(),
            since_height: 101,
            transaction,
        };
        journal.write(&record).unwrap();
        record.state = RecordState::Settled;
        journal.write(&record).unwrap();
        assert_eq!(journal.read().unwrap(), [record]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_told() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Journal::open(&file.path().join("payments")).err().unwrap();
        assert!(error.to_string().contains("journal"));
    }
}
