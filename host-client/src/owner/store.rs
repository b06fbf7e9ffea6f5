//! What the owner's tool keeps of each card: one JSON file a card, replaced as a whole.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bitcoin::consensus::encode::{deserialize_hex, serialize_hex};
use bitcoin::{Amount, OutPoint, Transaction, Txid};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Limits, OwnerError, OwnerKeys};
use crate::atomic_file;
use tillcard_client::Untrusted;
use tillcard_client::account::CardAccount;
use tillcard_client::account::{IssuedCard, Provenance};
use tillcard_client::card::{AgreementKey, CardKeys, IdentityKey};

/// A payment of the primary wallet to a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopUp {
    /// The signed transaction.
    #[serde(serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub transaction: Transaction,
    /// The output that pays the card.
    pub vout: u32,
    /// The receive index whose script it pays.
    pub index: u32,
    /// Whether there is nothing to tell the card of it any more: it was streamed to it, or its coin is
    /// spent.
    pub entered: bool,
}

impl TopUp {
    /// The transaction's id.
    pub fn txid(&self) -> Txid {
        self.transaction.compute_txid()
    }

    /// The coin that the card gets.
    pub fn outpoint(&self) -> OutPoint {
        OutPoint {
            txid: self.txid(),
            vout: self.vout,
        }
    }

    /// The coin's amount.
    pub fn amount(&self) -> Amount {
        self.transaction
            .output
            .get(self.vout as usize)
            .map_or(Amount::ZERO, |output| output.value)
    }

    /// The transaction serialised without marker, flag and witness: what ENTER COIN streams to the
    /// card (`docs/protocol.md` §6.2).
    pub fn stripped(&self) -> Vec<u8> {
        let mut stripped = self.transaction.clone();
        for input in &mut stripped.input {
            input.witness.clear();
        }
        bitcoin::consensus::serialize(&stripped)
    }
}

/// All that the owner's tool knows of a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardRecord {
    /// Version of this file's form.
    format: u32,
    /// The card's number, `n'` of its keys' paths.
    pub number: u32,
    /// What the owner calls it.
    #[serde(serialize_with = "Untrusted::store")]
    pub label: Untrusted,
    /// Its account.
    pub account: CardAccount,
    /// Where the account's key comes from.
    pub provenance: Provenance,
    /// The key by which the card signs what it says of itself; unknown after a restore, until the
    /// card is at home again.
    pub identity_key: Option<IdentityKey>,
    /// The key of its channels; unknown as long, and in files of version 0.2 and before.
    #[serde(default)]
    pub agreement_key: Option<AgreementKey>,
    /// Whether it has shown certificates: a session with it is never a plain one from then on.
    #[serde(default)]
    pub certified: bool,
    /// Whether words and chain alone tell of it: it wasn't at home since a restore, and whether it
    /// was blocked before isn't known, unless the chain has a sweep of its coins.
    #[serde(default)]
    pub unmet: bool,
    /// Which of its owner keys may be in force.
    #[serde(default)]
    pub owner_keys: OwnerKeys,
    /// Its limits when it was last at home; unknown after a restore until then.
    pub limits: Option<Limits>,
    /// Height of the chain when it was issued: no coin of it is older.
    pub birthday: u32,
    /// The receive index that the next top-up pays.
    pub next_receive_index: u32,
    /// Whether its top-ups are to carry its account key, encrypted.
    pub backup_on_chain: bool,
    /// The top-up that carries it.
    pub backup: Option<Txid>,
    /// Its top-ups, oldest first.
    pub top_ups: Vec<TopUp>,
    /// Once the owner has blocked it: the transactions that swept its coins.
    pub swept_by: Option<Vec<Txid>>,
}

impl CardRecord {
    const FORMAT: u32 = 2;

    pub(super) fn new(number: u32, label: Untrusted, issued: IssuedCard, birthday: u32) -> Self {
        Self {
            format: Self::FORMAT,
            number,
            label,
            account: issued.account,
            provenance: issued.provenance,
            identity_key: issued.card_keys.map(|keys| keys.identity),
            agreement_key: issued.card_keys.map(|keys| keys.agreement),
            certified: false,
            unmet: false,
            owner_keys: OwnerKeys::default(),
            limits: None,
            birthday,
            next_receive_index: 0,
            backup_on_chain: true,
            backup: None,
            top_ups: Vec::new(),
            swept_by: None,
        }
    }

    /// Takes note of the card's own keys.
    pub(super) fn note_card_keys(&mut self, keys: CardKeys) {
        self.identity_key = Some(keys.identity);
        self.agreement_key = Some(keys.agreement);
    }

    /// Whether words and chain alone find its coins without a copy of its key on the chain: the key
    /// is the words', and so is the leaf, save for a delay.
    pub fn is_found_by_words(&self) -> bool {
        self.provenance == Provenance::Imported && self.account.leaf().delay() == 0
    }

    /// Whether the owner has blocked it.
    pub fn is_blocked(&self) -> bool {
        self.swept_by.is_some()
    }

    /// Top-ups that the card hasn't been told of yet, oldest first.
    pub fn pending_top_ups(&self) -> impl Iterator<Item = &TopUp> {
        self.top_ups.iter().filter(|top_up| !top_up.entered)
    }
}

/// What follows the number in the name of a card's file.
const CARD: &str = ".json";
/// The same while it isn't known whether the card is issued.
const EXPECTED: &str = ".expected.json";

/// The folder of the cards' files.
pub(super) struct CardStore {
    folder: PathBuf,
}

impl CardStore {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    pub(super) fn load(&self, number: u32) -> Result<CardRecord, OwnerError> {
        let path = self.path(number);
        if !path.exists() {
            return Err(OwnerError::UnknownCard(number));
        }
        Self::read(&path, number)
    }

    pub(super) fn save(&self, record: &CardRecord) -> Result<(), OwnerError> {
        write_json(&self.path(record.number), record)
    }

    /// Numbers of all cards, in order.
    pub(super) fn numbers(&self) -> Result<Vec<u32>, OwnerError> {
        self.numbers_before(CARD)
    }

    /// Writes down a card that may be issued in a moment.
    pub(super) fn save_expected(&self, record: &CardRecord) -> Result<(), OwnerError> {
        write_json(&self.expected_path(record.number), record)
    }

    /// Cards that were about to be issued, of which it isn't known whether they are.
    pub(super) fn expected(&self) -> Result<Vec<CardRecord>, OwnerError> {
        let issued = self.numbers()?;
        let mut numbers = self.numbers_before(EXPECTED)?;
        numbers.retain(|number| !issued.contains(number));
        let read = |number| Self::read(&self.expected_path(number), number);
        numbers.into_iter().map(read).collect()
    }

    /// Forgets such a card, if there is one of this number: it is issued, and stands in a file of
    /// its own.
    pub(super) fn remove_expected(&self, number: u32) -> Result<(), OwnerError> {
        let path = self.expected_path(number);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(OwnerError::io(&path)(error)),
            _ => Ok(()),
        }
    }

    fn read(path: &Path, number: u32) -> Result<CardRecord, OwnerError> {
        let record: CardRecord = read_json(path)?;
        if record.format != CardRecord::FORMAT || record.number != number {
            return Err(OwnerError::damaged(
                path,
                "it is of another version or another card",
            ));
        }
        Ok(record)
    }

    fn numbers_before(&self, suffix: &str) -> Result<Vec<u32>, OwnerError> {
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.folder).map_err(OwnerError::io(&self.folder))? {
            let name = entry.map_err(OwnerError::io(&self.folder))?.file_name();
            let number: Option<u32> = name
                .to_str()
                .and_then(|name| name.strip_suffix(suffix))
                .and_then(|stem| stem.parse().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number}{CARD}"))
    }

    fn expected_path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number}{EXPECTED}"))
    }
}

pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, OwnerError> {
    let text = fs::read_to_string(path).map_err(OwnerError::io(path))?;
    serde_json::from_str(&text).map_err(|error| OwnerError::damaged(path, error))
}

/// Replaces the file as a whole.
pub(super) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), OwnerError> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| OwnerError::damaged(path, error))?;
    atomic_file::replace(path, text.as_bytes(), atomic_file::PRIVATE).map_err(OwnerError::io(path))
}

fn to_hex<S: Serializer>(transaction: &Transaction, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&serialize_hex(transaction))
}

fn from_hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Transaction, D::Error> {
    let text = String::deserialize(deserializer)?;
    deserialize_hex(&text).map_err(serde::de::Error::custom)
}
