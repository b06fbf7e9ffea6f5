//! What others do at readers: the holder at the PIN pad, another program.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::routes::{BodyOf, PathOf, ask};
use crate::pcsc_socket::Key;
use crate::tray::Tray;
use tillcard_http::Problem;

/// Keys of a PIN pad, in the order in which they are pressed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    /// The digits.
    #[serde(default)]
    #[schema(max_length = 64, pattern = "^[0-9]*$")]
    digits: String,
    /// The key after them.
    #[serde(default)]
    then: Option<LastKey>,
}

/// A key that isn't a digit.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum LastKey {
    /// The PIN is complete.
    Enter,
    /// What was typed so far is taken back.
    Clear,
    /// Nothing is to be done.
    Cancel,
}

impl From<LastKey> for Key {
    fn from(key: LastKey) -> Self {
        match key {
            LastKey::Enter => Self::Enter,
            LastKey::Clear => Self::Clear,
            LastKey::Cancel => Self::Cancel,
        }
    }
}

/// Presses keys of a reader's PIN pad, for the program that asks for a PIN, or for the next one while the same
/// card is in.
#[utoipa::path(post, path = "/v1/readers/{reader}/keys", request_body = Keys,
    params(("reader" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn keys(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
    body: BodyOf<Keys>,
) -> Result<StatusCode, Problem> {
    let (Path(reader), Json(Keys { digits, then })) = (path?, body?);
    let mut keys = Key::digits(&digits);
    keys.extend(then.map(Key::from));
    ask(tray, move |tray| tray.press(&reader, &keys)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Has another program hold the card in a reader for itself: who connects is told of a sharing violation.
#[utoipa::path(put, path = "/v1/readers/{reader}/holder", params(("reader" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn hold(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
) -> Result<StatusCode, Problem> {
    let Path(reader) = path?;
    ask(tray, move |tray| tray.hold(&reader)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The other program lets the card go, if it holds it.
#[utoipa::path(delete, path = "/v1/readers/{reader}/holder", params(("reader" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn let_go(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
) -> Result<StatusCode, Problem> {
    let Path(reader) = path?;
    ask(tray, move |tray| tray.let_go(&reader)).await?;
    Ok(StatusCode::NO_CONTENT)
}
