//! What a client is told that asked for what can't be done (RFC 9457).

use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::pcsc_socket::SocketError;
use crate::test_cards::TestCardError;
use crate::tray::TrayError;
use tillcard_test_owner::OwnerError;

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
    pub(super) fn new(status: StatusCode, code: &str, detail: String) -> Self {
        Self {
            status: status.as_u16(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            detail,
            code: code.to_owned(),
        }
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "send the token: Authorization: Bearer TOKEN".into(),
        )
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

impl From<TrayError> for Problem {
    fn from(error: TrayError) -> Self {
        let status = match &error {
            TrayError::NoReader(_)
            | TrayError::Socket(SocketError::NoReader(_))
            | TrayError::NoCard(_)
            | TrayError::NoSnapshot(..)
            | TrayError::TestCard(TestCardError::Unknown(_)) => StatusCode::NOT_FOUND,
            TrayError::CardExists(_)
            | TrayError::Occupied(..)
            | TrayError::InUse(..)
            | TrayError::Full
            | TrayError::Socket(
                SocketError::ReaderExists(_) | SocketError::NoPinPad(_) | SocketError::NotHeld(_),
            ) => StatusCode::CONFLICT,
            TrayError::TestCard(TestCardError::Owner(OwnerError::Chain(_))) => {
                StatusCode::BAD_GATEWAY
            }
            TrayError::TestCard(_) | TrayError::Socket(SocketError::ReaderName(_)) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            TrayError::Socket(_) | TrayError::Slot(_) | TrayError::Folder(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        };
        Self::new(status, error.code(), error.to_string())
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "request-body", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "request-query", rejection.body_text())
    }
}

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        Self::new(rejection.status(), "request-path", rejection.body_text())
    }
}
