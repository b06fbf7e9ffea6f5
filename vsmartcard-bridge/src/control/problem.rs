//! What a client is told when a tray can't do what it asked for.

use axum::http::StatusCode;
use tillcard_http::Problem;

use crate::pcsc_socket::SocketError;
use crate::test_cards::TestCardError;
use crate::tray::TrayError;
use tillcard_test_owner::OwnerError;

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
