//! Whoever is told "declined" never pays: what the till makes of answers that prove nothing, of other
//! cards, and of a node that refuses.

use std::fs;

use bitcoin::Network;
use serde_json::{Value, json};
use tillcard::chain::FeeRate;
use tillcard::till::{Decline, Event, Open, Outcome, PaymentState, PaymentStore};

use super::reluctant::Reluctance;
use super::stories::block;
use super::trouble::pay_and_keep;
use super::{Kind, Mischief, PAY, PAYMENT_STATE, PIN, PREVIEW, Scene, Told, VERIFY};
use crate::owner_support::{RATE, Regtest};

/// How many payments the card made.
#[track_caller]
pub(super) fn assert_payments(scene: &Scene<'_>, expected: u16) {
    let header = scene.as_owner(|card| card.read_coins().expect("coins").header);
    assert_eq!(header.payments, expected, "payments of the card");
}

#[track_caller]
pub(super) fn assert_one_settled(outcomes: &[Outcome]) {
    assert!(matches!(outcomes, [Outcome::Settled(_)]), "{outcomes:?}");
}

fn was_declined(told: &Told) -> bool {
    let declined = |event: &Event| matches!(event, Event::Declined { .. });
    told.events.iter().any(declined)
}

/// PAY comes to the card, and its answer is replaced by a status word: the card is asked in the
/// channel what became of it, and gives the payment.
pub(crate) fn no_bare_status_word_proves_anything(regtest: &dyn Regtest) {
    for status in [
        0x9401, 0x6985, 0x6982, 0x6400, 0x6581, 0x9404, 0x9412, 0x9413,
    ] {
        let mut scene = Scene::with_coin(regtest, 60_000);
        scene.purse.expect(Mischief::Replaced(PAY, status));
        let told = scene.pay(&[PIN]);
        told.settled();
        assert!(!was_declined(&told), "{status:04X}");
        assert_payments(&scene, 1);
        assert_eq!(scene.purse.count(VERIFY), 1, "{status:04X}");
    }
}

/// PAY never comes to the card: the channel proves that too, and the payment goes on.
pub(crate) fn a_request_that_was_kept_back_is_made_anew(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.purse.expect(Mischief::KeptBack(PAY, 0x9404));
    let told = scene.pay(&[PIN, PIN]);
    told.settled();
    assert!(told.events.contains(&Event::NothingWritten));
    assert_payments(&scene, 1);
}

/// Whoever sits at the contacts denies everything: nobody is told that the payment is declined, and
/// it comes at another reader.
pub(crate) fn a_card_that_is_denied_stays_open(regtest: &dyn Regtest) {
    for status in [0x6985, 0x9404] {
        let mut scene = Scene::with_coin(regtest, 60_000);
        scene.purse.expect(Mischief::Denied(status));
        let told = scene.pay(&[PIN]);
        told.open();
        assert!(!was_declined(&told));
        assert_eq!(told.records[0].state, PaymentState::Asked);
        assert!(told.records[0].card.is_some(), "it knows its card");
        assert_payments(&scene, 1);

        scene.purse.expect_nothing();
        let (outcomes, events, records) = scene.ask_again();
        assert_one_settled(&outcomes);
        assert!(events.iter().any(|e| matches!(e, Event::GivenAgain { .. })));
        assert_eq!(records[0].card, None, "it tells no more of who paid");
        assert_payments(&scene, 1);
    }
}

/// A card without certificates can't prove that it hasn't paid: the outcome stays open, and the
/// payment may come.
pub(crate) fn a_plain_session_proves_nothing(regtest: &dyn Regtest) {
    for has_paid in [true, false] {
        let mut scene = Scene::issued(regtest, Network::Regtest, Kind::plain());
        scene.top_up(60_000);
        scene.plain = true;
        scene.purse.expect(match has_paid {
            true => Mischief::Denied(0x9404),
            false => Mischief::KeptBack(PAY, 0x9404),
        });
        let told = scene.pay(&[PIN]);
        assert_eq!(*told.open(), Open::NoProof);
        assert_eq!(told.records[0].state, PaymentState::Asked);
        scene.purse.expect_nothing();
        let (outcomes, _, records) = scene.ask_again();
        match has_paid {
            true => assert_one_settled(&outcomes),
            false => {
                assert!(matches!(outcomes[..], [Outcome::Open(Open::NoProof)]));
                assert_eq!(records[0].state, PaymentState::Asked);
            }
        }
    }
}

/// What a till asks when it resumes pays nothing: a stranger's card, though it pays without a PIN, is
/// named as another card, and the first one's payment stays to be had.
pub(crate) fn a_strangers_card_is_asked_for_nothing(regtest: &dyn Regtest) {
    let kind = Kind::without_pin(5, 50_000);
    let mut stranger = Scene::issued_with_seed(regtest, Network::Regtest, kind, 8);
    stranger.top_up(90_000);
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.purse.expect(Mischief::Denied(0x6985));
    scene.pay(&[PIN]).open();
    scene.purse.expect_nothing();

    let purse = stranger.purse.clone();
    let (outcomes, events, records) = scene.ask_again_of(&purse, &[]);
    assert!(
        matches!(outcomes[..], [Outcome::Open(Open::OtherCard)]),
        "{outcomes:?}"
    );
    assert!(events.contains(&Open::OtherCard.event()));
    assert_eq!((purse.count(PAY), purse.count(PAYMENT_STATE)), (0, 0));
    assert_payments(&stranger, 0);
    assert_eq!(records[0].state, PaymentState::Asked);

    let (outcomes, _, _) = scene.ask_again();
    assert_one_settled(&outcomes);
}

/// The node takes no transaction: the payment is kept, the clerk hears what that means, and it is
/// sent again.
pub(crate) fn a_payment_that_the_node_refuses_is_kept(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.node.set(Reluctance::Refuses);
    let told = scene.pay(&[PIN]);
    assert!(matches!(told.open(), Open::NotTaken { .. }));
    assert!(!was_declined(&told));
    assert_eq!(told.records[0].state, PaymentState::Signed);
    assert!(told.records[0].transaction.is_some());
    let (outcomes, records) = scene.resume();
    assert_one_settled(&outcomes);
    assert_eq!(records[0].state, PaymentState::Settled);
}

/// A payment without a PIN spends a coin that the owner has moved: it is kept until that is deep in
/// the chain, since the owner's transaction may not come through.
pub(crate) fn a_payment_without_pin_whose_coin_is_spent_is_kept(regtest: &dyn Regtest) {
    let kind = Kind::without_pin(2, 25_000);
    let mut scene = Scene::issued(regtest, Network::Regtest, kind);
    scene.top_up(60_000);
    scene.without_pin = true;
    let number = scene.number;
    let rate = FeeRate::from_sat_per_kvb(20_000);
    block(&mut scene.someone, regtest, number, rate);
    let told = scene.pay(&[]);
    assert!(matches!(told.open(), Open::Contested { .. }));
    assert_eq!(told.records[0].state, PaymentState::Signed);
    for _ in 0..2 {
        regtest.confirm();
    }
    let (outcomes, records) = scene.resume();
    assert!(
        matches!(outcomes[..], [Outcome::Conflicted { .. }]),
        "{outcomes:?}"
    );
    assert_eq!(records[0].state, PaymentState::Conflicted);
}

/// A rate that the node doesn't take is told before the holder types a PIN.
pub(crate) fn what_the_node_never_takes_is_not_asked_of_a_card(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let least = FeeRate::from_sat_per_kvb(RATE.to_sat_per_kvb() + 1);
    scene.node.set(Reluctance::Asks(least));
    let told = scene.pay(&[PIN]);
    assert!(matches!(told.declined(), Decline::FeeRateTooLow { .. }));
    assert_eq!((scene.purse.count(VERIFY), scene.purse.count(PAY)), (0, 0));
}

/// A coin that hangs on as many payments without a block as nodes take.
pub(crate) fn long_chains_are_declined_before_pay(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 99_000);
    for _ in 0..25 {
        let payment = pay_and_keep(&scene, 1_000);
        regtest.chain().broadcast(&payment).expect("taken");
    }
    let before = scene.purse.count(PAY);
    let told = scene.pay(&[PIN]);
    assert!(matches!(told.declined(), Decline::TooManyUnconfirmed));
    assert_eq!(scene.purse.count(PAY), before);
    regtest.confirm();
    scene.pay(&[PIN]).settled();
}

/// Sending what is in a block already is no refusal.
pub(crate) fn a_payment_in_a_block_is_sent_again_in_vain(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let told = scene.pay(&[PIN]);
    let payment = told.settled();
    let sent = regtest.chain().broadcast(payment);
    assert_eq!(sent.expect("no refusal"), payment.compute_txid());
}

/// The till loses its power before a card was asked: nothing was debited, and that is said.
pub(crate) fn a_payment_that_nobody_was_asked_for_is_cancelled(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.pay_until_power_fails(|event, _| matches!(event, Event::WaitingForPin { .. }));
    let (outcomes, records) = scene.resume();
    assert!(matches!(outcomes[..], [Outcome::Cancelled]), "{outcomes:?}");
    assert_eq!(records[0].state, PaymentState::Cancelled);
    assert_eq!(scene.purse.count(PREVIEW), 0);
    // A payment that another till of the folder is at is left alone.
    let mut meanwhile = None;
    let folder = scene.folder.path().to_owned();
    scene
        .pay_while(&[PIN], |event, _, regtest| match event {
            Event::WaitingForPin { .. } => {
                let store = PaymentStore::open(&folder).expect("a folder");
                let records = store.read().expect("records");
                let open = records.iter().find(|record| !record.state.is_final());
                let id = &open.expect("one that waits for the PIN").id;
                meanwhile = Some(store.claim(id).expect("a folder").is_none());
            }
            Event::Broadcast { .. } | Event::Confirmed { confirmations: 1 } => regtest.confirm(),
            _ => {}
        })
        .settled();
    assert_eq!(meanwhile, Some(true));
}

/// The answer is lost; another till sends the payment as an ancestor of its own, and the owner has the
/// card forget it. The first till finds it on the chain: it isn't asked for twice.
pub(crate) fn a_payment_that_the_card_forgot_is_found_on_the_chain(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 90_000);
    scene.purse.expect(Mischief::Denied(0x6985));
    scene.pay(&[PIN]).open();
    scene.purse.expect_nothing();
    let other = {
        let mut other = Scene::with_coin(regtest, 20_000);
        std::mem::swap(&mut other.folder, &mut scene.folder);
        // The same card in another shop.
        let told = scene.pay(&[PIN]);
        told.settled();
        let sent = |event: &Event| matches!(event, Event::SentAncestor { .. });
        assert!(told.events.iter().any(sent));
        std::mem::swap(&mut other.folder, &mut scene.folder);
        other
    };
    drop(other);
    scene.as_owner(|card| card.acknowledge(2, 2).expect("both are in blocks"));
    // A node that lags doesn't know the block: that is no proof.
    scene.node.set(Reluctance::Lags);
    let (outcomes, _, records) = scene.ask_again();
    assert!(
        matches!(outcomes[..], [Outcome::Open(Open::NodeBehind(_))]),
        "{outcomes:?}"
    );
    assert_eq!(records[0].state, PaymentState::Asked);
    scene.node.set(Reluctance::None);
    let (outcomes, _, records) = scene.ask_again();
    assert_one_settled(&outcomes);
    assert_eq!(records[0].state, PaymentState::Settled);
    assert_payments(&scene, 2);
}

/// Records of the first format: what the network had refused then may still be paid; what was asked
/// stays asked; one of a later format is left alone.
pub(crate) fn records_of_the_first_format_are_read(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.pay(&[PIN]).settled();
    let store = scene.store();
    let id = store.read().expect("records")[0].id.clone();
    let path = scene.folder.path().join(format!("{id}.json"));
    let text = fs::read(&path).expect("a record");
    let mut record: Value = serde_json::from_slice(&text).expect("JSON");
    let fields = record.as_object_mut().expect("an object");
    fields.remove("format");
    fields.remove("card");
    for (before, after) in [
        ("asked", PaymentState::Asked),
        ("declined", PaymentState::Signed),
        ("broadcast", PaymentState::Broadcast),
        ("settled", PaymentState::Settled),
    ] {
        record["state"] = json!(before);
        fs::write(&path, record.to_string()).expect("written");
        assert_eq!(store.read().expect("records")[0].state, after, "{before}");
    }
    record["format"] = json!(3);
    fs::write(&path, record.to_string()).expect("written");
    let refused = store.read().expect_err("a later format").to_string();
    assert!(refused.contains("later version"), "{refused}");
    assert_eq!(
        fs::read_to_string(&path).expect("there"),
        record.to_string()
    );
}
