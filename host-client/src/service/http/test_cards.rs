//! Test cards over HTTP, for who may set the till up.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use tillcard_emu::test_cards::NAMED_CARDS;
use tillcard_http::Problem;
use utoipa::ToSchema;

use super::payments::PathOf;
use crate::service::shop::Shop;
use crate::service::test_cards::TestReaders;

/// A test card.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CardName {
    /// Its name, such as `insufficient`, or `ok#2` for another card of that kind.
    card: String,
}

/// The card that is in the reader now.
#[derive(Serialize, ToSchema)]
pub(super) struct Presented {
    /// Its name.
    card: String,
    /// What it is.
    about: String,
    /// Its holder's PIN.
    pin: Option<String>,
}

/// The card that was taken out.
#[derive(Serialize, ToSchema)]
pub(super) struct Removed {
    /// Its name; none when the reader was empty.
    card: Option<String>,
}

/// A test card, by its name.
#[derive(Serialize, ToSchema)]
#[schema(as = TestCard)]
pub(super) struct Listed {
    /// Its name.
    card: &'static str,
    /// What it is.
    about: String,
}

/// Asks the test readers in a thread that may wait for a card's coins.
async fn ask<T: Send + 'static>(
    shop: Arc<Shop>,
    what: impl FnOnce(&TestReaders) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    let asked = tokio::task::spawn_blocking(move || match &shop.setup.test_readers {
        Some(readers) => what(readers),
        None => Err(Problem::no_such_path()),
    });
    let failed = |failed: tokio::task::JoinError| Problem::internal(failed.to_string());
    asked.await.map_err(failed)?
}

/// Puts a test card into a reader, in the place of the one that is in it.
#[utoipa::path(post, path = "/v1/test/readers/{reader}/present", operation_id = "present_test_card", tag = "test", request_body = CardName,
    params(("reader" = String, Path)), responses((status = 200, body = Presented),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn present(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
    body: Result<Json<CardName>, JsonRejection>,
) -> Result<Json<Presented>, Problem> {
    let (Path(reader), Json(CardName { card })) = (path?, body?);
    let card = ask(shop, move |readers| readers.present(&reader, &card)).await?;
    Ok(Json(Presented {
        card: card.name,
        about: card.about,
        pin: card.pin,
    }))
}

/// Takes the card out of a reader.
#[utoipa::path(post, path = "/v1/test/readers/{reader}/remove", operation_id = "remove_test_card", tag = "test", params(("reader" = String, Path)),
    responses((status = 200, body = Removed),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn remove(
    State(shop): State<Arc<Shop>>,
    path: PathOf<String>,
) -> Result<Json<Removed>, Problem> {
    let Path(reader) = path?;
    let card = ask(shop, move |readers| Ok(readers.remove(&reader)?)).await?;
    Ok(Json(Removed { card }))
}

/// The test cards.
#[utoipa::path(get, path = "/v1/test/cards", operation_id = "list_test_cards", tag = "test", responses((status = 200, body = Vec<Listed>),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn list() -> Result<Json<Vec<Listed>>, Problem> {
    let mut listed = Vec::new();
    for card in NAMED_CARDS {
        let scenario = card.scenario();
        let scenario = scenario.map_err(|error| Problem::internal(error.to_string()))?;
        listed.push(Listed {
            card: card.name,
            about: scenario.about,
        });
    }
    Ok(Json(listed))
}
