//! The owner's folder: made, opened, and the words in it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use bitcoin::Network;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::keys::MasterKey;
use super::store::{self, CardStore};
use super::wallet::PrimaryWallet;
use super::{Owner, OwnerError, Words};
use crate::chain::{Chain, Tip};

const OWNER_FILE: &str = "owner.json";

/// `owner.json`.
#[derive(Serialize, Deserialize)]
struct OwnerFile {
    format: u32,
    network: Network,
    /// Cards may have the numbers below this one, though the folder doesn't know them.
    #[serde(default)]
    least_number: u32,
}

const OWNER_FORMAT: u32 = 1;

impl Owner {
    /// Makes a new owner in `folder`, which is made when missing. The wallet looks at blocks from
    /// the chain's tip on. The words are to be shown once, by the caller.
    ///
    /// # Errors
    /// [`OwnerError::FolderTaken`] when an owner's files are there: nothing is ever overwritten.
    pub fn create(
        folder: &Path,
        network: Network,
        words: &Words,
        chain: &dyn Chain,
    ) -> Result<Self, OwnerError> {
        chain.expect_network(network)?;
        Self::lay_out(folder, network, words, chain.tip()?)
    }

    /// Opens the owner in `folder`.
    ///
    /// # Errors
    /// [`OwnerError::NoOwner`] when there is none, [`OwnerError::Damaged`] when a file isn't as it
    /// was written.
    pub fn open(folder: &Path) -> Result<Self, OwnerError> {
        let path = folder.join(OWNER_FILE);
        if !path.exists() {
            return Err(OwnerError::NoOwner(folder.to_path_buf()));
        }
        let file: OwnerFile = store::read_json(&path)?;
        if file.format != OWNER_FORMAT {
            return Err(OwnerError::damaged(&path, "it is of another version"));
        }
        Ok(Self {
            folder: folder.to_path_buf(),
            network: file.network,
            wallet: PrimaryWallet::open(&folder.join("wallet.sqlite"), file.network)?,
            store: CardStore::new(folder.join("cards")),
            least_number: file.least_number,
        })
    }

    /// Lays out a new folder; `birthday` is the block above which the wallet looks for coins.
    pub(super) fn lay_out(
        folder: &Path,
        network: Network,
        words: &Words,
        birthday: Tip,
    ) -> Result<Self, OwnerError> {
        let (words_path, wallet_path) = (folder.join("words"), folder.join("wallet.sqlite"));
        let owner_path = folder.join(OWNER_FILE);
        let cards = folder.join("cards");
        if [&words_path, &wallet_path, &owner_path, &cards]
            .into_iter()
            .any(|path| path.exists())
        {
            return Err(OwnerError::FolderTaken(folder.to_path_buf()));
        }
        let mut private = fs::DirBuilder::new();
        private.recursive(true).mode(0o700);
        private.create(&cards).map_err(OwnerError::io(&cards))?;
        write_words(&words_path, words)?;
        let master = MasterKey::new(words, network)?;
        let wallet = PrimaryWallet::create(&wallet_path, network, &master, birthday)?;
        let mut owner = Self {
            folder: folder.to_path_buf(),
            network,
            wallet,
            store: CardStore::new(cards),
            least_number: 0,
        };
        owner.leave_out_numbers_below(0)?;
        Ok(owner)
    }

    /// Gives no card a number below this one from now on.
    pub(super) fn leave_out_numbers_below(&mut self, least: u32) -> Result<(), OwnerError> {
        self.least_number = least;
        let file = OwnerFile {
            format: OWNER_FORMAT,
            network: self.network,
            least_number: least,
        };
        store::write_json(&self.folder.join(OWNER_FILE), &file)
    }

    /// The master key of the words, for the moment of signing or deriving.
    pub(super) fn master(&self) -> Result<MasterKey, OwnerError> {
        let words = read_words(&self.folder.join("words"))?;
        MasterKey::new(&words, self.network)
    }
}

fn read_words(path: &Path) -> Result<Words, OwnerError> {
    let mode = fs::metadata(path)
        .map_err(OwnerError::io(path))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        return Err(OwnerError::WordsExposed(path.to_path_buf()));
    }
    let text = fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(OwnerError::io(path))?;
    Words::parse(&text)
}

/// Writes the words where only this user can read them, and never over others.
fn write_words(path: &Path, words: &Words) -> Result<(), OwnerError> {
    let phrase = words.phrase();
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| {
            file.write_all(phrase.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        })
        .map_err(OwnerError::io(path))
}
