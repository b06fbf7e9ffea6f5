//! A file with what happens to cards.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tracing::error;

use super::{Entry, Trace};

/// JSON Lines, one for each entry of a trace, with the card's name; clones are the same file. Each line
/// is in the file before the next command is asked.
#[derive(Clone)]
pub struct TraceFile(Arc<Mutex<Option<File>>>);

#[derive(Serialize)]
struct Line<'a> {
    card: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl TraceFile {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self(Arc::new(Mutex::new(Some(File::create(path)?)))))
    }

    /// Has each entry of a trace from now on written to the file too, with the card's name.
    pub fn follow(&self, trace: &Trace, card: &str) {
        let (file, card) = (self.clone(), card.to_owned());
        trace.follow(move |entry| file.write(&card, entry));
    }

    /// A file that can't be written any more is left, and the log says so: the cards go on.
    fn write(&self, card: &str, entry: &Entry) {
        let mut place = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &mut *place else {
            return;
        };
        let written = serde_json::to_vec(&Line { card, entry })
            .map_err(io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                file.write_all(&line)
            });
        if let Err(reason) = written {
            error!(%reason, "the trace ends here");
            *place = None;
        }
    }
}
