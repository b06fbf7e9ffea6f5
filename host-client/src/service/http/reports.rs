//! The shop's books over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderName, header};
use serde::Deserialize;
use tillcard_http::Problem;
use utoipa::IntoParams;

use super::ask;
use crate::service::book::{PaymentQuery, RefundQuery};
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::payment::Payment;
use crate::service::report::{Close, close, csv, refunds_csv};
use crate::service::shop::Shop;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

const CSV: (HeaderName, &str) = (header::CONTENT_TYPE, "text/csv; charset=utf-8");

/// The most payments in one report; who has more asks for shorter times.
const MOST: u32 = 100_000;

/// Of which time.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    /// What was asked for at this time or later (RFC 3339); without it, in the last 24 hours.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Moment>,
    /// What was asked for before this time (RFC 3339); without it, up to now.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
}

impl Span {
    fn bounds(&self) -> (Moment, Moment) {
        let until = self.until.unwrap_or_else(Moment::now);
        (self.since.unwrap_or(until.minus(DAY)), until)
    }

    /// Its payments, the oldest first.
    fn payments(&self, shop: &Shop) -> Result<(Moment, Moment, Vec<Payment>), ServiceError> {
        let (since, until) = self.bounds();
        let mut payments = shop.book.payments(&PaymentQuery {
            since: Some(since),
            until: Some(until),
            limit: MOST,
            ..PaymentQuery::default()
        })?;
        payments.reverse();
        Ok((since, until, payments))
    }
}

/// What payments came to, by state, in sat and in the shop's currency: for the end of the day. Fees are
/// the customers', and no part of it.
#[utoipa::path(get, path = "/v1/close", operation_id = "close_day", tag = "payments", params(Span), responses(
    (status = 200, body = Close), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn day(
    State(shop): State<Arc<Shop>>,
    query: Result<Query<Span>, QueryRejection>,
) -> Result<Json<Close>, Problem> {
    let Query(span) = query?;
    let closed = ask(shop, move |shop| {
        let (since, until, payments) = span.payments(shop)?;
        Ok(close(since, until, &payments))
    });
    closed.await.map(Json)
}

/// Payments as a table for spreadsheets (RFC 4180), the oldest first. As JSON they are at `/v1/payments`.
#[utoipa::path(get, path = "/v1/payments.csv", operation_id = "list_payments_as_csv", tag = "payments", params(Span), responses(
    (status = 200, content_type = "text/csv", body = String),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn table(
    State(shop): State<Arc<Shop>>,
    query: Result<Query<Span>, QueryRejection>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let Query(span) = query?;
    let table = ask(shop, move |shop| Ok(csv(&span.payments(shop)?.2)));
    Ok(([CSV], table.await?))
}

/// Refunds as a table for spreadsheets (RFC 4180), the oldest first. As JSON they are at `/v1/refunds`.
#[utoipa::path(get, path = "/v1/refunds.csv", operation_id = "list_refunds_as_csv", tag = "refunds", params(Span), responses(
    (status = 200, content_type = "text/csv", body = String),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn refunds(
    State(shop): State<Arc<Shop>>,
    query: Result<Query<Span>, QueryRejection>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let Query(span) = query?;
    let table = ask(shop, move |shop| {
        let (since, until) = span.bounds();
        let mut refunds = shop.book.refunds(&RefundQuery {
            since: Some(since),
            until: Some(until),
            limit: MOST,
            ..RefundQuery::default()
        })?;
        refunds.reverse();
        Ok(refunds_csv(&refunds))
    });
    Ok(([CSV], table.await?))
}
