//! The folder on the disk: one sled database, a tree for each card.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tillcard_runtime::nvm::NVM_SIZE;
use zeroize::Zeroizing;

use super::SledNvm;

/// Bytes of the card's memory that are one value in its tree.
pub(super) const CHUNK_SIZE: usize = 64;

/// Key of the value that tells what the tree is. Chunks have keys of two bytes.
const FORMAT_KEY: &[u8] = b"format";
/// Key of the number of times that the tree was opened, a big-endian `u64`.
const LIFE_KEY: &[u8] = b"life";
/// What the format value must begin with; the memory's size follows as a big-endian `u32`.
const FORMAT: &[u8] = b"tillcard nvm 1 ";

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
    /// `FF`. The count of its lives is on the disk before this returns.
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
        let tree = self
            .database
            .open_tree(format!("card/{name}"))
            .map_err(database)?;
        let held = Held { tree, _lock: lock };

        let mut image = Zeroizing::new(vec![0xFF; NVM_SIZE]);
        let life = if held.tree.is_empty() {
            held.tree.insert(FORMAT_KEY, format()).map_err(database)?;
            0
        } else {
            held.load(&mut image).map_err(|error| match error {
                Damage::Format(reason) => StoreError::Format {
                    store: self.path.clone(),
                    card: name.into(),
                    reason,
                },
                Damage::Database(error) => database(error),
            })?
        };
        held.tree
            .insert(LIFE_KEY, &(life + 1).to_be_bytes())
            .map_err(database)?;
        held.tree.flush().map_err(database)?;
        Ok(SledNvm::new(held, image, life))
    }
}

/// A card's tree, and the promise that no other part of this process has it.
pub(super) struct Held {
    pub(super) tree: sled::Tree,
    _lock: Lock,
}

enum Damage {
    Format(&'static str),
    Database(sled::Error),
}

impl Held {
    /// Reads the tree into an image that is all `FF`, and returns the number of earlier lives.
    fn load(&self, image: &mut [u8]) -> Result<u64, Damage> {
        let mut formatted = false;
        let mut life = None;
        for entry in &self.tree {
            let (key, value) = entry.map_err(Damage::Database)?;
            match (&*key, &*value) {
                (FORMAT_KEY, value) if value == format() => formatted = true,
                (FORMAT_KEY, value) if value.starts_with(FORMAT) => {
                    return Err(Damage::Format("its memory has another size"));
                }
                (FORMAT_KEY, _) => {
                    return Err(Damage::Format("it was written in another format"));
                }
                (LIFE_KEY, value) => {
                    let count = value.try_into().map(u64::from_be_bytes);
                    life =
                        Some(count.map_err(|_| Damage::Format("its count of lives is damaged"))?);
                }
                (&[high, low], value) => {
                    let start = usize::from(u16::from_be_bytes([high, low])) * CHUNK_SIZE;
                    let chunk = image.get_mut(start..start + CHUNK_SIZE);
                    match chunk.filter(|chunk| chunk.len() == value.len()) {
                        Some(chunk) => chunk.copy_from_slice(value),
                        None => return Err(Damage::Format("a piece of its memory is damaged")),
                    }
                }
                _ => return Err(Damage::Format("it holds something unknown")),
            }
        }
        if !formatted {
            return Err(Damage::Format("it doesn't say what it is"));
        }
        // Made and never used: the process ended between the two insertions.
        Ok(life.unwrap_or(0))
    }
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

/// The key of a chunk, so that the tree's order is the memory's.
pub(super) fn chunk_key(chunk: usize) -> [u8; 2] {
    u16::try_from(chunk)
        .expect("the memory has 1024 chunks")
        .to_be_bytes()
}

fn format() -> Vec<u8> {
    let size = u32::try_from(NVM_SIZE).expect("the memory is small");
    [FORMAT, &size.to_be_bytes()].concat()
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
