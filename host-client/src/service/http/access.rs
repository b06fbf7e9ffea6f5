//! Who is let in.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{FromFnLayer, Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::future::Future;
use std::pin::Pin;
use tillcard_http::{Problem, TokenHash};

use super::ask;
use crate::service::book::{ApiKey, Scope};
use crate::service::shop::Shop;

/// Who asks: the holder of this key.
#[derive(Clone)]
pub(super) struct Caller(pub(super) ApiKey);

type Door = (Arc<Shop>, Scope);
type Checked = Pin<Box<dyn Future<Output = Response> + Send>>;
type Check = fn(State<Door>, Request, Next) -> Checked;

/// Lets in whose key has this scope.
pub(super) fn only(
    shop: &Arc<Shop>,
    scope: Scope,
) -> FromFnLayer<Check, Door, (State<Door>, Request)> {
    from_fn_with_state((Arc::clone(shop), scope), |door, request, next| {
        Box::pin(check(door, request, next))
    })
}

async fn check(State((shop, scope)): State<Door>, mut request: Request, next: Next) -> Response {
    let given = TokenHash::given(request.headers()).unwrap_or_default();
    let given = zeroize::Zeroizing::new(given.to_owned());
    let key = ask(shop, move |shop| shop.book.key_of(&given)).await;
    match key {
        Ok(Some(key)) if key.scopes.contains(&scope) => {
            request.extensions_mut().insert(Caller(key));
            next.run(request).await
        }
        Ok(Some(_)) => {
            let detail = format!("this key hasn't the scope {}", scope.name());
            Problem::new(StatusCode::FORBIDDEN, "forbidden", detail).into_response()
        }
        Ok(None) => Problem::unauthorized().into_response(),
        Err(problem) => problem.into_response(),
    }
}
