//! The emulator's own readers, told to hear of cards as pcscd does.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tillcard_emu::pcsc_socket::{Notice, PcscSocket, SocketError};
use tillcard_emu::slot::{CardInSlot, SlotError};
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_protocol::command::Select;

use crate::control::request;
use crate::pcsc_socket::Failing;
use crate::support::DEADLINE;
use crate::support::pcsc_client::{PcscClient, SHARED};
use crate::support::program::Emulator;

const READER: &str = "Counter 1";
const NOT_TRANSACTED: u32 = 0x8010_0016;
const REMOVED_CARD: u32 = 0x8010_0069;
const ABSENT: u32 = 0x02;
const PRESENT: u32 = 0x04;

/// Less than from one look at the readers to the next.
const BETWEEN_LOOKS: Duration = Duration::from_millis(300);

/// So often this machine may be too slow to do something between two looks.
const TRIES: usize = 20;

fn service() -> (PcscSocket, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pcscd.comm");
    let socket = PcscSocket::open_with(&path, Notice::LikePcscd).unwrap();
    socket.add_reader(READER).unwrap();
    (socket, folder)
}

fn card() -> EmulatedCard<tillcard_runtime::nvm::RamNvm> {
    EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap()
}

fn select(client: &mut PcscClient, connection: u32) -> Result<Vec<u8>, u32> {
    client.transmit(connection, Select::to_apdu().as_bytes())
}

/// What is seen when what has to be done between two looks took no longer than that.
fn between_looks<T>(mut act: impl FnMut() -> (Duration, T)) -> T {
    for _ in 0..TRIES {
        let (took, seen) = act();
        if took < BETWEEN_LOOKS {
            return seen;
        }
    }
    panic!("nothing is done within {BETWEEN_LOOKS:?} here");
}

#[test]
fn a_removal_is_told_late() {
    let (early, late) = between_looks(|| {
        let (socket, _folder) = service();
        let mut client = PcscClient::new(socket.path(), 4);
        socket.insert(READER, Box::new(card())).unwrap();
        let since = Instant::now();
        let connection = client.connect(READER, SHARED).unwrap();
        assert!(socket.remove(READER).unwrap().is_some());
        let state = client.wait()[0].state & (PRESENT | ABSENT);
        let took = since.elapsed();
        assert_eq!(client.event(), 0, "told once somebody has looked");
        let late = client.states()[0].state & (PRESENT | ABSENT);
        let late = (late, client.status(connection));
        socket.wait_for_removal(READER).unwrap();
        (took, (state, late))
    });
    assert_eq!(early, PRESENT);
    assert_eq!(late, (ABSENT, REMOVED_CARD));
}

#[test]
fn a_card_that_leaves_and_comes_back_at_once_has_never_left() {
    let (between, after) = between_looks(|| {
        let (socket, _folder) = service();
        let mut client = PcscClient::new(socket.path(), 4);
        socket.insert(READER, Box::new(card())).unwrap();
        let since = Instant::now();
        let connection = client.connect(READER, SHARED).unwrap();
        assert!(
            select(&mut client, connection)
                .unwrap()
                .ends_with(&[0x90, 0x00])
        );
        let taken = socket.remove(READER).unwrap().unwrap();
        let between = (client.status(connection), select(&mut client, connection));
        let took = since.elapsed();
        socket.insert(READER, taken).unwrap();
        let after = (client.status(connection), client.states()[0].events);
        let other = PcscClient::new(socket.path(), 4).connect(READER, SHARED);
        assert!(other.is_ok(), "{other:?}");
        (took, (between, after))
    });
    assert_eq!(between, (0, Err(NOT_TRANSACTED)));
    assert_eq!(after, (0, 1), "one event, the first insertion");
}

#[test]
fn two_cards_are_never_in_one_reader() {
    let (socket, _folder) = service();
    socket.insert(READER, Box::new(card())).unwrap();
    assert!(matches!(
        socket.insert(READER, Box::new(card())),
        Err(SocketError::Occupied(_))
    ));
}

#[test]
fn a_command_in_which_the_card_dies_is_answered_by_nothing() {
    for (failure, stays) in [(|| SlotError::PowerCut) as fn() -> SlotError, || {
        SlotError::Left
    }]
    .into_iter()
    .zip([true, false])
    {
        let (socket, _folder) = service();
        let dying: Box<dyn CardInSlot> = Box::new(Failing(card(), failure));
        socket.insert(READER, dying).unwrap();
        let mut client = PcscClient::new(socket.path(), 4);
        let connection = client.connect(READER, SHARED).unwrap();
        assert_eq!(select(&mut client, connection), Ok(Vec::new()));
        if !stays {
            socket.wait_for_removal(READER).unwrap();
            assert_eq!(client.status(connection), REMOVED_CARD);
        }
        assert_eq!(socket.has_card(READER).unwrap(), stays);
    }
}

#[test]
fn the_program_has_such_readers_when_it_is_told_to() {
    for (argument, expected) in [(Some("--like-pcscd"), PRESENT), (None, ABSENT)] {
        let home = tempfile::tempdir().unwrap();
        let arguments = ["--control", "127.0.0.1:0", "--json", "--reader", READER];
        let mut emulator = Emulator::start(home.path(), arguments.into_iter().chain(argument));
        let told: Value = serde_json::from_str(&emulator.line()).unwrap();
        let address = told["control"]["url"].as_str().unwrap();
        let address = address.strip_prefix("http://").unwrap();
        let token = told["control"]["token"].as_str().unwrap();
        let socket = std::path::Path::new(told["pcsc_socket"].as_str().unwrap());
        let mut client = PcscClient::new(socket, 4);
        let at = "/v1/readers/Counter%201/card";
        let seen = between_looks(|| {
            let body = json!({"card": "empty"}).to_string();
            assert_eq!(request(address, token, "PUT", at, &body).0, 200);
            let since = Instant::now();
            assert_eq!(client.states()[0].state & PRESENT, PRESENT);
            assert_eq!(request(address, token, "DELETE", at, "").0, 200);
            let seen = client.states()[0].state & (PRESENT | ABSENT);
            let took = since.elapsed();
            // Before the card is put in again, it is known to be out.
            let patience = Instant::now();
            while client.states()[0].state & ABSENT == 0 {
                assert!(patience.elapsed() < DEADLINE);
                std::thread::yield_now();
            }
            (took, seen)
        });
        assert_eq!(seen, expected, "{argument:?}");
        emulator.signal("TERM");
        assert!(emulator.end().status.success());
    }
}
