//! The emulator's own readers, asked by pcscd's protocol.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tillcard_emu::pcsc_socket::{PcscSocket, SocketError};
use tillcard_emu::slot::{CardInSlot, Layer, SlotError};
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_protocol::command::{GetData, Select};

use crate::support::DEADLINE;
use crate::support::pcsc_client::{EXCLUSIVE, LEAVE, PcscClient, RESET, SHARED};

const READER: &str = "Counter 1";

const INVALID_HANDLE: u32 = 0x8010_0003;
const CANCELLED: u32 = 0x8010_0002;
const INSUFFICIENT_BUFFER: u32 = 0x8010_0008;
const UNKNOWN_READER: u32 = 0x8010_0009;
const SHARING_VIOLATION: u32 = 0x8010_000B;
const NO_SMARTCARD: u32 = 0x8010_000C;
const NOT_TRANSACTED: u32 = 0x8010_0016;
const UNSUPPORTED_FEATURE: u32 = 0x8010_001F;
const RESET_CARD: u32 = 0x8010_0068;
const REMOVED_CARD: u32 = 0x8010_0069;

const ABSENT: u32 = 0x02;
const PRESENT: u32 = 0x04;
const POWERED: u32 = 0x10;

struct Service {
    socket: PcscSocket,
    _folder: TempDir,
}

fn card() -> Box<dyn CardInSlot> {
    Box::new(EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap())
}

impl Service {
    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = PcscSocket::open(&folder.path().join("pcscd.comm")).unwrap();
        socket.add_reader(READER).unwrap();
        Self {
            socket,
            _folder: folder,
        }
    }

    fn with(card: Box<dyn CardInSlot>) -> Self {
        let service = Self::empty();
        service.socket.insert(READER, card).unwrap();
        service
    }

    fn client(&self) -> PcscClient {
        PcscClient::new(self.socket.path(), 4)
    }
}

fn select(client: &mut PcscClient, connection: u32) -> Result<Vec<u8>, u32> {
    client.transmit(connection, Select::to_apdu().as_bytes())
}

/// Whether the application is selected still.
fn has_session(client: &mut PcscClient, connection: u32) -> bool {
    let answer = client.transmit(connection, GetData::Status.to_apdu().as_bytes());
    answer.unwrap().ends_with(&[0x90, 0x00])
}

#[test]
fn a_client_connects_asks_and_leaves() {
    let service = Service::with(card());
    for minor in 4..=6 {
        let mut client = PcscClient::new(service.socket.path(), minor);
        let connection = client.connect(READER, SHARED).unwrap();
        assert_eq!(client.status(connection), 0);
        let answer = select(&mut client, connection).unwrap();
        assert!(answer.ends_with(&[0x90, 0x00]));
        let states = client.states();
        assert_eq!(states.len(), 1);
        assert_eq!(states[0].name, READER);
        assert_eq!(states[0].state & (PRESENT | POWERED), PRESENT | POWERED);
        assert_eq!((states[0].events, states[0].sharing), (1, 1));
        assert_eq!(states[0].atr, card().atr());
        assert_eq!(
            client.attribute(connection, 0x0009_0303).unwrap(),
            card().atr()
        );
        assert_eq!(
            client.attribute(connection, 0x7FFF_0003).unwrap(),
            b"Counter 1\0"
        );
        assert_eq!(
            client.attribute(connection, 0x0007_A007),
            Err(UNSUPPORTED_FEATURE)
        );
        assert_eq!(client.disconnect(connection, LEAVE), 0);
        assert_eq!(client.status(connection), INVALID_HANDLE);
        assert_eq!(client.states()[0].sharing, 0);
    }
}

#[test]
fn what_is_not_there_is_told() {
    let service = Service::empty();
    let mut client = service.client();
    assert_eq!(client.connect("Counter 2", SHARED), Err(UNKNOWN_READER));
    assert_eq!(client.connect(READER, SHARED), Err(NO_SMARTCARD));
    assert_eq!(client.connect(READER, 9), Err(0x8010_0011));
    assert_eq!(client.states()[0].state, ABSENT);
    // Another client's connection is none.
    service.socket.insert(READER, card()).unwrap();
    let connection = client.connect(READER, SHARED).unwrap();
    let mut other = service.client();
    assert_eq!(other.status(connection), INVALID_HANDLE);
    assert_eq!(select(&mut other, connection), Err(INVALID_HANDLE));
    // An answer that finds no room is lost, and the connection goes on.
    let apdu = Select::to_apdu();
    let short = client.transmit_with_room(connection, apdu.as_bytes(), 10);
    assert_eq!(short, Err(INSUFFICIENT_BUFFER));
    assert!(has_session(&mut client, connection));
}

#[test]
fn who_has_the_card_for_himself_keeps_others_out() {
    let service = Service::with(card());
    let (mut first, mut second) = (service.client(), service.client());
    let own = first.connect(READER, EXCLUSIVE).unwrap();
    assert_eq!(second.states()[0].sharing, -1);
    assert_eq!(second.connect(READER, SHARED), Err(SHARING_VIOLATION));
    // He shares it from now on.
    assert_eq!(first.reconnect(own, SHARED, LEAVE), 0);
    let other = second.connect(READER, SHARED).unwrap();
    assert_eq!(first.reconnect(own, EXCLUSIVE, LEAVE), SHARING_VIOLATION);
    assert_eq!(second.disconnect(other, LEAVE), 0);
    assert_eq!(first.reconnect(own, EXCLUSIVE, LEAVE), 0);
    // A client that is gone keeps nothing.
    drop(first);
    let until = Instant::now() + DEADLINE;
    while second.connect(READER, EXCLUSIVE).is_err() {
        assert!(Instant::now() < until);
    }
}

#[test]
fn a_transaction_is_one_client_s_until_it_ends() {
    let service = Service::with(card());
    let (mut first, mut second) = (service.client(), service.client());
    let one = first.connect(READER, SHARED).unwrap();
    let two = second.connect(READER, SHARED).unwrap();
    assert_eq!(first.begin(one), 0);
    assert_eq!(first.begin(one), 0);
    assert_eq!(second.begin(two), SHARING_VIOLATION);
    assert_eq!(select(&mut second, two), Err(SHARING_VIOLATION));
    assert_eq!(first.end(one), 0);
    assert_eq!(second.begin(two), SHARING_VIOLATION);
    assert_eq!(first.end(one), 0);
    assert_eq!(first.end(one), NOT_TRANSACTED);
    assert_eq!(second.begin(two), 0);
    assert!(select(&mut second, two).is_ok());
    // Who dies in the middle leaves a card that was reset.
    drop(second);
    let until = Instant::now() + DEADLINE;
    while first.status(one) != RESET_CARD {
        assert!(Instant::now() < until);
    }
    assert_eq!(first.reconnect(one, SHARED, LEAVE), 0);
    assert!(!has_session(&mut first, one));
}

#[test]
fn a_reset_is_told_to_the_others() {
    let service = Service::with(card());
    let (mut first, mut second) = (service.client(), service.client());
    let one = first.connect(READER, SHARED).unwrap();
    let two = second.connect(READER, SHARED).unwrap();
    select(&mut first, one).unwrap();
    assert!(has_session(&mut second, two));
    assert_eq!(first.reconnect(one, SHARED, RESET), 0);
    assert_eq!(first.status(one), 0);
    assert!(!has_session(&mut first, one));
    assert_eq!(select(&mut second, two), Err(RESET_CARD));
    assert_eq!(second.reconnect(two, SHARED, LEAVE), 0);
    assert!(select(&mut second, two).is_ok());
}

#[test]
fn a_removal_is_told_until_another_card_is_connected_to() {
    let service = Service::with(card());
    let mut client = service.client();
    let connection = client.connect(READER, SHARED).unwrap();
    assert!(service.socket.remove(READER).unwrap().is_some());
    assert!(service.socket.remove(READER).unwrap().is_none());
    assert_eq!(client.status(connection), REMOVED_CARD);
    assert_eq!(select(&mut client, connection), Err(REMOVED_CARD));
    assert_eq!(client.reconnect(connection, SHARED, LEAVE), NO_SMARTCARD);
    service.socket.insert(READER, card()).unwrap();
    assert_eq!(client.status(connection), REMOVED_CARD);
    assert_eq!(client.reconnect(connection, SHARED, RESET), 0);
    assert!(select(&mut client, connection).is_ok());
}

#[test]
fn a_waiting_client_gets_one_event_or_one_answer() {
    let service = Service::empty();
    let mut client = service.client();
    assert_eq!(client.wait()[0].state, ABSENT);
    service.socket.insert(READER, card()).unwrap();
    assert_eq!(client.event(), 0);
    // The event was the answer.
    client.stop_waiting();
    assert!(client.is_quiet());
    assert_eq!(client.wait()[0].events, 1);
    client.stop_waiting();
    assert_eq!(client.event(), 0);
    service.socket.remove(READER).unwrap();
    assert!(client.is_quiet());
    // Another connection calls the wait off, which has begun when the next question is answered.
    client.wait();
    client.states();
    let mut other = service.client();
    assert_eq!(other.cancel(client.context), 0);
    assert_eq!(client.event(), CANCELLED);
    assert_eq!(other.cancel(client.context), 0);
    assert!(client.is_quiet());
    assert_eq!(other.cancel(77), INVALID_HANDLE);
}

#[test]
fn newer_clients_ask_for_the_array_apart() {
    let service = Service::empty();
    for number in 2..=17 {
        service
            .socket
            .add_reader(&format!("Counter {number}"))
            .unwrap();
    }
    let mut client = PcscClient::new(service.socket.path(), 6);
    client.send(0x13, &[]);
    assert!(client.is_quiet());
    client.send(0x16, &[]);
    assert_eq!(client.receive(4), 32_u32.to_ne_bytes());
    client.send(0x17, &[]);
    assert_eq!(client.array(32).len(), 17);
    service.socket.insert("Counter 17", card()).unwrap();
    assert_eq!(client.event(), 0);
    // An older one sees the first sixteen.
    assert_eq!(service.client().states().len(), 16);
}

#[test]
fn a_card_that_nobody_uses_loses_its_power() {
    let service = Service::with(card());
    let mut client = service.client();
    let connection = client.connect(READER, SHARED).unwrap();
    select(&mut client, connection).unwrap();
    client.disconnect(connection, LEAVE);
    let connection = client.connect(READER, SHARED).unwrap();
    assert!(has_session(&mut client, connection), "at once, it goes on");
    client.disconnect(connection, LEAVE);
    let until = Instant::now() + DEADLINE;
    while client.states()[0].state & POWERED != 0 {
        assert!(Instant::now() < until);
    }
    let connection = client.connect(READER, SHARED).unwrap();
    assert!(!has_session(&mut client, connection));
}

/// A card whose answers are lost, as when the power fails or the memory breaks.
pub struct Failing(
    pub EmulatedCard<tillcard_runtime::nvm::RamNvm>,
    pub fn() -> SlotError,
);

impl Layer for Failing {
    type Inner = EmulatedCard<tillcard_runtime::nvm::RamNvm>;

    fn inner(&self) -> &Self::Inner {
        &self.0
    }

    fn inner_mut(&mut self) -> &mut Self::Inner {
        &mut self.0
    }

    fn on_transmit(&mut self, _: &[u8]) -> Result<&[u8], SlotError> {
        Err(self.1())
    }
}

#[test]
fn a_card_that_fails_gives_no_answer() {
    let fresh = || EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
    let service = Service::with(Box::new(Failing(fresh(), || SlotError::PowerCut)));
    let mut client = service.client();
    let connection = client.connect(READER, SHARED).unwrap();
    assert_eq!(select(&mut client, connection), Err(NOT_TRANSACTED));
    assert_eq!(
        client.states()[0].state & PRESENT,
        PRESENT,
        "its power failed, no more"
    );

    let broken = || SlotError::Fault("the memory".into());
    let service = Service::with(Box::new(Failing(fresh(), broken)));
    let mut client = service.client();
    let connection = client.connect(READER, SHARED).unwrap();
    client.wait();
    let mut other = service.client();
    let second = other.connect(READER, SHARED).unwrap();
    assert_eq!(select(&mut other, second), Err(NOT_TRANSACTED));
    assert_eq!(client.event(), 0, "it left by itself");
    assert_eq!(client.status(connection), REMOVED_CARD);
    service.socket.wait_for_removal(READER).unwrap();
    let Err(error) = service.socket.remove(READER) else {
        panic!("why it left is told");
    };
    assert_eq!(error.code(), "card-failed");
}

/// A card that says when a command has come, and works on it until somebody lets it.
struct Slow {
    card: EmulatedCard<tillcard_runtime::nvm::RamNvm>,
    begun: Sender<()>,
    go_on: Receiver<()>,
}

impl Layer for Slow {
    type Inner = EmulatedCard<tillcard_runtime::nvm::RamNvm>;

    fn inner(&self) -> &Self::Inner {
        &self.card
    }

    fn inner_mut(&mut self) -> &mut Self::Inner {
        &mut self.card
    }

    fn on_transmit(&mut self, command: &[u8]) -> Result<&[u8], SlotError> {
        let _ = self.begun.send(());
        let _ = self.go_on.recv();
        self.card.transmit(command)
    }
}

#[test]
fn a_card_that_takes_its_time_holds_nobody_else_up() {
    let (let_it, go_on) = channel();
    let (begun, has_begun) = channel();
    let card_at_work = Slow {
        card: EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap(),
        begun,
        go_on,
    };
    let service = Service::with(Box::new(card_at_work));
    service.socket.add_reader("Counter 2").unwrap();
    let mut client = service.client();
    let connection = client.connect(READER, SHARED).unwrap();
    client.send_command(connection, Select::to_apdu().as_bytes(), 65_548);
    has_begun.recv().unwrap();

    let mut other = service.client();
    assert_eq!(other.states()[0].sharing, 1);
    service.socket.insert("Counter 2", card()).unwrap();
    let second = other.connect("Counter 2", SHARED).unwrap();
    assert!(select(&mut other, second).is_ok());
    // It is pulled before it answers: others hear of it at once, and its answer is lost.
    other.wait();
    std::thread::scope(|scope| {
        let removal = scope.spawn(|| service.socket.remove(READER));
        assert_eq!(other.event(), 0);
        assert_eq!(other.states()[0].state, ABSENT);
        let_it.send(()).unwrap();
        assert!(removal.join().unwrap().unwrap().is_some());
    });
    assert_eq!(client.answer(), Err(NOT_TRANSACTED));
    assert_eq!(client.status(connection), REMOVED_CARD);
}

#[test]
fn who_sends_rubbish_loses_his_connection_only() {
    let service = Service::with(card());
    let mut client = service.client();
    let connection = client.connect(READER, SHARED).unwrap();
    for (command, body) in [
        (0x00, vec![]),
        (0x03, vec![0; 8]),
        (0x18, vec![]),
        (0x04, vec![0; 151]),
        (0x0B, vec![0; 12]),
        (0xFFFF_FFFF, vec![0; 4]),
    ] {
        let mut hostile = service.client();
        hostile.send(command, &body);
        assert!(hostile.is_cut_off(), "{command:X}");
    }
    let mut hostile = PcscClient::silent(service.socket.path());
    hostile.write_all(&[0xFF; 8]).unwrap();
    let mut other_version = PcscClient::silent(service.socket.path());
    let version = [12, 0x11, 4, 9, 0].map(u32::to_ne_bytes).concat();
    other_version.write_all(&version).unwrap();
    assert!(select(&mut client, connection).is_ok());
}

#[test]
fn clients_that_read_nothing_hold_nobody_up() {
    let service = Service::empty();
    let deaf: Vec<UnixStream> = (0..20)
        .map(|_| {
            let mut client = PcscClient::silent(service.socket.path());
            client
                .set_write_timeout(Some(Duration::from_millis(100)))
                .unwrap();
            // Until nothing more goes in: its answers have filled what they can.
            let wait = [0, 0x13].map(u32::to_ne_bytes).concat();
            while client.write_all(&wait).is_ok() {}
            client
        })
        .collect();
    let mut client = service.client();
    client.wait();
    service.socket.insert(READER, card()).unwrap();
    assert_eq!(client.event(), 0);
    let connection = client.connect(READER, SHARED).unwrap();
    assert!(select(&mut client, connection).is_ok());
    drop(service);
    drop(deaf);
}

#[test]
fn a_path_that_is_taken_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pcscd.comm");
    fs::write(&path, "mine").unwrap();
    assert!(matches!(
        PcscSocket::open(&path),
        Err(SocketError::NoSocket(_))
    ));
    assert_eq!(fs::read(&path).unwrap(), b"mine");
    fs::remove_file(&path).unwrap();

    let first = PcscSocket::open(&path).unwrap();
    assert!(matches!(
        PcscSocket::open(&path),
        Err(SocketError::InUse(_))
    ));
    drop(first);
    assert!(!path.exists());
    // What a program that was killed left behind is replaced.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    drop(PcscSocket::open(&path).unwrap());

    let long = folder.path().join("x".repeat(108));
    assert!(matches!(
        PcscSocket::open(&long),
        Err(SocketError::PathTooLong(_))
    ));
    let nowhere = folder.path().join("no/pcscd.comm");
    assert!(matches!(
        PcscSocket::open(&nowhere),
        Err(SocketError::Io(..))
    ));
}

#[test]
fn readers_have_names_and_one_slot() {
    let service = Service::with(card());
    let socket = &service.socket;
    for name in ["", "a\0b", &"x".repeat(128)] {
        assert!(matches!(
            socket.add_reader(name),
            Err(SocketError::ReaderName(_))
        ));
    }
    socket.add_reader(&"x".repeat(127)).unwrap();
    assert!(matches!(
        socket.add_reader(READER),
        Err(SocketError::ReaderExists(_))
    ));
    assert!(matches!(
        socket.insert(READER, card()),
        Err(SocketError::Occupied(_))
    ));
    assert!(matches!(
        socket.insert("Counter 9", card()),
        Err(SocketError::NoReader(_))
    ));
    assert!(matches!(
        socket.remove("Counter 9"),
        Err(SocketError::NoReader(_))
    ));
}
