//! What a till says when the chain takes back what it had said: reorganisations of one to six blocks, and
//! double spends before and after the payment was sent.

use tillcard::chain::FeeRate;
use tillcard::till::{Event, Open, Outcome, PaymentState};

use crate::bitcoind::Bitcoind;
use crate::chain_support::Payer;
use crate::owner_support::{RATE, Regtest};
use crate::till_support::stories::block;
use crate::till_support::{PIN, Scene};

/// A block that is unlike those of before.
fn mine_otherwise(bitcoind: &Bitcoind, blocks: u32) {
    bitcoind.mine(blocks, &Payer::new(0x60).address());
}

#[test]
fn a_settled_payment_goes_back_with_its_block() {
    let bitcoind = Bitcoind::start();
    let mut scene = Scene::with_coin(&bitcoind, 60_000);
    scene.pay(&[PIN]).settled();
    for blocks in 1..=6_u32 {
        // As deep as the reorganisation reaches, or as the shop asked.
        let record = &scene.records()[0];
        assert_eq!(
            (record.state, record.is_watched),
            (PaymentState::Settled, true)
        );
        mine_otherwise(&bitcoind, blocks.saturating_sub(2));
        let depth = blocks.max(2);
        let (outcomes, events) = scene.resume_while(|_| {});
        assert!(outcomes.is_empty(), "{outcomes:?}");
        assert_eq!(
            events,
            [Event::Confirmed {
                confirmations: depth
            }]
        );

        bitcoind.reorganise(blocks);
        let another = Payer::new(0x70 + u8::try_from(blocks).unwrap()).address();
        let (outcomes, events) = scene.resume_while(|event| match event {
            Event::Reorganised { .. } | Event::Confirmed { confirmations: 1 } => {
                bitcoind.mine(1, &another);
            }
            _ => {}
        });
        assert!(
            matches!(outcomes[..], [Outcome::Settled(_)]),
            "{outcomes:?}"
        );
        let confirmations = depth - blocks;
        assert_eq!(events[0], Event::Reorganised { confirmations });
    }
    // Seven deep no reorganisation that is reckoned with reaches it.
    mine_otherwise(&bitcoind, 5);
    scene.resume_while(|_| {});
    assert!(scene.records()[0].is_over());
    let (_, events) = scene.resume_while(|_| {});
    assert_eq!(events, [], "it is asked for no more");
}

#[test]
fn a_double_spend_before_the_payment_is_sent() {
    let bitcoind = Bitcoind::start();
    let mut scene = Scene::with_coin(&bitcoind, 60_000);
    let number = scene.number;
    let told = scene.pay_while(&[PIN], |event, someone, regtest| {
        if *event == Event::Signing {
            block(someone, regtest, number, RATE);
        }
    });
    let contested = |why: &Open, depth: u32| matches!(why, Open::Contested { confirmations, .. } if *confirmations == depth);
    assert!(contested(told.open(), 0));
    assert_eq!(told.records[0].state, PaymentState::Signed);
    mine_otherwise(&bitcoind, 2);
    let (outcomes, records) = scene.resume();
    assert!(
        matches!(outcomes[..], [Outcome::Conflicted { .. }]),
        "{outcomes:?}"
    );
    assert!(records[0].is_watched);

    // The conflict's block leaves the chain: the payment may still be paid.
    bitcoind.reorganise(2);
    let (outcomes, events) = scene.resume_while(|_| {});
    assert!(
        matches!(&outcomes[..], [Outcome::Open(why)] if contested(why, 0)),
        "{outcomes:?}"
    );
    assert_eq!(events[0], Event::ConflictUndone);
    assert_eq!(scene.records()[0].state, PaymentState::Signed);
    bitcoind.mine(7, &Payer::new(0x62).address());
    let (outcomes, records) = scene.resume();
    assert!(
        matches!(outcomes[..], [Outcome::Conflicted { .. }]),
        "{outcomes:?}"
    );
    assert!(records[0].is_over());
}

#[test]
fn a_double_spend_after_the_payment_was_sent() {
    let bitcoind = Bitcoind::start();
    let mut scene = Scene::with_coin(&bitcoind, 60_000);
    let number = scene.number;
    let told = scene.pay_while(&[PIN], |event, someone, regtest| {
        if matches!(event, Event::Broadcast { .. }) {
            block(someone, regtest, number, FeeRate::from_sat_per_kvb(20_000));
        }
    });
    let Open::Contested {
        by,
        confirmations: 0,
    } = *told.open()
    else {
        panic!("{:?}", told.outcome);
    };
    assert_eq!(told.records[0].state, PaymentState::Signed);
    mine_otherwise(&bitcoind, 2);
    let (outcomes, _) = scene.resume();
    assert!(matches!(outcomes[..], [Outcome::Conflicted { by: other }] if other == by));
}
