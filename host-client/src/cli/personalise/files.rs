//! An authority's files: PREFIX.pem, its certificate, and PREFIX.key, its secret key.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tillcard_personalise::Authority;
use zeroize::Zeroizing;

use crate::cli::Failure;

/// Mode of a file that its owner alone may read.
const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;

/// Both files.
pub(super) struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    pub(super) fn new(prefix: &Path) -> Self {
        Self {
            certificate: with_suffix(prefix, ".pem"),
            key: with_suffix(prefix, ".key"),
        }
    }

    pub(super) fn read(&self) -> Result<Authority, Failure> {
        let certificate = fs::read_to_string(&self.certificate).map_err(at(&self.certificate))?;
        let key = fs::read_to_string(&self.key).map_err(at(&self.key))?;
        Authority::from_pem(&certificate, &Zeroizing::new(key)).map_err(|error| {
            Failure::new(format!(
                "{} and {}: {error}",
                self.certificate.display(),
                self.key.display()
            ))
        })
    }

    /// Writes both; a file that is there is left alone.
    pub(super) fn write(&self, authority: &Authority) -> Result<(), Failure> {
        write_new(&self.key, authority.key_pem()?.as_bytes(), SECRET)?;
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

    /// What is written, in words.
    pub(super) fn told(&self) -> String {
        format!(
            "Its certificate is in {}, for everybody; its secret key in {}, for nobody but you.",
            self.certificate.display(),
            self.key.display()
        )
    }
}

/// Writes a file that everybody may read; one that is there is left alone.
pub(super) fn write_public(path: &Path, text: &str) -> Result<(), Failure> {
    write_new(path, text.as_bytes(), PUBLIC)
}

/// Replaces a file as a whole, or leaves it as it is.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let replaced = || -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .permissions(fs::Permissions::from_mode(PUBLIC))
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()
    };
    replaced().map_err(at(path))
}

/// A failure that names the file.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::new(format!("{}: {error}", path.display()))
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Failure> {
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
        io::ErrorKind::AlreadyExists => Failure::new(format!(
            "{} is there already, and is never overwritten",
            path.display()
        )),
        _ => at(path)(error),
    })
}

fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(prefix);
    path.push(suffix);
    PathBuf::from(path)
}
