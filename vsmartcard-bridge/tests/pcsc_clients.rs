//! What programs that others wrote see of the card.

mod support;

use std::path::Path;
use std::process::Command;

use support::reader;
use tillcard_applet::ATR;

/// Runs a program and returns what it printed; it must be there, and succeed.
fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| {
            panic!("{program}: {error}; install opensc, pcsc-tools and python3-pyscard")
        });
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {stdout}{stderr}"
    );
    stdout
}

/// Runs a client with a fresh card in the reader.
fn with_card(client: impl FnOnce() -> String) -> String {
    let _reader = reader::lock();
    let home = tempfile::tempdir().unwrap();
    let emulator = reader::insert(home.path(), &["--ephemeral"]);
    let output = client();
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
    let output = with_card(|| run("opensc-tool", &["--reader", "Virtual PCD 00 00", "-a"]));
    assert_eq!(output.trim(), listed(&ATR, ":"));
}

#[test]
fn opensc_tool_selects_the_application() {
    let select = "00A4040009F054494C4C4341524400";
    let output = with_card(|| {
        run(
            "opensc-tool",
            &["--reader", "Virtual PCD 00 00", "-s", select],
        )
    });
    assert!(output.contains("Received (SW1=0x90, SW2=0x00)"), "{output}");
    // FCI template: DF name, then version and capabilities.
    assert!(
        output.contains("6F 17 84 09 F0 54 49 4C 4C 43 41 52 44 A5 0A 80"),
        "{output}"
    );
    assert!(output.contains("02 00 00 81 04 00 00 00 07"), "{output}");
}

#[test]
fn pcsc_scan_sees_a_card_and_reads_its_historical_bytes() {
    let output = with_card(|| run("pcsc_scan", &["-t", "1"]));
    let lines: Vec<&str> = output.lines().map(str::trim).collect();
    let mut lines = lines
        .iter()
        .skip_while(|line| !line.contains("Reader 0: Virtual PCD 00 00"));
    let mut expect = |wanted: &str| {
        assert!(
            lines.any(|line| line.contains(wanted)),
            "no {wanted:?} in its place in {output}"
        );
    };
    expect("Card state: Card inserted");
    expect(&format!("ATR: {}", listed(&ATR, " ").to_uppercase()));
}

#[test]
fn pyscard_sees_a_healthy_card() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pyscard_client.py");
    let python = if Path::new("/usr/bin/python3").exists() {
        "/usr/bin/python3"
    } else {
        "python3"
    };
    let atr = listed(&ATR, "");
    let output = with_card(|| run(python, &[script.to_str().unwrap(), &atr]));
    assert_eq!(output.trim(), "healthy");
}
