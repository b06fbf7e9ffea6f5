//! Readers over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use tillcard_http::Problem;

use super::ask;
use crate::service::readers::Reader;
use crate::service::shop::Shop;

/// All readers, and what is in them.
#[utoipa::path(get, path = "/v1/readers", operation_id = "list_readers", tag = "readers", responses(
    (status = 200, body = Vec<Reader>), (status = "4XX", body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list(State(shop): State<Arc<Shop>>) -> Result<Json<Vec<Reader>>, Problem> {
    ask(shop, |shop| shop.readers()).await.map(Json)
}
