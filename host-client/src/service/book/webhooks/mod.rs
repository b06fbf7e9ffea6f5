//! Webhooks: where each is in the list of events, and what it waits for.

use std::time::Duration;

use bdk_wallet::rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::Book;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::webhooks::{Outcome, Secret, Target, Webhook, check_kind};

/// At most so many.
const MAX: i64 = 20;

/// So long an event is tried, from when it happened or was asked for again.
const TRIED_FOR: Duration = Duration::from_secs(3 * 24 * 60 * 60);

/// How long an old secret signs beside the new one.
const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest time between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// `kinds` is a JSON array of patterns, as `GLOB` takes them.
pub(super) const TABLES: &str = "
    CREATE TABLE webhooks (
        id TEXT PRIMARY KEY, url TEXT NOT NULL, kinds TEXT NOT NULL, created INTEGER NOT NULL,
        secret BLOB NOT NULL, old_secret BLOB, old_until INTEGER,
        active INTEGER NOT NULL DEFAULT 1, position INTEGER NOT NULL, since INTEGER NOT NULL,
        given_up INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,
        reason TEXT, next_try INTEGER
    ) STRICT;
";

/// The events that a webhook hasn't got yet.
const WAITING: &str = "number > position AND EXISTS (
    SELECT 1 FROM json_each(kinds) AS wanted WHERE events.kind GLOB wanted.value)";

/// An event that is due.
pub(crate) struct Due {
    /// Its number.
    pub(crate) number: i64,
    /// The message's name: the same at each try.
    pub(crate) id: String,
    /// The message.
    pub(crate) body: String,
    /// Where it is sent to.
    pub(crate) url: String,
    /// What it is signed with: the secret, and the one before it for a while.
    pub(crate) secrets: Vec<Secret>,
    position: i64,
}

/// What a webhook waits for.
pub(crate) enum NextDelivery {
    /// This is due.
    Due(Due),
    /// Something is, at this time.
    Later(Moment),
    /// It has all that there is, or wants nothing.
    Nothing,
    /// There is no such webhook.
    Removed,
}

impl Book {
    /// Makes a webhook, which gets the events from now on.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] for a kind that can't be one, and when there are too many.
    pub(crate) fn new_webhook(
        &self,
        target: &Target,
        kinds: &[String],
    ) -> Result<(Webhook, Secret), ServiceError> {
        for kind in kinds {
            check_kind(kind).map_err(ServiceError::Invalid)?;
        }
        let mut name = [0; 8];
        getrandom::fill(&mut name).map_err(ServiceError::book)?;
        let id = hex::encode(name);
        let secret = Secret::draw().map_err(ServiceError::book)?;
        let now = Moment::now().0;
        self.change(|transaction| {
            let added = transaction.execute(
                "INSERT INTO webhooks (id, url, kinds, created, secret, position, since)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?4 WHERE (SELECT count(*) FROM webhooks) < ?7",
                params![
                    id,
                    target.url(),
                    super::json(&kinds)?,
                    now,
                    secret.as_bytes(),
                    super::last_event(transaction)?,
                    MAX
                ],
            );
            match added.map_err(ServiceError::book)? {
                0 => Err(ServiceError::Invalid(format!(
                    "there are {MAX} webhooks already"
                ))),
                _ => Ok(()),
            }
        })?;
        Ok((self.webhook(&id)?, secret))
    }

    /// All webhooks, the oldest first.
    pub(crate) fn webhooks(&self) -> Result<Vec<Webhook>, ServiceError> {
        read(&self.lock(), None)
    }

    /// A webhook.
    ///
    /// # Errors
    /// [`ServiceError::NoWebhook`] when there is none of this name.
    pub(crate) fn webhook(&self, id: &str) -> Result<Webhook, ServiceError> {
        let found = read(&self.lock(), Some(id))?.pop();
        found.ok_or_else(|| ServiceError::NoWebhook(id.to_owned()))
    }

    /// Removes a webhook.
    pub(crate) fn remove_webhook(&self, id: &str) -> Result<(), ServiceError> {
        self.change_webhook(id, "DELETE FROM webhooks WHERE id = ?1", params![id])
    }

    /// Draws a secret in the place of the old one, which signs too for a day.
    pub(crate) fn rotate_webhook(&self, id: &str) -> Result<(Webhook, Secret), ServiceError> {
        let secret = Secret::draw().map_err(ServiceError::book)?;
        let until = Moment::now().plus(OVERLAP).0;
        let rotate = "UPDATE webhooks SET old_secret = secret, old_until = ?2, secret = ?3
             WHERE id = ?1";
        self.change_webhook(id, rotate, params![id, until, secret.as_bytes()])?;
        Ok((self.webhook(id)?, secret))
    }

    /// Tries again at once, from the event after this number on.
    pub(crate) fn replay_webhook(
        &self,
        id: &str,
        after: Option<i64>,
    ) -> Result<Webhook, ServiceError> {
        let replay =
            "UPDATE webhooks SET position = coalesce(?2, position), since = ?3, active = 1,
                 failures = 0, reason = NULL, next_try = NULL
             WHERE id = ?1";
        self.change_webhook(id, replay, params![id, after, Moment::now().0])?;
        self.webhook(id)
    }

    fn change_webhook(
        &self,
        id: &str,
        change: &str,
        values: impl bdk_wallet::rusqlite::Params,
    ) -> Result<(), ServiceError> {
        self.change(|transaction| {
            let changed = transaction.execute(change, values);
            match changed.map_err(ServiceError::book)? {
                0 => Err(ServiceError::NoWebhook(id.to_owned())),
                _ => Ok(()),
            }
        })
    }

    /// What a webhook waits for.
    pub(crate) fn next_delivery(
        &self,
        id: &str,
        now: Moment,
    ) -> Result<NextDelivery, ServiceError> {
        let database = self.lock();
        let next = (|| {
            let state = "SELECT active, next_try FROM webhooks WHERE id = ?1";
            let state = database.query_row(state, [id], |row| {
                Ok((row.get::<_, bool>(0)?, row.get::<_, Option<i64>>(1)?))
            });
            match state.optional()? {
                None => return Ok(NextDelivery::Removed),
                Some((false, _)) => return Ok(NextDelivery::Nothing),
                Some((true, Some(at))) if at > now.0 => return Ok(NextDelivery::Later(Moment(at))),
                Some(_) => {}
            }
            let due = database.query_row(
                &format!(
                    "SELECT number, at, kind, body, id, url, position, secret,
                            CASE WHEN old_until > ?2 THEN old_secret END
                     FROM webhooks JOIN events ON {WAITING} WHERE id = ?1 ORDER BY number LIMIT 1"
                ),
                params![id, now.0],
                due,
            );
            Ok(due
                .optional()?
                .map_or(NextDelivery::Nothing, NextDelivery::Due))
        })();
        next.map_err(|error: bdk_wallet::rusqlite::Error| ServiceError::book(error))
    }

    /// Writes down what came of a try. One that failed is tried again later; what failed for three days
    /// is given up.
    pub(crate) fn tried(
        &self,
        id: &str,
        due: &Due,
        outcome: &Outcome,
        now: Moment,
    ) -> Result<(), ServiceError> {
        self.change(|transaction| {
            // One that was replayed meanwhile begins anew.
            let changed = match outcome {
                Outcome::Delivered => transaction.execute(
                    "UPDATE webhooks SET position = ?3, failures = 0, reason = NULL, next_try = NULL
                     WHERE id = ?1 AND position = ?2",
                    params![id, due.position, due.number],
                ),
                Outcome::Gone => transaction.execute(
                    "UPDATE webhooks SET active = 0, reason = 'it is gone (410)', next_try = NULL
                     WHERE id = ?1 AND position = ?2",
                    params![id, due.position],
                ),
                Outcome::Failed(reason) => fail(transaction, id, due.position, reason, now),
            };
            changed.map(|_| ()).map_err(ServiceError::book)
        })
    }
}

fn fail(
    transaction: &Connection,
    id: &str,
    position: i64,
    reason: &str,
    now: Moment,
) -> bdk_wallet::rusqlite::Result<usize> {
    let failures = "SELECT failures FROM webhooks WHERE id = ?1 AND position = ?2";
    let failures = transaction.query_row(failures, params![id, position], |row| row.get(0));
    let Some(failures) = failures.optional()? else {
        return Ok(0);
    };
    transaction.execute(
        "UPDATE webhooks SET failures = failures + 1, reason = ?2, next_try = ?3 WHERE id = ?1",
        params![id, reason, now.plus(pause(failures)).0],
    )?;
    let horizon = now.minus(TRIED_FOR).0;
    transaction.execute(
        &format!(
            "UPDATE webhooks SET
                given_up = given_up + (SELECT count(*) FROM events WHERE {WAITING} AND at <= ?2),
                position = max(position, coalesce((SELECT max(number) FROM events WHERE at <= ?2), 0))
             WHERE id = ?1 AND since <= ?2"
        ),
        params![id, horizon],
    )
}

/// How long to wait after so many failures before this one: a second, then twice as long each time.
fn pause(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(16)).min(LONGEST_PAUSE)
}

fn read(database: &Connection, id: Option<&str>) -> Result<Vec<Webhook>, ServiceError> {
    let read = || {
        let mut webhooks = database.prepare_cached(&format!(
            "SELECT id, url, kinds, created, active, position, given_up, failures, reason, next_try,
                    (SELECT count(*) FROM events WHERE {WAITING})
             FROM webhooks WHERE ?1 IS NULL OR id = ?1 ORDER BY created, id"
        ))?;
        let rows = webhooks.query_map([id], |row| {
            let kinds: String = row.get(2)?;
            Ok(Webhook {
                id: row.get(0)?,
                url: row.get(1)?,
                events: serde_json::from_str(&kinds).unwrap_or_default(),
                created_at: Moment(row.get(3)?),
                active: row.get(4)?,
                position: row.get(5)?,
                given_up: row.get(6)?,
                failures: row.get(7)?,
                reason: row.get(8)?,
                next_try_at: row.get::<_, Option<i64>>(9)?.map(Moment),
                waiting: row.get(10)?,
            })
        })?;
        rows.collect::<Result<Vec<_>, _>>()
    };
    read().map_err(ServiceError::book)
}

fn due(row: &Row<'_>) -> bdk_wallet::rusqlite::Result<Due> {
    let number: i64 = row.get(0)?;
    let body: String = row.get(3)?;
    let webhook: String = row.get(4)?;
    let secrets = [Some(row.get::<_, [u8; 32]>(7)?), row.get(8)?];
    let message = json!({
        "type": row.get::<_, String>(2)?,
        "timestamp": Moment(row.get(1)?),
        "number": number,
        "data": serde_json::from_str::<Value>(&body).unwrap_or_default(),
    });
    Ok(Due {
        number,
        id: format!("{webhook}_{number}"),
        body: message.to_string(),
        url: row.get(5)?,
        secrets: secrets
            .into_iter()
            .flatten()
            .map(Secret::from_bytes)
            .collect(),
        position: row.get(6)?,
    })
}

#[cfg(test)]
mod tests;
