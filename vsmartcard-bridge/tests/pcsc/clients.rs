//! What programs that others wrote see of the card.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::program::Emulator;
use crate::support::reader;

/// The first slot of the virtual reader.
const READER: &str = "Virtual PCD 00 00";

/// The answer to reset (`docs/protocol.md`, section 2.1).
const ATR: [u8; 18] = *b"\x3B\x8E\x01\x80\x73\xC0\x01\x40\x58Tillcard\x8C";

/// What a client finds its card by: pcscd with vpcd, or the emulator's own reader of the same name.
struct Service {
    socket: Option<PathBuf>,
}

impl Service {
    /// Runs a program and returns what it printed; it must be there, and succeed.
    fn run(&self, command: &mut Command) -> String {
        if let Some(socket) = &self.socket {
            command.env("PCSCLITE_CSOCK_NAME", socket);
        }
        let output = command.output().unwrap_or_else(|error| {
            panic!("{command:?}: {error}; install opensc, pcsc-tools and python3-pyscard")
        });
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {stdout}{stderr}");
        stdout
    }

    /// `opensc-tool` on the first slot.
    fn opensc_tool(&self, arguments: &[&str]) -> String {
        self.run(
            Command::new("opensc-tool")
                .args(["--reader", READER])
                .args(arguments),
        )
    }
}

/// What a client prints with a fresh card in the reader: of pcscd, and of the emulator's own.
fn with_card(client: impl Fn(&Service) -> String) -> [String; 2] {
    [through_pcscd(&client), by_own_reader(&client)]
}

fn by_own_reader(client: &impl Fn(&Service) -> String) -> String {
    let home = tempfile::tempdir().unwrap();
    let socket = home.path().join("pcscd.comm");
    let arguments = ["--ephemeral", "--reader", READER, "--pcsc-socket"];
    let arguments = arguments.map(OsStr::new).into_iter();
    let mut emulator = Emulator::start(home.path(), arguments.chain([socket.as_os_str()]));
    assert_eq!(emulator.line(), format!("card inserted in {READER}"));
    let socket = Some(socket);
    client(&Service { socket })
}

fn through_pcscd(client: &impl Fn(&Service) -> String) -> String {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let emulator = reader::insert(home.path(), &["--ephemeral"]);
    let output = client(&Service { socket: None });
    reader::remove(emulator);
    output
}

/// Bytes in hexadecimal, in the case and with the separator that a program uses.
fn listed(bytes: &[u8], separator: &str) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(separator)
}

#[test]
fn opensc_tool_reads_the_atr() {
    for output in with_card(|service| service.opensc_tool(&["-a"])) {
        assert_eq!(output.trim(), listed(&ATR, ":"));
    }
}

#[test]
fn opensc_tool_selects_the_application() {
    let select = "00A4040009F054494C4C4341524400";
    for output in with_card(|service| service.opensc_tool(&["-s", select])) {
        assert!(output.contains("Received (SW1=0x90, SW2=0x00)"), "{output}");
        // FCI template: DF name, then version and capabilities.
        assert!(
            output.contains("6F 17 84 09 F0 54 49 4C 4C 43 41 52 44 A5 0A 80"),
            "{output}"
        );
        assert!(output.contains("02 00 04 81 04 00 00 02 FF"), "{output}");
    }
}

#[test]
fn pcsc_scan_sees_a_card_and_reads_its_historical_bytes() {
    let atr = listed(&ATR, " ").to_uppercase();
    // A list of known cards of its own, so that it looks for none on the Internet.
    let cache = tempfile::tempdir().unwrap();
    fs::write(
        cache.path().join("smartcard_list.txt"),
        format!("{atr}\n\tTillcard\n"),
    )
    .unwrap();
    for output in with_card(|service| {
        let mut pcsc_scan = Command::new("pcsc_scan");
        pcsc_scan
            .args(["-t", "1"])
            .env("XDG_CACHE_HOME", cache.path());
        service.run(&mut pcsc_scan)
    }) {
        let mut lines = output.lines();
        for wanted in [
            "Reader 0: Virtual PCD 00 00",
            "Card state: Card inserted",
            &format!("ATR: {atr}"),
            "Direct Convention",
            "Protocol T = 1",
            "DF selection by full DF name",
            "DF selection by partial DF name",
            "Extended Lc and Le fields",
            "Maximum number of logical channels: 1",
            "Card issuer data: 54 69 6C 6C 63 61 72 64",
            "correct checksum",
            "Tillcard",
        ] {
            assert!(
                lines.any(|line| line.contains(wanted)),
                "no {wanted:?} in its place in {output}"
            );
        }
    }
}

/// A script, by its path from this package, for the Python that has Debian's packages.
fn python(script: &str) -> Command {
    let python = if Path::new("/usr/bin/python3").exists() {
        "/usr/bin/python3"
    } else {
        "python3"
    };
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(script));
    // Nothing is written beside the sources.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

#[test]
fn pyscard_sees_a_healthy_card() {
    let atr = listed(&ATR, "");
    for output in with_card(|service| service.run(python("tests/pcsc/pyscard_client.py").arg(&atr)))
    {
        assert_eq!(output.trim(), "healthy");
    }
}

/// A client of SCP11b that others wrote, for their cards.
#[test]
fn yubikit_opens_a_channel() {
    let yubikit = std::env::var_os("TILLCARD_YUBIKIT")
        .expect("TILLCARD_YUBIKIT names the folder that scripts/yubikit.sh prints");
    for output in with_card(|service| {
        service.run(python("tests/pcsc/yubikit_client.py").env("PYTHONPATH", &yubikit))
    }) {
        assert_eq!(output.lines().collect::<Vec<_>>(), ["opened", "opened"]);
    }
}

/// The client that was written from the protocol's text alone: it issues the card, pays, recovers
/// a torn payment, and reads the log as the owner.
#[test]
fn a_client_written_from_the_text_plays_its_story() {
    let story = "../conformance-tests/clients/python/story.py";
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("personalise/src/test-root.pem");
    for output in with_card(|service| {
        service.run(
            python(story)
                .args(["--reader", READER, "--root"])
                .arg(&root),
        )
    }) {
        println!("{output}");
        // It ends at the first thing that isn't as the text has it, and this is its last line.
        let last = output.lines().last();
        assert!(
            last.is_some_and(|line| line.starts_with("ok: reset")),
            "{output}"
        );
    }
}
