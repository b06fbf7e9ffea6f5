//! Events: what was announced, in its order.

use bdk_wallet::rusqlite::{Connection, params};
use serde::Serialize;

use super::{Book, json};
use crate::service::error::ServiceError;
use crate::service::moment::Moment;

/// Events that are read at once.
const PAGE: i64 = 100;

/// An event as it was stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredEvent {
    /// Its number; later events have higher ones.
    pub(crate) number: i64,
    /// What kind it is.
    pub(crate) kind: String,
    /// Its JSON.
    pub(crate) body: String,
}

impl Book {
    /// Stores an event that belongs to no payment.
    pub(crate) fn announce(&self, kind: &str, what: &impl Serialize) -> Result<(), ServiceError> {
        self.change(|transaction| add(transaction, kind, what, Moment::now()))
    }

    /// The events after this number, oldest first; a page of them at most.
    pub(crate) fn events_after(&self, number: i64) -> Result<Vec<StoredEvent>, ServiceError> {
        let database = self.lock();
        let read = |database: &Connection| {
            let mut events = database.prepare_cached(
                "SELECT number, kind, body FROM events WHERE number > ?1 ORDER BY number LIMIT ?2",
            )?;
            let rows = events.query_map(params![number, PAGE], |row| {
                Ok(StoredEvent {
                    number: row.get(0)?,
                    kind: row.get(1)?,
                    body: row.get(2)?,
                })
            })?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        read(&database).map_err(ServiceError::book)
    }

    /// Forgets the events before this time.
    pub(crate) fn forget_events(&self, before: Moment) -> Result<(), ServiceError> {
        self.change(|transaction| {
            let forgotten = transaction.execute("DELETE FROM events WHERE at < ?1", [before.0]);
            forgotten.map(|_| ()).map_err(ServiceError::book)
        })
    }
}

/// Stores an event in a transaction under way.
pub(super) fn add(
    transaction: &Connection,
    kind: &str,
    what: &impl Serialize,
    now: Moment,
) -> Result<(), ServiceError> {
    let added = transaction.execute(
        "INSERT INTO events (at, kind, body) VALUES (?1, ?2, ?3)",
        params![now.0, kind, json(what)?],
    );
    added.map(|_| ()).map_err(ServiceError::book)
}
