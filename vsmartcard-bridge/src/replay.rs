//! Giving a card again what a trace says that a card was given, to see where it answers otherwise.
//!
//! The same test card with the same seed answers the same, byte for byte: its keys and challenges are
//! the same, and a channel's too, when its client's key is. A PIN isn't in a trace: where one was
//! right, the card's own is given, and where it was wrong, another.

use serde::Deserialize;
use tillcard_protocol::command::Verify;
use tillcard_protocol::pin::PinBlock;

use crate::slot::{CardInSlot, SlotError};
use crate::test_cards::TestCard;

/// What is read of a line.
#[derive(Deserialize)]
struct Line {
    card: String,
    event: String,
    name: Option<String>,
    command: Option<String>,
    #[serde(default)]
    redacted: bool,
    answer: Option<String>,
}

/// How a replay ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The card answered as the trace says, to so many commands.
    Same(u64),
    /// It didn't.
    Different(Difference),
}

/// The first command that was answered otherwise.
#[derive(Debug, PartialEq, Eq)]
pub struct Difference {
    /// The line of the trace, from 1.
    pub line: usize,
    /// The command, in hexadecimal digits.
    pub command: String,
    /// The answer that the trace has, in hexadecimal digits; none where there was none.
    pub traced: Option<String>,
    /// The answer that the card gives now.
    pub given: Option<String>,
}

/// Why a trace can't be replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// A line isn't one of a trace.
    #[error("line {0} isn't one of a trace: {1}")]
    NotATrace(usize, String),
    /// The command's data isn't in the trace, and isn't known otherwise.
    #[error("line {0}: the data of {1} isn't in the trace, since it is secret")]
    Secret(usize, String),
    /// The trace has no line on the card.
    #[error("the trace says nothing of a card called {0}")]
    NoLines(String),
}

impl ReplayError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotATrace(..) => "not-a-trace",
            Self::Secret(..) => "trace-redacted",
            Self::NoLines(_) => "trace-of-another",
        }
    }
}

/// Gives a card, as it was made, what the trace says that the card of its name was given.
///
/// # Errors
/// [`ReplayError`]
pub fn replay(trace: &str, test: &mut TestCard) -> Result<Replayed, ReplayError> {
    let mut commands = 0;
    let mut lines = 0;
    for (number, text) in (1..).zip(trace.lines()) {
        let line: Line = serde_json::from_str(text)
            .map_err(|error| ReplayError::NotATrace(number, error.to_string()))?;
        if line.card != test.about.name {
            continue;
        }
        lines += 1;
        match line.event.as_str() {
            // What a card can't do then, it couldn't do before either.
            "power-on" => drop(test.card.power_on()),
            "power-off" => test.card.power_off(),
            // What went wrong is in the answer.
            "fault" => {}
            "warm-reset" => drop(test.card.warm_reset()),
            "command" => {
                commands += 1;
                let command = command(number, &line, test.about.pin.as_deref())?;
                let given = answer(&mut *test.card, &command);
                if given != line.answer {
                    return Ok(Replayed::Different(Difference {
                        line: number,
                        command: line.command.unwrap_or_default(),
                        traced: line.answer,
                        given,
                    }));
                }
            }
            other => return Err(ReplayError::NotATrace(number, format!("event {other}"))),
        }
    }
    match lines {
        0 => Err(ReplayError::NoLines(test.about.name.clone())),
        _ => Ok(Replayed::Same(commands)),
    }
}

fn answer(card: &mut dyn CardInSlot, command: &[u8]) -> Option<String> {
    let answer: Result<&[u8], SlotError> = card.transmit(command);
    answer.ok().map(hex::encode_upper)
}

/// The command's bytes; of one that is redacted, what had the same answer.
fn command(number: usize, line: &Line, pin: Option<&str>) -> Result<Vec<u8>, ReplayError> {
    if !line.redacted {
        let digits = line.command.as_deref().unwrap_or_default();
        return hex::decode(digits)
            .map_err(|error| ReplayError::NotATrace(number, error.to_string()));
    }
    let name = line.name.clone().unwrap_or_default();
    let pin = pin.filter(|_| name == "VERIFY");
    let pin = pin.ok_or(ReplayError::Secret(number, name))?;
    let was_right = line.answer.as_deref() == Some("9000");
    let typed = match (was_right, pin) {
        (true, pin) => pin,
        (false, "0000") => "1111",
        (false, _) => "0000",
    };
    let block = PinBlock::from_digits(typed.as_bytes());
    let block = block.ok_or_else(|| ReplayError::NotATrace(number, "no PIN".into()))?;
    Ok(Verify::to_apdu(&block).as_bytes().to_vec())
}
