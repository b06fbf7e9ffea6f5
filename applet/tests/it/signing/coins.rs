//! What signing does to the card's coins, log and counters.

use super::FEE;
use crate::support::signing::*;
use crate::support::sweep::{old_or_new, remembered, starts, sweep};
use crate::support::*;
use tillcard_protocol::command::{Outpoint, Place, Sign, SigningInput};

/// Spends the card's own coins at receive indexes 0, 1 and 2, another's coin,
/// and perhaps more, to change.
fn own_coins(owner: &Owner) -> Built {
    let inputs = (0..3)
        .map(|index| SigningInput {
            outpoint: outpoint(owner, index),
            sequence: 0xFFFF_FFFD,
            amount: 50_000 + u64::from(index),
            place: Place::receive(index),
        })
        .chain([SigningInput {
            outpoint: Outpoint {
                txid: [0xEE; 32],
                vout: 3,
            },
            sequence: 0,
            amount: 9_000,
            place: Place::change(17),
        }])
        .collect::<Vec<_>>();
    let sum = inputs.iter().map(|input| input.amount).sum::<u64>();
    Built {
        version: 2,
        lock_time: 0,
        inputs,
        outputs: vec![
            (sum - 60_000 - FEE, Payee::Own(Place::change(3))),
            (60_000, Payee::Own(Place::change(1))),
        ],
    }
}

const OWN: [u64; 4] = [50_000, 50_001, 50_002, 50_003];

/// The coin that `funded` entered at a receive index.
fn outpoint(owner: &Owner, index: u32) -> Outpoint {
    let transaction = owner.funding(index, OWN[index as usize], index);
    announced(&transaction, 1, Place::receive(index)).outpoint()
}

#[test]
fn what_signing_changes() {
    let (mut card, owner) = funded(60, &OWN);
    let built = own_coins(&owner);
    let before = remembered(card.nvm().clone());
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(remembered(card.nvm().clone()), before, "nothing is signed");

    assert_eq!(built.signature_of(&owner, &mut card, 2), 0x9000);
    let after = remembered(card.nvm().clone());
    let places = [
        Place::receive(0),
        Place::receive(1),
        Place::receive(2),
        Place::change(17),
    ];
    assert_eq!(after.retired, places.map(Place::to_u32));
    let left: Vec<_> = after.coins.iter().map(|(_, coin)| coin.amount).collect();
    assert_eq!(left, [50_003]);
    let counters = tillcard_applet::persistent::Counters {
        change_from: 4,
        ..before.counters.unwrap()
    };
    assert_eq!(after.counters, Some(counters));
    assert_eq!((after.limits, after.log), (before.limits, before.log));

    // The others follow from the same commit.
    let committed = card.nvm().clone();
    for input in [0, 1, 3] {
        assert_eq!(built.signature_of(&owner, &mut card, input), 0x9000);
    }
    assert_eq!(card.nvm().as_bytes(), committed.as_bytes());

    // What was spent never enters again.
    let mut owner = owner;
    let spent = owner.funding(1, OWN[1], 1);
    assert_eq!(owner.enter(&mut card, &spent, 1), 0x940F);
}

/// A wrong place would leave the coin's own index in use.
#[test]
fn a_coin_that_the_card_knows_otherwise() {
    let (mut card, owner) = funded(63, &OWN);
    let wrongs: [fn(&mut SigningInput); 2] = [
        |input| input.place = Place::receive(3),
        |input| input.amount -= 1,
    ];
    for wrong in wrongs {
        let mut built = own_coins(&owner);
        wrong(&mut built.inputs[1]);
        assert_eq!(built.announce(&owner, &mut card).1, 0x6A80);
    }
    assert_eq!(own_coins(&owner).announce(&owner, &mut card).1, 0x9000);
}

/// The card signs a conflicting payment away, and its log stands (`[SGN-4]`).
#[test]
fn a_payment_is_cancelled_by_signing_its_coin() {
    let (mut card, owner) = funded(61, &OWN);
    let milk = p2wpkh(9);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(pay(&mut card, request(&milk, 20_000)).1, 0x9000);
    let before = remembered(card.nvm().clone());
    let (_, spent) = before
        .coins
        .iter()
        .find(|(_, coin)| coin.spent.is_some())
        .unwrap();
    let built = Built {
        version: 2,
        lock_time: 0,
        inputs: vec![SigningInput {
            outpoint: spent.outpoint(),
            sequence: 0xFFFF_FFFD,
            amount: spent.amount,
            place: spent.place,
        }],
        outputs: vec![(spent.amount - FEE, Payee::Own(Place::change(1)))],
    };
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 0), 0x9000);
    let after = remembered(card.nvm().clone());
    let mut contested = before.log.clone();
    contested[0].1.contested = true;
    assert_eq!((&after.log, &after.coins), (&contested, &before.coins));
    let counters = after.counters.unwrap();
    assert_eq!(counters.debited, before.counters.unwrap().debited);
    assert_eq!(counters.change_from, 2);
    // The till that lost the payment gets it still.
    assert_eq!(pay(&mut card, request(&milk, 20_000)).1, 0x9000);
}

/// The same coin twice is no transaction that a chain takes; the card's memory
/// bears it.
#[test]
fn the_same_coin_twice() {
    let (mut card, owner) = funded(62, &OWN);
    let mut built = own_coins(&owner);
    built.inputs[1] = built.inputs[0];
    built.outputs[0].0 -= 1;
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 1), 0x9000);
    let left = remembered(card.nvm().clone()).coins.len();
    assert_eq!(left, 2);
}

#[test]
fn power_fails_while_the_first_signature_is_made() {
    let (card, owner) = funded(63, &OWN);
    let built = own_coins(&owner);
    let mut positions = 0;
    for start in starts(card.into_nvm(), 1, &[1, 31, 32]) {
        positions += sweep(
            "SIGN",
            &start,
            &|card| assert_eq!(built.announce(&owner, card).1, 0x9000),
            &|card| send(card, Sign::input(0).as_bytes()),
            &old_or_new("SIGN", &start),
        );
    }
    println!("SIGN: {positions} positions in all");
}

/// 128 coins of the card in one commit.
#[test]
fn as_many_coins_as_may_be() {
    let amounts = [30_000; 128];
    let (mut card, owner) = funded(64, &amounts);
    let built = Built {
        version: 2,
        lock_time: 0,
        inputs: (0..128u32)
            .map(|index| {
                let transaction = owner.funding(index, 30_000, index);
                SigningInput {
                    outpoint: announced(&transaction, 1, Place::receive(index)).outpoint(),
                    sequence: 0xFFFF_FFFD,
                    amount: 30_000,
                    place: Place::receive(index),
                }
            })
            .collect(),
        outputs: vec![(128 * 30_000 - 15_000, Payee::Own(Place::change(0)))],
    };
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 127), 0x9000);
    card.reset();
    let after = remembered(card.nvm().clone());
    assert_eq!((after.coins.len(), after.retired.len()), (0, 100));
    assert_eq!(after.counters.unwrap().change_from, 1);
}
