//! How often a card's memory was flushed, kept beside the database: the second copy of what the
//! database says of itself.
//!
//! A database whose file lost its end opens without a word, and is then what it was before. Its own
//! count of flushes is behind the one here by then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use sha2::{Digest, Sha256};

/// Bytes of a record: the count (big-endian), and the first 8 of its SHA-256.
const RECORD: usize = 16;

/// Only its owner may read or write it.
const OWNER_ONLY: u32 = 0o600;

/// A file with two records, written in turn, so that one that was cut short leaves the other.
pub(super) struct FlushCount(File);

/// What the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// There was no file.
    Nothing,
    /// Neither record can be read.
    Garbled,
    /// The count.
    Count(u64),
}

impl FlushCount {
    /// Opens the file of a card in `folder`, and says what was in it. A new one says 0.
    pub(super) fn open(folder: &Path, card: &str) -> io::Result<(Self, Said)> {
        let path = folder.join(card);
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(OWNER_ONLY);
        match options.open(&path) {
            Ok(file) => {
                let said = read(&file)?;
                Ok((Self(file), said))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                fs::create_dir_all(folder)?;
                let count = Self(options.create_new(true).open(&path)?);
                count.write(0)?;
                count.0.sync_all()?;
                File::open(folder)?.sync_all()?;
                Ok((count, Said::Nothing))
            }
            Err(error) => Err(error),
        }
    }

    /// Says another count. A crash of the computer may take it back, but never puts it ahead of a
    /// database that was flushed before.
    pub(super) fn write(&self, count: u64) -> io::Result<()> {
        let offset = count % 2 * RECORD as u64;
        self.0.write_all_at(&record(count), offset)
    }
}

fn record(count: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    let (number, check) = record.split_at_mut(8);
    number.copy_from_slice(&count.to_be_bytes());
    check.copy_from_slice(&Sha256::digest(&*number)[..8]);
    record
}

fn read(file: &File) -> io::Result<Said> {
    let mut highest = None;
    for turn in 0..2 {
        let mut bytes = [0; RECORD];
        match file.read_exact_at(&mut bytes, turn * RECORD as u64) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(error),
        }
        let (number, _) = bytes.split_first_chunk().expect("8 of 16 bytes");
        let count = u64::from_be_bytes(*number);
        if bytes == record(count) {
            highest = highest.max(Some(count));
        }
    }
    Ok(highest.map_or(Said::Garbled, Said::Count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_count_that_can_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("counts");
        let (count, said) = FlushCount::open(&folder, "a").unwrap();
        assert_eq!(said, Said::Nothing);
        let said = || FlushCount::open(&folder, "a").unwrap().1;
        assert_eq!(said(), Said::Count(0));
        for number in 1..=3 {
            count.write(number).unwrap();
            assert_eq!(said(), Said::Count(number));
        }
        // The newest record is cut short: the one before it stands.
        count.0.write_all_at(&[0xFF], 16).unwrap();
        assert_eq!(said(), Said::Count(2));
        count.0.write_all_at(&[0xFF], 0).unwrap();
        assert_eq!(said(), Said::Garbled);
    }
}
