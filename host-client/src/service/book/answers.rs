//! Answers to requests that may come again, by the key that the client drew for each.

use std::time::Duration;

use bdk_wallet::rusqlite::{Connection, OptionalExtension, params};

use super::Book;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;

/// So long an answer is given again.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// An answer, and the request that it was given to.
pub(crate) struct Answer {
    /// Who asked.
    pub(crate) key: String,
    /// The name that he gave the request.
    pub(crate) name: String,
    /// The request's hash.
    pub(crate) request: [u8; 32],
    /// The answer's body.
    pub(crate) body: String,
}

impl Book {
    /// The answer that was given to this request, if there was one.
    ///
    /// # Errors
    /// [`ServiceError::KeyReused`] when that was another request.
    pub(crate) fn answer(
        &self,
        key: &str,
        name: &str,
        request: &[u8; 32],
    ) -> Result<Option<String>, ServiceError> {
        let found = self.lock().query_row(
            "SELECT request, body FROM answers WHERE key = ?1 AND name = ?2 AND at >= ?3",
            params![key, name, Moment::now().minus(KEPT).0],
            |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?)),
        );
        match found.optional().map_err(ServiceError::book)? {
            Some((before, body)) if before == request => Ok(Some(body)),
            Some(_) => Err(ServiceError::KeyReused),
            None => Ok(None),
        }
    }
}

/// Stores an answer in a transaction under way, and forgets those that are too old.
pub(super) fn add(
    transaction: &Connection,
    answer: &Answer,
    now: Moment,
) -> Result<(), ServiceError> {
    let forgotten = transaction.execute("DELETE FROM answers WHERE at < ?1", [now.minus(KEPT).0]);
    forgotten.map_err(ServiceError::book)?;
    let added = transaction.execute(
        "INSERT INTO answers (key, name, at, request, body) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            answer.key,
            answer.name,
            now.0,
            answer.request.as_slice(),
            answer.body
        ],
    );
    added.map(|_| ()).map_err(ServiceError::book)
}
