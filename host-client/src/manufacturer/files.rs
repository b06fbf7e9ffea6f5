//! An authority's files: PREFIX.pem, its certificate, and PREFIX.key, its secret key.

use std::ffi::OsString;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tillcard_personalise::Authority;
use zeroize::Zeroizing;

use super::ManufacturerError;
use crate::atomic_file::{self, PRIVATE, PUBLIC};

/// PREFIX.pem, the certificate, and PREFIX.key, the secret key.
pub struct AuthorityFiles {
    certificate: PathBuf,
    key: PathBuf,
}

impl AuthorityFiles {
    /// The files of this prefix.
    pub fn new(prefix: &Path) -> Self {
        Self {
            certificate: with_suffix(prefix, ".pem"),
            key: with_suffix(prefix, ".key"),
        }
    }

    /// Reads both.
    ///
    /// # Errors
    /// [`ManufacturerError::Io`], [`ManufacturerError::File`].
    pub fn read(&self) -> Result<Authority, ManufacturerError> {
        let certificate = fs::read_to_string(&self.certificate).map_err(at(&self.certificate))?;
        let key = fs::read_to_string(&self.key).map_err(at(&self.key))?;
        Authority::from_pem(&certificate, &Zeroizing::new(key)).map_err(|cause| {
            ManufacturerError::File {
                path: format!("{} and {}", self.certificate.display(), self.key.display()),
                cause,
            }
        })
    }

    /// Writes both; a file that is there is left alone.
    ///
    /// # Errors
    /// [`ManufacturerError::FileExists`], [`ManufacturerError::Io`].
    pub fn write(&self, authority: &Authority) -> Result<(), ManufacturerError> {
        write_new(&self.key, authority.key_pem()?.as_bytes(), PRIVATE)?;
        let written = write_new(
            &self.certificate,
            authority.certificate_pem()?.as_bytes(),
            PUBLIC,
        );
        if written.is_err() {
            // It is of no use without its certificate, and stands in the way of the next attempt.
            let _ = fs::remove_file(&self.key);
        }
        written
    }

    /// The certificate's file.
    pub fn certificate(&self) -> &Path {
        &self.certificate
    }

    /// The secret key's file.
    pub fn key(&self) -> &Path {
        &self.key
    }
}

/// Writes a file that everybody may read; one that is there is left alone.
pub(super) fn write_public(path: &Path, text: &str) -> Result<(), ManufacturerError> {
    write_new(path, text.as_bytes(), PUBLIC)
}

/// Replaces a certificate revocation list as a whole, or leaves it as it is.
///
/// # Errors
/// [`ManufacturerError::Io`].
pub fn replace_list(path: &Path, text: &str) -> Result<(), ManufacturerError> {
    atomic_file::replace(path, text.as_bytes(), PUBLIC).map_err(at(path))
}

/// Reads a file; none when it isn't there.
///
/// # Errors
/// [`ManufacturerError::Io`].
pub fn read_file(path: &Path) -> Result<Option<Vec<u8>>, ManufacturerError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(at(path)(error)),
    }
}

/// A failure that names the file.
fn at(path: &Path) -> impl FnOnce(io::Error) -> ManufacturerError {
    let path = path.to_path_buf();
    move |source| ManufacturerError::Io { path, source }
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), ManufacturerError> {
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => ManufacturerError::FileExists(path.to_path_buf()),
        _ => at(path)(error),
    })
}

fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(prefix);
    path.push(suffix);
    PathBuf::from(path)
}
