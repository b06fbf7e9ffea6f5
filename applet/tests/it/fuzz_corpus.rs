//! The fuzz targets' committed inputs, run as tests: what a fuzzer starts from
//! completes what a card does, and what once went wrong doesn't again.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use self::fuzz::sequence::{Closing, Deed, Outcome};
use self::fuzz::{image, parsers, sequence};
use std::path::Path;

/// The committed inputs of a target, with their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut inputs: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs
}

#[test]
fn sequences_complete_what_a_card_does() {
    assert_complete(&total("sequences", sequence::run).plain);
}

#[test]
fn channels_complete_what_a_card_does() {
    let Outcome {
        plain: _,
        in_channels,
        closings,
    } = total("channel", sequence::run_in_channel);
    assert_complete(&in_channels);
    let missing: Vec<Closing> = Closing::all()
        .filter(|closing| !closings.contains(closing))
        .collect();
    assert!(missing.is_empty(), "no channel ends by {missing:?}");
}

/// What all committed inputs of a target bring to their end.
fn total(target: &str, run: fn(&[u8]) -> Outcome) -> Outcome {
    let mut all = Outcome::default();
    for (name, input) in corpus(target) {
        let outcome = run(&input);
        println!("{name}: {outcome:?}");
        all += outcome;
    }
    all
}

#[track_caller]
fn assert_complete(done: &[Deed]) {
    let missing: Vec<Deed> = Deed::ALL
        .into_iter()
        .filter(|deed| !done.contains(deed))
        .collect();
    assert!(missing.is_empty(), "none of the inputs has {missing:?}");
}

#[test]
fn parsers_take_what_is_whole() {
    let mut known: Vec<&str> = corpus("parsers")
        .iter()
        .flat_map(|(_, input)| parsers::run(input))
        .collect();
    known.sort_unstable();
    known.dedup();
    let expected = [
        "ACKNOWLEDGE LOG",
        "CHANGE OWNER KEY",
        "ENTER COIN",
        "FACTORY RESET",
        "GET ANCESTOR",
        "GET DATA, certificates",
        "INTERNAL AUTHENTICATE, channel",
        "INTERNAL AUTHENTICATE, genuineness",
        "ISSUE",
        "PAY",
        "PUT DATA",
        "READ ACCOUNT",
        "READ COINS",
        "READ LIMITS",
        "READ LOG",
        "REPORT ABSENT",
        "RESET RETRY COUNTER",
        "RESOLVE",
        "SELECT's answer",
        "SET LIMITS",
        "SET POLICY",
        "SIGN",
        "STATEMENT",
        "TERMINATE CARD USAGE",
        "VERIFY",
        "a command without data",
        "account",
        "capabilities",
        "channel opened",
        "coin entered",
        "coin image",
        "commitment",
        "issue record",
        "limits",
        "logged payment",
        "own keys",
        "preview",
        "proof of genuineness",
        "receive script",
        "signature",
        "signing summary",
        "statement",
        "status",
    ];
    assert_eq!(known, expected);
}

#[test]
fn damaged_memories_are_refused_or_whole() {
    for (name, input) in corpus("image") {
        println!("{name}");
        image::run(&input);
    }
}
