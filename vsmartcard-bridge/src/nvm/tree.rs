//! What a card's tree in the database holds, and how it is read.
//!
//! | key | value |
//! |---|---|
//! | `format` | `tillcard nvm 2 ` and the memory's size, a big-endian `u32` |
//! | `life` | how often the tree was opened, a big-endian `u64` |
//! | `flushes` | how often it was flushed, a big-endian `u64` |
//! | a chunk's number, a big-endian `u16` | its 64 bytes, and the first 8 of the SHA-256 of number and bytes; an erased chunk isn't there |
//!
//! Format 1 had no checks and no `flushes`; a tree in it is written anew when it is opened.

use sha2::{Digest, Sha256};
use sled::{Batch, Tree};
use tillcard_runtime::nvm::NVM_SIZE;

/// Bytes of the card's memory that are one value in its tree.
pub(super) const CHUNK_SIZE: usize = 64;

/// Bytes of a chunk's check.
const CHECK: usize = 8;

const FORMAT_KEY: &[u8] = b"format";
const LIFE_KEY: &[u8] = b"life";
const FLUSHES_KEY: &[u8] = b"flushes";
const FORMAT_1: &[u8] = b"tillcard nvm 1 ";
const FORMAT_2: &[u8] = b"tillcard nvm 2 ";

/// What a tree says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) life: u64,
    pub(super) flushes: u64,
    /// Something of the memory isn't what was written.
    pub(super) is_damaged: bool,
}

/// Why a tree can't be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It isn't one of this program's.
    Format(&'static str),
    Database(sled::Error),
}

impl From<sled::Error> for Unreadable {
    fn from(error: sled::Error) -> Self {
        Self::Database(error)
    }
}

/// The key of a chunk, so that the tree's order is the memory's.
fn chunk_key(chunk: usize) -> [u8; 2] {
    u16::try_from(chunk)
        .expect("the memory has 1024 chunks")
        .to_be_bytes()
}

fn check(key: [u8; 2], bytes: &[u8]) -> [u8; CHECK] {
    let hash: [u8; 32] = Sha256::new()
        .chain_update(key)
        .chain_update(bytes)
        .finalize()
        .into();
    *hash.first_chunk().expect("8 of 32 bytes")
}

fn format(version: &[u8]) -> Vec<u8> {
    let size = u32::try_from(NVM_SIZE).expect("the memory is small");
    [version, &size.to_be_bytes()].concat()
}

/// Makes one chunk of the memory what `bytes` says.
pub(super) fn store_chunk(tree: &Tree, chunk: usize, bytes: &[u8]) -> sled::Result<()> {
    let key = chunk_key(chunk);
    if bytes.iter().all(|&byte| byte == 0xFF) {
        return tree.remove(key).map(drop);
    }
    let value = [bytes, &check(key, bytes)].concat();
    tree.insert(key, value).map(drop)
}

pub(super) fn store_flushes(tree: &Tree, flushes: u64) -> sled::Result<()> {
    tree.insert(FLUSHES_KEY, &flushes.to_be_bytes()).map(drop)
}

/// Begins another life of a tree, which may be new; what it is flushed with isn't on the disk yet.
pub(super) fn begin_life(tree: &Tree, contents: &Contents) -> sled::Result<()> {
    let mut batch = Batch::default();
    batch.insert(FORMAT_KEY, format(FORMAT_2));
    batch.insert(LIFE_KEY, &(contents.life + 1).to_be_bytes());
    batch.insert(FLUSHES_KEY, &contents.flushes.to_be_bytes());
    tree.apply_batch(batch)
}

/// Reads a tree, which isn't empty, into an image that is all `FF`. One in format 1 is written anew
/// in format 2.
pub(super) fn load(tree: &Tree, image: &mut [u8]) -> Result<Contents, Unreadable> {
    let has_checks = match tree.get(FORMAT_KEY)? {
        Some(said) if *said == *format(FORMAT_2) => true,
        Some(said) if *said == *format(FORMAT_1) => false,
        Some(said) if said.starts_with(FORMAT_1) || said.starts_with(FORMAT_2) => {
            return Err(Unreadable::Format("its memory has another size"));
        }
        Some(_) => return Err(Unreadable::Format("it was written in another format")),
        None => return Err(Unreadable::Format("it doesn't say what it is")),
    };
    let mut contents = Contents::default();
    let mut upgrade = Batch::default();
    for entry in tree {
        let (key, value) = entry?;
        match &*key {
            FORMAT_KEY => {}
            LIFE_KEY => contents.life = number(&value, "its count of lives is damaged")?,
            FLUSHES_KEY => contents.flushes = number(&value, "its count of flushes is damaged")?,
            &[high, low] => {
                let key = [high, low];
                let bytes = match has_checks {
                    true => checked(key, &value),
                    false => Some(&*value),
                };
                let start = usize::from(u16::from_be_bytes(key)) * CHUNK_SIZE;
                let place = image.get_mut(start..start + CHUNK_SIZE);
                match (place, bytes) {
                    (Some(place), Some(bytes)) if place.len() == bytes.len() => {
                        place.copy_from_slice(bytes);
                        upgrade.insert(&key, [bytes, &check(key, bytes)].concat());
                    }
                    _ => contents.is_damaged = true,
                }
            }
            _ => return Err(Unreadable::Format("it holds something unknown")),
        }
    }
    if !has_checks && !contents.is_damaged {
        upgrade.insert(FORMAT_KEY, format(FORMAT_2));
        tree.apply_batch(upgrade)?;
    }
    Ok(contents)
}

fn number(value: &[u8], damage: &'static str) -> Result<u64, Unreadable> {
    let bytes = value.try_into().map_err(|_| Unreadable::Format(damage))?;
    Ok(u64::from_be_bytes(bytes))
}

/// The bytes of a chunk, when they are what was written.
fn checked(key: [u8; 2], value: &[u8]) -> Option<&[u8]> {
    let (bytes, said) = value.split_last_chunk::<CHECK>()?;
    (*said == check(key, bytes)).then_some(bytes)
}
