//! What is searched: every way with few deviations, random ways with many, and worlds that lie, by which
//! each property is seen to fail.

use std::time::Instant;

use stateright::{Checker, Expectation, HasDiscoveries, Model, Path, Property};

use super::choices::Choices;
use super::shop::*;
use super::world::Lie;

/// More than an honest story has.
const STEPS: usize = 80;

/// Visits every state; tells the shortest story to one that mustn't be.
fn search(counters: usize, most: usize) {
    let begun = Instant::now();
    let shop = Shop::new(counters, most).checker().threads(counters);
    let checker = shop.finish_when(HasDiscoveries::AnyFailures).spawn_bfs();
    let checker = checker.join();
    let discoveries = checker.discoveries();
    let (always, sometimes): (Vec<_>, Vec<_>) = checker
        .model()
        .properties()
        .into_iter()
        .partition(|property| property.expectation == Expectation::Always);
    for Property { name, .. } in always {
        if discoveries.contains_key(name) {
            panic!("{name}:\n{}", shortest_story(counters, most, name));
        }
    }
    for Property { name, .. } in sometimes {
        assert!(discoveries.contains_key(name), "never: {name}");
    }
    let states = checker.unique_state_count();
    println!("{states} states in {:.1?}", begun.elapsed());
}

/// The shortest story in which a property fails, that does: the checker reports the last one it found.
fn shortest_story(counters: usize, most: usize, property: &'static str) -> String {
    let found = (1..).find_map(|depth| {
        let shop = Shop::new(counters, most).checker();
        let checker = shop.target_max_depth(depth).spawn_bfs().join();
        checker.discovery(property)
    });
    let steps = found.into_iter().flat_map(Path::into_vec);
    let lines = steps.map(|(state, happened)| state.tell(happened.as_ref()));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn one_counter_with_few_deviations() {
    search(1, 3);
}

/// Two clerks, to whom the same cards come.
#[test]
fn two_counters_with_few_deviations() {
    search(2, 2);
}

/// For `make soak`.
#[test]
#[ignore = "long"]
fn one_counter_with_more_deviations() {
    search(1, 5);
}

/// For `make soak`.
#[test]
#[ignore = "long"]
fn two_counters_with_more_deviations() {
    search(2, 3);
}

/// As many deviations as dice bring about.
#[test]
fn stories_by_dice() {
    for seed in 0..20_000 {
        let counters = 1 + usize::from(seed % 4 == 0);
        let shop = Shop::new(counters, 0);
        let choices = &mut Choices::dice(seed);
        let mut state = shop.opens(choices);
        for step in 0..STEPS {
            let counter = step % counters;
            if state.goes_on_at(counter) {
                state.step(counter, choices);
            }
        }
        state.digest_all();
        for property in shop.properties() {
            if let Expectation::Always = property.expectation {
                assert!(
                    (property.condition)(&shop, &state),
                    "seed {seed}: {}",
                    property.name
                );
            }
        }
    }
}

/// Each property fails once the world breaks the promise on which the machine builds it.
#[test]
fn every_property_can_fail() {
    for (lie, property) in [
        (Lie::CardForgets, UNPAID),
        (Lie::CardInvents, TRUTH),
        (Lie::KeysAreCopied, ONE_CARD),
        (Lie::PinIsUnseen, RULES),
        (Lie::BlockIsInvented, GOODS),
        (Lie::ConflictIsInvented, CONFLICT),
    ] {
        let mut shop = Shop::new(1, 3);
        shop.lie = Some(lie);
        let wanted = HasDiscoveries::AnyOf([property].into());
        let checker = shop.checker().finish_when(wanted).spawn_bfs().join();
        assert!(checker.discovery(property).is_some(), "{lie:?}: {property}");
    }
}
