//! Each fault, and the first story that finds it.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tillcard_emu::CardInSlot;
use tillcard_emu::nvm::{CardMemory, PowerCutNvm, PowerSwitch};
use tillcard_money_mutants::model::card::reference_card;
use tillcard_money_mutants::model::story::play;
use tillcard_money_mutants::model::world::World;
use tillcard_money_mutants::{FAULTS, choose};
use tillcard_mutants::{MUTANTS, Mutated};
use tillcard_runtime::nvm::RamNvm;

const SEED: u64 = 1;

/// The story of this seed that finds the fault of this name.
const FOUND: &[(&str, u64)] = &[
    ("a bare status word to PAY is taken for a refusal", 1),
    (
        "have you paid is asked by PAY, of whatever card is there",
        11,
    ),
    ("another card closes the record of the first", 32),
    ("a payment that the node doesn't take is declined", 5),
    ("adopt believes whoever signs", 2_499),
    ("a bare refusal to ISSUE makes the tool forget", 99),
    ("a top-up below the card's least coin is sent", 2_499),
    ("the change of a blocked card is left on it", 677),
    ("coins at retired indexes are called spendable", 288),
];

/// Faults of the card, by their names among the suite's mutants, with the rule that they break.
const OF_CARDS: &[(&str, &str, u64)] = &[(
    "an ancestor is given 16 times only",
    "every card pays afterwards",
    141,
)];

/// The stories that may find a fault of this part: those at home are every hundredth, and the owner is
/// in every fiftieth of the others.
fn candidates(area: &str) -> impl Iterator<Item = u64> {
    let is_at_home = area == "owner";
    let stories = if area == "till" { 2_000 } else { 20_000 };
    (0..stories).filter(move |story| (story % 100 == 99) == is_at_home)
}

#[test]
fn each_fault_of_till_and_owner_is_found() {
    let world = World::new().unwrap();
    let mut missed = Vec::new();
    for fault in FAULTS {
        choose(fault.id);
        let listed = FOUND.iter().find(|(name, _)| *name == fault.name);
        let finds = |story: &u64| {
            let played = play(&world, &reference_card, SEED, *story);
            played
                .violations
                .iter()
                .any(|violation| violation.rule == fault.rule)
        };
        if !listed.is_some_and(|(_, story)| finds(story)) {
            let first = candidates(fault.area).find(finds);
            missed.push(format!("{:?}: story {first:?} of seed {SEED}", fault.name));
        }
    }
    choose(0);
    assert!(
        missed.is_empty(),
        "not listed, but found by:\n{}",
        missed.join("\n")
    );
}

#[test]
fn each_fault_of_the_card_is_found() {
    let world = World::new().unwrap();
    for (name, rule, story) in OF_CARDS {
        let mutant = MUTANTS.iter().find(|mutant| mutant.name == *name).unwrap();
        let make = |image: &[u8], seed: u64| -> (Box<dyn CardInSlot>, PowerSwitch) {
            let mut memory = PowerCutNvm::new(RamNvm::default());
            memory.write_image(image).unwrap();
            let power = memory.switch();
            let random = ChaCha20Rng::seed_from_u64(seed);
            (Mutated::new(mutant).card(memory, random), power)
        };
        let played = play(&world, &make, SEED, *story);
        let found = played
            .violations
            .iter()
            .any(|violation| violation.rule == *rule);
        assert!(found, "{name}: {:?}", played.violations);
    }
}

#[test]
fn the_copy_without_a_fault_breaks_no_rule() {
    let world = World::new().unwrap();
    choose(0);
    let listed = FOUND.iter().map(|(_, story)| *story);
    for story in listed.chain(OF_CARDS.iter().map(|(_, _, story)| *story)) {
        let played = play(&world, &reference_card, SEED, story);
        assert!(
            played.violations.is_empty(),
            "story {story}: {:?}",
            played.violations
        );
    }
}
