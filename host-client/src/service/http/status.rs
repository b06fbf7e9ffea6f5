//! How the till is: for those who have a key all of it, for everybody whether it is well.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tillcard_http::Problem;
use utoipa::ToSchema;

use super::ask;
use crate::service::chain_watch::{ChainState, ChainView};
use crate::service::payment::Reason;
use crate::service::rate::Rates;
use crate::service::shop::Shop;

/// The till.
#[derive(Serialize, ToSchema)]
pub(super) struct Till {
    /// Version of the program.
    version: &'static str,
    /// The Bitcoin network.
    network: String,
    /// Whether it has the shop's descriptor, so that a request needs no address.
    has_addresses: bool,
    /// The shop's currency, in which a request may say its price; nothing when it has none.
    currency: Option<String>,
    /// The source of the chain.
    chain: ChainView,
    /// Why the reader service can't be asked; nothing when it can.
    readers: Option<Reason>,
}

/// How the till is.
#[utoipa::path(get, path = "/v1/till", operation_id = "get_till", tag = "till", responses(
    (status = 200, body = Till), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn till(State(shop): State<Arc<Shop>>) -> Result<Json<Till>, Problem> {
    let till = ask(shop, |shop| {
        Ok(Till {
            version: env!("CARGO_PKG_VERSION"),
            network: shop.setup.network.to_string(),
            has_addresses: shop.setup.addresses.is_some(),
            currency: shop.setup.rates.as_ref().map(Rates::code),
            chain: shop.chain_view(),
            readers: shop.reader_failure(),
        })
    });
    till.await.map(Json)
}

/// Whether the till is well.
#[derive(Serialize, ToSchema)]
pub(super) struct Wellness {
    /// Whether it is.
    ok: bool,
}

/// Whether the program runs.
#[utoipa::path(get, path = "/health", operation_id = "get_health", tag = "till", security(()), responses((status = 200, body = Wellness)))]
pub(super) async fn health() -> Json<Wellness> {
    Json(Wellness { ok: true })
}

/// Whether payments can be taken now: chain and reader service are there.
#[utoipa::path(get, path = "/ready", operation_id = "get_ready", tag = "till", security(()), responses(
    (status = 200, body = Wellness), (status = 503, body = Wellness)))]
pub(super) async fn ready(State(shop): State<Arc<Shop>>) -> (StatusCode, Json<Wellness>) {
    let is_chain_ready = shop.chain_view().state == ChainState::Ready;
    match is_chain_ready && shop.reader_failure().is_none() {
        true => (StatusCode::OK, Json(Wellness { ok: true })),
        false => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(Wellness { ok: false }),
        ),
    }
}
