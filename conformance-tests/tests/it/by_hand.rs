//! A whole run by hand, over PC/SC: the test plays the person at the reader, who is asked on the
//! terminal. The reader is one of the emulator's own.

use crate::interruption::report;
use std::io::Read;
use std::process::{Command, Stdio};
use tillcard_conform::catalogue;
use tillcard_conform::outcome::{BEYOND_TARGET, Verdict};
use tillcard_emu::Reader;
use tillcard_emu::pcsc_socket::SOCKET_VARIABLE;

/// What the person is asked.
const OUT: &str = "Take the card out of the reader.";
const IN: &str = "Put a card in that has never been issued.";
/// Cards that a whole run takes, if their personalisation has ended.
const CARDS: u32 = 3;

#[test]
fn a_person_changes_cards_for_the_whole_catalogue() {
    let folder = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_tillcard-conform");
    let line = format!(
        "{program} run --target pcsc --sacrificial --sample S --report {}",
        folder.path().display()
    );
    // The first card is there already.
    let reader = Reader::with_card("not-issued#0").unwrap();
    // A terminal of its own.
    let mut suite = Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--flush",
            "--command",
            &line,
            "/dev/null",
        ])
        .env(SOCKET_VARIABLE, reader.socket_path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut screen = suite.stdout.take().unwrap();
    let mut inserted = 0;
    let (mut told, mut all) = (String::new(), String::new());
    let mut bytes = [0; 4096];
    loop {
        let length = screen.read(&mut bytes).unwrap();
        if length == 0 {
            break;
        }
        let part = String::from_utf8_lossy(&bytes[..length]);
        told += &part;
        all += &part;
        // Prompts stand on lines of their own.
        if told.contains(&format!("\n{OUT}")) {
            reader.remove().unwrap();
            told.clear();
        }
        if told.contains(&format!("\n{IN}")) {
            inserted += 1;
            reader.insert(&format!("not-issued#{inserted}")).unwrap();
            told.clear();
        }
    }
    let status = suite.wait().unwrap();
    let report = report(folder.path());
    let others: Vec<_> = (report.cases.iter())
        .filter(|case| {
            let reason = case.reason.as_deref().unwrap_or_default();
            case.verdict != Verdict::Pass && !reason.contains(BEYOND_TARGET)
        })
        .map(|case| (&case.id, case.verdict, &case.reason))
        .collect();
    assert!(others.is_empty() && status.success(), "{others:#?} {all}");
    assert!(report.conforms && report.cases.len() == catalogue::all().count());
    assert_eq!(report.cards, CARDS);
    assert!(
        all.contains(&format!("Cards that pass take {CARDS}")),
        "{all}"
    );
    assert!(report.emulator.is_none() && report.driver.is_some());
}
