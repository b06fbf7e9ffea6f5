//! A million stories of the money model.

use tillcard_money::runner::run_all;

const SEED: u64 = 1_000_000;
const STORIES: u64 = 1_000_000;

#[test]
fn no_story_of_a_million_breaks_a_rule() {
    let report = run_all(SEED, 0..STORIES).unwrap();
    println!("money model, seed {SEED}: {report}");
    assert_eq!((report.stories, report.violations), (STORIES, 0));
}
