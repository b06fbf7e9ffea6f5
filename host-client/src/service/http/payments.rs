//! Payments over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tillcard_http::Problem;
use utoipa::{IntoParams, ToSchema};

use super::access::Caller;
use super::ask;
use crate::service::book::{ApiKey, PaymentQuery};
use crate::service::by_address::qr_code;
use crate::service::error::ServiceError;
use crate::service::moment::Moment;
use crate::service::payment::{Payment, State as PaymentState};
use crate::service::requests::{NewPayment, Repeatable};
use crate::service::shop::Shop;

/// The header by which a client names a request that it may send again.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// The longest name of a request.
const NAME_MAX: usize = 255;

/// Payments on a page, unless the request says otherwise, and at most.
const PAGE: u32 = 50;
const PAGE_MAX: u32 = 500;

pub(super) type PathOf<T> = Result<Path<T>, PathRejection>;

/// Makes a payment, which waits for its card from then on. A request with the same `Idempotency-Key`
/// and the same body gets the same answer for 24 hours, and makes no second payment.
#[utoipa::path(post, path = "/v1/payments", operation_id = "create_payment", tag = "payments", request_body = NewPayment,
    params(("Idempotency-Key" = Option<String>, Header, description = "a name that the client draws for this request, at most 255 characters")),
    responses((status = 201, body = Payment),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(shop): State<Arc<Shop>>,
    Extension(Caller(key)): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let wanted: NewPayment = parse(&headers, &body)?;
    let repeatable = repeatable(key, &headers, &body)?;
    let made = ask(shop, move |shop| shop.create(&wanted, repeatable)).await?;
    Ok(created(made))
}

/// The request by the name that the client gave it, if it gave one.
pub(super) fn repeatable(
    key: ApiKey,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Option<Repeatable>, Problem> {
    let Some(name) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    Ok(Some(Repeatable {
        key: key.id,
        name: name_of(name.as_bytes())?,
        hash: Sha256::digest(body).into(),
    }))
}

/// What was made, as the JSON that was stored.
pub(super) fn created(json: String) -> Response {
    let kind = (header::CONTENT_TYPE, "application/json");
    (StatusCode::CREATED, [kind], json).into_response()
}

/// The body as the JSON that it must be.
pub(super) fn parse<T: serde::de::DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, Problem> {
    let parsed = Json::<T>::from_bytes(body);
    let kind = headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "application/json" => Ok(parsed?.0),
        _ => Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "request-body",
            "send Content-Type: application/json".into(),
        )),
    }
}

fn name_of(name: &[u8]) -> Result<String, Problem> {
    let name = std::str::from_utf8(name).ok();
    let name = name.filter(|name| (1..=NAME_MAX).contains(&name.len()));
    let invalid = "Idempotency-Key isn't 1 to 255 characters of ASCII";
    let name = name.ok_or_else(|| ServiceError::Invalid(invalid.into()))?;
    Ok(name.to_owned())
}

/// Which payments are asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    /// Those in this state.
    #[param(nullable = false)]
    state: Option<PaymentState>,
    /// Those asked for at this time or later (RFC 3339).
    #[param(value_type = Option<String>, nullable = false, format = DateTime)]
    since: Option<Moment>,
    /// Those asked for before this time (RFC 3339).
    #[param(value_type = Option<String>, nullable = false, format = DateTime)]
    until: Option<Moment>,
    /// Those that follow this payment in the list: its `next` of before.
    #[param(nullable = false)]
    after: Option<String>,
    /// At most so many.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Payments, the latest first.
#[derive(Serialize, ToSchema)]
#[schema(as = PaymentPage)]
pub(super) struct Page {
    payments: Vec<Payment>,
    /// What to send as `after` for the payments that follow; nothing when there are none.
    next: Option<String>,
}

/// Payments, the latest first.
#[utoipa::path(get, path = "/v1/payments", operation_id = "list_payments", tag = "payments", params(Listing), responses(
    (status = 200, body = Page), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(shop): State<Arc<Shop>>,
    query: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(listing) = query?;
    let read = move |shop: &Arc<Shop>, limit| {
        shop.book.payments(&PaymentQuery {
            state: listing.state,
            since: listing.since,
            until: listing.until,
            after: listing.after,
            limit,
        })
    };
    let (payments, next) = page(shop, listing.limit, |payment| payment.id.clone(), read).await?;
    Ok(Json(Page { payments, next }))
}

/// A page of what `read` finds, of which it is told how many to read; and the name of its last one, if more
/// follow.
pub(super) async fn page<T: Send + 'static>(
    shop: Arc<Shop>,
    limit: Option<u32>,
    name: impl FnOnce(&T) -> String,
    read: impl FnOnce(&Arc<Shop>, u32) -> Result<Vec<T>, ServiceError> + Send + 'static,
) -> Result<(Vec<T>, Option<String>), Problem> {
    let limit = limit.unwrap_or(PAGE);
    if !(1..=PAGE_MAX).contains(&limit) {
        let invalid = format!("limit isn't between 1 and {PAGE_MAX}");
        return Err(ServiceError::Invalid(invalid).into());
    }
    let mut found = ask(shop, move |shop| read(shop, limit + 1)).await?;
    let has_more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| has_more).map(name);
    Ok((found, next))
}

/// A payment.
#[utoipa::path(get, path = "/v1/payments/{payment}", operation_id = "get_payment", tag = "payments", params(("payment" = String, Path)), responses(
    (status = 200, body = Payment), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn show(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<Json<Payment>, Problem> {
    let Path(id) = path?;
    ask(shop, move |shop| shop.book.payment(&id))
        .await
        .map(Json)
}

/// Gives up a payment for which no card was asked to pay. One that a card was asked for is in doubt
/// from then on, and its reader is free. What comes of it is told as an event.
#[utoipa::path(post, path = "/v1/payments/{payment}/cancel", operation_id = "cancel_payment", tag = "payments", params(("payment" = String, Path)),
    responses((status = 202, body = Payment), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn cancel(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<(StatusCode, Json<Payment>), Problem> {
    let Path(id) = path?;
    let payment = ask(shop, move |shop| shop.cancel(&id)).await?;
    Ok((StatusCode::ACCEPTED, Json(payment)))
}

/// Where the card comes to that is asked again.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = CardAt)]
#[serde(deny_unknown_fields)]
pub(super) struct At {
    /// The reader; may be left out when there is only one.
    reader: Option<String>,
}

/// Asks the card that was asked to pay what became of a payment in doubt: it is put in again. It is
/// charged once, and no other card is asked for anything.
#[utoipa::path(post, path = "/v1/payments/{payment}/ask-again", operation_id = "ask_again", tag = "payments", request_body = At,
    params(("payment" = String, Path)),
    responses((status = 202, body = Payment), (status = "4XX", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn ask_again(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Payment>), Problem> {
    let (Path(id), At { reader }) = (path?, parse(&headers, &body)?);
    let payment = ask(shop, move |shop| shop.ask_again(&id, reader.as_deref())).await?;
    Ok((StatusCode::ACCEPTED, Json(payment)))
}

/// Waits no longer for a payment in doubt, at the shop's own risk: it may still be paid, and is to be
/// paid back then.
#[utoipa::path(post, path = "/v1/payments/{payment}/close", operation_id = "close_payment", tag = "payments", params(("payment" = String, Path)),
    responses((status = 202, body = Payment), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn close(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<(StatusCode, Json<Payment>), Problem> {
    let Path(id) = path?;
    let payment = ask(shop, move |shop| shop.close(&id)).await?;
    Ok((StatusCode::ACCEPTED, Json(payment)))
}

/// The payment's URI as a QR code, for wallets: an SVG image, black on white.
#[utoipa::path(get, path = "/v1/payments/{payment}/qr.svg", operation_id = "get_qr_code", tag = "payments", params(("payment" = String, Path)), responses(
    (status = 200, content_type = "image/svg+xml", body = String),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn qr(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<([(HeaderName, &'static str); 1], String), Problem> {
    let Path(id) = path?;
    let image = ask(shop, move |shop| {
        let payment = shop.book.payment(&id)?;
        let image = payment.uri.as_deref().and_then(qr_code);
        image.ok_or(ServiceError::NoQrCode)
    });
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], image.await?))
}
