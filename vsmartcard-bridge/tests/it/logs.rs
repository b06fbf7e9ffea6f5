//! What the emulator and its dependencies write about APDUs.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::thread;

use log::{LevelFilter, Log, Metadata, Record};
use tillcard_emu::vpcd::{Address, Link};
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_protocol::command::Select;

use crate::support::contacts::Contacts;
use crate::support::driver::{Driver, POWER_ON};
use crate::support::owner::verify;
use crate::support::program::Emulator;

/// A PIN that no other test of this program sends.
const PIN: &str = "592653";
/// Its digits, as its block has them (ISO 9564-1, format 2).
const DIGITS: [u8; 3] = [0x59, 0x26, 0x53];

/// Keeps what vpicc logs.
struct Kept(Mutex<Vec<String>>);

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

impl Log for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("vpicc")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(record.args().to_string());
        }
    }

    fn flush(&self) {}
}

/// How bytes may look in a text: in hexadecimal or decimal digits, with or without commas.
fn looks(bytes: &[u8]) -> [String; 6] {
    let join = |separator: &str, digit: fn(&u8) -> String| {
        bytes.iter().map(digit).collect::<Vec<_>>().join(separator)
    };
    [
        join(", ", |byte| format!("{byte:x}")),
        join(", ", |byte| format!("{byte}")),
        join("", |byte| format!("{byte:02x}")),
        join("", |byte| format!("{byte:02X}")),
        join(" ", |byte| format!("{byte:02x}")),
        join(" ", |byte| format!("{byte:02X}")),
    ]
}

fn assert_hidden(text: &str) {
    for look in looks(&DIGITS) {
        assert!(!text.contains(&look), "the PIN is in: {text}");
    }
}

#[test]
fn no_apdu_reaches_vpiccs_log() {
    log::set_logger(&KEPT).expect("no other logger in this program");
    log::set_max_level(LevelFilter::Trace);
    let reader = Driver::new();
    let link = Link::connect(&Address::new("127.0.0.1", reader.port())).unwrap();
    let remover = link.remover();
    let mut card = EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap();
    let serving = thread::spawn(move || link.serve(&mut card));
    let mut contacts = reader.insert();
    let answer = contacts.done(&Select::to_apdu());
    contacts.send(&verify(PIN));
    remover.remove();
    serving.join().unwrap().unwrap();

    let kept = KEPT.0.lock().unwrap_or_else(PoisonError::into_inner);
    let control = format!("received message: [{POWER_ON:x}]");
    assert!(kept.contains(&control), "vpicc logs something: {kept:?}");
    let all = kept.join("\n");
    assert_hidden(&all);
    for look in looks(&answer) {
        assert!(!all.contains(&look), "an answer is in: {all}");
    }
}

#[test]
fn the_programs_own_log_has_commands_without_their_data_and_is_off_unless_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let said = |arguments: &[&str]| {
        let reader = Driver::new();
        let emulator = Emulator::in_reader(home.path(), &reader, arguments);
        let mut card = reader.insert();
        card.done(&Select::to_apdu());
        card.send(&verify(PIN));
        emulator.signal("TERM");
        emulator.end().stderr
    };
    assert_eq!(said(&["--ephemeral"]), "");
    let log = said(&["--ephemeral", "--log", "trace"]);
    assert!(log.contains("power on"), "{log}");
    assert!(
        log.contains("command=00200080, 13 bytes answer=6985, 2 bytes"),
        "{log}"
    );
    assert_hidden(&log);
}

#[test]
fn a_log_filter_that_is_none_is_told() {
    let home = tempfile::tempdir().unwrap();
    let ended = Emulator::start(home.path(), ["--ephemeral", "--log", "tillcard_emu=loud"]).end();
    assert!(
        ended.stderr.contains("error[log-filter]"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.status.code(), Some(1));
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
}
