//! Keeps what went over the link: the trace, and the answers for the leak sweep.

mod part;
mod redact;
mod sink;

use crate::apdu::Answer;
use crate::card::Owner;
use crate::card_under_test::Reset;
use crate::failure::Failure;
use crate::leak::Leaks;
use crate::options::Options;
use crate::report::Gathered;
use crate::trace::{CARD, COLD, FAILED, GOES_ON, Line, MEMORY, RENEWED, WARM, difference};
pub(crate) use part::Part;
use redact::without_secrets;
use sink::Sink;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Instant;

/// One run's record.
pub struct Recorder {
    began: Instant,
    trace: Sink<Line<'static>>,
    owners: Sink<Owner>,
    case: String,
    card: u32,
    apdus: u64,
    pins: Vec<String>,
    /// What every card of the run answered to reset.
    pub atrs: BTreeSet<String>,
    /// What every card of the run answered to SELECT.
    pub fcis: BTreeSet<String>,
    /// The leak sweep.
    pub leaks: Leaks,
    /// The card's memory when it was read last, where there is a trace.
    memory: Vec<u8>,
    /// The seed of the card that was asked for last.
    seed: u64,
}

impl Recorder {
    /// Starts a record, or goes on with one: a trace of one JSON object per line, and who owns the
    /// cards.
    ///
    /// # Errors
    /// When a file can't be made.
    pub fn new(options: &Options, gathered: &Gathered) -> std::io::Result<Self> {
        let goes_on = options.begun.is_some();
        let mut recorder = Self {
            atrs: gathered.atrs.clone(),
            fcis: gathered.selects.clone(),
            leaks: Leaks::after(gathered.searched.clone()),
            ..Self::into_sinks(
                Instant::now(),
                Sink::file(options.trace.as_deref(), goes_on)?,
                Sink::file(options.owners.as_deref(), goes_on)?,
            )
        };
        if let Some(begun) = &options.begun {
            let done: Vec<&str> = begun
                .report
                .cases
                .iter()
                .map(|case| case.id.as_str())
                .collect();
            let told = format!("{} {}", begun.owners.len(), done.join(" "));
            recorder.happened(GOES_ON, None, Some(told));
        }
        Ok(recorder)
    }

    /// The record of a part of a run that began then, kept in memory until that run's record
    /// takes it over; with a trace or without.
    pub(crate) fn apart(began: Instant, traced: bool) -> Self {
        let trace = if traced {
            Sink::memory()
        } else {
            Sink::Nowhere
        };
        Self::into_sinks(began, trace, Sink::memory())
    }

    fn into_sinks(began: Instant, trace: Sink<Line<'static>>, owners: Sink<Owner>) -> Self {
        Self {
            began,
            trace,
            owners,
            case: String::new(),
            card: 0,
            apdus: 0,
            pins: Vec::new(),
            atrs: BTreeSet::new(),
            fcis: BTreeSet::new(),
            leaks: Leaks::default(),
            memory: Vec::new(),
            seed: 0,
        }
    }

    /// From here on lines belong to this case.
    pub fn enter_case(&mut self, id: &str) {
        id.clone_into(&mut self.case);
    }

    /// The next card takes its randomness from this, if it is an emulated one.
    pub fn expects_card(&mut self, seed: u64) {
        self.seed = seed;
    }

    /// From here on lines belong to the next card.
    pub fn enter_card(&mut self, atr: &[u8]) {
        self.card += 1;
        self.pins.clear();
        self.atrs.insert(hex::encode_upper(atr));
        self.leaks.next_card();
        self.memory.clear();
        let seed = self.seed.to_string();
        self.happened(CARD, Some(hex::encode_upper(atr)), Some(seed));
    }

    /// The card in use is as one that was never issued, again.
    pub fn renew_card(&mut self) {
        self.pins.clear();
        self.event(RENEWED);
    }

    /// The number of the card now in use, from 1.
    #[must_use]
    pub const fn card(&self) -> u32 {
        self.card
    }

    /// How many APDUs have gone over the link.
    #[must_use]
    pub const fn apdus(&self) -> u64 {
        self.apdus
    }

    /// What the cases that come after all others judge.
    #[must_use]
    pub fn gathered(&self) -> Gathered {
        Gathered {
            atrs: self.atrs.clone(),
            selects: self.fcis.clone(),
            searched: self.leaks.searched().clone(),
        }
    }

    /// Who owns the card now in use.
    pub fn owned_by(&mut self, owner: &Owner) {
        self.owners.put(owner);
    }

    /// A PIN block that must not appear in the trace.
    pub fn hide(&mut self, pin_block: &[u8]) {
        // What isn't one by its first digit (ISO 9564-1, format 2) is no secret, and may be such as
        // zeros, which stand in many answers.
        if pin_block.first().is_some_and(|first| first >> 4 == 2) {
            self.pins.push(hex::encode_upper(pin_block));
        }
    }

    /// An answer to SELECT.
    pub fn selected(&mut self, fci: &[u8]) {
        self.fcis.insert(hex::encode_upper(fci));
    }

    /// The card was reset, and answered so.
    pub fn was_reset(&mut self, how: Reset, atr: &[u8]) {
        let event = match how {
            Reset::Cold => COLD,
            Reset::Warm => WARM,
        };
        self.happened(event, Some(hex::encode_upper(atr)), None);
    }

    /// The reader or the link failed, or no card came.
    pub fn failed(&mut self, failure: &Failure) {
        self.happened(FAILED, None, Some(failure.to_string()));
    }

    /// The card's memory was read.
    pub fn memory(&mut self, memory: &[u8]) {
        if self.trace.takes() {
            let told = difference(&self.memory, memory);
            self.memory = memory.to_vec();
            self.happened(MEMORY, None, Some(told));
        }
    }

    /// Something else that isn't an APDU.
    pub fn event(&mut self, event: &str) {
        self.happened(event, None, None);
    }

    fn happened(&mut self, event: &str, answer: Option<String>, detail: Option<String>) {
        let at_ns = self.now();
        let case = std::mem::take(&mut self.case);
        self.trace.put(&Line {
            case: Cow::Borrowed(&case),
            card: self.card,
            at_ns,
            event: Some(Cow::Borrowed(event)),
            answer: answer.map(Cow::Owned),
            detail: detail.map(Cow::Owned),
            ..Line::default()
        });
        self.case = case;
    }

    /// A command and its answer.
    pub fn exchange(&mut self, command: &[u8], answer: &[u8], took_ns: u64) {
        self.apdus += 1;
        self.leaks.saw(&self.case, command, answer);
        if !self.trace.takes() {
            return;
        }
        let at_ns = self.now().saturating_sub(took_ns);
        let case = std::mem::take(&mut self.case);
        let line = Line {
            case: Cow::Borrowed(&case),
            card: self.card,
            at_ns,
            took_ns,
            command: Some(Cow::Owned(self.redact(without_secrets(command)))),
            answer: Some(Cow::Owned(self.redact(hex::encode_upper(answer)))),
            ..Line::default()
        };
        self.trace.put(&line);
        self.case = case;
    }

    /// What a protected answer held, for the leak sweep.
    pub fn decrypted(&mut self, answer: &Answer) {
        let whole = [&answer.data[..], &answer.sw.0.to_be_bytes()].concat();
        self.leaks.saw(&self.case, &answer.to, &whole);
    }

    /// Writes out what is still in memory.
    ///
    /// # Errors
    /// What went wrong with a file, if anything did.
    pub fn finish(&mut self) -> Result<(), String> {
        self.trace.finish()?;
        self.owners.finish()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn redact(&self, hexadecimal: String) -> String {
        self.pins
            .iter()
            .fold(hexadecimal, |text, pin| text.replace(pin.as_str(), "<pin>"))
    }
}

#[cfg(test)]
mod tests {
    use super::Recorder;
    use crate::options::Options;
    use crate::report::Gathered;

    #[test]
    fn no_pin_goes_into_the_trace() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trace.jsonl");
        let options = Options {
            trace: Some(file.clone()),
            ..Options::default()
        };
        let mut recorder = Recorder::new(&options, &Gathered::default()).unwrap();
        let block = hex::decode("241234FFFFFFFFFF").unwrap();
        recorder.enter_case("TC-PIN-01");
        recorder.enter_card(&[0x3B]);
        recorder.hide(&block);
        recorder.exchange(
            &[&[0, 0x20, 0, 0x80, 8], &block[..]].concat(),
            &[0x90, 0],
            1,
        );
        recorder.exchange(&[&[0x80, 0x10, 0, 0, 8], &block[..]].concat(), &block, 1);
        let made = [
            &[0x80, 0x10, 0, 0, 171],
            &[0x11; 110][..],
            &[0xBE; 8],
            &[0x22; 53],
        ]
        .concat();
        recorder.exchange(&made, &[0x6A, 0x80], 1);
        let imported = [
            &[0x80, 0x10, 1, 0, 203],
            &[0x11; 5][..],
            &[0xCD; 32],
            &[0x22; 105],
        ];
        let imported = [&imported.concat()[..], &[0xBE; 8], &[0x33; 53]].concat();
        recorder.exchange(&imported, &[0x6A, 0x80], 1);
        let reset = [
            &[0x00, 0x2C, 2, 0x80, 76, 0x84, 8],
            &[0xEF; 8][..],
            &[0x22; 66],
        ]
        .concat();
        recorder.exchange(&reset, &[0x6A, 0x80], 1);
        recorder.finish().unwrap();
        let text = std::fs::read_to_string(file).unwrap();
        assert_eq!(text.lines().count(), 6);
        for secret in ["BE", "CD", "EF"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(!text.contains("241234"), "{text}");
        assert!(text.contains("\"00200080 08".replace(' ', "").as_str()));
        assert!(text.contains("<pin:8>") && text.contains("8010000008<pin>"));
    }
}
