//! What the service keeps beside the payments' records: how it told of them, the events, the answers to
//! requests that may come again, keys and webhooks. One SQLite file; each change is one transaction, which
//! the disk has when it is done.

mod answers;
mod events;
mod facts;
mod keys;
mod payments;
mod refunds;
mod webhooks;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bdk_wallet::rusqlite::{self, Connection, Transaction, TransactionBehavior};
use tokio::sync::watch;

pub(crate) use answers::Answer;
pub(crate) use events::StoredEvent;
pub(crate) use keys::{ApiKey, Scope};
pub(crate) use payments::PaymentQuery;
pub(crate) use refunds::RefundQuery;
pub(crate) use webhooks::{Due, NextDelivery};

use super::error::ServiceError;

/// The file's name in the till's folder.
const FILE: &str = "service.sqlite";

/// How long another process, such as `till key`, may hold the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is kept of the file in memory, in KiB. With the default of 2,000 the service grows for hundreds of
/// payments.
const CACHE_KIB: i64 = 512;

/// What was added to the file, in order; its version is how many of these it has.
const STEPS: [&str; 3] = [TABLES, webhooks::TABLES, refunds::TABLES];

const TABLES: &str = "
    CREATE TABLE payments (
        id TEXT PRIMARY KEY, created INTEGER NOT NULL, state TEXT NOT NULL, body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX payments_by_time ON payments (created, id);
    CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, kind TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE answers (
        key TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, request BLOB NOT NULL,
        body TEXT NOT NULL, PRIMARY KEY (key, name)
    ) STRICT;
    CREATE TABLE keys (
        id TEXT PRIMARY KEY, label TEXT NOT NULL, hash BLOB NOT NULL, scopes TEXT NOT NULL,
        created INTEGER NOT NULL, expires INTEGER
    ) STRICT;
    CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
";

/// The service's file.
pub(crate) struct Book {
    database: Mutex<Connection>,
    /// The number of the last event.
    last: watch::Sender<i64>,
}

impl Book {
    /// The file in the till's folder, which is made if it isn't there.
    ///
    /// # Errors
    /// [`ServiceError::Book`].
    pub(crate) fn open(folder: &Path) -> Result<Self, ServiceError> {
        std::fs::create_dir_all(folder).map_err(ServiceError::book)?;
        let path = folder.join(FILE);
        let mut database = Connection::open(&path).map_err(ServiceError::book)?;
        private(&path)?;
        let last = prepare(&mut database)?;
        Ok(Self {
            database: Mutex::new(database),
            last: watch::Sender::new(last),
        })
    }

    /// Is told the number of each new event.
    pub(crate) fn subscribe(&self) -> watch::Receiver<i64> {
        self.last.subscribe()
    }

    /// Changes the file in one transaction.
    fn change<R>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<R, ServiceError>,
    ) -> Result<R, ServiceError> {
        let mut database = self.lock();
        let transaction = database
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(ServiceError::book)?;
        let before = *self.last.borrow();
        let done = change(&transaction)?;
        let last = last_event(&transaction)?;
        transaction.commit().map_err(ServiceError::book)?;
        if last != before {
            self.last.send_replace(last);
        }
        Ok(done)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever else uses this computer reads nothing of it.
fn private(path: &Path) -> Result<(), ServiceError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::Permissions::from_mode(tillcard::atomic_file::PRIVATE);
    std::fs::set_permissions(path, mode).map_err(ServiceError::book)
}

/// Makes the tables if they aren't there; the number of the last event.
fn prepare(database: &mut Connection) -> Result<i64, ServiceError> {
    let prepared = (|| {
        database.busy_timeout(PATIENCE)?;
        database.pragma_update(None, "journal_mode", "WAL")?;
        database.pragma_update(None, "synchronous", "FULL")?;
        database.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let format: usize = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if format < STEPS.len() {
            for step in &STEPS[format..] {
                transaction.execute_batch(step)?;
            }
            transaction.pragma_update(None, "user_version", STEPS.len())?;
        }
        transaction.commit()?;
        Ok::<_, rusqlite::Error>(format)
    })()
    .map_err(ServiceError::book)?;
    if prepared > STEPS.len() {
        let later = "it was written by a later version of this program; nothing of it was changed";
        return Err(ServiceError::Book(later.to_owned()));
    }
    last_event(database)
}

fn last_event(database: &Connection) -> Result<i64, ServiceError> {
    let last = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'";
    let last = database.query_row(last, [], |row| row.get(0));
    last.map_err(ServiceError::book)
}

/// For each state in this table: its name, how many are in it, and their amounts in sat.
fn totals(database: &Connection, table: &str) -> Result<Vec<(String, i64, i64)>, ServiceError> {
    let read = || {
        let mut totals = database.prepare_cached(&format!(
            "SELECT state, count(*), sum(body ->> 'amount_sat') FROM {table}
             GROUP BY state ORDER BY state"
        ))?;
        let rows = totals.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().map_err(ServiceError::book)
}

/// As JSON, for a column.
fn json(value: &impl serde::Serialize) -> Result<String, ServiceError> {
    serde_json::to_string(value).map_err(ServiceError::book)
}
