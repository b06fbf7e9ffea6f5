//! Cards that answer as a trace says.

use super::{About, Fault, Link, Reset, Target};
use crate::failure::{Code, Failure};
use crate::trace::{self, Line, lines};
use std::cell::RefCell;
use std::io;
use std::iter::Peekable;
use std::path::Path;
use std::rc::Rc;

/// Hexadecimal digits that stand for a PIN block and for a key.
const PIN: usize = 16;
const KEY: usize = 64;

type Lines = Box<dyn Iterator<Item = io::Result<Line<'static>>>>;

/// A trace that is played.
#[derive(Clone)]
pub struct Tape(Rc<RefCell<Played>>);

struct Played {
    lines: Peekable<Lines>,
    /// The PIN block that the suite sent last, which the trace leaves out.
    pin: String,
    /// The card's memory when it was read last.
    memory: Vec<u8>,
    /// Why no more is played.
    over: Option<Failure>,
}

impl Tape {
    /// Begins to play.
    ///
    /// # Errors
    /// When the trace can't be read.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let lines = lines(path)
            .map_err(|e| Code::Unreadable.because(format!("{}: {e}", path.display())))?;
        // That a card was made fresh follows from what was sent to it.
        let says_more = |line: &io::Result<Line>| {
            (line.as_ref()).map_or(true, |line| line.event.as_deref() != Some(trace::RENEWED))
        };
        let lines: Lines = Box::new(lines.filter(says_more));
        Ok(Self(Rc::new(RefCell::new(Played {
            lines: lines.peekable(),
            pin: String::new(),
            memory: Vec::new(),
            over: None,
        }))))
    }

    /// Why the trace isn't one of the cases that were put to it, if so.
    #[must_use]
    pub fn misfit(&self) -> Option<Failure> {
        let played = self.0.borrow();
        (played.over.clone()).filter(|failure| failure.code != Code::TraceEnds)
    }

    /// The cases that had verdicts when the run went on here, after an interruption, and how many
    /// owners it had had.
    #[must_use]
    pub fn goes_on(&self) -> Option<(usize, Vec<String>)> {
        let mut played = self.0.borrow_mut();
        let line = played.next_if(trace::GOES_ON)?;
        played.over = None;
        let detail = line.detail.unwrap_or_default();
        let (owners, cases) = detail.split_once(' ').unwrap_or((&detail, ""));
        let cases = cases.split(' ').filter(|case| !case.is_empty());
        Some((owners.parse().ok()?, cases.map(str::to_owned).collect()))
    }
}

impl Played {
    /// The next line, if it is of this event.
    fn next_if(&mut self, event: &str) -> Option<Line<'static>> {
        let is_it = |line: &io::Result<Line>| {
            (line.as_ref()).is_ok_and(|line| line.event.as_deref() == Some(event))
        };
        self.lines.next_if(is_it)?.ok()
    }

    /// The next line, which must be one that `fits`; or the failure that it tells of.
    fn next(&mut self, what: &str, fits: impl Fn(&Line) -> bool) -> Result<Line<'static>, Failure> {
        if let Some(over) = &self.over {
            return Err(over.clone());
        }
        if let Some(failed) = self.next_if(trace::FAILED) {
            return Err(failure(&failed.detail.unwrap_or_default()));
        }
        let ends = match self.lines.peek() {
            Some(Ok(line)) if fits(line) => None,
            Some(Ok(line)) if line.event.as_deref() != Some(trace::GOES_ON) => {
                let there = line.command.as_deref().or(line.event.as_deref());
                let there = there.unwrap_or_default();
                let case = &line.case;
                Some(Code::OtherTrace.because(format!(
                    "the trace isn't of this run: the suite's next is {what}, and the trace has \
                     {there} (case {case})"
                )))
            }
            Some(Err(e)) => Some(Code::Unreadable.because(format!("the trace: {e}"))),
            _ => Some(Code::TraceEnds.because("the trace ends here")),
        };
        if let Some(ends) = ends {
            self.over = Some(ends.clone());
            return Err(ends);
        }
        match self.lines.next() {
            Some(Ok(line)) => Ok(line),
            _ => Err(Code::TraceEnds.because("the trace ends here")),
        }
    }

    /// The card that was asked for with this seed. What comes before it was said to another one,
    /// whose case has ended earlier than it did then.
    fn card(&mut self, seed: u64) -> Result<Line<'static>, Failure> {
        let seed = seed.to_string();
        let is_it = |line: &Line| {
            line.event.as_deref() == Some(trace::CARD) && line.detail.as_deref() == Some(&seed)
        };
        let stops = |line: &Line| {
            matches!(line.event.as_deref(), Some(trace::FAILED | trace::GOES_ON)) || is_it(line)
        };
        while self.over.is_none()
            && (self.lines)
                .next_if(|line| line.as_ref().is_ok_and(|line| !stops(line)))
                .is_some()
        {}
        self.next(trace::CARD, is_it)
    }

    fn event(&mut self, event: &str) -> Result<Line<'static>, Failure> {
        self.next(event, |line| line.event.as_deref() == Some(event))
    }
}

/// A failure as it was written: its reason, and its code in brackets.
fn failure(text: &str) -> Failure {
    let (reason, code) = (text.rsplit_once(" [")).unwrap_or((text, ""));
    let named = |known: &&Code| code.strip_suffix(']') == Some(known.name());
    let code = Code::ALL.iter().find(named).copied();
    code.unwrap_or(Code::ReaderFailed).because(reason)
}

/// Whether a command is the one in the trace, which leaves out secrets, and the PIN block in it.
fn fits(recorded: &str, sent: &str) -> (bool, Option<String>) {
    let (mut rest, mut pin) = (sent, None);
    for (number, part) in recorded.split('<').enumerate() {
        let mut plain = part;
        if number > 0 {
            let (name, after) = part.split_once('>').unwrap_or((part, ""));
            let bytes = name
                .strip_prefix("pin:")
                .and_then(|count| count.parse().ok());
            let digits = match name {
                "pin" => PIN,
                "key" => KEY,
                _ => bytes.map_or(0, |bytes: usize| bytes.saturating_mul(2)),
            };
            let Some(secret) = rest.get(..digits) else {
                return (false, None);
            };
            if name != "key" && digits == PIN {
                pin = Some(secret.to_owned());
            }
            rest = &rest[digits..];
            plain = after;
        }
        match rest.strip_prefix(plain) {
            Some(after) => rest = after,
            None => return (false, None),
        }
    }
    (rest.is_empty(), pin)
}

fn bytes(text: Option<&str>) -> Result<Vec<u8>, Failure> {
    hex::decode(text.unwrap_or_default())
        .map_err(|e| Code::Unreadable.because(format!("the trace: {e}")))
}

/// Gives the cards of a trace, in the order in which they were put in.
pub struct ReplayTarget {
    tape: Tape,
    name: String,
}

impl ReplayTarget {
    /// The cards of a trace of a target called so.
    #[must_use]
    pub fn new(tape: Tape, name: &str) -> Self {
        Self {
            tape,
            name: name.to_owned(),
        }
    }
}

impl Target for ReplayTarget {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn about(&self) -> About {
        About::default()
    }

    fn fresh_card(&mut self, seed: u64) -> Result<Box<dyn Link>, Failure> {
        let mut played = self.tape.0.borrow_mut();
        let line = played.card(seed)?;
        played.memory.clear();
        Ok(Box::new(Replayed {
            tape: self.tape.clone(),
            atr: bytes(line.answer.as_deref())?,
            took_ns: 0,
        }))
    }
}

/// A card of a trace.
struct Replayed {
    tape: Tape,
    atr: Vec<u8>,
    took_ns: u64,
}

impl Link for Replayed {
    fn atr(&self) -> Vec<u8> {
        self.atr.clone()
    }

    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, Failure> {
        let sent = hex::encode_upper(command);
        let mut played = self.tape.0.borrow_mut();
        let line = played.next(&sent, |line| {
            (line.command.as_deref()).is_some_and(|recorded| fits(recorded, &sent).0)
        })?;
        if let (_, Some(pin)) = fits(line.command.as_deref().unwrap_or_default(), &sent) {
            played.pin = pin;
        }
        self.took_ns = line.took_ns;
        let answer = line
            .answer
            .unwrap_or_default()
            .replace("<pin>", &played.pin);
        bytes(Some(&answer))
    }

    fn reset(&mut self, how: Reset) -> Result<(), Failure> {
        let line = (self.tape.0.borrow_mut()).event(match how {
            Reset::Cold => trace::COLD,
            Reset::Warm => trace::WARM,
        })?;
        self.atr = bytes(line.answer.as_deref())?;
        Ok(())
    }

    fn inject(&mut self, fault: &Fault) -> Result<bool, Failure> {
        let mut played = self.tape.0.borrow_mut();
        if let Some(failed) = played.next_if(trace::FAILED) {
            return Err(failure(&failed.detail.unwrap_or_default()));
        }
        Ok(played.next_if(fault.name()).is_some())
    }

    fn has_power(&mut self) -> bool {
        self.tape.0.borrow_mut().next_if(trace::NO_POWER).is_none()
    }

    fn memory(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut played = self.tape.0.borrow_mut();
        let Some(line) = played.next_if(trace::MEMORY) else {
            return Ok(None);
        };
        let told = line.detail.unwrap_or_default();
        let memory = trace::changed(&played.memory, &told)
            .ok_or_else(|| Code::Unreadable.because("the trace: no difference of a memory"))?;
        played.memory.clone_from(&memory);
        Ok(Some(memory))
    }

    fn took_ns(&self) -> Option<u64> {
        Some(self.took_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::{failure, fits};
    use crate::failure::Code;

    #[test]
    fn a_command_fits_whatever_its_secrets_are() {
        let pin = "241234FFFFFFFFFF";
        let sent = format!("0020008008{pin}");
        assert_eq!(
            fits("0020008008<pin:8>", &sent),
            (true, Some(pin.to_owned()))
        );
        assert_eq!(fits("00CA0100", "00CA0100"), (true, None));
        let long = format!("8010{}99{pin}77", "5".repeat(64));
        assert_eq!(
            fits("8010<key>99<pin>77", &long),
            (true, Some(pin.to_owned()))
        );
        for wrong in [
            "0020008008<pin:7>",
            "0020008009<pin:8>",
            "0020008008<key>",
            "00",
            "",
        ] {
            assert!(!fits(wrong, &sent).0, "{wrong}");
        }
    }

    #[test]
    fn a_failure_reads_back() {
        for code in Code::ALL {
            let told = code.because("it [was] so");
            assert_eq!(failure(&told.to_string()), told);
        }
    }
}
