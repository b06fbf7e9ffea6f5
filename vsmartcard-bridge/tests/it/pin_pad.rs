//! Readers with a PIN pad, on which a test types.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use tillcard_emu::Reader;
use tillcard_emu::pcsc_socket::{Key, SOCKET_VARIABLE};
use tillcard_emu::tray::{Awaited, AwaitedState, Tray};
use tillcard_protocol::command::{Select, Verify};

use crate::support::DEADLINE;
use crate::support::pcsc_client::{PcscClient, SHARED};

const REMOVED_CARD: u32 = 0x8010_0069;
const UNSUPPORTED_FEATURE: u32 = 0x8010_001F;
const GET_FEATURE_REQUEST: u32 = 0x4200_0D48;

/// What a program sends for the project's card: a block of ISO 9564 format 2, 4 to 12 digits.
fn verify(seconds: u8) -> Vec<u8> {
    let mut asked = vec![seconds, 0, 0x89, 0x47, 0x04, 12, 4, 2, 1, 9, 4, 0, 0, 0, 0];
    asked.extend(13u32.to_le_bytes());
    asked.extend(b"\x00\x20\x00\x80\x08\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    asked
}

struct Program {
    client: PcscClient,
    card: u32,
}

impl Program {
    fn new(reader: &Reader) -> Self {
        let mut client = PcscClient::new(reader.socket_path(), 4);
        let card = client.connect(reader.name(), SHARED).unwrap();
        client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
        Self { client, card }
    }

    /// The code of a feature.
    fn feature(&mut self, tag: u8) -> u32 {
        let list = self.client.control(self.card, GET_FEATURE_REQUEST, &[]);
        let list = list.unwrap();
        let found = list.chunks(6).find(|entry| entry[..2] == [tag, 4]).unwrap();
        u32::from_be_bytes(found[2..].try_into().unwrap())
    }

    fn verify(&mut self, seconds: u8) -> Result<Vec<u8>, u32> {
        let code = self.feature(0x06);
        self.client.control(self.card, code, &verify(seconds))
    }

    fn tries(&mut self) -> Vec<u8> {
        let query = Verify::query();
        self.client.transmit(self.card, query.as_bytes()).unwrap()
    }
}

#[test]
fn a_pin_that_is_typed_goes_to_the_card_and_into_no_trace() {
    let reader = Reader::with_card("ok").unwrap();
    let mut program = Program::new(&reader);
    reader.type_pin("271828").unwrap();
    assert_eq!(program.verify(5), Ok(vec![0x90, 0x00]));
    reader.type_pin("9999").unwrap();
    assert_eq!(program.verify(5), Ok(vec![0x63, 0xC2]));
    assert_eq!(program.tries(), [0x63, 0xC2]);
    let trace = serde_json::to_string(&reader.trace().unwrap()).unwrap();
    for part in ["2627", "271828", "249999", "9999"] {
        assert!(!trace.contains(part), "{trace}");
    }
    assert!(trace.contains("\"redacted\":true"));
}

#[test]
fn a_program_waits_for_the_keys_and_a_test_for_the_program() {
    let reader = Reader::with_card("ok").unwrap();
    let mut program = Program::new(&reader);
    let asked = Awaited {
        state: Some(AwaitedState::PinAsked),
        ..Awaited::default()
    };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| program.verify(30));
        assert!(reader.wait_for(&asked, DEADLINE).unwrap());
        assert!(reader.tray().readers()[0].asks_pin);
        reader.press(&Key::digits("99")).unwrap();
        reader.press(&[Key::Clear]).unwrap();
        reader.type_pin("271828").unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(vec![0x90, 0x00]));
    });
    assert!(!reader.tray().readers()[0].asks_pin);
}

#[test]
fn without_a_pin_the_reader_answers_and_the_card_is_asked_nothing() {
    let reader = Reader::with_card("ok").unwrap();
    let mut program = Program::new(&reader);
    let began = Instant::now();
    assert_eq!(program.verify(1), Ok(vec![0x64, 0x00]));
    assert!(began.elapsed() >= Duration::from_secs(1));
    reader.press(&[Key::Digit(1), Key::Cancel]).unwrap();
    assert_eq!(program.verify(5), Ok(vec![0x64, 0x01]));
    for digits in ["", "123", "1234567890123"] {
        reader.type_pin(digits).unwrap();
        assert_eq!(program.verify(5), Ok(vec![0x64, 0x03]), "{digits}");
    }
    let code = program.feature(0x06);
    let malformed = program.client.control(program.card, code, &verify(1)[..20]);
    assert_eq!(malformed, Ok(vec![0x6B, 0x80]));
    assert_eq!(program.tries(), [0x63, 0xC3]);
}

#[test]
fn a_new_pin_is_typed_twice() {
    let reader = Reader::with_card("ok").unwrap();
    let mut program = Program::new(&reader);
    let code = program.feature(0x07);
    // CHANGE REFERENCE DATA, which other cards have: the project's card says that it hasn't.
    let mut asked = vec![
        5, 0, 0x89, 0x47, 0x04, 0, 0, 12, 4, 1, 2, 2, 9, 4, 0, 1, 2, 0, 0, 0,
    ];
    asked.extend(13u32.to_le_bytes());
    asked.extend(b"\x00\x24\x01\x80\x08\x20\xFF\xFF\xFF\xFF\xFF\xFF\xFF");
    reader.type_pin("1234").unwrap();
    reader.type_pin("1235").unwrap();
    let other = program.client.control(program.card, code, &asked);
    assert_eq!(other, Ok(vec![0x64, 0x02]));
    reader.type_pin("1234").unwrap();
    reader.type_pin("1234").unwrap();
    let refused = program.client.control(program.card, code, &asked);
    assert_eq!(refused, Ok(vec![0x6D, 0x00]));
}

#[test]
fn a_card_that_leaves_ends_the_wait_and_takes_the_keys_along() {
    let reader = Reader::with_card("ok").unwrap();
    let mut program = Program::new(&reader);
    let asked = Awaited {
        state: Some(AwaitedState::PinAsked),
        ..Awaited::default()
    };
    thread::scope(|scope| {
        let waiting = scope.spawn(|| program.verify(30));
        assert!(reader.wait_for(&asked, DEADLINE).unwrap());
        reader.press(&Key::digits("2718")).unwrap();
        reader.remove().unwrap();
        assert_eq!(waiting.join().unwrap(), Err(REMOVED_CARD));
    });
    reader.insert("ok").unwrap();
    let mut program = Program::new(&reader);
    reader.type_pin("28").unwrap();
    assert_eq!(program.verify(5), Ok(vec![0x64, 0x03]));
}

#[test]
fn a_card_that_takes_pins_in_a_channel_only_refuses_the_pad() {
    let reader = Reader::with_card("channel-only").unwrap();
    let mut program = Program::new(&reader);
    reader.type_pin("271828").unwrap();
    assert_eq!(program.verify(5), Ok(vec![0x69, 0x82]));
}

/// A program that uses pcsc-lite's library, which reads the socket's path once in a process: the next test
/// starts one for it.
#[test]
#[ignore = "part of the next test"]
fn program_of_the_pcsc_crate() {
    let context = pcsc::Context::establish(pcsc::Scope::User).unwrap();
    let name = c"Tillcard Emulator 00 00";
    let card = context
        .connect(name, pcsc::ShareMode::Shared, pcsc::Protocols::ANY)
        .unwrap();
    let mut answer = [0; 264];
    card.transmit(Select::to_apdu().as_bytes(), &mut answer)
        .unwrap();
    let features = card
        .control(GET_FEATURE_REQUEST.into(), &[], &mut answer)
        .unwrap();
    assert_eq!(features[..2], [0x06, 4]);
    let code = u32::from_be_bytes(features[2..6].try_into().unwrap());
    let typed = card.control(code.into(), &verify(5), &mut answer).unwrap();
    assert_eq!(typed, [0x90, 0x00]);
}

#[test]
fn a_program_that_uses_the_pcsc_crate_has_the_pin_typed() {
    let reader = Reader::with_card("ok").unwrap();
    reader.type_pin("271828").unwrap();
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "pin_pad::program_of_the_pcsc_crate", "--ignored"])
        .env(SOCKET_VARIABLE, reader.socket_path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_reader_without_a_pad_has_no_features() {
    let tray = Tray::open(None, 0).unwrap();
    tray.add_reader("Counter 1").unwrap();
    tray.insert("Counter 1", "ok").unwrap();
    let mut client = PcscClient::new(tray.socket_path(), 4);
    let card = client.connect("Counter 1", SHARED).unwrap();
    assert_eq!(client.control(card, GET_FEATURE_REQUEST, &[]), Ok(vec![]));
    let refused = client.control(card, 0x4233_0006, &verify(1));
    assert_eq!(refused, Err(UNSUPPORTED_FEATURE));
    let code = tray
        .type_pin("Counter 1", "1234")
        .err()
        .map(|error| error.code());
    assert_eq!(code, Some("no-pin-pad"));
}
