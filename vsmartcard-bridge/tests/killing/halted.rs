//! Kills of a second process of the very test that runs: it has the same card over the same store,
//! and stands still with a chosen byte and no later one on the disk, until it is killed.

use std::env;
use std::path::Path;
use std::process::Command;

use rand_core::Rng;
use tillcard_emu::card::DEFAULT_NAME;
use tillcard_emu::layers::Counted;
use tillcard_emu::nvm::Store;
use tillcard_emu::vpcd::{Address, Link};
use tillcard_emu::{EmulatedCard, Seed};

use super::plan::Durations;
use super::tally::Tally;
use super::victim::{Victim, folder};
use super::{PER_CARD, Run, below};
use crate::support::driver::Driver;
use crate::support::program::Emulator;
use crate::support::stall::{STALLED, Stall, StallNvm, StallingCard};

/// Tells the second process where its card has to stand still.
const STALL: &str = "TILLCARD_STALL";

/// Kills between the first and the last byte that a command changes; called by a test of this name,
/// which the second process is told to run.
pub fn between_two_writes(run: Run) {
    if let Ok(place) = env::var(STALL) {
        return stand_still(&place);
    }
    let name = "killed between the first and the last byte that a command changes";
    let mut dice = run.dice(name);
    let mut durations = Durations::new();
    let mut tally = Tally::default();
    let reader = Driver::new();
    let mut card = Victim::new(dice.next_u64());
    for kill in 1..=run.kills {
        if kill % PER_CARD == 0 || card.tries_left() == 0 {
            card = Victim::new(dice.next_u64());
        }
        let plan = loop {
            let plan = card.plan(&mut dice, true);
            if plan.changed > 1 {
                break plan;
            }
        };
        let bytes = 1 + below(&mut dice, plan.changed - 1);
        let home = folder(card.home.path());
        let place = format!(
            "{} {} {bytes} {}",
            reader.port(),
            plan.apdus,
            home.to_str().unwrap()
        );
        let mut emulator = Emulator::run(
            Command::new(env::current_exe().unwrap())
                .args(["kill::between_two_writes", "--exact", "--nocapture"])
                .env(STALL, place),
        );
        let mut contacts = reader.insert();
        let victim = plan.play(&card.owner, &mut contacts, &mut durations);
        contacts.send_frame(victim.as_bytes()).unwrap();
        while emulator.line_or_end().expect("the card stands still") != STALLED {}
        emulator.kill();
        let answered = contacts.answered();
        assert!(!answered, "{}", plan.victim());
        tally.add(plan.victim(), card.autopsy(&plan, answered));
    }
    tally.print(name);
    for victim in [
        "VERIFY, right",
        "VERIFY, wrong",
        "PAY",
        "ENTER COIN, last piece",
    ] {
        assert!(
            tally.count(|was, _| was == victim) > 0,
            "{victim} was never killed"
        );
    }
}

/// What the second process does: shows the card of a store, and stands still at the given place.
fn stand_still(place: &str) {
    let mut parts = place.splitn(4, ' ');
    let mut number = || parts.next().unwrap().parse::<u64>().unwrap();
    let (port, before, bytes) = (number(), number(), number());
    let store = Store::open(Path::new(parts.next().unwrap())).unwrap();
    let nvm = store.card(DEFAULT_NAME).unwrap();
    let rng = Seed::Number(1).generator(DEFAULT_NAME, nvm.life()).unwrap();
    let stall = Stall::default();
    let card = EmulatedCard::new(StallNvm::new(nvm, stall.clone()), rng);
    let bytes = usize::try_from(bytes).unwrap();
    let port = u16::try_from(port).unwrap();
    let link = Link::connect(&Address::new("127.0.0.1", port)).unwrap();
    link.serve(&mut StallingCard {
        card: Counted::new(card),
        stall,
        before,
        bytes,
    })
    .unwrap();
}
