//! A file with what happens to cards.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tracing::error;

use super::{Entry, Trace, pcap};

/// A file to which traces are written; clones are the same file. Each entry is in the file before the next
/// command is asked.
#[derive(Clone)]
pub struct TraceFile(Arc<Mutex<Open>>);

struct Open {
    /// None when it couldn't be written any more.
    file: Option<File>,
    form: Form,
    /// Cards that were followed so far.
    cards: u8,
}

#[derive(Clone, Copy)]
enum Form {
    JsonLines,
    Pcap,
}

#[derive(Serialize)]
struct Line<'a> {
    card: &'a str,
    #[serde(flatten)]
    entry: &'a Entry,
}

impl TraceFile {
    /// Makes the file, or empties it. It gets a line of JSON for each entry, with the card's name.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        Ok(Self::new(File::create(path)?, Form::JsonLines))
    }

    /// Makes the file, or empties it. It gets a packet for each command that is answered, for Wireshark
    /// (GSMTAP, type SIM); each card has an address of its own, 127.0.0.1 for the first.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn create_pcap(path: &Path) -> io::Result<Self> {
        let mut file = File::create(path)?;
        file.write_all(&pcap::file_header())?;
        Ok(Self::new(file, Form::Pcap))
    }

    fn new(file: File, form: Form) -> Self {
        let file = Some(file);
        let cards = 0;
        Self(Arc::new(Mutex::new(Open { file, form, cards })))
    }

    /// Has each entry of a trace from now on written to the file too.
    pub fn follow(&self, trace: &Trace, card: &str) {
        let number = {
            let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            open.cards = open.cards.saturating_add(1);
            open.cards
        };
        let (file, card) = (self.clone(), card.to_owned());
        trace.follow(move |entry| file.write(&card, number, entry));
    }

    /// A file that can't be written any more is left, and the log says so: the cards go on.
    fn write(&self, card: &str, number: u8, entry: &Entry) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = match open.form {
            Form::JsonLines => line(card, entry),
            Form::Pcap => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH);
                pcap::packet(entry, number, now.unwrap_or_default())
            }
        };
        let (Some(bytes), Some(file)) = (bytes, &mut open.file) else {
            return;
        };
        if let Err(reason) = file.write_all(&bytes) {
            error!(%reason, "the trace ends here");
            open.file = None;
        }
    }
}

fn line(card: &str, entry: &Entry) -> Option<Vec<u8>> {
    let mut line = serde_json::to_vec(&Line { card, entry }).ok()?;
    line.push(b'\n');
    Some(line)
}
