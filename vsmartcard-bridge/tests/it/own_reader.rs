//! The program `tillcard-emu` with a reader of its own.

use std::path::Path;

use tillcard_protocol::command::Select;

use crate::support::pcsc_client::{LEAVE, PcscClient, SHARED};
use crate::support::program::Emulator;

/// A script that runs with the emulator's own reader.
fn with_reader(script: &str) -> Emulator {
    let home = tempfile::tempdir().unwrap();
    Emulator::start(home.path(), ["--ephemeral", "--", "sh", "-c", script])
}

#[test]
fn a_command_finds_the_reader_and_gives_its_exit_status() {
    let ended =
        with_reader("test -S $PCSCLITE_CSOCK_NAME; echo $? $PCSCLITE_CSOCK_NAME; exit 7").end();
    assert_eq!(ended.status.code(), Some(7), "{}", ended.stderr);
    let path = ended
        .stdout
        .strip_prefix("0 ")
        .expect("the socket is there")
        .trim_end();
    assert!(!Path::new(path).exists() && !Path::new(path).parent().unwrap().exists());
    assert_eq!(
        ended.stderr,
        "card inserted in Tillcard Emulator 00 00\ncard removed; 0 APDUs\n"
    );
}

#[test]
fn a_command_that_is_ended_by_a_signal_is_told_as_shells_do() {
    assert_eq!(
        with_reader("kill -KILL $$").end().status.code(),
        Some(128 + 9)
    );
    // The emulator's own end is the command's.
    let mut emulator = with_reader("echo ready; exec sleep 1000");
    assert_eq!(emulator.line(), "ready");
    emulator.signal("TERM");
    assert_eq!(emulator.end().status.code(), Some(128 + 15));
}

#[test]
fn what_can_not_be_run_is_told() {
    let home = tempfile::tempdir().unwrap();
    let ended = Emulator::start(home.path(), ["--ephemeral", "--", "/no/such/program"]).end();
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended
            .stderr
            .contains("error[command-not-run]: /no/such/program"),
        "{}",
        ended.stderr
    );
    let both = ["--vpcd", "localhost:1", "--pcsc-socket", "here"];
    assert_eq!(
        Emulator::start(home.path(), both).end().status.code(),
        Some(2)
    );
}

#[test]
fn at_a_path_the_card_stays_until_it_is_taken_out() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("own.comm");
    let arguments = [
        "--pcsc-socket",
        path.to_str().unwrap(),
        "--reader",
        "Counter 1",
    ];
    for (signal, state) in [("TERM", [0x80, 1, 0]), ("INT", [0x80, 1, 0])] {
        let mut emulator = Emulator::start(home.path(), arguments);
        assert_eq!(emulator.line(), "card inserted in Counter 1");
        let told = emulator.error_line();
        assert_eq!(
            told,
            format!(
                "programs see it with PCSCLITE_CSOCK_NAME={}",
                path.display()
            )
        );
        // The line was true: a client can connect at once.
        let mut client = PcscClient::new(&path, 4);
        let card = client.connect("Counter 1", SHARED).unwrap();
        client.transmit(card, Select::to_apdu().as_bytes()).unwrap();
        let status = client
            .transmit(card, &[0x00, 0xCA, 0x01, 0x00, 0x00])
            .unwrap();
        assert!(status.starts_with(&state));
        assert_eq!(client.disconnect(card, LEAVE), 0);
        let second = Emulator::start(home.path(), arguments).end();
        assert!(
            second.stderr.contains("error[cards-in-use]"),
            "{}",
            second.stderr
        );
        emulator.signal(signal);
        let ended = emulator.end();
        assert_eq!(ended.stdout, "card removed; 2 APDUs\n");
        assert!(ended.status.success() && !path.exists(), "{}", ended.stderr);
    }
}
