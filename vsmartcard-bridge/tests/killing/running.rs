//! Kills of the real program while it runs.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use super::plan::{Durations, Outcome};
use super::tally::Tally;
use super::victim::Victim;
use super::{PER_CARD, Run};
use crate::support::driver::{self, Driver};
use crate::support::program::Emulator;

/// Most of these fall while the command is carried out, some before and some after it.
pub fn at_a_random_moment(run: Run) {
    let tally = kill_program("killed at a random moment", run, |_, usual, dice| {
        // Some kills come too late, so that the last moments of a command get their share.
        let moment = usual.mul_f64(f64::from(dice.next_u32()) / f64::from(u32::MAX) * 2.0);
        let sent = Instant::now();
        while sent.elapsed() < moment {
            std::hint::spin_loop();
        }
    });
    assert!(tally.count(|_, outcome| outcome == Outcome::Before) > 0);
    assert!(tally.count(|_, outcome| outcome == Outcome::After) > 0);
}

/// What was answered is on the disk.
pub fn as_soon_as_the_answer_is_there(run: Run) {
    let name = "killed as soon as the answer was there";
    let tally = kill_program(name, run, |card, _, _| {
        card.wait_for_answer();
    });
    assert_eq!(tally.count(|_, outcome| outcome == Outcome::Before), 0);
}

/// Kills the program each time when `moment` returns, which gets the usual duration of the command
/// that was just sent.
fn kill_program(
    name: &str,
    run: Run,
    mut moment: impl FnMut(&mut driver::Card, Duration, &mut ChaCha20Rng),
) -> Tally {
    let mut dice = run.dice(name);
    let mut durations = Durations::new();
    let mut tally = Tally::default();
    let reader = Driver::new();
    let mut card = Victim::new(dice.next_u64());
    for kill in 1..=run.kills {
        if kill % PER_CARD == 0 || card.tries_left() == 0 {
            card = Victim::new(dice.next_u64());
        }
        let plan = card.plan(&mut dice, false);
        let emulator = Emulator::in_reader(card.home.path(), &reader, &["--seed", "1"]);
        let mut contacts = reader.insert();
        let victim = plan.play(&card.owner, &mut contacts, &mut durations);
        let usual = durations.get(&plan.victim().to_string()).copied();
        let usual = usual.unwrap_or(Duration::from_millis(1));
        contacts.send_frame(victim.as_bytes()).unwrap();
        moment(&mut contacts, usual, &mut dice);
        emulator.kill();
        let answered = contacts.answered();
        tally.add(plan.victim(), card.autopsy(&plan, answered));
    }
    tally.print(name);
    tally
}
