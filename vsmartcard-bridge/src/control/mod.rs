//! Readers and cards over HTTP, so that a test in any language can put cards in, take them out and
//! have things go wrong.
//!
//! It listens on loopback only, and lets in who has its token: `Authorization: Bearer TOKEN`. It
//! describes itself at `/v1/openapi.json` (OpenAPI 3.1). Errors are problems (RFC 9457) with the
//! codes of `docs/errors/emulator.md`.

mod following;
mod others;
mod page;
mod problem;
mod routes;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::tray::Tray;

use tillcard_http::TokenHash;

/// Bytes of randomness in a token.
const TOKEN_LENGTH: usize = 32;

/// Why there is no control interface.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// It would be open to others.
    #[error("{0} isn't an address of this machine alone; write for example 127.0.0.1:0")]
    NotLoopback(SocketAddr),
    /// The address can't be had.
    #[error("{0} can't be listened at: {1}; port 0 takes a free one")]
    Listen(SocketAddr, io::Error),
    /// No token can be drawn.
    #[error("the operating system gives no random numbers: {0}")]
    Randomness(getrandom::Error),
}

impl ControlError {
    /// The error's stable name (`docs/errors/emulator.md`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotLoopback(_) => "control-not-loopback",
            Self::Listen(..) => "control-address",
            Self::Randomness(_) => "no-randomness",
        }
    }
}

/// The control interface of a tray; it ends when this is dropped.
pub struct Control {
    address: SocketAddr,
    token: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Listens at a loopback address; port 0 takes a free one.
    ///
    /// # Errors
    /// [`ControlError`]
    pub fn start(tray: Arc<Tray>, address: SocketAddr) -> Result<Self, ControlError> {
        if !address.ip().is_loopback() {
            return Err(ControlError::NotLoopback(address));
        }
        let listen = |error| ControlError::Listen(address, error);
        let mut random = [0; TOKEN_LENGTH];
        getrandom::fill(&mut random).map_err(ControlError::Randomness)?;
        let token = hex::encode(random);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(listen)?;
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = routes::router(tray, TokenHash::of(&token));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                    return;
                };
                tokio::select! {
                    _ = axum::serve(listener, router) => {}
                    _ = stopped => {}
                }
            });
            // A call that waits for a card isn't waited for.
            runtime.shutdown_background();
        });
        Ok(Self {
            address: bound,
            token,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of the page for people, with the token in its fragment, which browsers send to nobody.
    #[must_use]
    pub fn page(&self) -> String {
        format!("http://{}/#{}", self.address, self.token)
    }

    /// What a client sends as `Authorization: Bearer TOKEN`.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
