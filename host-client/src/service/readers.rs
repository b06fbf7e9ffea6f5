//! The readers, as they come and go, and what is in them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tillcard_client::advice::Explain;
use tillcard_client::transport::{ReaderContent, ReaderWatch, TransportError, WatchedReader};
use utoipa::ToSchema;

use super::error::ServiceError;
use super::payment::Reason;
use super::shop::{Shop, lock};

/// How long a change may stay unseen, and how soon a reader service that has gone is asked again.
const GLANCE: Duration = Duration::from_secs(1);

/// How a reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReaderState {
    /// No card is in it.
    Empty,
    /// A card is in it. What kind it is shows when a payment is at the reader.
    Card,
    /// A card is in it that can't be used: the reason says why.
    Unusable,
}

/// A reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Reader {
    /// Its name, as the reader service has it.
    pub(crate) id: String,
    /// How it is.
    pub(crate) state: ReaderState,
    /// The payment at this reader.
    pub(crate) payment: Option<String>,
    /// Why the card in it can't be used: it is mute, of another kind, or another program holds it.
    pub(crate) reason: Option<Reason>,
}

/// What is known of the readers.
#[derive(Default)]
pub(super) struct ReaderTable {
    /// Why the reader service can't be asked; nothing when it can.
    failure: Option<TransportError>,
    seen: Vec<WatchedReader>,
    /// What is wrong with the card in a reader, as the payment at it found.
    trouble: BTreeMap<String, Reason>,
    /// What was announced.
    told: Vec<Reader>,
}

impl ReaderTable {
    /// What is in the readers now. Of a card that is gone nothing is known any more.
    fn see(&mut self, seen: Vec<WatchedReader>) {
        for reader in &seen {
            if reader.content == ReaderContent::Empty {
                self.trouble.remove(reader.name.as_given());
            }
        }
        self.seen = seen;
    }

    fn view(&self, seen: &WatchedReader, payment: Option<String>) -> Reader {
        let id = seen.name.as_given().to_owned();
        let known = self.trouble.get(&id);
        let (reader, is_ours) = (seen.name.clone(), payment.is_some());
        let reason = match seen.content {
            ReaderContent::Empty => None,
            ReaderContent::Mute => Some(reason(&TransportError::Mute { reader })),
            ReaderContent::Held if !is_ours => Some(reason(&TransportError::InUse { reader })),
            ReaderContent::Held | ReaderContent::Card => known.cloned(),
        };
        let state = match (seen.content, &reason) {
            (ReaderContent::Empty, _) => ReaderState::Empty,
            (_, Some(_)) => ReaderState::Unusable,
            (_, None) => ReaderState::Card,
        };
        Reader {
            id,
            state,
            payment,
            reason,
        }
    }
}

fn reason(error: &TransportError) -> Reason {
    let advice = error.advice();
    Reason {
        code: advice.code.to_owned(),
        detail: format!("{error}; {}", advice.action),
    }
}

impl Shop {
    /// All readers.
    ///
    /// # Errors
    /// [`ServiceError::Reader`] when the reader service can't be asked.
    pub(crate) fn readers(&self) -> Result<Vec<Reader>, ServiceError> {
        let table = lock(&self.readers);
        match &table.failure {
            Some(error) => Err(error.clone().into()),
            None => Ok(self.views(&table)),
        }
    }

    /// Why the reader service can't be asked; nothing when it can.
    pub(crate) fn reader_failure(&self) -> Option<Reason> {
        lock(&self.readers).failure.as_ref().map(reason)
    }

    fn views(&self, table: &ReaderTable) -> Vec<Reader> {
        let counters = self.counters();
        let payment = |seen: &WatchedReader| {
            let counter = counters.get(seen.name.as_given());
            counter.map(|counter| counter.payment.clone())
        };
        let seen = table.seen.iter();
        seen.map(|seen| table.view(seen, payment(seen))).collect()
    }

    /// A counter found that a card can't be used.
    pub(super) fn reader_trouble(&self, reader: &str, code: &str, detail: &str) {
        let reason = Reason {
            code: code.to_owned(),
            detail: detail.to_owned(),
        };
        let mut table = lock(&self.readers);
        table.trouble.insert(reader.to_owned(), reason);
        drop(table);
        self.readers_changed();
    }

    /// A counter met a card that can be used.
    pub(super) fn reader_in_order(&self, reader: &str) {
        let was_in_trouble = lock(&self.readers).trouble.remove(reader).is_some();
        if was_in_trouble {
            self.readers_changed();
        }
    }

    /// Announces the readers that are others than was announced last.
    pub(super) fn readers_changed(&self) {
        let mut table = lock(&self.readers);
        let views = self.views(&table);
        let gone = table.told.iter().filter(|told| {
            let is_there = views.iter().any(|view| view.id == told.id);
            !is_there
        });
        let gone: Vec<_> = gone.cloned().collect();
        let news = views.iter().filter(|view| !table.told.contains(view));
        let news = news.map(|view| ("reader.updated", view));
        let gone = gone.iter().map(|reader| ("reader.removed", reader));
        for (kind, reader) in news.chain(gone) {
            if let Err(error) = self.book.announce(kind, reader) {
                tracing::error!(%error, "a reader's state can't be announced");
            }
        }
        table.told = views;
    }
}

/// Looks at the readers once, so that who asks first knows them.
pub(super) fn look(shop: &Shop) {
    let seen = ReaderWatch::establish().and_then(|mut watch| watch.next(Duration::ZERO));
    let mut table = lock(&shop.readers);
    match seen {
        Ok(seen) => table.see(seen),
        Err(error) => table.failure = Some(error),
    }
}

/// Watches the readers for ever.
pub(super) fn run(shop: &Arc<Shop>) {
    loop {
        let failure = match ReaderWatch::establish() {
            Ok(watch) => follow(shop, watch),
            Err(error) => error,
        };
        let mut table = lock(&shop.readers);
        table.failure = Some(failure);
        table.seen.clear();
        drop(table);
        shop.readers_changed();
        std::thread::sleep(GLANCE);
    }
}

/// Until the reader service has gone.
fn follow(shop: &Shop, mut watch: ReaderWatch) -> TransportError {
    loop {
        let seen = match watch.next(GLANCE) {
            Ok(seen) => seen,
            Err(error) => return error,
        };
        let mut table = lock(&shop.readers);
        table.failure = None;
        let has_changed = table.seen != seen;
        table.see(seen);
        drop(table);
        if has_changed {
            shop.readers_changed();
        }
    }
}
