//! What happens on a tray, in order: for who follows it, and for who waits for something.
//!
//! Nobody who adds an event waits for a reader of it: the last events are kept, and a reader takes them
//! from there when it comes to it.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::layers::faults::CommandName;
use crate::layers::{Entry, Event};
use crate::pcsc_socket::Change;

/// The most events that are kept; the oldest give way.
const EVENTS_MAX: usize = 10_000;

/// The events of a tray; clones are the same.
#[derive(Clone)]
pub struct Events(Arc<Shared>);

struct Shared {
    kept: Mutex<Kept>,
    changed: Condvar,
}

struct Kept {
    began: Instant,
    events: VecDeque<TrayEvent>,
    /// The number of the last event.
    last: u64,
    seats: BTreeMap<String, Seat>,
    /// Who is to be asked again when something happens.
    wakers: Vec<Waker>,
}

/// What is known of a reader.
#[derive(Default)]
struct Seat {
    /// The card that is being put in.
    coming: Option<String>,
    card: Option<String>,
    is_powered: bool,
    /// Whether a program asks for a PIN.
    asks_pin: bool,
    /// Whether a program of the test's own holds the card for itself.
    is_held: bool,
    /// Commands since the card was put in, and how many of each name.
    commands: u64,
    named: BTreeMap<&'static str, u64>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
pub struct TrayEvent {
    /// Its number, from 1.
    pub id: u64,
    /// Microseconds since the tray is there.
    pub at_us: u64,
    /// The reader that it happened in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reader: Option<String>,
    /// The card that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened, to a place or to a card.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum What {
    /// To a place.
    Place(PlaceEvent),
    /// To a card, as its trace has it.
    Card(Event),
}

/// Where a card is now, or that something else is to be known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum PlaceEvent {
    /// There is a reader more.
    ReaderAdded,
    /// The card is in the reader.
    Inserted,
    /// The card isn't in the reader any more.
    Removed,
    /// A program asks for a PIN on the reader's pad.
    PinAsked,
    /// It was typed, or the program asks no longer.
    PinDone,
    /// Another program holds the card for itself, as the test wanted.
    Held,
    /// It has let the card go.
    LetGo,
    /// The card's faults or snapshots are others, or it was thrown away.
    CardChanged,
}

/// What somebody waits for at a reader; all of what is named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Awaited {
    /// What the reader is like.
    pub state: Option<AwaitedState>,
    /// So many commands were answered or given up since the card was put in.
    pub commands: Option<u64>,
    /// Of the commands, only those of this name count; one where no number is named.
    pub command: Option<CommandName>,
}

/// What a reader is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "control", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AwaitedState {
    /// There is no card in it.
    Empty,
    /// There is a card in it.
    Card,
    /// There is a card in it that a program gave power.
    Powered,
    /// A program asks for a PIN on its pad.
    PinAsked,
}

/// What follows on an event.
#[derive(Debug, PartialEq, Eq)]
pub struct Following {
    /// Events that are no longer kept.
    pub lost: u64,
    /// The events that are, in order.
    pub events: Vec<TrayEvent>,
}

impl Default for Events {
    fn default() -> Self {
        let kept = Kept {
            began: Instant::now(),
            events: VecDeque::new(),
            last: 0,
            seats: BTreeMap::new(),
            wakers: Vec::new(),
        };
        Self(Arc::new(Shared {
            kept: Mutex::new(kept),
            changed: Condvar::new(),
        }))
    }
}

impl Events {
    /// The number of the last event.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.kept().last
    }

    /// What followed on the event of this number, as soon as there is something.
    pub fn poll_after(&self, id: u64, context: &mut Context<'_>) -> Poll<Following> {
        let mut kept = self.kept();
        // A number from the life of another tray is followed by everything.
        let after = if id > kept.last { 0 } else { id };
        if after == kept.last {
            kept.wake_later(context);
            return Poll::Pending;
        }
        let oldest = kept.last - kept.events.len() as u64;
        let first = after.saturating_sub(oldest);
        let events = kept.events.iter().skip(first as usize).cloned();
        Poll::Ready(Following {
            lost: oldest.saturating_sub(after),
            events: events.collect(),
        })
    }

    /// Waits, as a task, until it is there what is awaited.
    pub async fn wait(&self, reader: &str, awaited: &Awaited) {
        poll_fn(|context| {
            let mut kept = self.kept();
            if kept.has(reader, awaited) {
                return Poll::Ready(());
            }
            kept.wake_later(context);
            Poll::Pending
        })
        .await;
    }

    /// Waits, as a thread, until it is there what is awaited; whether it is, within the time.
    pub(super) fn wait_at_most(&self, reader: &str, awaited: &Awaited, patience: Duration) -> bool {
        let waited = (self.0.changed)
            .wait_timeout_while(self.kept(), patience, |kept| !kept.has(reader, awaited))
            .unwrap_or_else(PoisonError::into_inner);
        !waited.1.timed_out()
    }

    pub(super) fn reader_added(&self, reader: &str) {
        let mut kept = self.kept();
        kept.seats.insert(reader.to_owned(), Seat::default());
        self.add(kept, Some(reader.to_owned()), None, PlaceEvent::ReaderAdded);
    }

    /// A card will be in the reader in a moment.
    pub(super) fn card_comes(&self, reader: &str, card: &str) {
        if let Some(seat) = self.kept().seats.get_mut(reader) {
            seat.coming = Some(card.to_owned());
        }
    }

    /// Whether a program asks for a PIN in a reader.
    pub(super) fn asks_pin(&self, reader: &str) -> bool {
        self.kept()
            .seats
            .get(reader)
            .is_some_and(|seat| seat.asks_pin)
    }

    /// Whether a program of the test's own holds the card in a reader.
    pub(super) fn is_held(&self, reader: &str) -> bool {
        self.kept()
            .seats
            .get(reader)
            .is_some_and(|seat| seat.is_held)
    }

    /// Something happened in a reader, as programs see it.
    pub(super) fn reader_changed(&self, reader: &str, change: Change) {
        let mut kept = self.kept();
        let Some(seat) = kept.seats.get_mut(reader) else {
            return;
        };
        let (card, what) = seat.change(change);
        self.add(kept, Some(reader.to_owned()), card, what);
    }

    pub(super) fn card_changed(&self, card: &str) {
        let kept = self.kept();
        let reader = kept.reader_of(card);
        self.add(kept, reader, Some(card.to_owned()), PlaceEvent::CardChanged);
    }

    /// What a card's trace says.
    pub(super) fn card_did(&self, card: &str, entry: &Entry) {
        let mut kept = self.kept();
        let reader = kept.reader_of(card);
        let seat = reader.as_ref().and_then(|name| kept.seats.get_mut(name));
        if let Some(seat) = seat {
            seat.note(&entry.event);
        }
        let what = What::Card(entry.event.clone());
        self.add(kept, reader, Some(card.to_owned()), what);
    }

    fn add(
        &self,
        mut kept: MutexGuard<'_, Kept>,
        reader: Option<String>,
        card: Option<String>,
        what: impl Into<What>,
    ) {
        kept.last += 1;
        let event = TrayEvent {
            id: kept.last,
            at_us: u64::try_from(kept.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            reader,
            card,
            what: what.into(),
        };
        if kept.events.len() == EVENTS_MAX {
            kept.events.pop_front();
        }
        kept.events.push_back(event);
        let wakers = std::mem::take(&mut kept.wakers);
        drop(kept);
        self.0.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl What {
    /// The name of the event.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Place(PlaceEvent::ReaderAdded) => "reader-added",
            Self::Place(PlaceEvent::Inserted) => "inserted",
            Self::Place(PlaceEvent::Removed) => "removed",
            Self::Place(PlaceEvent::PinAsked) => "pin-asked",
            Self::Place(PlaceEvent::PinDone) => "pin-done",
            Self::Place(PlaceEvent::Held) => "held",
            Self::Place(PlaceEvent::LetGo) => "let-go",
            Self::Place(PlaceEvent::CardChanged) => "card-changed",
            Self::Card(Event::PowerOn) => "power-on",
            Self::Card(Event::PowerOff) => "power-off",
            Self::Card(Event::WarmReset) => "warm-reset",
            Self::Card(Event::Fault { .. }) => "fault",
            Self::Card(Event::Command { .. }) => "command",
        }
    }
}

impl From<PlaceEvent> for What {
    fn from(event: PlaceEvent) -> Self {
        Self::Place(event)
    }
}

impl Kept {
    fn wake_later(&mut self, context: &Context<'_>) {
        let waker = context.waker();
        if !self.wakers.iter().any(|other| other.will_wake(waker)) {
            self.wakers.push(waker.clone());
        }
    }

    fn reader_of(&self, card: &str) -> Option<String> {
        let mut seats = self.seats.iter();
        let found = seats.find(|(_, seat)| seat.card.as_deref() == Some(card));
        found.map(|(reader, _)| reader.clone())
    }

    fn has(&self, reader: &str, awaited: &Awaited) -> bool {
        let seat = self.seats.get(reader);
        seat.is_some_and(|seat| seat.has(awaited))
    }
}

impl Seat {
    /// The card that it happens to, and what is told.
    fn change(&mut self, change: Change) -> (Option<String>, PlaceEvent) {
        let (card, what) = match change {
            Change::Inserted => (self.coming.take(), PlaceEvent::Inserted),
            Change::Removed => (self.card.take(), PlaceEvent::Removed),
            Change::PinAsked | Change::PinDone => {
                self.asks_pin = change == Change::PinAsked;
                let what = match change {
                    Change::PinAsked => PlaceEvent::PinAsked,
                    _ => PlaceEvent::PinDone,
                };
                return (self.card.clone(), what);
            }
            Change::Held | Change::LetGo => {
                self.is_held = change == Change::Held;
                let what = match change {
                    Change::Held => PlaceEvent::Held,
                    _ => PlaceEvent::LetGo,
                };
                return (self.card.clone(), what);
            }
        };
        *self = Self::default();
        if change == Change::Inserted {
            self.card.clone_from(&card);
        }
        (card, what)
    }

    fn note(&mut self, event: &Event) {
        match event {
            Event::PowerOn => self.is_powered = true,
            Event::PowerOff => self.is_powered = false,
            Event::WarmReset | Event::Fault { .. } => {}
            Event::Command { name, .. } => {
                self.commands += 1;
                if let Some(name) = name {
                    *self.named.entry(name).or_default() += 1;
                }
            }
        }
    }

    fn has(&self, awaited: &Awaited) -> bool {
        let is_like = match awaited.state {
            None => true,
            Some(AwaitedState::Empty) => self.card.is_none(),
            Some(AwaitedState::Card) => self.card.is_some(),
            Some(AwaitedState::Powered) => self.card.is_some() && self.is_powered,
            Some(AwaitedState::PinAsked) => self.asks_pin,
        };
        let (came, wanted) = match &awaited.command {
            None => (self.commands, awaited.commands.unwrap_or(0)),
            Some(name) => {
                let came = self.named.get(name.as_str()).copied();
                (came.unwrap_or(0), awaited.commands.unwrap_or(1))
            }
        };
        is_like && came >= wanted
    }
}
