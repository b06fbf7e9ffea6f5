//! The fuzz targets' committed inputs, run as tests: what a fuzzer starts from
//! completes what a card does, and what once went wrong doesn't again.

#[path = "../fuzz/src/lib.rs"]
mod fuzz;

use fuzz::sequence::Done;
use fuzz::{image, parsers, sequence};
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
    let mut all = Done::default();
    for (name, input) in corpus("sequences") {
        let done = sequence::run(&input);
        println!("{name}: {done:?}");
        all += done;
    }
    let Done {
        payments,
        recoveries,
        ancestors,
        entries,
        credits,
        owner_commands,
        signatures,
    } = all;
    let counts = [
        payments,
        recoveries,
        ancestors,
        entries,
        credits,
        owner_commands,
        signatures,
    ];
    assert!(!counts.contains(&0), "{all:?}");
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
        "GET ANCESTOR",
        "ISSUE",
        "PAY",
        "READ ACCOUNT",
        "READ COINS",
        "READ LIMITS",
        "READ LOG",
        "REPORT ABSENT",
        "RESET RETRY COUNTER",
        "RESOLVE",
        "SELECT's answer",
        "SET LIMITS",
        "SIGN",
        "VERIFY",
        "a command without data",
        "account",
        "capabilities",
        "coin entered",
        "coin image",
        "commitment",
        "issue record",
        "limits",
        "logged payment",
        "preview",
        "receive script",
        "signature",
        "signing summary",
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
