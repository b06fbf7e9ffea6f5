//! Refunds over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tillcard_http::Problem;
use utoipa::{IntoParams, ToSchema};

use super::access::Caller;
use super::ask;
use super::payments::{PathOf, created, page, parse, repeatable};
use crate::service::book::RefundQuery;
use crate::service::moment::Moment;
use crate::service::refund::{NewRefund, Refund, RefundState, Signed};
use crate::service::shop::Shop;

/// The longest signed draft in a request, in bytes: a wallet may put each coin's whole transaction in it.
pub(super) const SIGNED_MAX: usize = 2 * 1024 * 1024;

/// Drafts a refund of a settled payment: a PSBT that spends coins of the shop's, for the back office to sign.
/// Nothing goes back before that. With all refunds of a payment no more goes back than was paid. A request
/// with the same `Idempotency-Key` and the same body gets the same answer for 24 hours.
#[utoipa::path(post, path = "/v1/refunds", operation_id = "create_refund", tag = "refunds", request_body = NewRefund,
    params(("Idempotency-Key" = Option<String>, Header, description = "a name that the client draws for this request, at most 255 characters")),
    responses((status = 201, body = Refund),
    (status = "4XX", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn create(
    State(shop): State<Arc<Shop>>,
    Extension(Caller(key)): Extension<Caller>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let wanted: NewRefund = parse(&headers, &body)?;
    let repeatable = repeatable(key, &headers, &body)?;
    let made = ask(shop, move |shop| shop.draft_refund(&wanted, repeatable)).await?;
    Ok(created(made))
}

/// Which refunds are asked for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Listing {
    /// Those of this payment.
    #[param(nullable = false)]
    payment: Option<String>,
    /// Those in this state.
    #[param(nullable = false)]
    state: Option<RefundState>,
    /// Those drafted at this time or later (RFC 3339).
    #[param(value_type = Option<String>, nullable = false, format = DateTime)]
    since: Option<Moment>,
    /// Those drafted before this time (RFC 3339).
    #[param(value_type = Option<String>, nullable = false, format = DateTime)]
    until: Option<Moment>,
    /// Those that follow this refund in the list: its `next` of before.
    #[param(nullable = false)]
    after: Option<String>,
    /// At most so many.
    #[param(nullable = false, minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// Refunds, the latest first.
#[derive(Serialize, ToSchema)]
#[schema(as = RefundPage)]
pub(super) struct Page {
    refunds: Vec<Refund>,
    /// What to send as `after` for the refunds that follow; nothing when there are none.
    next: Option<String>,
}

/// Refunds, the latest first.
#[utoipa::path(get, path = "/v1/refunds", operation_id = "list_refunds", tag = "refunds", params(Listing), responses(
    (status = 200, body = Page), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(
    State(shop): State<Arc<Shop>>,
    query: Result<Query<Listing>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(listing) = query?;
    let read = move |shop: &Arc<Shop>, limit| {
        shop.book.refunds(&RefundQuery {
            payment: listing.payment,
            state: listing.state,
            since: listing.since,
            until: listing.until,
            after: listing.after,
            limit,
        })
    };
    let (refunds, next) = page(shop, listing.limit, |refund| refund.id.clone(), read).await?;
    Ok(Json(Page { refunds, next }))
}

/// A refund.
#[utoipa::path(get, path = "/v1/refunds/{refund}", operation_id = "get_refund", tag = "refunds", params(("refund" = String, Path)), responses(
    (status = 200, body = Refund), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn show(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<Json<Refund>, Problem> {
    let Path(id) = path?;
    ask(shop, move |shop| shop.book.refund(&id)).await.map(Json)
}

/// Gives up a draft that isn't signed. Who has signed it meanwhile can still send it; the till sees that.
#[utoipa::path(post, path = "/v1/refunds/{refund}/cancel", operation_id = "cancel_refund", tag = "refunds", params(("refund" = String, Path)),
    responses((status = 200, body = Refund), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn cancel(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<Json<Refund>, Problem> {
    let Path(id) = path?;
    ask(shop, move |shop| shop.cancel_refund(&id))
        .await
        .map(Json)
}

/// Takes the draft back that the back office has signed: the till checks the signatures and sends it. The
/// back office may as well send it by itself; the till sees it on the chain.
#[utoipa::path(post, path = "/v1/refunds/{refund}/signed", operation_id = "submit_signed_refund", tag = "refunds", request_body = Signed,
    params(("refund" = String, Path)),
    responses((status = 202, body = Refund), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn signed(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<(StatusCode, Json<Refund>), Problem> {
    let (Path(id), signed) = (path?, parse::<Signed>(&headers, &body)?);
    let refund = ask(shop, move |shop| shop.take_signed(&id, &signed)).await?;
    Ok((StatusCode::ACCEPTED, Json(refund)))
}
