//! Where the lines of a record go: to a file, or into memory until the record of the whole run takes
//! them over.

use crate::card::Owner;
use crate::trace::Line;
use std::fs::File;
use std::io::{self, LineWriter, Read, Write};
use std::path::Path;

/// What stands on a line of its own in a file.
pub(super) trait Written {
    /// Writes it, with the line's end.
    fn write(&self, to: &mut dyn Write) -> io::Result<()>;
    /// The same, to be kept.
    fn kept(&self) -> Self::Kept;
    /// What is kept of it.
    type Kept;
}

impl Written for Line<'_> {
    type Kept = Line<'static>;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        to.write_all(&line)
    }

    fn kept(&self) -> Line<'static> {
        self.clone().into_owned()
    }
}

impl Written for Owner {
    type Kept = Self;

    fn write(&self, to: &mut dyn Write) -> io::Result<()> {
        writeln!(to, "{}", self.line())
    }

    fn kept(&self) -> Self {
        *self
    }
}

/// Where lines go, whose kept form is `T`.
pub(super) enum Sink<T> {
    /// They aren't kept.
    Nowhere,
    /// Into a file.
    File(LineWriter<File>),
    /// Into memory.
    Memory(Vec<T>),
    /// The file failed so.
    Failed(String),
}

impl<T> Sink<T> {
    /// A file to be made anew, or to be gone on with after its last whole line.
    pub(super) fn file(path: Option<&Path>, goes_on: bool) -> io::Result<Self> {
        let file = path.map(|path| open(path, goes_on)).transpose()?;
        Ok(file.map_or(Self::Nowhere, |file| Self::File(LineWriter::new(file))))
    }

    pub(super) const fn memory() -> Self {
        Self::Memory(Vec::new())
    }

    /// Whether lines are kept.
    pub(super) const fn takes(&self) -> bool {
        matches!(self, Self::File(_) | Self::Memory(_))
    }

    pub(super) fn put<L: Written<Kept = T>>(&mut self, line: &L) {
        match self {
            Self::File(file) => {
                if let Err(e) = line.write(file) {
                    *self = Self::Failed(e.to_string());
                }
            }
            Self::Memory(lines) => lines.push(line.kept()),
            Self::Nowhere | Self::Failed(_) => {}
        }
    }

    /// The lines that are in memory, once.
    pub(super) fn take(&mut self) -> Vec<T> {
        match self {
            Self::Memory(lines) => std::mem::take(lines),
            _ => Vec::new(),
        }
    }

    /// Writes out what a file still lacks.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        match self {
            Self::File(file) => file.flush().map_err(|e| e.to_string()),
            Self::Failed(why) => Err(why.clone()),
            Self::Nowhere | Self::Memory(_) => Ok(()),
        }
    }
}

/// Opens a file of lines anew, or to write after its last whole line.
fn open(path: &Path, goes_on: bool) -> std::io::Result<File> {
    if !goes_on {
        return File::create(path);
    }
    let mut options = File::options();
    let mut file = options.read(true).append(true).create(true).open(path)?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    let whole = (bytes.iter().rposition(|byte| *byte == b'\n')).map_or(0, |at| at + 1);
    file.set_len(whole as u64)?;
    Ok(file)
}
