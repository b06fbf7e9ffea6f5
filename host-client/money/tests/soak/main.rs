//! A million stories of the money model.

use tillcard_money::card::reference_card;
use tillcard_money::runner::run;
use tillcard_money::world::World;

const SEED: u64 = 1_000_000;

#[test]
fn no_story_of_a_million_breaks_a_rule() {
    let world = World::new().unwrap();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let report = run(
        &world,
        &reference_card,
        SEED,
        0..1_000_000,
        threads,
        &|number, played| {
            println!("story {number} of seed {SEED}: {:?}", played.violations);
        },
    );
    println!("money model, seed {SEED}: {report}");
    assert_eq!((report.stories, report.violations), (1_000_000, 0));
}
