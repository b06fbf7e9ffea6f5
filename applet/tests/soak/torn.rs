//! The sweeps of `it/torn.rs` on a card with two hundred coins, at every turn of
//! page over two rounds of the log, each cut followed by a second one while the
//! card works again.

use crate::support::sweep::*;
use crate::support::*;
use tillcard_runtime::nvm::RamNvm;

/// Bytes that a commit of VERIFY changes while it stays on its page.
const COMMIT: u64 = 16;

/// A card with many coins: as it is, and `back` commits before each turn of page.
fn crowded(seed: u64, back: usize) -> (Vec<RamNvm>, Owner) {
    let amounts: Vec<u64> = (0..200).map(|i| 10_000 + i).collect();
    let (card, owner) = funded(seed, &amounts);
    let turns: Vec<usize> = (1..=64).collect();
    (starts(card.into_nvm(), back, &turns), owner)
}

#[test]
fn pay() {
    let (starts, owner) = crowded(100, 4);
    let milk = p2wpkh(3);
    let mut positions = 0;
    for start in &starts {
        let authorised = run(start, None, &|_| {}, &|card| {
            (Vec::new(), owner.verify(card, PIN))
        });
        positions += sweep(
            "PAY of sixteen coins",
            start,
            &|card| assert_eq!(owner.verify(card, PIN), 0x9000),
            &|card| crate::support::pay(card, request(&milk, 155_000)),
            &old_or_new("PAY", &authorised.nvm),
        );
    }
    println!("PAY of sixteen coins: {positions} positions in all");
}

#[test]
fn verify_cut_twice() {
    // The very commit of a wrong PIN turns the page.
    let (starts, owner) = crowded(101, 1);
    let (_, before_turns) = starts.split_first().unwrap();
    let mut positions = 0;
    let mut turned = 0;
    for start in before_turns.iter().step_by(8) {
        let before = remembered(start.clone());
        positions += sweep(
            "VERIFY",
            start,
            &|_| {},
            &|card| (Vec::new(), owner.verify(card, "000000")),
            &|cut, outcome, whole| {
                assert!(whole.changed > COMMIT, "no page was turned");
                let once = remembered(outcome.nvm.clone());
                assert_eq!(once.coins, before.coins, "cut after {cut} bytes");
                // The second cut falls somewhere else each time.
                let second = (cut * 7919) % 2_400;
                let again = run(&outcome.nvm, Some(second), &|_| {}, &|card| {
                    (Vec::new(), owner.verify(card, "000000"))
                });
                let twice = remembered(again.nvm);
                assert_eq!(twice.coins, before.coins);
                assert_eq!(twice.identity, before.identity);
                assert!(twice.tries <= once.tries && once.tries <= before.tries);
            },
        );
        turned += 1;
    }
    println!("VERIFY cut twice: {positions} positions at {turned} turns of page");
}
