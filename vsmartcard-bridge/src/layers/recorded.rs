//! Keeping what was said to a card and what it answered.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tillcard_protocol::command::{Header, name};
use tillcard_protocol::status::meaning;

use super::faults::Fault;
use super::{Hex, StatusWord};
use crate::slot::{CardInSlot, Layer, SlotError};

/// The most entries that a trace keeps; the oldest give way.
const ENTRIES_MAX: usize = 10_000;

/// Commands whose data field has a PIN or a key, when it isn't protected.
const SECRET: [&str; 3] = ["VERIFY", "RESET RETRY COUNTER", "ISSUE"];

/// Keeps what happens to a card in a [`Trace`].
pub struct Recorded<C> {
    card: C,
    trace: Trace,
}

/// What happened to a [`Recorded`] card, in order; clones are the same trace.
#[derive(Clone)]
pub struct Trace(Arc<Shared>);

struct Shared {
    kept: Mutex<Kept>,
    changed: Condvar,
}

/// Who is told of each entry at once.
type Follower = Box<dyn Fn(&Entry) + Send>;

struct Kept {
    began: Instant,
    followers: Vec<Follower>,
    entries: VecDeque<Entry>,
    commands: u64,
    answered: u64,
}

/// One line of a trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
pub struct Entry {
    /// Microseconds since the trace began.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened to a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// It got power: a cold reset.
    PowerOn,
    /// It lost its power.
    PowerOff,
    /// It was reset.
    WarmReset,
    /// Something went wrong with the command that follows, or with its answer.
    Fault {
        /// What.
        fault: Fault,
    },
    /// It got a command.
    Command {
        /// The protocol's name; none for others.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<&'static str>,
        /// The command APDU in hexadecimal digits; of one that holds a PIN or a key, its header only.
        #[cfg_attr(feature = "control", schema(value_type = String))]
        command: Hex,
        /// Whether the data field was left out.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        redacted: bool,
        /// The response APDU, in hexadecimal digits; none when there was no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "control", schema(value_type = Option<String>))]
        answer: Option<Hex>,
        /// SW1-SW2, in hexadecimal digits.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "control", schema(value_type = Option<String>))]
        status: Option<StatusWord>,
        /// What the status word means, or why there was no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        meaning: Option<Cow<'static, str>>,
        /// Microseconds that the card took.
        took_us: u64,
    },
}

impl Default for Trace {
    fn default() -> Self {
        let kept = Kept {
            began: Instant::now(),
            followers: Vec::new(),
            entries: VecDeque::new(),
            commands: 0,
            answered: 0,
        };
        Self(Arc::new(Shared {
            kept: Mutex::new(kept),
            changed: Condvar::new(),
        }))
    }
}

impl Trace {
    /// The entries so far.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.kept().entries.iter().cloned().collect()
    }

    /// How many commands there were, answered or not.
    #[must_use]
    pub fn commands(&self) -> u64 {
        self.kept().commands
    }

    /// How many commands were answered.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.kept().answered
    }

    /// Waits until the card has got so many commands, each answered or given up; whether it has, within
    /// the time.
    #[must_use]
    pub fn wait_for_commands(&self, count: u64, patience: Duration) -> bool {
        let kept = self.kept();
        let waited = (self.0.changed)
            .wait_timeout_while(kept, patience, |kept| kept.commands < count)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.1.timed_out()
    }

    /// Forgets the entries; the numbers stay.
    pub fn clear(&self) {
        self.kept().entries.clear();
    }

    /// Has somebody told of each entry from now on, before the next one. The card waits for that, and
    /// the trace can't be asked meanwhile.
    pub fn follow(&self, follower: impl Fn(&Entry) + Send + 'static) {
        self.kept().followers.push(Box::new(follower));
    }

    pub(crate) fn add(&self, event: Event) {
        let mut kept = self.kept();
        let at_us = micros(kept.began);
        if let Event::Command { answer, .. } = &event {
            kept.commands += 1;
            kept.answered += u64::from(answer.is_some());
        }
        if kept.entries.len() == ENTRIES_MAX {
            kept.entries.pop_front();
        }
        let entry = Entry { at_us, event };
        for follower in &kept.followers {
            follower(&entry);
        }
        kept.entries.push_back(entry);
        self.0.changed.notify_all();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C: CardInSlot> Recorded<C> {
    /// Keeps what happens from now on.
    pub fn new(card: C) -> Self {
        Self {
            card,
            trace: Trace::default(),
        }
    }

    /// The trace, which goes on.
    pub fn trace(&self) -> Trace {
        self.trace.clone()
    }
}

impl<C: CardInSlot> Layer for Recorded<C> {
    type Inner = C;

    fn inner(&self) -> &C {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut C {
        &mut self.card
    }

    fn on_power_on(&mut self) -> Result<(), SlotError> {
        self.trace.add(Event::PowerOn);
        self.card.power_on()
    }

    fn on_power_off(&mut self) {
        self.trace.add(Event::PowerOff);
        self.card.power_off();
    }

    fn on_warm_reset(&mut self) -> Result<(), SlotError> {
        self.trace.add(Event::WarmReset);
        self.card.warm_reset()
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        let began = Instant::now();
        let answer = self.card.transmit(command);
        self.trace.add(entry(command, &answer, micros(began)));
        answer
    }
}

fn entry(command: &[u8], answer: &Result<&[u8], SlotError>, took_us: u64) -> Event {
    let header: Option<&Header> = command.first_chunk();
    let name = header.and_then(|header| name(*header));
    let is_plain = header.is_some_and(|[class, ..]| class & 0x0C == 0);
    let redacted = is_plain && command.len() > 4 && name.is_some_and(|name| SECRET.contains(&name));
    let shown = if redacted { &command[..4] } else { command };
    let status = answer.as_ref().ok().and_then(|answer| answer.last_chunk());
    let status = status.map(|status| u16::from_be_bytes(*status));
    Event::Command {
        name,
        command: Hex(shown.to_vec()),
        redacted,
        answer: answer.as_ref().ok().map(|answer| Hex(answer.to_vec())),
        status: status.map(StatusWord),
        meaning: match (answer, status) {
            (Err(error), _) => Some(error.to_string().into()),
            (Ok(_), status) => status.and_then(meaning).map(Cow::Borrowed),
        },
        took_us,
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
