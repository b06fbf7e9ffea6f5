//! What is signed is signed rightly.

use super::{FEE, small};
use crate::support::signing::*;
use crate::support::*;
use rand_core::Rng;
use tillcard_protocol::command::{MAX_MONEY, PIECE_MAX, Sign, SigningSummary};

#[test]
fn signatures_are_those_of_the_transaction() {
    let sizes = [
        (1, 1),
        (1, 64),
        (2, 3),
        (5, 2),
        (16, 16),
        (31, 7),
        (127, 63),
        (128, 1),
        (128, 64),
    ];
    for (seed, (inputs, outputs)) in sizes.into_iter().enumerate() {
        let (mut card, owner) = funded(seed as u64, &[]);
        let mut rng = rng(1000 + seed as u64);
        let built = Built::random(&mut rng, inputs, outputs, FEE);
        assert_eq!(
            owner.command(&mut card, &built.unsigned()),
            (Vec::new(), 0x9000)
        );
        let (answer, status) = pieces(&mut card, &built.stream(), || {
            1 + rng.next_u32() as usize % PIECE_MAX
        });
        assert_eq!(status, 0x9000);

        let (transaction, spent) = built.transaction(&owner);
        let sum = |own| {
            let outputs = built.outputs.iter();
            let chosen = outputs.filter(|(_, payee)| matches!(payee, Payee::Own(_)) == own);
            chosen.map(|(amount, _)| amount).sum::<u64>()
        };
        let expected = SigningSummary {
            inputs: spent.iter().map(|output| output.value.to_sat()).sum(),
            own_outputs: sum(true),
            other_outputs: sum(false),
            fee: FEE,
        };
        assert_eq!(SigningSummary::parse(&answer), Ok(expected));

        // In any order, and as often as wanted.
        for input in (0..inputs).rev().chain([0]) {
            let (answer, status) = send(&mut card, Sign::input(input as u8).as_bytes());
            assert_eq!(status, 0x9000, "input {input} of {inputs}");
            verify(&owner, &transaction, &spent, input, &answer);
        }
    }
}

#[test]
fn many_small_transactions() {
    let (mut card, owner) = funded(20, &[]);
    let mut rng = rng(21);
    for _ in 0..60 {
        let (inputs, outputs) = (1 + rng.next_u32() % 4, 1 + rng.next_u32() % 4);
        // Change indexes run away with the outputs; the window goes with them.
        let built = Built::random(&mut rng, inputs as usize, outputs as usize, FEE);
        assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
        for input in 0..inputs as usize {
            assert_eq!(built.signature_of(&owner, &mut card, input), 0x9000);
        }
    }
}

#[test]
fn the_most_that_can_exist_is_signed() {
    let (mut card, owner) = funded(32, &[]);
    let mut built = small(33);
    built.inputs[0].amount = MAX_MONEY - 1;
    built.inputs[1].amount = 1;
    built.outputs = vec![(MAX_MONEY, Payee::Other(vec![0x51; 252]))];
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 1), 0x9000);
}
