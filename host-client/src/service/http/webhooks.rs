//! Webhooks over HTTP, for who may set the till up.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tillcard_http::Problem;
use utoipa::ToSchema;

use super::ask;
use super::payments::PathOf;
use crate::service::error::ServiceError;
use crate::service::shop::Shop;
use crate::service::webhooks::{Secret, Target, Webhook};

type Body<T> = Result<Json<T>, JsonRejection>;

/// What a webhook is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWebhook {
    /// Where events are sent to: `https://…`, or `http://…` on the till's own computer.
    #[schema(max_length = 2000)]
    url: String,
    /// The kinds of events that it gets, such as `payment.settled` or `payment.*`; all, when it is left
    /// out.
    events: Option<Vec<String>>,
}

/// A webhook and its secret, which is told this once.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub(super) struct WithSecret {
    webhook: Webhook,
    /// What its messages are signed with.
    secret: String,
}

impl From<(Webhook, Secret)> for WithSecret {
    fn from((webhook, secret): (Webhook, Secret)) -> Self {
        let secret = secret.text().to_string();
        Self { webhook, secret }
    }
}

/// Makes a webhook. It gets the events that happen from now on, each signed as Standard Webhooks has it,
/// in their order, and again until its receiver answers with 2xx, for three days.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "create_webhook", tag = "webhooks", request_body = NewWebhook, responses(
    (status = 201, body = WithSecret), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(shop): State<Arc<Shop>>,
    body: Body<NewWebhook>,
) -> Result<(StatusCode, Json<WithSecret>), Problem> {
    let Json(NewWebhook { url, events }) = body?;
    let made = ask(shop, move |shop| {
        let target = Target::parse(&url).map_err(ServiceError::Invalid)?;
        let events = events.unwrap_or_else(|| vec!["*".to_owned()]);
        shop.book.new_webhook(&target, &events)
    });
    Ok((StatusCode::CREATED, Json(made.await?.into())))
}

/// All webhooks, without their secrets.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "list_webhooks", tag = "webhooks", responses(
    (status = 200, body = Vec<Webhook>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(State(shop): State<Arc<Shop>>) -> Result<Json<Vec<Webhook>>, Problem> {
    ask(shop, |shop| shop.book.webhooks()).await.map(Json)
}

/// A webhook: what it has got, and what stands in its way.
#[utoipa::path(get, path = "/v1/webhooks/{webhook}", operation_id = "get_webhook", tag = "webhooks", params(("webhook" = String, Path)), responses(
    (status = 200, body = Webhook), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn show(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<Json<Webhook>, Problem> {
    let Path(id) = path?;
    ask(shop, move |shop| shop.book.webhook(&id))
        .await
        .map(Json)
}

/// Removes a webhook.
#[utoipa::path(delete, path = "/v1/webhooks/{webhook}", operation_id = "remove_webhook", tag = "webhooks", params(("webhook" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn remove(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<StatusCode, Problem> {
    let Path(id) = path?;
    ask(shop, move |shop| shop.book.remove_webhook(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Draws a new secret. Messages have both signatures for a day, so that none is refused meanwhile.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/rotate", operation_id = "rotate_webhook", tag = "webhooks", params(("webhook" = String, Path)),
    responses((status = 200, body = WithSecret), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn rotate(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<Json<WithSecret>, Problem> {
    let Path(id) = path?;
    let rotated = ask(shop, move |shop| shop.book.rotate_webhook(&id)).await?;
    Ok(Json(rotated.into()))
}

/// From which event on.
#[derive(Deserialize, ToSchema)]
#[schema(as = WebhookReplay)]
#[serde(deny_unknown_fields)]
pub(super) struct Replay {
    /// Those after this number are sent, again if they were sent before. When it is left out, what waits.
    #[schema(minimum = 0)]
    after: Option<i64>,
}

/// Sends events again, or at once: those of the last 30 days are kept.
#[utoipa::path(post, path = "/v1/webhooks/{webhook}/replay", operation_id = "replay_webhook", tag = "webhooks", request_body = Replay,
    params(("webhook" = String, Path)), responses((status = 202, body = Webhook),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn replay(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
    body: Body<Replay>,
) -> Result<(StatusCode, Json<Webhook>), Problem> {
    let (Path(id), Json(Replay { after })) = (path?, body?);
    if after.is_some_and(|after| after < 0) {
        return Err(ServiceError::Invalid("after is below 0".to_owned()).into());
    }
    let replayed = ask(shop, move |shop| shop.book.replay_webhook(&id, after));
    Ok((StatusCode::ACCEPTED, Json(replayed.await?)))
}
