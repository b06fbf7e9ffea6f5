//! One service at a till's folder, and no `till pay` beside it: who would be at which reader?

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// The lock's file in the till's folder.
const FILE: &str = "service.lock";

/// The folder is this service's.
pub(crate) struct FolderLock(File);

impl FolderLock {
    /// Takes the folder; what the service that has it wrote into it, when it has one.
    pub(crate) fn take(folder: &Path) -> io::Result<Result<Self, String>> {
        fs::create_dir_all(folder)?;
        let path = folder.join(FILE);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Ok(Self(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Err(fs::read_to_string(path)?)),
            Err(error) => Err(error.into()),
        }
    }

    /// The service that has the folder, if there is one: where it listens.
    pub(crate) fn holder(folder: &Path) -> io::Result<Option<String>> {
        if !folder.join(FILE).exists() {
            return Ok(None);
        }
        Ok(Self::take(folder)?.err())
    }

    /// Says where the service listens.
    pub(crate) fn tell(&mut self, address: &str) -> io::Result<()> {
        self.0.set_len(0)?;
        self.0.write_all(address.as_bytes())?;
        self.0.sync_all()
    }
}
