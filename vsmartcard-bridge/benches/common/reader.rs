//! The way through pcscd: to our card in the first slot, and to cards that only echo in the second.

use std::ffi::CStr;
use std::net::{Shutdown, TcpStream};
use std::thread::{self, JoinHandle};

use pcsc::{Card, Context, Protocols, ShareMode, State};
use tempfile::TempDir;
use tillcard_applet::ATR;
use tillcard_emu::vpcd::{Address, DEFAULT_PORT, Link, Remover};
use tillcard_protocol::command::Select;
use vpicc::{Connection, VSmartCard};

use super::support::program::Emulator;
use super::support::reader;
use super::support::scripted::Scripted;

const SECOND_SLOT: &CStr = c"Virtual PCD 00 01";
const SECOND_PORT: u16 = DEFAULT_PORT + 1;

/// Bytes in a card's answer to SELECT, which an echo card answers too.
const ANSWER: [u8; 27] = [0x90; 27];

/// A client that selects the application again and again.
pub struct Client {
    card: Card,
    buffer: Vec<u8>,
}

impl Client {
    fn connect(reader: &CStr) -> Self {
        reader::wait_for_in(reader, State::PRESENT);
        let context: Context = reader::client();
        let card = context
            .connect(reader, ShareMode::Shared, Protocols::T1)
            .unwrap();
        Self {
            card,
            buffer: vec![0; 300],
        }
    }

    pub fn select(&mut self) {
        let select = Select::to_apdu();
        let answer = self
            .card
            .transmit(select.as_bytes(), &mut self.buffer)
            .unwrap();
        assert_eq!(answer.len(), ANSWER.len());
    }
}

/// Our card in the first slot, as its own process.
pub struct Ours {
    pub client: Client,
    _emulator: Emulator,
    _home: TempDir,
}

impl Ours {
    pub fn insert() -> Self {
        let home = tempfile::tempdir().unwrap();
        let emulator = reader::insert(home.path(), &[]);
        Self {
            client: Client::connect(reader::NAME),
            _emulator: emulator,
            _home: home,
        }
    }
}

struct Echo;

impl VSmartCard for Echo {
    fn atr(&self) -> &[u8] {
        &ATR
    }

    fn execute(&mut self, _: &[u8]) -> Vec<u8> {
        ANSWER.into()
    }
}

/// A card that answers with nothing behind it, over the same link as ours.
pub struct QuickEcho {
    pub client: Client,
    remover: Remover,
    serving: Option<JoinHandle<()>>,
}

impl QuickEcho {
    pub fn insert() -> Self {
        let link = Link::connect(&Address::new("localhost", SECOND_PORT)).unwrap();
        let remover = link.remover();
        let serving = thread::spawn(move || {
            link.serve(&mut Scripted::new(ATR.into(), |_: &[u8]| Ok(ANSWER.into())))
                .unwrap()
        });
        Self {
            client: Client::connect(SECOND_SLOT),
            remover,
            serving: Some(serving),
        }
    }
}

impl Drop for QuickEcho {
    fn drop(&mut self) {
        self.remover.remove();
        self.serving.take().unwrap().join().unwrap();
        reader::wait_for_in(SECOND_SLOT, State::EMPTY);
    }
}

/// The same card over the crate vpicc as it is.
pub struct PlainEcho {
    pub client: Client,
    stream: TcpStream,
    serving: Option<JoinHandle<()>>,
}

impl PlainEcho {
    pub fn insert() -> Self {
        let stream = TcpStream::connect(("localhost", SECOND_PORT)).unwrap();
        let connection = Connection::from(stream.try_clone().unwrap());
        let serving = thread::spawn(move || {
            connection
                .run(&mut Echo)
                .expect_err("the stream is shut down");
        });
        Self {
            client: Client::connect(SECOND_SLOT),
            stream,
            serving: Some(serving),
        }
    }
}

impl Drop for PlainEcho {
    fn drop(&mut self) {
        self.stream.shutdown(Shutdown::Both).unwrap();
        self.serving.take().unwrap().join().unwrap();
        reader::wait_for_in(SECOND_SLOT, State::EMPTY);
    }
}
