//! What the layers around a card cost that nobody uses, and what many cards in one process do.

mod common;

use std::process::ExitCode;

use common::socket::Program;
use common::support::contacts::powered;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tillcard_emu::layers::{Faulty, Traced};
use tillcard_emu::nvm::PowerSwitch;
use tillcard_emu::slot::CardInSlot;
use tillcard_emu::test_cards::{Description, TestCard};
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_protocol::command::Select;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::ratio::{Bound, Ratio, medians, report, time};

fn bare() -> EmulatedCard<RamNvm> {
    EmulatedCard::ephemeral_blank(Seed::Number(1)).unwrap()
}

fn layered() -> Box<dyn CardInSlot> {
    let lots = ChaCha20Rng::seed_from_u64(1);
    let card = Faulty::new(Traced::new(bare()), PowerSwitch::default(), lots);
    TestCard::around(card, Description::new("card", "A card.")).card
}

/// So many cards, each asked in turn until all have been asked 500 times together.
struct Cards(Vec<EmulatedCard<RamNvm>>);

impl Cards {
    fn new(count: usize) -> Self {
        Self((0..count).map(|_| powered(bare())).collect())
    }

    fn ask(&mut self) {
        let command = Select::to_apdu();
        for _ in 0..500 / self.0.len() {
            for card in &mut self.0 {
                card.transmit(command.as_bytes()).unwrap();
            }
        }
    }
}

fn main() -> ExitCode {
    let (mut with, mut without) = (
        Program::in_own_reader(layered()),
        Program::in_own_reader(Box::new(bare())),
    );
    let (layers, none) = medians(
        5_000,
        || time(|| with.select()),
        || time(|| without.select()),
    );
    let mut ratios = vec![Ratio {
        name: "SELECT in a reader of our own, faults, log and trace idle / without them",
        measured: layers,
        against: none,
        bound: Bound::AtMost(1.05),
    }];
    for (count, name) in [
        (10, "500 SELECT by 10 cards / by 1"),
        (100, "500 SELECT by 100 cards / by 1"),
        (500, "500 SELECT by 500 cards / by 1"),
    ] {
        let (mut many, mut one) = (Cards::new(count), Cards::new(1));
        let (measured, against) = medians(200, || time(|| many.ask()), || time(|| one.ask()));
        ratios.push(Ratio {
            name,
            measured,
            against,
            bound: Bound::AtMost(2.0),
        });
    }
    report(&ratios)
}
