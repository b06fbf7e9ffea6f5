//! The PIN, on its way to the card. It is parsed where it was received, and goes into a block that is
//! wiped; the connection is closed after it, so that its buffer goes too.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderName, StatusCode, header};
use serde::Deserialize;
use tillcard::till::PinError;
use tillcard_client::card::PinBlock;
use tillcard_http::Problem;
use utoipa::ToSchema;

use super::ask;
use super::payments::PathOf;
use crate::service::error::ServiceError;
use crate::service::shop::Shop;

/// Longer than a body with the longest PIN.
const BODY_MAX: usize = 64;

/// The PIN that the holder typed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "the description of a body that is read by hand")]
pub(super) struct Pin {
    /// 4 to 12 digits.
    #[schema(min_length = 4, max_length = 12, pattern = "^[0-9]{4,12}$")]
    pin: String,
}

/// The same, where it was received.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PinInPlace<'a> {
    pin: &'a str,
}

/// Gives the PIN to the payment that asks for it. Whether it was right is told as an event.
#[utoipa::path(post, path = "/v1/payments/{payment}/pin", operation_id = "enter_pin", tag = "payments", request_body = Pin,
    params(("payment" = String, Path)),
    responses((status = 202), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn enter(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
    body: Bytes,
) -> Result<(StatusCode, [(HeaderName, &'static str); 1]), Problem> {
    let Path(id) = path?;
    let pin = read(&body)?;
    drop(body);
    ask(shop, move |shop| shop.enter_pin(&id, pin)).await?;
    Ok((StatusCode::ACCEPTED, [(header::CONNECTION, "close")]))
}

/// No refusal repeats what was sent.
fn read(body: &[u8]) -> Result<PinBlock, Problem> {
    if body.len() > BODY_MAX {
        let detail = format!("a PIN's request is at most {BODY_MAX} bytes long");
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "request-body",
            detail,
        ));
    }
    let entered: PinInPlace<'_> = serde_json::from_slice(body).map_err(|_| {
        let detail = r#"send {"pin": "DIGITS"}"#.to_owned();
        Problem::new(StatusCode::BAD_REQUEST, "request-body", detail)
    })?;
    let block = PinBlock::from_digits(entered.pin.as_bytes());
    block.ok_or_else(|| ServiceError::Pin(PinError::NotAPin).into())
}
