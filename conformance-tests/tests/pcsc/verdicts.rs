//! The same verdicts in process and over PC/SC.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use tillcard_conform::outcome::{BEYOND_TARGET, Verdict};
use tillcard_conform::report::Report;

const SEED: &str = "11";
/// A random source that fails or is chosen, a memory in other hands, power that is cut inside a
/// command, and what the emulator's cards, which are personalised, can't be asked any more.
const BEYOND_READER: [&str; 31] = [
    "TC-SCP-04",
    "TC-RND-05",
    "TC-RND-01",
    "TC-RND-02",
    "TC-PER-01",
    "TC-PER-02",
    "TC-PER-03",
    "TC-PER-06",
    "TC-CRT-03",
    "TC-GEN-05",
    "TC-RND-04",
    "TC-ACC-04",
    "TC-RND-03",
    "TC-RST-07",
    "TC-RST-06",
    "TC-PIN-14",
    "TC-PER-05",
    "TC-STM-07",
    "TC-RST-05",
    "TC-TRM-02",
    "TC-PAY-21",
    "TC-NVM-06",
    "TC-NVM-07",
    "TC-NVM-08",
    "TC-CRE-08",
    "TC-PAY-24",
    "TC-ACK-03",
    "TC-RRC-05",
    "TC-ISS-08",
    "TC-STA-04",
    "TC-NVM-04",
];

fn run(target: &str, folder: &Path) -> Report {
    let status = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"))
        .args(["run", "--target", target, "--seed", SEED, "--report"])
        .arg(folder)
        .status()
        .unwrap();
    let json = std::fs::read_to_string(folder.join("report.json"))
        .unwrap_or_else(|e| panic!("{target}: no report ({e}); the run ended with {status}"));
    serde_json::from_str(&json).unwrap()
}

/// The cases that the report says no reader can run.
fn beyond_reader(report: &Report) -> Vec<String> {
    let reason = |reason: &Option<String>| {
        (reason.as_deref()).is_some_and(|reason| reason.contains(BEYOND_TARGET))
    };
    (report.cases.iter())
        .filter(|case| case.verdict == Verdict::NotApplicable && reason(&case.reason))
        .map(|case| case.id.clone())
        .collect()
}

#[test]
fn pcsc_conformance() {
    let folder = tempfile::tempdir().unwrap();
    let in_process = run("emulator", &folder.path().join("emulator"));
    let over_pcsc = run("emulator-pcsc", &folder.path().join("pcsc"));
    assert!(
        over_pcsc.target.starts_with("pcsc:Virtual PCD"),
        "{}",
        over_pcsc.target
    );
    println!(
        "{}\n{}",
        in_process.summary_line(),
        over_pcsc.summary_line()
    );

    // What a reader can't do to a card has no verdict there.
    let beyond = beyond_reader(&over_pcsc);
    let mut in_reach = in_process.verdicts();
    in_reach.retain(|case, _| !beyond.contains(case));
    let mut verdicts = over_pcsc.verdicts();
    verdicts.retain(|case, _| !beyond.contains(case));
    assert_eq!(beyond, BEYOND_READER);

    let reasons: BTreeMap<&str, Option<&str>> = over_pcsc
        .cases
        .iter()
        .filter(|case| case.verdict != Verdict::Pass)
        .map(|case| (case.id.as_str(), case.reason.as_deref()))
        .collect();
    assert_eq!(in_reach, verdicts, "{reasons:#?}");
    assert!(in_process.conforms && over_pcsc.conforms, "{reasons:#?}");
    // Each of those takes one card in a reader, to find that out, and may take a second elsewhere.
    let more = in_process.cards.checked_sub(over_pcsc.cards);
    assert!(
        more.is_some_and(|more| more as usize <= beyond.len()),
        "{} cards in process, {} over PC/SC",
        in_process.cards,
        over_pcsc.cards
    );
}
