//! Stories, and what must hold after each.

use tillcard_money::card::reference_card;
use tillcard_money::runner::{run_all, run_on};
use tillcard_money::story::play;
use tillcard_money::world::World;

const SEED: u64 = 1;

/// What two processors play in about two minutes in the dev profile; `make soak` plays more.
const STORIES: u64 = 20_000;

#[test]
fn no_story_of_twenty_thousand_breaks_a_rule() {
    let report = run_all(SEED, 0..STORIES).unwrap();
    println!("{report}");
    assert_eq!(
        (report.stories, report.violations),
        (STORIES, 0),
        "first: {:?}",
        report.first
    );
}

#[test]
fn a_seed_plays_the_same_stories_in_another_world_and_on_other_threads() {
    let digest = |threads, stories| run_on(threads, SEED, stories).unwrap().digest;
    let once = digest(1, 0..120);
    assert_eq!(once, digest(3, 0..120));
    assert_ne!(once, digest(1, 1..121));
}

#[test]
fn a_story_tells_its_steps() {
    let world = World::new().unwrap();
    let played = play(&world, &reference_card, SEED, 0);
    let steps = played.steps.join("\n");
    assert!(
        steps.contains("payment of") && steps.contains("at rest"),
        "{steps}"
    );
}
