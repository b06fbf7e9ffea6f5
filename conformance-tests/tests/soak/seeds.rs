//! The reference card conforms whatever the seed.

use std::sync::Mutex;
use std::thread;

use tillcard_conform::card_under_test::EmulatorTarget;
use tillcard_conform::runner::run_silently;

/// `catalogue.rs` has others.
const SEEDS: std::ops::Range<u64> = 100..120;

#[test]
fn twenty_seeds() {
    let seeds = Mutex::new(SEEDS);
    let next = || seeds.lock().expect("no thread panicked with it").next();
    let workers = thread::available_parallelism().expect("processors").get();
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(seed) = next() {
                    let report = run_silently(Box::new(EmulatorTarget), seed, &[]);
                    println!("seed {seed}: {}", report.summary_line());
                    assert!(report.conforms, "seed {seed}: {:?}", report.summary);
                }
            });
        }
    });
}
