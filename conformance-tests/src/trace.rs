//! The trace: one JSON object on a line for each APDU, reset and change of cards.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// Another card is in use; its answer to reset is with it, and the seed that was asked for.
pub const CARD: &str = "card inserted";
/// The card in use is as one that was never issued, again.
pub const RENEWED: &str = "made fresh by FACTORY RESET";
/// The power went off and on; the answer to reset is with it.
pub const COLD: &str = "power off and on";
/// The reset line alone; the answer to reset is with it.
pub const WARM: &str = "warm reset";
/// The power was found to be gone.
pub const NO_POWER: &str = "the power is gone";
/// The memory was read: what is other in it than when it was read last is with it.
pub const MEMORY: &str = "the memory was read";
/// The reader or the link failed, or no card came; why is with it.
pub const FAILED: &str = "failed";
/// The run goes on after an interruption; the cases that have verdicts are with it.
pub const GOES_ON: &str = "the run goes on";

/// Bytes of an erased memory.
const ERASED: u8 = 0xFF;
/// Bytes that are the same between two that aren't, and are written all the same.
const GAP: usize = 8;

/// One line of the trace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Line<'a> {
    /// The case that it belongs to, or `shared card`.
    pub case: Cow<'a, str>,
    /// The number of the card, from 1.
    pub card: u32,
    /// Nanoseconds since the run began.
    pub at_ns: u64,
    /// Nanoseconds that the exchange took.
    pub took_ns: u64,
    /// What happened to the card, where it isn't an APDU.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event: Option<Cow<'a, str>>,
    /// A command, in hexadecimal, without secrets.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command: Option<Cow<'a, str>>,
    /// Its answer; an answer to reset.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub answer: Option<Cow<'a, str>>,
    /// What else belongs to an event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<Cow<'a, str>>,
}

impl Line<'_> {
    /// The same line, to be kept.
    pub(crate) fn into_owned(self) -> Line<'static> {
        let own = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Line {
            case: own(self.case),
            card: self.card,
            at_ns: self.at_ns,
            took_ns: self.took_ns,
            event: self.event.map(own),
            command: self.command.map(own),
            answer: self.answer.map(own),
            detail: self.detail.map(own),
        }
    }
}

/// The lines of a trace. The last one may be half written, and isn't given then.
///
/// # Errors
/// When the file can't be opened.
pub fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<Line<'static>>> + use<>> {
    let mut file = BufReader::new(File::open(path)?);
    Ok(std::iter::from_fn(move || {
        let mut text = String::new();
        match file.read_line(&mut text) {
            Ok(0) => None,
            Ok(_) if !text.ends_with('\n') => None,
            Ok(_) => Some(serde_json::from_str(&text).map_err(io::Error::from)),
            Err(e) => Some(Err(e)),
        }
    }))
}

/// What is other in a memory than before, as places and bytes: `64:00FF 128:AB`.
#[must_use]
pub fn difference(before: &[u8], now: &[u8]) -> String {
    let old = |at: usize| before.get(at).copied().unwrap_or(ERASED);
    let differs: Vec<usize> = (0..now.len()).filter(|at| now[*at] != old(*at)).collect();
    let runs = differs.chunk_by(|one, next| next - one <= GAP);
    let written = runs.map(|run| {
        let (from, to) = (run[0], run[run.len() - 1]);
        format!("{from}:{}", hex::encode_upper(&now[from..=to]))
    });
    let written: Vec<String> = written.collect();
    format!("{} {}", now.len(), written.join(" "))
}

/// The memory that a difference leads to.
#[must_use]
pub fn changed(before: &[u8], difference: &str) -> Option<Vec<u8>> {
    let (length, runs) = difference.split_once(' ')?;
    let mut memory = before.to_vec();
    memory.resize(length.parse().ok()?, ERASED);
    for run in runs.split(' ').filter(|run| !run.is_empty()) {
        let (from, bytes) = run.split_once(':')?;
        let (from, bytes) = (from.parse::<usize>().ok()?, hex::decode(bytes).ok()?);
        let to = from.checked_add(bytes.len())?;
        memory.get_mut(from..to)?.copy_from_slice(&bytes);
    }
    Some(memory)
}

#[cfg(test)]
mod tests {
    use super::{changed, difference};
    use crate::values::Values;

    #[test]
    fn a_memory_is_what_its_differences_lead_to() {
        let mut stream = Values::new(1, "memory").stream("");
        let mut before = Vec::new();
        for size in [0, 1, 300, 300, 500, 200] {
            let mut now = before.clone();
            now.resize(size, 0xFF);
            for _ in 0..size / 10 {
                now[stream.below(size as u64) as usize] = stream.below(256) as u8;
            }
            let told = difference(&before, &now);
            assert_eq!(changed(&before, &told).as_ref(), Some(&now), "{told}");
            before = now;
        }
        for wrong in ["", "3", "3 5:AA", "3 x:AA", "3 0:A", "9 1"] {
            assert_eq!(changed(&[], wrong), None, "{wrong}");
        }
    }
}
