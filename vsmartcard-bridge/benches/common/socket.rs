//! A program that speaks pcscd's protocol, with a reader of ours or with pcscd itself.

use std::path::Path;

use tempfile::TempDir;
use tillcard_emu::pcsc_socket::PcscSocket;
use tillcard_emu::slot::CardInSlot;
use tillcard_protocol::command::Select;

use super::support::pcsc_client::{PcscClient, SHARED};

const READER: &str = "Counter 1";

/// Where pcscd listens, as it is built for Debian.
#[cfg(feature = "pcsc-tests")]
const PCSCD: &str = "/run/pcscd/pcscd.comm";

/// A program connected to a card.
pub struct Program {
    client: PcscClient,
    card: u32,
    _held: Option<(PcscSocket, TempDir)>,
}

impl Program {
    /// With the card in a reader of our own.
    pub fn in_own_reader(card: Box<dyn CardInSlot>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = PcscSocket::open(&folder.path().join("pcscd.comm")).unwrap();
        socket.add_reader(READER).unwrap();
        socket.insert(READER, card).unwrap();
        let mut program = Self::connect(socket.path(), READER);
        program._held = Some((socket, folder));
        program
    }

    /// With the card that is in pcscd's reader of this name.
    #[cfg(feature = "pcsc-tests")]
    pub fn through_pcscd(reader: &str) -> Self {
        Self::connect(Path::new(PCSCD), reader)
    }

    fn connect(path: &Path, reader: &str) -> Self {
        let mut client = PcscClient::new(path, 4);
        let card = client.connect(reader, SHARED).unwrap();
        Self {
            client,
            card,
            _held: None,
        }
    }

    pub fn select(&mut self) -> Vec<u8> {
        let command = Select::to_apdu();
        self.client.transmit(self.card, command.as_bytes()).unwrap()
    }
}
