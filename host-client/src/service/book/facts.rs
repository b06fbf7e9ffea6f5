//! Single facts that outlast the process.

use bdk_wallet::rusqlite::{OptionalExtension, params};

use super::Book;
use crate::service::error::ServiceError;

impl Book {
    /// What was kept under this name.
    pub(crate) fn fact(&self, name: &str) -> Result<Option<String>, ServiceError> {
        let found = self.lock().query_row(
            "SELECT value FROM facts WHERE name = ?1",
            params![name],
            |row| row.get(0),
        );
        found.optional().map_err(ServiceError::book)
    }

    /// The number that is given next under this name.
    pub(crate) fn next_number_is(&self, name: &str) -> Result<u32, ServiceError> {
        let kept = self.fact(name)?.map(|number| number.parse());
        kept.transpose()
            .map_err(ServiceError::book)
            .map(Option::unwrap_or_default)
    }

    /// The next number under this name, which is given once, whatever happens after: when this returns,
    /// the disk has it.
    pub(crate) fn next_number(&self, name: &str) -> Result<u32, ServiceError> {
        self.change(|transaction| {
            let next = transaction.query_row(
                "INSERT INTO facts (name, value) VALUES (?1, '1')
                 ON CONFLICT (name) DO UPDATE SET value = value + 1
                 RETURNING CAST(value AS INTEGER) - 1",
                params![name],
                |row| row.get(0),
            );
            next.map_err(ServiceError::book)
        })
    }

    /// Keeps a fact, in place of what was kept under its name.
    pub(crate) fn keep_fact(&self, name: &str, value: &str) -> Result<(), ServiceError> {
        self.change(|transaction| {
            let kept = transaction.execute(
                "INSERT INTO facts (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                params![name, value],
            );
            kept.map(|_| ()).map_err(ServiceError::book)
        })
    }
}
