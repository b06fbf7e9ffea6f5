//! What the till waits for, and what it stops waiting for: a node that lags, a card that has given a
//! payment too often, an owner who has cancelled one.

use bitcoin::Network;
use tillcard::till::{Decline, Event, Open, Outcome, PaymentState};

use super::home::cancel_first_payment;
use super::proof::{assert_one_settled, assert_payments};
use super::reluctant::Reluctance;
use super::scene::settlement;
use super::{Kind, Mischief, PIN, REPORT_ABSENT, Scene, VERIFY};
use crate::owner_support::Regtest;

/// A node that stays behind: no card is asked for a PIN, and none hears that its coins aren't there.
pub(crate) fn a_node_that_lags_says_nothing_of_coins(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.node.set(Reluctance::Lags);
    let told = scene.pay(&[PIN]);
    assert!(matches!(told.declined(), Decline::NodeBehind(_)));
    assert_eq!(scene.purse.count(VERIFY), 0);

    // It falls behind once the card was asked, and comes along again.
    scene.node.set(Reluctance::None);
    let node = scene.node.clone();
    let mut waits = 0;
    let told = scene.pay_while(&[PIN], |event, _, regtest| match event {
        Event::WaitingForPin { .. } => node.set(Reluctance::Lags),
        Event::ChainUnavailable { .. } => {
            waits += 1;
            node.set(Reluctance::None);
        }
        Event::Broadcast { .. } | Event::Confirmed { confirmations: 1 } => regtest.confirm(),
        _ => {}
    });
    told.settled();
    assert_eq!(waits, 1);
    assert_eq!(
        (scene.purse.count(REPORT_ABSENT), scene.purse.count(VERIFY)),
        (0, 1)
    );
    let contents = scene.as_owner(|card| card.read_coins().expect("coins"));
    assert!(contents.coins.iter().all(|coin| !coin.doubtful));

    // It falls behind while the card signs: what it doesn't take waits for it.
    let node = scene.node.clone();
    let told = scene.pay_while(&[PIN], |event, _, regtest| match event {
        Event::Signing => node.set(Reluctance::Lags),
        Event::ChainUnavailable { .. } => node.set(Reluctance::None),
        Event::Broadcast { .. } | Event::Confirmed { confirmations: 1 } => regtest.confirm(),
        _ => {}
    });
    told.settled();
    assert!(told.states().contains(&"chain-unavailable".to_owned()));
}

/// The card gave the payment again as often as it does without the PIN: with it, it gives it once more,
/// and is debited once.
pub(crate) fn the_pin_brings_back_what_was_given_too_often(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.purse.expect(Mischief::Denied(0x6985));
    scene.pay(&[PIN]).open();
    scene.purse.expect_nothing();
    let order = scene.records().remove(0).order;
    let mut session = scene.session();
    while session.pay_again(&order).is_ok() {}
    session.close().expect("a card");
    let before = scene.purse.count(VERIFY);

    let (outcomes, events, records) = scene.ask_again();
    assert!(
        matches!(outcomes[..], [Outcome::Open(_)]),
        "nobody types a PIN: {outcomes:?}"
    );
    assert!(events.contains(&Event::PinToGiveAgain));
    assert_eq!(records[0].state, PaymentState::Asked);
    let purse = scene.purse.clone();
    let (outcomes, _, _) = scene.ask_again_of(&purse, &[PIN]);
    assert_one_settled(&outcomes);
    assert_eq!(scene.purse.count(VERIFY) - before, 1);
    assert_payments(&scene, 1);
}

/// The answer to a payment without PIN is lost, and the owner cancels it: the till, which never heard
/// what it spends, can't see that on the chain. It stays open until the shop closes it.
pub(crate) fn a_payment_without_pin_that_its_owner_cancelled(regtest: &dyn Regtest) {
    let kind = Kind::without_pin(2, 25_000);
    let mut scene = Scene::issued(regtest, Network::Regtest, kind);
    scene.top_up(60_000);
    scene.without_pin = true;
    scene.purse.expect(Mischief::Denied(0x6985));
    scene.pay(&[]).open();
    scene.purse.expect_nothing();
    cancel_first_payment(&mut scene);

    let (outcomes, _, records) = scene.ask_again();
    assert!(
        matches!(outcomes[..], [Outcome::Open(Open::CancelledByOwner(_))]),
        "{outcomes:?}"
    );
    assert_eq!(records[0].state, PaymentState::Asked);
    let mut events = Vec::new();
    let on_event = |event: &Event| events.push(event.clone());
    let mut settlement = settlement(regtest.chain(), scene.store(), on_event);
    let id = &records[0].id;
    let [open] = &settlement.open_payments().expect("records")[..] else {
        panic!("one is open");
    };
    assert_eq!(open.id, *id);
    assert!(settlement.close("another").expect("a folder").is_none());
    let closed = settlement.close(id).expect("a folder");
    assert!(matches!(closed, Some(Outcome::Closed)), "{closed:?}");
    assert!(settlement.open_payments().expect("records").is_empty());
    assert!(settlement.close(id).expect("a folder").is_none());
    drop(settlement);
    assert_eq!(events, [Event::Closed { id: id.clone() }]);
    assert!(
        scene.ask_again().0.is_empty(),
        "nothing is left to be asked"
    );
}
