//! Refunds, as the service tells of them.

use bdk_wallet::rusqlite::{Connection, OptionalExtension, Params, params};

use super::answers::{self, Answer};
use super::{Book, events, json};
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::refund::{Refund, RefundError, RefundState};

pub(super) const TABLES: &str = "
    CREATE TABLE refunds (
        id TEXT PRIMARY KEY, payment TEXT NOT NULL, created INTEGER NOT NULL, state TEXT NOT NULL,
        body TEXT NOT NULL
    ) STRICT;
    CREATE INDEX refunds_by_time ON refunds (created, id);
    CREATE INDEX refunds_by_payment ON refunds (payment);
    CREATE INDEX refunds_by_state ON refunds (state);
";

/// Which refunds are asked for.
#[derive(Default)]
pub(crate) struct RefundQuery {
    /// Those of this payment.
    pub(crate) payment: Option<String>,
    /// Those in this state.
    pub(crate) state: Option<RefundState>,
    /// Those drafted at this time or later.
    pub(crate) since: Option<Moment>,
    /// Those drafted before this time.
    pub(crate) until: Option<Moment>,
    /// Those after this one in the list.
    pub(crate) after: Option<String>,
    /// At most so many.
    pub(crate) limit: u32,
}

impl Book {
    /// Stores a new refund, the event of it, and the answer to the request.
    pub(crate) fn add_refund(
        &self,
        refund: &Refund,
        answer: Option<&Answer>,
    ) -> Result<(), ServiceError> {
        self.change(|transaction| {
            let added = transaction.execute(
                "INSERT INTO refunds (id, payment, created, state, body)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    refund.id,
                    refund.payment,
                    refund.created_at.0,
                    refund.state.name(),
                    json(refund)?
                ],
            );
            added.map_err(ServiceError::book)?;
            if let Some(answer) = answer {
                answers::add(transaction, answer, refund.created_at)?;
            }
            announce(transaction, refund, true)
        })
    }

    /// Changes a refund, and stores the event of it.
    ///
    /// # Errors
    /// [`RefundError::Unknown`] when there is none of this name.
    pub(crate) fn change_refund(
        &self,
        id: &str,
        change: impl FnOnce(&mut Refund),
    ) -> Result<Refund, ServiceError> {
        self.change(|transaction| {
            let mut refund = read(transaction, id)?;
            let before = refund.state;
            change(&mut refund);
            let changed = transaction.execute(
                "UPDATE refunds SET state = ?2, body = ?3 WHERE id = ?1",
                params![id, refund.state.name(), json(&refund)?],
            );
            changed.map_err(ServiceError::book)?;
            announce(transaction, &refund, refund.state != before)?;
            Ok(refund)
        })
    }

    /// A refund.
    ///
    /// # Errors
    /// [`RefundError::Unknown`] when there is none of this name.
    pub(crate) fn refund(&self, id: &str) -> Result<Refund, ServiceError> {
        read(&self.lock(), id)
    }

    /// All refunds of a payment, the oldest first.
    pub(crate) fn refunds_of(&self, payment: &str) -> Result<Vec<Refund>, ServiceError> {
        self.refunds_where("payment = ?1 ORDER BY created, id", [payment])
    }

    /// The refunds that the chain doesn't have, as far as the till knows.
    pub(crate) fn refunds_not_sent(&self) -> Result<Vec<Refund>, ServiceError> {
        let not_sent = "state NOT IN ('broadcast', 'confirmed', 'settled')";
        self.refunds_where(not_sent, [])
    }

    /// The refunds since this time that are buried by so many blocks at most, or aren't in a block.
    pub(crate) fn refunds_to_watch(
        &self,
        depth: u32,
        since: Moment,
    ) -> Result<Vec<Refund>, ServiceError> {
        let found = "body ->> '$.confirmations' <= ?1 AND created >= ?2";
        self.refunds_where(found, params![depth, since.0])
    }

    /// Names of the drafts whose time is over.
    pub(crate) fn refunds_to_expire(&self, now: Moment) -> Result<Vec<String>, ServiceError> {
        let drafted = self.refunds_where("state = 'drafted'", [])?;
        let over = drafted
            .into_iter()
            .filter(|refund| refund.expires_at <= now);
        Ok(over.map(|refund| refund.id).collect())
    }

    /// Refunds, the latest first.
    pub(crate) fn refunds(&self, query: &RefundQuery) -> Result<Vec<Refund>, ServiceError> {
        let after = match &query.after {
            Some(id) => self.refund(id)?.created_at.0,
            None => i64::MAX,
        };
        self.refunds_where(
            "(?1 IS NULL OR payment = ?1) AND (?2 IS NULL OR state = ?2)
               AND created >= ?3 AND created < ?4 AND (created, id) < (?5, coalesce(?6, ''))
             ORDER BY created DESC, id DESC LIMIT ?7",
            params![
                query.payment,
                query.state.map(RefundState::name),
                query.since.map_or(i64::MIN, |since| since.0),
                query.until.map_or(i64::MAX, |until| until.0),
                after,
                query.after,
                query.limit
            ],
        )
    }

    /// For each state that there is a refund in: its name, how many, and their amounts in sat.
    pub(crate) fn refund_totals(&self) -> Result<Vec<(String, i64, i64)>, ServiceError> {
        super::totals(&self.lock(), "refunds")
    }

    fn refunds_where(
        &self,
        condition: &str,
        values: impl Params,
    ) -> Result<Vec<Refund>, ServiceError> {
        let database = self.lock();
        let texts = (|| {
            let found = format!("SELECT body FROM refunds WHERE {condition}");
            let mut refunds = database.prepare_cached(&found)?;
            let rows = refunds.query_map(values, |row| row.get::<_, String>(0))?;
            rows.collect::<Result<Vec<_>, _>>()
        })()
        .map_err(ServiceError::book)?;
        texts.iter().map(|text| parse(text)).collect()
    }
}

fn announce(
    transaction: &Connection,
    refund: &Refund,
    is_new_state: bool,
) -> Result<(), ServiceError> {
    let kind = match is_new_state {
        true => format!("refund.{}", refund.state.name()),
        false => "refund.updated".to_owned(),
    };
    events::add(transaction, &kind, refund, refund.updated_at)
}

fn read(database: &Connection, id: &str) -> Result<Refund, ServiceError> {
    let found = "SELECT body FROM refunds WHERE id = ?1";
    let found = database.query_row(found, [id], |row| row.get::<_, String>(0));
    let found = found.optional().map_err(ServiceError::book)?;
    let found = found.ok_or_else(|| RefundError::Unknown(id.to_owned()))?;
    parse(&found)
}

fn parse(text: &str) -> Result<Refund, ServiceError> {
    serde_json::from_str(text).map_err(ServiceError::book)
}
