//! Following what happens, and waiting for it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_core::Stream;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::routes::{Answer, PathOf, ask};
use crate::layers::faults::CommandName;
use crate::tray::{Awaited, AwaitedState, Events, Tray, TrayEvent};
use tillcard_http::Problem;

/// The name of the header by which a client says what it has seen (HTML, server-sent events).
const LAST_EVENT_ID: &str = "last-event-id";

/// How long a wait may last, in milliseconds, and how long it does when nobody says.
const TIMEOUT_MAX: u64 = 60_000;
const TIMEOUT: u64 = 10_000;

type QueryOf<T> = Result<Query<T>, QueryRejection>;

/// Where to begin.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Since {
    /// The number of the last event that is known; 0 for all that are kept. The header `Last-Event-ID` says
    /// the same. Without either, it begins now.
    since: Option<u64>,
}

/// What happens from now on, as server-sent events: `id` is the event's number, `event` what happened, `data`
/// a `TrayEvent`. When events are no longer kept, an event `lost` says how many. The stream has no end.
#[utoipa::path(get, path = "/v1/events", params(Since), responses(
    (status = 200, body = TrayEvent, content_type = "text/event-stream"),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn events(
    State(tray): State<Arc<Tray>>,
    query: QueryOf<Since>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let Query(Since { since }) = query?;
    let seen = headers.get(LAST_EVENT_ID).and_then(|id| id.to_str().ok());
    let seen = seen.and_then(|id| id.parse().ok()).or(since);
    let events = tray.events().clone();
    let last = seen.unwrap_or_else(|| events.last());
    let follower = Follower {
        events,
        last,
        ready: VecDeque::new(),
    };
    Ok(Sse::new(follower).keep_alive(KeepAlive::default()))
}

/// Takes events when its client has room for them.
struct Follower {
    events: Events,
    /// The number of the last event that was taken.
    last: u64,
    ready: VecDeque<Event>,
}

impl Stream for Follower {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ready.is_empty() {
            let Poll::Ready(following) = self.events.poll_after(self.last, context) else {
                return Poll::Pending;
            };
            if following.lost > 0 {
                let lost = serde_json::json!({"event": "lost", "events": following.lost});
                let lost = Event::default().event("lost").data(lost.to_string());
                self.ready.push_back(lost);
            }
            for event in following.events {
                self.last = event.id;
                self.ready.push_back(sent(&event));
            }
        }
        Poll::Ready(self.ready.pop_front().map(Ok))
    }
}

fn sent(event: &TrayEvent) -> Event {
    let data = serde_json::to_string(event).unwrap_or_default();
    let id = event.id.to_string();
    Event::default().id(id).event(event.what.name()).data(data)
}

/// What is awaited, and how long.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WaitFor {
    /// What the reader is like.
    #[param(inline)]
    state: Option<AwaitedState>,
    /// So many commands were answered or given up since the card was put in.
    commands: Option<u64>,
    /// Of the commands, only those of this name count; one, where `commands` isn't there.
    #[param(inline)]
    command: Option<CommandName>,
    /// The most milliseconds that it takes.
    #[param(maximum = 60_000, default = 10_000)]
    timeout: Option<u64>,
}

/// How a wait ended.
#[derive(Serialize, ToSchema)]
pub(super) struct Waited {
    /// Whether it is as it was awaited; otherwise the time is over.
    came: bool,
}

/// Waits until a reader, and the card in it, are as it is awaited, in all that is named.
#[utoipa::path(get, path = "/v1/readers/{reader}/wait",
    params(("reader" = String, Path), WaitFor), responses(
    (status = 200, body = Waited), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn wait(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
    query: QueryOf<WaitFor>,
) -> Answer<Waited> {
    let (Path(reader), Query(wanted)) = (path?, query?);
    let patience = wanted.timeout.unwrap_or(TIMEOUT).min(TIMEOUT_MAX);
    let awaited = Awaited {
        state: wanted.state,
        commands: wanted.commands,
        command: wanted.command,
    };
    let events = tray.events().clone();
    let reader = ask(tray, move |tray| {
        tray.check_reader(&reader).map(|()| reader)
    })
    .await?;
    let waited = timeout(
        Duration::from_millis(patience),
        events.wait(&reader, &awaited),
    )
    .await;
    Ok(Json(Waited {
        came: waited.is_ok(),
    }))
}
