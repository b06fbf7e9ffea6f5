//! The service over HTTP: REST, events, its own description (OpenAPI 3.1 at `/v1/openapi.json`).

mod access;
mod events;
mod metrics;
mod page;
mod payments;
mod pin;
mod readers;
mod refunds;
mod reports;
mod status;
#[cfg(feature = "test-cards")]
mod test_cards;
mod webhooks;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use tillcard_http::Problem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::book::Scope;
use super::error::ServiceError;
use super::shop::Shop;
use access::only;

/// The longest body of a request.
const BODY_MAX: usize = 16 * 1024;

/// Asks the shop in a thread that may wait for disk or node.
async fn ask<T: Send + 'static>(
    shop: Arc<Shop>,
    what: impl FnOnce(&Arc<Shop>) -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(move || what(&shop)).await {
        Ok(answer) => answer.map_err(Problem::from),
        Err(failed) => Err(Problem::internal(failed.to_string())),
    }
}

/// The interface's description of itself.
#[derive(OpenApi)]
#[openapi(
    info(title = "Tillcard till", description = "Payments by card, at the readers of this till."),
    modifiers(&Key),
    security(("key" = []))
)]
struct Description31;

struct Key;

impl Modify for Key {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
    }
}

pub(super) fn router(shop: Arc<Shop>) -> Router {
    let read = OpenApiRouter::new()
        .routes(routes!(payments::list))
        .routes(routes!(payments::show))
        .routes(routes!(payments::qr))
        .routes(routes!(refunds::list))
        .routes(routes!(refunds::show))
        .routes(routes!(reports::refunds))
        .routes(routes!(reports::day))
        .routes(routes!(reports::table))
        .routes(routes!(readers::list))
        .routes(routes!(events::stream))
        .routes(routes!(status::till))
        .routes(routes!(metrics::metrics))
        .route_layer(only(&shop, Scope::Read));
    let take = OpenApiRouter::new()
        .routes(routes!(payments::create))
        .routes(routes!(payments::cancel))
        .routes(routes!(payments::ask_again))
        .routes(routes!(payments::close))
        .routes(routes!(pin::enter))
        .route_layer(only(&shop, Scope::Take));
    let refund = OpenApiRouter::new()
        .routes(routes!(refunds::signed))
        .layer(DefaultBodyLimit::max(refunds::SIGNED_MAX))
        .routes(routes!(refunds::create))
        .routes(routes!(refunds::cancel))
        .route_layer(only(&shop, Scope::Refund));
    let manage = OpenApiRouter::new()
        .routes(routes!(webhooks::create, webhooks::list))
        .routes(routes!(webhooks::show, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::replay))
        .route_layer(only(&shop, Scope::Manage));
    let router = OpenApiRouter::with_openapi(Description31::openapi())
        .merge(read)
        .merge(take)
        .merge(refund)
        .merge(manage);
    #[cfg(feature = "test-cards")]
    let router = router.merge(test_mode(&shop));
    let (router, openapi) = router
        .routes(routes!(status::health))
        .routes(routes!(status::ready))
        .with_state(shop)
        .split_for_parts();
    let described = Json(openapi);
    router
        .route(
            "/v1/openapi.json",
            get(move || async move { described.clone() }),
        )
        .merge(page::router())
        .method_not_allowed_fallback(|| async { Problem::no_such_method() })
        .fallback(|| async { Problem::no_such_path() })
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(axum::middleware::map_response(never_stored))
}

/// Nothing, unless the till is in test mode.
#[cfg(feature = "test-cards")]
fn test_mode(shop: &Arc<Shop>) -> OpenApiRouter<Arc<Shop>> {
    if shop.setup.test_readers.is_none() {
        return OpenApiRouter::new();
    }
    OpenApiRouter::new()
        .routes(routes!(test_cards::list))
        .routes(routes!(test_cards::present))
        .routes(routes!(test_cards::remove))
        .route_layer(only(shop, Scope::Manage))
}

/// No browser and no proxy keeps an answer.
async fn never_stored(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
