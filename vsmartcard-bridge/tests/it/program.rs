//! The program `tillcard-emu`, with a reader that this test plays.

use std::path::Path;

use crate::support::contacts::Contacts;
use crate::support::driver::{Driver, POWER_ON};
use crate::support::owner::{Owner, POLICY, issue_for};
use crate::support::program::Emulator;
use tempfile::TempDir;
use tillcard_protocol::command::{GenerateKey, GetData, Network, Select, State, StatusObject};

const INCORRECT_DATA: u16 = 0x6A80;
const NOT_IN_THIS_STATE: u16 = 0x6985;

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// Issues a card, takes it out, and says how the program ended.
fn issued(home: &Path, arguments: &[&str]) -> Owner {
    let reader = Driver::new();
    let emulator = Emulator::in_reader(home, &reader, arguments);
    let mut card = reader.insert();
    let owner = Owner::issue(&mut card);
    emulator.signal("TERM");
    assert!(emulator.end().status.success());
    owner
}

/// Where the card called so stands in its life.
fn state(home: &Path, arguments: &[&str]) -> State {
    let reader = Driver::new();
    let emulator = Emulator::in_reader(home, &reader, arguments);
    let mut card = reader.insert();
    card.done(&Select::to_apdu());
    let state = StatusObject::parse(&card.done(&GetData::Status.to_apdu()))
        .unwrap()
        .state;
    emulator.signal("TERM");
    assert!(emulator.end().status.success());
    state
}

/// What a card commits to when it makes its first key.
fn commitment(home: &Path, arguments: &[&str]) -> Vec<u8> {
    let reader = Driver::new();
    let _emulator = Emulator::in_reader(home, &reader, arguments);
    let mut card = reader.insert();
    card.done(&Select::to_apdu());
    card.done(&GenerateKey::to_apdu())
}

#[test]
fn it_says_when_the_card_is_in_and_how_much_it_answered() {
    for signal in ["INT", "TERM", "HUP"] {
        let (home, reader) = (home(), Driver::new());
        let mut emulator = Emulator::in_reader(home.path(), &reader, &["--ephemeral"]);
        let mut card = reader.insert();
        let port = reader.port();
        let inserted = format!("card inserted in the virtual reader at 127.0.0.1:{port}");
        assert_eq!(emulator.line(), inserted);
        card.done(&Select::to_apdu());
        card.transmit(&[0xFF]);
        card.transmit(&[]);
        emulator.signal(signal);
        assert_eq!(card.rest(), b"", "the card is out");
        let ended = emulator.end();
        assert_eq!(ended.stdout, "card removed; 3 APDUs\n");
        assert_eq!(ended.stderr, "");
        assert!(ended.status.success());
    }
}

#[test]
fn a_reader_that_goes_away_is_an_error_and_the_count_is_still_told() {
    let (home, reader) = (home(), Driver::new());
    let mut emulator = Emulator::in_reader(home.path(), &reader, &["--ephemeral"]);
    drop(reader.insert());
    emulator.line();
    let ended = emulator.end();
    assert_eq!(ended.stdout, "card removed; 0 APDUs\n");
    assert!(
        ended.stderr.contains("error[vpcd-gone]"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn without_a_reader_it_says_what_to_install_and_start() {
    let home = home();
    let nobody = format!("127.0.0.1:{}", Driver::new().port());
    let ended = Emulator::start(home.path(), ["--ephemeral", "--vpcd", &nobody]).end();
    assert_eq!(ended.stdout, "");
    assert!(
        ended
            .stderr
            .contains("sudo apt-get install pcscd vsmartcard-vpcd"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn a_busy_slot_is_told_and_can_be_left() {
    let (home, reader) = (home(), Driver::new());
    let mut emulator = Emulator::in_reader(home.path(), &reader, &["--ephemeral"]);
    let told = emulator.error_line();
    assert!(
        told.starts_with("waiting: ") && told.contains("another one is in it"),
        "{told}"
    );
    reader.accept().control(POWER_ON);
    assert!(emulator.line().starts_with("card inserted in"));

    let mut waiting = Emulator::in_reader(home.path(), &reader, &["--ephemeral"]);
    waiting.error_line();
    waiting.signal("TERM");
    let ended = waiting.end();
    assert_eq!(ended.stdout, "card removed; 0 APDUs\n");
    assert!(ended.status.success());
}

#[test]
fn a_card_is_kept_below_the_data_folder_and_is_the_same_next_time() {
    let home = home();
    let tries_left = 3;
    let as_issued = State::Issued {
        network: Network::Regtest,
        tries_left,
        policy: POLICY,
    };
    issued(home.path(), &[]);
    assert!(home.path().join(".local/share/tillcard/emu/db").is_file());
    assert_eq!(state(home.path(), &[]), as_issued);
    assert_eq!(state(home.path(), &["--name", "other"]), State::Factory);
    assert_eq!(state(home.path(), &["--ephemeral"]), State::Factory);

    let xdg = home.path().join("xdg");
    let reader = Driver::new();
    let emulator = Emulator::run(
        Emulator::command(
            home.path(),
            ["--vpcd", &format!("127.0.0.1:{}", reader.port())],
        )
        .env("XDG_DATA_HOME", &xdg),
    );
    let card = reader.insert();
    assert!(xdg.join("tillcard/emu/db").is_file());
    drop((card, emulator));

    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    assert_eq!(state(home.path(), &["--data", data]), State::Factory);
    issued(home.path(), &["--data", data, "--name", "a"]);
    assert_eq!(
        state(home.path(), &["--data", data, "--name", "a"]),
        as_issued
    );
}

#[test]
fn a_second_program_on_the_same_cards_is_told_so() {
    let (home, reader) = (home(), Driver::new());
    let _first = Emulator::in_reader(home.path(), &reader, &[]);
    let _card = reader.insert();
    let ended = Emulator::in_reader(home.path(), &reader, &["--name", "other"]).end();
    assert!(
        ended.stderr.contains("error[cards-in-use]"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.status.code(), Some(1));
}

#[test]
fn a_seed_makes_the_same_card_again_and_never_the_same_numbers_in_a_later_life() {
    let (a, b) = (home(), home());
    let first = commitment(a.path(), &["--seed", "7"]);
    assert_eq!(first, commitment(b.path(), &["--seed", "7"]));
    assert_eq!(first, commitment(b.path(), &["--seed", "7", "--ephemeral"]));
    let others = [
        commitment(a.path(), &["--seed", "7"]),
        commitment(a.path(), &["--seed", "7"]),
        commitment(a.path(), &["--seed", "8", "--ephemeral"]),
        commitment(a.path(), &["--seed", "7", "--name", "other"]),
        commitment(a.path(), &["--ephemeral"]),
        commitment(a.path(), &["--ephemeral"]),
    ];
    for (at, other) in others.iter().enumerate() {
        assert!(*other != first && !others[..at].contains(other), "{at}");
    }
}

#[test]
fn real_money_is_refused_unless_asked_for_and_with_a_seed_always() {
    let (home, reader) = (home(), Driver::new());
    let emulator = Emulator::in_reader(home.path(), &reader, &[]);
    let mut card = reader.insert();
    card.done(&Select::to_apdu());
    card.done(&GenerateKey::to_apdu());
    let issue = issue_for(Network::Mainnet);
    assert_eq!(card.send(&issue).1, INCORRECT_DATA);
    let other = issue_for(Network::Regtest);
    assert_eq!(
        card.send(&other).1,
        NOT_IN_THIS_STATE,
        "the refusal ended the key generation"
    );

    card.done(&GenerateKey::to_apdu());
    let (header, body) = issue.as_bytes().split_at(5);
    let extended = [
        &header[..4],
        &[0, 0, header[4]],
        &body[..body.len() - 1],
        &[0, 0],
    ]
    .concat();
    assert_eq!(card.transmit(&extended), INCORRECT_DATA.to_be_bytes());
    assert_eq!(card.send(&other).1, NOT_IN_THIS_STATE);
    drop(emulator);

    let emulator = Emulator::in_reader(home.path(), &reader, &["--mainnet"]);
    let mut card = reader.insert();
    card.done(&Select::to_apdu());
    card.done(&GenerateKey::to_apdu());
    card.done(&issue);
    drop(emulator);

    let ended = Emulator::in_reader(home.path(), &reader, &[]).end();
    assert!(
        ended.stderr.contains("error[mainnet-card]"),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.status.code(), Some(1));
    let ended = Emulator::start(home.path(), ["--seed", "1", "--mainnet"]).end();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
}

#[test]
fn a_damaged_card_is_shown_as_one_and_told() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("cards");
    let data = data.to_str().unwrap();
    issued(home.path(), &["--data", data]);
    let count = home.path().join("cards/flush-counts/card");
    std::fs::write(&count, [0; 32]).unwrap();
    assert_eq!(state(home.path(), &["--data", data]), State::Damaged);
    let ended = Emulator::start(home.path(), ["--data", data, "--", "true"]).end();
    assert!(
        ended.stderr.contains("warning[card-damaged]"),
        "{}",
        ended.stderr
    );
    assert!(ended.status.success());
}
