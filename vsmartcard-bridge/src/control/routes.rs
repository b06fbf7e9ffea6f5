//! What can be asked, and what is answered.

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use tillcard_http::{Problem, TokenHash};

use crate::layers::Entry;
use crate::layers::faults::Fault;
use crate::test_cards::{Description, NAMED_CARDS};
use crate::tray::{CardStatus, ReaderStatus, Tray};

/// A tray, asked from a thread that may wait for a card.
pub(super) async fn ask<T: Send + 'static>(
    tray: Arc<Tray>,
    what: impl FnOnce(&Tray) -> Result<T, crate::tray::TrayError> + Send + 'static,
) -> Result<T, Problem> {
    let asked = tokio::task::spawn_blocking(move || what(&tray)).await;
    match asked {
        Ok(answer) => answer.map_err(Problem::from),
        Err(failed) => Err(Problem::internal(failed.to_string())),
    }
}

pub(super) type Answer<T> = Result<Json<T>, Problem>;
pub(super) type PathOf<T> = Result<Path<T>, PathRejection>;
pub(super) type BodyOf<T> = Result<Json<T>, JsonRejection>;

/// A reader to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReader {
    /// 1 to 127 bytes.
    #[schema(min_length = 1, max_length = 127, pattern = "^[ -~]*$")]
    name: String,
    /// Whether it has a PIN pad.
    #[serde(default)]
    pin_pad: bool,
}

/// The card that is to be put in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CardName {
    /// A test card's name, such as `ok`, or `ok#2` for another card of that kind, or the path of a
    /// scenario that ends with `.toml`.
    card: String,
}

/// The card that gets the memory of another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Twin {
    /// Its name; none of the tray's.
    name: String,
}

/// The card that was taken out.
#[derive(Serialize, ToSchema)]
struct Removed {
    /// Its name; none when the reader was empty.
    card: Option<String>,
}

/// A test card.
#[derive(Serialize, ToSchema)]
struct Listed {
    /// Its name.
    name: &'static str,
    /// What it is.
    about: String,
}

/// All readers, and the cards in them.
#[utoipa::path(get, path = "/v1/readers", responses(
    (status = 200, body = Vec<ReaderStatus>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn readers(State(tray): State<Arc<Tray>>) -> Answer<Vec<ReaderStatus>> {
    ask(tray, |tray| Ok(tray.readers())).await.map(Json)
}

/// Adds an empty reader.
#[utoipa::path(post, path = "/v1/readers", request_body = NewReader, responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn add_reader(
    State(tray): State<Arc<Tray>>,
    body: BodyOf<NewReader>,
) -> Result<StatusCode, Problem> {
    let Json(NewReader { name, pin_pad }) = body?;
    ask(tray, move |tray| match pin_pad {
        true => tray.add_reader_with_pin_pad(&name),
        false => tray.add_reader(&name),
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a card into an empty reader; when this answers, a client can connect to it.
#[utoipa::path(put, path = "/v1/readers/{reader}/card", request_body = CardName,
    params(("reader" = String, Path)), responses(
    (status = 200, body = Description), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn insert(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
    body: BodyOf<CardName>,
) -> Answer<Description> {
    let (Path(reader), Json(CardName { card })) = (path?, body?);
    ask(tray, move |tray| tray.insert(&reader, &card))
        .await
        .map(Json)
}

/// Puts a card into a reader; one that is in leaves first.
#[utoipa::path(post, path = "/v1/readers/{reader}/choose", request_body = CardName,
    params(("reader" = String, Path)), responses(
    (status = 200, body = Description), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn choose(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
    body: BodyOf<CardName>,
) -> Answer<Description> {
    let (Path(reader), Json(CardName { card })) = (path?, body?);
    ask(tray, move |tray| tray.choose(&reader, &card))
        .await
        .map(Json)
}

/// Takes the card out of a reader.
#[utoipa::path(delete, path = "/v1/readers/{reader}/card", params(("reader" = String, Path)),
    responses((status = 200, body = Removed), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn remove(State(tray): State<Arc<Tray>>, path: PathOf<String>) -> Answer<Removed> {
    let Path(reader) = path?;
    let card = ask(tray, move |tray| tray.remove(&reader)).await?;
    Ok(Json(Removed { card }))
}

/// The test cards that can be put in by name.
#[utoipa::path(get, path = "/v1/test-cards", responses(
    (status = 200, body = Vec<Listed>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn test_cards() -> Answer<Vec<Listed>> {
    let mut listed = Vec::new();
    for card in NAMED_CARDS {
        let scenario = card.scenario().map_err(crate::tray::TrayError::from)?;
        listed.push(Listed {
            name: card.name,
            about: scenario.about,
        });
    }
    Ok(Json(listed))
}

/// All cards that were in a reader so far.
#[utoipa::path(get, path = "/v1/cards", responses(
    (status = 200, body = Vec<CardStatus>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn cards(State(tray): State<Arc<Tray>>) -> Answer<Vec<CardStatus>> {
    ask(tray, |tray| Ok(tray.cards())).await.map(Json)
}

/// What a card is; a test card that wasn't there yet is made.
#[utoipa::path(get, path = "/v1/cards/{card}", params(("card" = String, Path)), responses(
    (status = 200, body = Description), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn card(State(tray): State<Arc<Tray>>, path: PathOf<String>) -> Answer<Description> {
    let Path(card) = path?;
    ask(tray, move |tray| tray.describe(&card)).await.map(Json)
}

/// Throws a card away; the next one of its name is new.
#[utoipa::path(delete, path = "/v1/cards/{card}", params(("card" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn discard(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
) -> Result<StatusCode, Problem> {
    let Path(card) = path?;
    ask(tray, move |tray| tray.discard(&card)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was said to a card, and what it answered.
#[utoipa::path(get, path = "/v1/cards/{card}/trace", params(("card" = String, Path)), responses(
    (status = 200, body = Vec<Entry>), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn trace(State(tray): State<Arc<Tray>>, path: PathOf<String>) -> Answer<Vec<Entry>> {
    let Path(card) = path?;
    let trace = ask(tray, move |tray| tray.trace(&card)).await?;
    Ok(Json(trace.entries()))
}

/// Forgets what was said so far.
#[utoipa::path(delete, path = "/v1/cards/{card}/trace", params(("card" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn clear_trace(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
) -> Result<StatusCode, Problem> {
    let Path(card) = path?;
    ask(tray, move |tray| tray.trace(&card)).await?.clear();
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a fault of a card, besides those that it has.
#[utoipa::path(post, path = "/v1/cards/{card}/faults", request_body = Fault,
    params(("card" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn set_fault(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
    body: BodyOf<Fault>,
) -> Result<StatusCode, Problem> {
    let (Path(card), Json(fault)) = (path?, body?);
    ask(tray, move |tray| tray.set_fault(&card, fault)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes all faults of a card away.
#[utoipa::path(delete, path = "/v1/cards/{card}/faults", params(("card" = String, Path)),
    responses((status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn clear_faults(
    State(tray): State<Arc<Tray>>,
    path: PathOf<String>,
) -> Result<StatusCode, Problem> {
    let Path(card) = path?;
    ask(tray, move |tray| tray.clear_faults(&card)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Keeps a copy of a card's memory under a label.
#[utoipa::path(put, path = "/v1/cards/{card}/snapshots/{label}",
    params(("card" = String, Path), ("label" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn save(
    State(tray): State<Arc<Tray>>,
    path: PathOf<(String, String)>,
) -> Result<StatusCode, Problem> {
    let Path((card, label)) = path?;
    ask(tray, move |tray| tray.save(&card, &label)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a card's memory what it was when it was saved; the card loses its power.
#[utoipa::path(post, path = "/v1/cards/{card}/snapshots/{label}/restore",
    params(("card" = String, Path), ("label" = String, Path)), responses(
    (status = 204), (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn restore(
    State(tray): State<Arc<Tray>>,
    path: PathOf<(String, String)>,
) -> Result<StatusCode, Problem> {
    let Path((card, label)) = path?;
    ask(tray, move |tray| tray.restore(&card, &label)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lays another card down with the memory that was saved; both go their own ways from there.
#[utoipa::path(post, path = "/v1/cards/{card}/snapshots/{label}/fork", request_body = Twin,
    params(("card" = String, Path), ("label" = String, Path)), responses(
    (status = 200, body = Description),
    (status = "4XX", body = Problem, content_type = "application/problem+json")))]
async fn fork(
    State(tray): State<Arc<Tray>>,
    path: PathOf<(String, String)>,
    body: BodyOf<Twin>,
) -> Answer<Description> {
    let (Path((card, label)), Json(Twin { name })) = (path?, body?);
    ask(tray, move |tray| tray.fork(&card, &label, &name))
        .await
        .map(Json)
}

/// The interface's description of itself.
#[derive(OpenApi)]
#[openapi(
    info(title = "Tillcard emulator", description = "Test cards and readers, for tests."),
    modifiers(&Token),
    security(("token" = []))
)]
struct Description31;

struct Token;

impl Modify for Token {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = openapi.components.get_or_insert_with(Default::default);
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

pub(super) fn router(tray: Arc<Tray>, token: TokenHash) -> Router {
    let (router, openapi) = OpenApiRouter::with_openapi(Description31::openapi())
        .routes(routes!(readers, add_reader))
        .routes(routes!(insert, remove))
        .routes(routes!(choose))
        .routes(routes!(super::others::keys))
        .routes(routes!(super::others::hold, super::others::let_go))
        .routes(routes!(super::following::events))
        .routes(routes!(super::following::wait))
        .routes(routes!(test_cards))
        .routes(routes!(cards))
        .routes(routes!(card, discard))
        .routes(routes!(trace, clear_trace))
        .routes(routes!(set_fault, clear_faults))
        .routes(routes!(save))
        .routes(routes!(restore))
        .routes(routes!(fork))
        .with_state(tray)
        .split_for_parts();
    let described = Json(openapi);
    router
        .route(
            "/v1/openapi.json",
            axum::routing::get(move || async move { described.clone() }),
        )
        .method_not_allowed_fallback(|| async { Problem::no_such_method() })
        .fallback(|| async { Problem::no_such_path() })
        .layer(from_fn_with_state(token, check))
        .merge(super::page::router())
}

/// Lets in who has the token.
async fn check(State(allowed): State<TokenHash>, request: Request, next: Next) -> Response {
    let given = TokenHash::given(request.headers());
    match given.is_some_and(|given| allowed.is_of(given)) {
        true => next.run(request).await,
        false => Problem::unauthorized().into_response(),
    }
}
