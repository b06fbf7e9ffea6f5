//! Payments as the service tells of them.

use std::collections::BTreeSet;

use bdk_wallet::rusqlite::{Connection, OptionalExtension, params};

use super::answers::{self, Answer};
use super::{Book, events, json};
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::payment::{Payment, State};

/// Which payments are asked for.
#[derive(Default)]
pub(crate) struct PaymentQuery {
    /// Those in this state.
    pub(crate) state: Option<State>,
    /// Those asked for at this time or later.
    pub(crate) since: Option<Moment>,
    /// Those asked for before this time.
    pub(crate) until: Option<Moment>,
    /// Those after this one in the list.
    pub(crate) after: Option<String>,
    /// At most so many.
    pub(crate) limit: u32,
}

impl Book {
    /// Stores a new payment, the event of it, and the answer to the request.
    pub(crate) fn add_payment(
        &self,
        payment: &Payment,
        answer: Option<&Answer>,
    ) -> Result<(), ServiceError> {
        self.change(|transaction| {
            let added = transaction.execute(
                "INSERT INTO payments (id, created, state, body) VALUES (?1, ?2, ?3, ?4)",
                params![
                    payment.id,
                    payment.created_at.0,
                    payment.state.name(),
                    json(payment)?
                ],
            );
            added.map_err(ServiceError::book)?;
            if let Some(answer) = answer {
                answers::add(transaction, answer, payment.created_at)?;
            }
            let kind = format!("payment.{}", payment.state.name());
            events::add(transaction, &kind, payment, payment.created_at)
        })
    }

    /// Changes a payment, and stores the event of it. Nothing when there is no such payment.
    pub(crate) fn change_payment(
        &self,
        id: &str,
        change: impl FnOnce(&mut Payment),
    ) -> Result<Option<Payment>, ServiceError> {
        self.change(|transaction| {
            let Some(mut payment) = read(transaction, id)? else {
                return Ok(None);
            };
            let (before, alarms_before) = (payment.state, payment.alarms.len());
            change(&mut payment);
            let changed = transaction.execute(
                "UPDATE payments SET state = ?2, body = ?3 WHERE id = ?1",
                params![id, payment.state.name(), json(&payment)?],
            );
            changed.map_err(ServiceError::book)?;
            let kind = match payment.state == before {
                true => "payment.updated".to_owned(),
                false => format!("payment.{}", payment.state.name()),
            };
            events::add(transaction, &kind, &payment, payment.updated_at)?;
            if payment.alarms.len() > alarms_before {
                events::add(transaction, "payment.alarm", &payment, payment.updated_at)?;
            }
            Ok(Some(payment))
        })
    }

    /// A payment.
    ///
    /// # Errors
    /// [`ServiceError::NoPayment`] when there is none of this name.
    pub(crate) fn payment(&self, id: &str) -> Result<Payment, ServiceError> {
        read(&self.lock(), id)?.ok_or_else(|| ServiceError::NoPayment(id.to_owned()))
    }

    /// For each state that there is a payment in: its name, how many, and their amounts in sat.
    pub(crate) fn totals(&self) -> Result<Vec<(String, i64, i64)>, ServiceError> {
        super::totals(&self.lock(), "payments")
    }

    /// Name and address of the payments since this time, oldest first.
    pub(crate) fn addresses_since(
        &self,
        since: Moment,
    ) -> Result<Vec<(String, String)>, ServiceError> {
        let database = self.lock();
        let read = || {
            let mut addresses = database.prepare(
                "SELECT id, body ->> 'to' FROM payments WHERE created >= ?1 ORDER BY created, id",
            )?;
            let rows = addresses.query_map([since.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(ServiceError::book)
    }

    /// The payments to whose addresses coins came that are buried by so many blocks at most.
    pub(crate) fn payments_with_young_coins(
        &self,
        depth: u32,
    ) -> Result<BTreeSet<String>, ServiceError> {
        let database = self.lock();
        let read = || {
            let mut payments = database.prepare(
                "SELECT id FROM payments WHERE body ->> '$.by_address.confirmations' <= ?1",
            )?;
            let rows = payments.query_map([depth], |row| row.get(0))?;
            rows.collect::<Result<BTreeSet<_>, _>>()
        };
        read().map_err(ServiceError::book)
    }

    /// How many alarms there were.
    pub(crate) fn alarms(&self) -> Result<i64, ServiceError> {
        let alarms = "SELECT coalesce(sum(json_array_length(body, '$.alarms')), 0) FROM payments";
        let alarms = self.lock().query_row(alarms, [], |row| row.get(0));
        alarms.map_err(ServiceError::book)
    }

    /// Payments, the latest first.
    pub(crate) fn payments(&self, query: &PaymentQuery) -> Result<Vec<Payment>, ServiceError> {
        let after = match &query.after {
            Some(id) => self.payment(id)?.created_at.0,
            None => i64::MAX,
        };
        let database = self.lock();
        let texts = (|| {
            let mut payments = database.prepare_cached(
                "SELECT body FROM payments
                 WHERE (?1 IS NULL OR state = ?1) AND created >= ?2 AND created < ?3
                   AND (created, id) < (?4, coalesce(?5, ''))
                 ORDER BY created DESC, id DESC LIMIT ?6",
            )?;
            let rows = payments.query_map(
                params![
                    query.state.map(State::name),
                    query.since.map_or(i64::MIN, |since| since.0),
                    query.until.map_or(i64::MAX, |until| until.0),
                    after,
                    query.after,
                    query.limit
                ],
                |row| row.get::<_, String>(0),
            )?;
            rows.collect::<Result<Vec<_>, _>>()
        })()
        .map_err(ServiceError::book)?;
        texts.iter().map(|text| parse(text)).collect()
    }
}

fn read(database: &Connection, id: &str) -> Result<Option<Payment>, ServiceError> {
    let found = "SELECT body FROM payments WHERE id = ?1";
    let found = database.query_row(found, [id], |row| row.get::<_, String>(0));
    let found = found.optional().map_err(ServiceError::book)?;
    found.as_deref().map(parse).transpose()
}

fn parse(text: &str) -> Result<Payment, ServiceError> {
    serde_json::from_str(text).map_err(ServiceError::book)
}
