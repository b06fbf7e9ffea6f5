//! What is said of a card before it is tested: by its maker, and by the laboratory.

mod ics;
mod ixit;
mod probe;

pub use ics::{Declaration, Ics, Product, Sizes, StatedOptions};
pub use ixit::Ixit;
pub use probe::probe;

use crate::failure::{Code, Failure};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

/// Reads a maker's statement.
///
/// # Errors
/// When the file can't be read, isn't one, or is about another version of the text.
pub fn read_ics(path: &Path) -> Result<Ics, Failure> {
    let ics: Ics = read(path, Code::BadIcs)?;
    if hex::decode(&ics.atr).is_err() {
        return Err(bad(Code::BadIcs, path, "the ATR isn't hexadecimal"));
    }
    if !ics.is_of_this_text() {
        let other = format!("it is about version {} of the protocol", ics.protocol);
        return Err(bad(Code::BadIcs, path, other));
    }
    Ok(ics)
}

/// Reads how a laboratory tests.
///
/// # Errors
/// When the file can't be read, or isn't one.
pub fn read_ixit(path: &Path) -> Result<Ixit, Failure> {
    read(path, Code::BadIxit)
}

pub(crate) fn read<T: DeserializeOwned>(path: &Path, code: Code) -> Result<T, Failure> {
    let text = fs::read_to_string(path)
        .map_err(|e| Code::Unreadable.because(format!("{}: {e}", path.display())))?;
    toml::from_str(&text).map_err(|e| bad(code, path, e))
}

fn bad(code: Code, path: &Path, why: impl std::fmt::Display) -> Failure {
    code.because(format!("{}: {why}", path.display()))
}

/// Writes such a file, where there is none yet.
///
/// # Errors
/// When it can't be written, or there is one.
pub fn write_new(path: &Path, about: &str, what: &impl Serialize) -> Result<(), Failure> {
    let failed = |why: String| {
        Code::ReportNotWritten.because(format!("{} can't be written: {why}", path.display()))
    };
    let text = toml::to_string(what).map_err(|e| failed(e.to_string()))?;
    File::create_new(path)
        .and_then(|mut file| write!(file, "# {about}\n\n{text}"))
        .map_err(|e| failed(e.to_string()))
}
