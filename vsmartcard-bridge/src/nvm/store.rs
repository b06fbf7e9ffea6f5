//! The folder on the disk: one sled database, a tree for each card.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tillcard_runtime::nvm::NVM_SIZE;
use zeroize::Zeroizing;

use super::SledNvm;
use super::flush_count::{FlushCount, Said};
use super::tree::{self, Contents, Unreadable};

/// The folder, in the store's, with how often each card was flushed.
const COUNTS: &str = "flush-counts";

/// The database never holds more than a few cards of 64 KiB.
const CACHE: u64 = 16 * 1024 * 1024;

/// How long another opening of the same folder is given to end: sled lets go of its lock on a thread
/// of its own, some moments after the last handle was dropped.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// How often the lock is tried meanwhile.
const LOCK_INTERVAL: Duration = Duration::from_millis(2);

/// Why a store, or a card in it, can't be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process has the store open.
    #[error(
        "the cards in {} are in use by another program, most likely another tillcard-emu: \
         stop it, or choose another folder with --data", .0.display()
    )]
    InUse(PathBuf),
    /// The card is already open in this process.
    #[error("the card '{0}' is already open")]
    CardInUse(String),
    /// The name can't be a card's.
    #[error(
        "'{0}' can't be the name of a card: use 1 to 64 letters, digits, dots, dashes and underscores"
    )]
    Name(String),
    /// The folder can't be made.
    #[error("the folder {} for the cards can't be made: {error}", .path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// The tree isn't one that this program wrote.
    #[error(
        "what {} holds under the name '{card}' is not a card of this program: {reason}; \
         it is left as it is, choose another name with --name", .store.display()
    )]
    Format {
        /// The store's folder.
        store: PathBuf,
        /// The card's name.
        card: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The database refused.
    #[error("the cards in {} can't be opened: {error}", .path.display())]
    Database {
        /// The store's folder.
        path: PathBuf,
        /// What the database says.
        error: sled::Error,
    },
}

impl StoreError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InUse(_) => "cards-in-use",
            Self::CardInUse(_) => "card-in-use",
            Self::Name(_) => "card-name",
            Self::Folder { .. } => "cards-folder",
            Self::Format { .. } => "not-a-card",
            Self::Database { .. } => "cards-database",
        }
    }
}

/// The emulator's cards in one folder. One process at a time can have it open.
pub struct Store {
    path: PathBuf,
    database: sled::Db,
    open: Arc<Mutex<HashSet<String>>>,
}

impl Store {
    /// Opens the store in the folder `path`, which is made when it isn't there, readable by this
    /// user only.
    ///
    /// # Errors
    /// [`StoreError`] in all its kinds but those about one card.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        make_private_folder(path).map_err(|error| StoreError::Folder {
            path: path.into(),
            error,
        })?;
        let database = open_database(path)?;
        Ok(Self {
            path: path.into(),
            database,
            open: Arc::default(),
        })
    }

    /// Opens the memory of the card called `name`; a name not seen before is a fresh memory, all
    /// `FF`. The count of its lives is on the disk before this returns. A memory that is damaged, or
    /// one of an earlier time, is opened too, and says so ([`SledNvm::damage`]): it can't be read or
    /// written, and stays on the disk as it is.
    ///
    /// # Errors
    /// [`StoreError::Name`], [`StoreError::CardInUse`], [`StoreError::Format`] or
    /// [`StoreError::Database`].
    pub fn card(&self, name: &str) -> Result<SledNvm, StoreError> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(valid) {
            return Err(StoreError::Name(name.into()));
        }
        let lock = Lock::take(&self.open, name)?;
        let database = |error| StoreError::Database {
            path: self.path.clone(),
            error,
        };
        let folder = |error| StoreError::Folder {
            path: self.path.join(COUNTS),
            error,
        };
        let tree = self
            .database
            .open_tree(format!("card/{name}"))
            .map_err(database)?;
        let is_new = tree.is_empty();
        // The second copy is there before the first, so that one without the other is damage.
        let (count, said) = FlushCount::open(&self.path.join(COUNTS), name).map_err(folder)?;

        let mut image = Zeroizing::new(vec![0xFF; NVM_SIZE]);
        let contents = match is_new {
            true => Contents::default(),
            false => tree::load(&tree, &mut image).map_err(|error| match error {
                Unreadable::Format(reason) => StoreError::Format {
                    store: self.path.clone(),
                    card: name.into(),
                    reason,
                },
                Unreadable::Database(error) => database(error),
            })?,
        };
        let damage = damage(&contents, is_new, said);
        if damage.is_none() {
            tree::begin_life(&tree, &contents).map_err(database)?;
            tree.flush().map_err(database)?;
        }
        let held = Held {
            tree,
            count,
            _lock: lock,
        };
        Ok(SledNvm::new(held, image, &contents, damage))
    }
}

/// What the two copies say of each other.
fn damage(contents: &Contents, is_new: bool, said: Said) -> Option<MemoryDamage> {
    match said {
        _ if contents.is_damaged => Some(MemoryDamage::Changed),
        Said::Garbled => Some(MemoryDamage::SecondCopy),
        // A store of an older version has no second copy yet.
        Said::Nothing if !is_new && contents.flushes > 0 => Some(MemoryDamage::SecondCopy),
        Said::Count(count) if is_new && count > 0 => Some(MemoryDamage::Lost),
        Said::Count(count) if contents.flushes < count => Some(MemoryDamage::RolledBack),
        Said::Nothing | Said::Count(_) => None,
    }
}

/// What happened to a card's memory on the disk, behind the emulator's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryDamage {
    /// Bytes of it are others than were written.
    #[error("a piece of it isn't what was written")]
    Changed,
    /// It is the memory of an earlier time.
    #[error("it is that of an earlier time: what the card answered last isn't in it")]
    RolledBack,
    /// It isn't there any more.
    #[error("it is gone")]
    Lost,
    /// What it is compared with can't be read, or isn't there.
    #[error(
        "the file in flush-counts, which tells whether it is of an earlier time, can't be read"
    )]
    SecondCopy,
}

impl MemoryDamage {
    /// The stable name of the warning (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Changed | Self::RolledBack | Self::Lost | Self::SecondCopy => "card-damaged",
        }
    }
}

/// A card's tree, and the promise that no other part of this process has it.
pub(super) struct Held {
    pub(super) tree: sled::Tree,
    pub(super) count: FlushCount,
    _lock: Lock,
}

/// A card's name in the set of those that are open.
struct Lock {
    open: Arc<Mutex<HashSet<String>>>,
    name: String,
}

impl Lock {
    fn take(open: &Arc<Mutex<HashSet<String>>>, name: &str) -> Result<Self, StoreError> {
        if open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.into())
        {
            Ok(Self {
                open: Arc::clone(open),
                name: name.into(),
            })
        } else {
            Err(StoreError::CardInUse(name.into()))
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.name);
    }
}

fn open_database(path: &Path) -> Result<sled::Db, StoreError> {
    let config = sled::Config::new()
        .path(path)
        .cache_capacity(CACHE)
        // The emulator alone decides when what was written becomes durable.
        .flush_every_ms(None);
    let started = Instant::now();
    loop {
        match config.open() {
            Ok(database) => return Ok(database),
            // sled has no kind of its own for this.
            Err(sled::Error::Io(io)) if io.to_string().contains("could not acquire lock") => {
                if started.elapsed() > LOCK_PATIENCE {
                    return Err(StoreError::InUse(path.into()));
                }
                thread::sleep(LOCK_INTERVAL);
            }
            Err(error) => {
                return Err(StoreError::Database {
                    path: path.into(),
                    error,
                });
            }
        }
    }
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
