//! Events, as they come (server-sent events). Who was away names the last one that he has, by
//! `Last-Event-ID`, and gets all that came since.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{self, Stream};
use serde::Deserialize;
use tillcard_http::Problem;
use tokio::sync::watch;
use utoipa::IntoParams;

use super::ask;
use crate::service::book::StoredEvent;
use crate::service::error::ServiceError;
use crate::service::shop::Shop;

/// From which event on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    /// The events after this number; 0 for all that are kept. Without it and `Last-Event-ID`, those that
    /// come from now on.
    #[param(nullable = false, minimum = 0)]
    after: Option<i64>,
}

/// Somebody who listens.
struct Listener {
    shop: Arc<Shop>,
    news: watch::Receiver<i64>,
    /// The number of the last event that he was given.
    last: i64,
    read: VecDeque<StoredEvent>,
}

/// Events, as they come. The kinds are `payment.STATE` when a payment comes to another state,
/// `payment.updated`, `payment.alarm` when money that was counted on went back on the chain, `refund.STATE`, `refund.updated`,
/// `reader.updated`, `reader.removed` and `till.updated`; the data is what changed,
/// as it is then.
#[utoipa::path(get, path = "/v1/events", operation_id = "stream_events", tag = "events", params(From,
    ("Last-Event-ID" = Option<i64>, Header, description = "the number of the last event that the client has")),
    responses((status = 200, content_type = "text/event-stream", body = String),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn stream(
    State(shop): State<Arc<Shop>>,
    headers: HeaderMap,
    query: Result<Query<From>, QueryRejection>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Query(From { after }) = query?;
    let named = match headers.get("last-event-id") {
        None => None,
        Some(id) => Some(number(id.as_bytes())?),
    };
    let news = shop.book.subscribe();
    let last = named.or(after).unwrap_or_else(|| *news.borrow());
    let listener = Listener {
        shop,
        news,
        last,
        read: VecDeque::new(),
    };
    let events = stream::unfold(listener, |mut listener| async {
        let event = listener.next().await?;
        Some((Ok(event), listener))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

fn number(id: &[u8]) -> Result<i64, Problem> {
    let id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
    let invalid = "Last-Event-ID isn't the number of an event";
    Ok(id.ok_or_else(|| ServiceError::Invalid(invalid.into()))?)
}

impl Listener {
    /// The next event; none when the service ends.
    async fn next(&mut self) -> Option<Event> {
        while self.read.is_empty() {
            // Before it reads, so that none comes between.
            self.news.mark_unchanged();
            let last = self.last;
            let shop = Arc::clone(&self.shop);
            let read = ask(shop, move |shop| shop.book.events_after(last)).await;
            self.read.extend(read.ok()?);
            if self.read.is_empty() {
                self.news.changed().await.ok()?;
            }
        }
        let event = self.read.pop_front()?;
        self.last = event.number;
        let told = Event::default().id(event.number.to_string());
        Some(told.event(event.kind).data(event.body))
    }
}
