//! API keys: who may do what. A key's secret isn't kept, only its hash.

use std::time::Duration;

use bdk_wallet::rusqlite::{OptionalExtension, Row, params};
use serde::Serialize;
use tillcard_http::TokenHash;
use zeroize::Zeroizing;

use super::Book;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;

/// What every key begins with, so that a scanner for leaked secrets knows it.
const PREFIX: &str = "tillcard_";

/// What a key lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// See payments, readers and events.
    Read,
    /// Take payments.
    Take,
    /// Draft refunds, and hand in what the back office has signed.
    Refund,
    /// Set the till up, such as its test cards.
    Manage,
}

impl Scope {
    /// All that there are.
    pub(crate) const ALL: [Self; 4] = [Self::Read, Self::Take, Self::Refund, Self::Manage];

    /// Its name, as it is written.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Take => "take",
            Self::Refund => "refund",
            Self::Manage => "manage",
        }
    }
}

/// A key, without its secret.
#[derive(Clone, Serialize)]
pub(crate) struct ApiKey {
    /// Its name.
    pub(crate) id: String,
    /// What the shop calls it.
    pub(crate) label: String,
    /// What it lets its holder do.
    pub(crate) scopes: Vec<Scope>,
    /// When it was drawn.
    pub(crate) created: Moment,
    /// When it ends.
    pub(crate) expires: Option<Moment>,
}

impl Book {
    /// Draws a key. It is given once; what is kept is its hash.
    pub(crate) fn new_key(
        &self,
        label: &str,
        scopes: &[Scope],
        expires: Option<Moment>,
    ) -> Result<(ApiKey, Zeroizing<String>), ServiceError> {
        let mut random = Zeroizing::new([0; 36]);
        getrandom::fill(&mut *random).map_err(ServiceError::book)?;
        let (name, secret) = random.split_at(4);
        let key = ApiKey {
            id: hex::encode(name),
            label: label.to_owned(),
            scopes: scopes.to_vec(),
            created: Moment::now(),
            expires,
        };
        let secret = Zeroizing::new(hex::encode(secret));
        let token = Zeroizing::new(format!("{PREFIX}{}_{}", key.id, *secret));
        let names: Vec<_> = scopes.iter().map(|scope| scope.name()).collect();
        self.change(|transaction| {
            let added = transaction.execute(
                "INSERT INTO keys (id, label, hash, scopes, created, expires)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    key.id,
                    key.label,
                    TokenHash::of(&token).as_bytes().as_slice(),
                    names.join(","),
                    key.created.0,
                    key.expires.map(|expires| expires.0)
                ],
            );
            added.map(|_| ()).map_err(ServiceError::book)
        })?;
        Ok((key, token))
    }

    /// The key whose token this is; none when it is nobody's, or has ended.
    pub(crate) fn key_of(&self, token: &str) -> Result<Option<ApiKey>, ServiceError> {
        let named = token.strip_prefix(PREFIX).and_then(|t| t.split_once('_'));
        let id = named.map_or("", |(id, _)| id);
        let found = self.lock().query_row(
            "SELECT id, label, scopes, created, expires, hash FROM keys WHERE id = ?1",
            [id],
            |row| Ok((key(row)?, row.get::<_, [u8; 32]>(5)?)),
        );
        let found = found.optional().map_err(ServiceError::book)?;
        // An unknown name takes as long as a wrong secret.
        let hash = found.as_ref().map_or([0; 32], |(_, hash)| *hash);
        let is_right = TokenHash::from_bytes(hash).is_of(token);
        let now = Moment::now();
        Ok(found
            .map(|(key, _)| key)
            .filter(|key| is_right && key.expires.is_none_or(|expires| now < expires)))
    }

    /// All keys, the oldest first.
    pub(crate) fn keys(&self) -> Result<Vec<ApiKey>, ServiceError> {
        let database = self.lock();
        let read = || {
            let mut keys = database.prepare(
                "SELECT id, label, scopes, created, expires FROM keys ORDER BY created, id",
            )?;
            let rows = keys.query_map([], key)?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(ServiceError::book)
    }

    /// Ends a key in so long a time. Nothing when there is none of this name.
    pub(crate) fn end_key(
        &self,
        id: &str,
        after: Duration,
    ) -> Result<Option<ApiKey>, ServiceError> {
        let end = Moment::now().plus(after);
        self.change(|transaction| {
            let ended = transaction.execute(
                "UPDATE keys SET expires = min(coalesce(expires, ?2), ?2) WHERE id = ?1",
                params![id, end.0],
            );
            ended.map_err(ServiceError::book)?;
            let found = transaction.query_row(
                "SELECT id, label, scopes, created, expires FROM keys WHERE id = ?1",
                [id],
                key,
            );
            found.optional().map_err(ServiceError::book)
        })
    }
}

fn key(row: &Row<'_>) -> bdk_wallet::rusqlite::Result<ApiKey> {
    let names: String = row.get(2)?;
    let has = |scope: &Scope| names.split(',').any(|name| name == scope.name());
    Ok(ApiKey {
        id: row.get(0)?,
        label: row.get(1)?,
        scopes: Scope::ALL.into_iter().filter(has).collect(),
        created: Moment(row.get(3)?),
        expires: row.get::<_, Option<i64>>(4)?.map(Moment),
    })
}
