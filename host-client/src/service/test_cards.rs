//! Test mode: the emulator's readers and named cards in the place of real ones. The till sees them as it
//! sees any reader, down to the APDUs. Refused on mainnet.

use std::path::{Path, PathBuf};

use tillcard::chain::{Auth, CoreRpcConfig};
use tillcard_emu::test_cards::{Description, NAMED_CARDS};
use tillcard_emu::tray::{Tray, TrayError};
use tillcard_http::Problem;
use tillcard_test_owner::Faucet;

use super::error::ServiceError;

/// What the readers are called.
const READERS: [&str; 2] = ["Test reader 1", "Test reader 2"];

/// Readers for test cards; they go with this, and so does the folder of their socket.
pub(crate) struct TestReaders {
    tray: Tray,
    socket: PathBuf,
}

impl TestReaders {
    /// Opens the readers at `socket`, by which this program was started. On a regtest node the cards'
    /// coins are real.
    pub(crate) fn open(
        socket: &Path,
        chain: &CoreRpcConfig,
        is_regtest: bool,
    ) -> Result<Self, String> {
        let tray = Tray::open(Some(socket), 0).map_err(|error| error.to_string())?;
        for reader in READERS {
            tray.add_reader(reader).map_err(|error| error.to_string())?;
        }
        if is_regtest {
            let faucet = Faucet::open(&named(chain)).map_err(|error| error.to_string())?;
            tray.fund_from(Box::new(faucet));
        }
        Ok(Self {
            tray,
            socket: socket.to_owned(),
        })
    }

    /// Puts a named card into a reader, in the place of the one that is in it.
    pub(crate) fn present(&self, reader: &str, card: &str) -> Result<Description, Problem> {
        let kind = card.split('#').next().unwrap_or_default();
        if !NAMED_CARDS.iter().any(|named| named.name == kind) {
            let what = format!("there is no test card {card}: GET /v1/test/cards lists them");
            return Err(ServiceError::Invalid(what).into());
        }
        self.tray.remove(reader)?;
        Ok(self.tray.insert(reader, card)?)
    }

    /// Takes the card out of a reader; its name, if there was one.
    pub(crate) fn remove(&self, reader: &str) -> Result<Option<String>, TrayError> {
        self.tray.remove(reader)
    }
}

impl Drop for TestReaders {
    fn drop(&mut self) {
        if let Some(folder) = self.socket.parent() {
            // What is left of it is empty, or somebody else's.
            let _ = std::fs::remove_file(&self.socket);
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// The chain, as a faucet is told of it.
fn named(chain: &CoreRpcConfig) -> String {
    let url = &chain.url;
    match &chain.auth {
        Auth::Cookie(path) => format!("core:{url}?cookie={}", path.display()),
        Auth::UserPass { user, password } => {
            let with_user = format!("://{user}:{}@", password.as_str());
            format!("core:{}", url.replacen("://", &with_user, 1))
        }
    }
}
