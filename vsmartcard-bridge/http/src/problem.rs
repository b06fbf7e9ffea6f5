//! What a client is told that asked for what can't be done (RFC 9457).

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// A problem, as `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem it is, in a few words.
    pub title: String,
    /// What happened, in words for a person.
    pub detail: String,
    /// The stable name of the error.
    pub code: String,
}

impl Problem {
    /// A problem with this status and code.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, detail: String) -> Self {
        Self {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            detail,
            code: code.to_owned(),
        }
    }

    /// Nobody is let in without a token that is good.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send the token: Authorization: Bearer TOKEN".into(),
        )
    }

    /// There is nothing at this path.
    #[must_use]
    pub fn no_such_path() -> Self {
        let detail = "there is nothing here; see /v1/openapi.json".to_owned();
        Self::new(StatusCode::NOT_FOUND, "no-such-path", detail)
    }

    /// This method isn't for this path.
    #[must_use]
    pub fn no_such_method() -> Self {
        let detail = "this can't be done here; see /v1/openapi.json".to_owned();
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "no-such-method", detail)
    }

    /// The interface itself failed.
    #[must_use]
    pub fn internal(detail: String) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let kind = (header::CONTENT_TYPE, "application/problem+json");
        let mut response = (status, [kind], body).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "request-body", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "request-path", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "request-query", rejection.body_text())
    }
}
