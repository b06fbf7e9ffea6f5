//! The till's payments on disk, one file each. What is asked is written down before the card is
//! asked to sign, and what the card signed before it is sent: a till that loses power, or a card
//! that is torn out, neither loses a payment nor charges twice.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use tillcard_client::advice::{Advice, Explain};

use super::{Outcome, PaymentRecord};
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
                records.push(self.read_file(&path)?);
            }
        }
        Ok(records)
    }

    /// The payment of this name.
    ///
    /// # Errors
    /// [`PaymentStoreError`] when there is none, or it can't be read.
    pub fn read_one(&self, id: &str) -> Result<PaymentRecord, PaymentStoreError> {
        self.read_file(&self.file(id))
    }

    fn read_file(&self, path: &Path) -> Result<PaymentRecord, PaymentStoreError> {
        let text = fs::read(path).map_err(|e| self.error(e))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        PaymentRecord::read(&text).map_err(|cause| self.error(format!("{name}: {cause}")))
    }

    /// Claims a payment, so that no other till of this folder goes on with it meanwhile; nothing when
    /// another one has claimed it. A claim ends with its value, or with its process.
    ///
    /// # Errors
    /// [`PaymentStoreError`] when the folder can't be written.
    pub fn claim(&self, id: &str) -> Result<Option<Claim>, PaymentStoreError> {
        let path = self.folder.join(format!("{id}.lock"));
        let file = File::create(&path).map_err(|e| self.error(e))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Claim { file, path })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(self.error(error)),
        }
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

/// A payment that no other till of the folder goes on with.
pub struct Claim {
    file: File,
    path: PathBuf,
}

impl Claim {
    /// Gives the claim back. Of a payment that needs nothing more the file goes too: whoever claims it
    /// all the same reads that it has ended.
    pub fn end(self, outcome: &Outcome) {
        if !matches!(outcome, Outcome::Open(_)) {
            // It would only lie there.
            let _ = fs::remove_file(&self.path);
        }
        drop(self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::FeeRate;
    use crate::till::PaymentState;
    use bitcoin::absolute::LockTime;
    use bitcoin::transaction::Version;
    use bitcoin::{Amount, ScriptBuf, Transaction, TxOut};
    use tillcard_client::card::{PaymentOrder, Preview};

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
        let mut record = PaymentRecord::new("milk".into(), "bcrt1q".into(), 1, order);
        record.state = PaymentState::Asked;
        record.since_height = 101;
        record.preview = Some(Preview {
            amount,
            fee: Amount::from_sat(308),
            change: Amount::from_sat(20_692),
            outpoints: vec![Default::default()],
        });
        record.coins = vec![coin];
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
