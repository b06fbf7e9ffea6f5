//! Single steps of the machine.

use super::papers::PAPERS;
use super::world::{BEHIND, keys_of};
use super::*;
use crate::till::Decline;
use tillcard_client::card::{CardError, PaymentState as CardState};

#[test]
fn the_machine_goes_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Machine>();
}

#[test]
fn payments_know_nothing_of_each_other() {
    let mut machine = Machine::default();
    for id in ["milk", "bread"] {
        let record = PaymentRecord::new(id.into(), "bcrt1q".into(), 1, PAPERS.order.clone());
        machine.add(record, Wishes::default());
        machine.step(id, Input::Clerk(ClerkSaid::Begin));
    }
    let step = machine.step("milk", Input::Clerk(ClerkSaid::Cancel));
    let state = step.write.map(|record| record.state);
    assert_eq!(state, Some(PaymentState::Cancelled));
    assert!(machine.record("milk").is_none(), "it has ended");
    let bread = machine.record("bread").map(|record| record.state);
    assert_eq!(bread, Some(PaymentState::WaitingForCard));
    // What answers nothing has no effect.
    let step = machine.step("bread", Input::TimePassed);
    assert!(step.write.is_none() && step.effects.is_empty());
}

/// A card that always offers a coin that isn't there takes four reports, and no fifth is made.
#[test]
fn a_card_that_goes_on_offering_absent_coins_is_sent_away() {
    let preview = PAPERS.of[0].preview.clone();
    let mut machine = Machine::default();
    let record = PaymentRecord::new(ID.into(), "bcrt1q".into(), 1, PAPERS.order.clone());
    machine.add(record, Wishes::default());
    let least = tillcard_client::FeeRate::FLOOR;
    let mut step = Step::default();
    for input in [
        Input::Clerk(ClerkSaid::Begin),
        Input::Card(CardSaid::Met {
            keys: Some(keys_of(0)),
        }),
        Input::Chain(ChainSaid::Ready {
            height: 100,
            least,
            reach: Reach::Complete,
        }),
        Input::Card(CardSaid::Verified),
    ] {
        step = machine.step(ID, input);
    }
    let mut reports = 0;
    while let Some(Effect::Card(task)) = step.effects.last() {
        step = match task {
            CardTask::Preview(_) => {
                machine.step(ID, Input::Card(CardSaid::Previewed(preview.clone())))
            }
            CardTask::Report(absent) => {
                reports += absent.len();
                assert!(reports <= MOST_REPORTS);
                machine.step(ID, Input::Card(CardSaid::Previewed(preview.clone())))
            }
            CardTask::LookUp => {
                let looked_up = CardSaid::LookedUp {
                    coins: Vec::new(),
                    absent: preview.outpoints.clone(),
                    is_crowded: false,
                    reach: Reach::Complete,
                };
                machine.step(ID, Input::Card(looked_up))
            }
            other => panic!("{other:?}"),
        };
    }
    let end = step.effects.last();
    let Some(Effect::End(Outcome::Declined(decline))) = end else {
        panic!("{end:?}");
    };
    assert_eq!(decline.outpoint(), Some(preview.outpoints[0]));
    assert_eq!(reports, MOST_REPORTS);
}

/// A source that stays behind ends a payment before a card is asked for anything; one that comes along
/// in time doesn't.
#[test]
fn a_source_that_is_behind_is_waited_for() {
    for waits in [1, MOST_BEHIND, MOST_BEHIND + 1] {
        let mut machine = Machine::default();
        let record = PaymentRecord::new(ID.into(), "bcrt1q".into(), 1, PAPERS.order.clone());
        machine.add(record, Wishes::default());
        machine.step(ID, Input::Clerk(ClerkSaid::Begin));
        let keys = Some(keys_of(0));
        let mut step = machine.step(ID, Input::Card(CardSaid::Met { keys }));
        let ready = |reach| {
            Input::Chain(ChainSaid::Ready {
                height: 100,
                least: tillcard_client::FeeRate::FLOOR,
                reach,
            })
        };
        let mut told = 0;
        for _ in 0..waits {
            let [Effect::Chain(ChainTask::Check)] = step.effects[..] else {
                panic!("{step:?}");
            };
            step = machine.step(ID, ready(Reach::Behind(BEHIND)));
            let is_told =
                |effect: &&Effect| matches!(effect, Effect::Tell(Event::ChainUnavailable { .. }));
            told += step.effects.iter().filter(is_told).count();
            if matches!(step.effects.last(), Some(Effect::Wait)) {
                step = machine.step(ID, Input::TimePassed);
            }
        }
        assert_eq!(told, 1);
        if waits > MOST_BEHIND {
            let end = step.effects.last();
            let Some(Effect::End(Outcome::Declined(Decline::NodeBehind(progress)))) = end else {
                panic!("{end:?}");
            };
            assert_eq!(*progress, BEHIND);
        } else {
            step = machine.step(ID, ready(Reach::Complete));
            assert!(matches!(step.effects[..], [Effect::Card(CardTask::AskPin)]));
        }
    }
}

/// A card that keeps the payment, and gave it too often without the PIN, gives it once more with it.
/// Nothing but that is asked of it.
#[test]
fn the_pin_lets_a_card_give_what_it_keeps() {
    let mut machine = Machine::default();
    let mut record = PaymentRecord::new(ID.into(), "bcrt1q".into(), 1, PAPERS.order.clone());
    record.state = PaymentState::Asked;
    record.card = Some(keys_of(0));
    record.preview = Some(PAPERS.of[0].preview.clone());
    record.coins = vec![PAPERS.of[0].coin.clone()];
    machine.add(record, Wishes::default());
    let payment = &PAPERS.of[0].payment;
    let mut asked = Vec::new();
    for input in [
        Input::Clerk(ClerkSaid::Resume),
        Input::Card(CardSaid::Met {
            keys: Some(keys_of(0)),
        }),
        Input::Card(CardSaid::State(CardState::Kept(payment.compute_txid()))),
        Input::Card(given_too_often()),
        Input::Card(CardSaid::WrongPin { tries_left: 2 }),
        Input::Card(CardSaid::Verified),
        Input::Card(CardSaid::Paid(bitcoin::consensus::serialize(payment))),
    ] {
        asked = machine.step(ID, input).effects;
        let pays = |effect: &Effect| {
            matches!(
                effect,
                Effect::Card(CardTask::Pay | CardTask::PayWithoutPin(_))
            )
        };
        assert!(!asked.iter().any(pays), "{asked:?}");
    }
    let last = asked.last();
    assert!(
        matches!(last, Some(Effect::Chain(ChainTask::Status { .. }))),
        "{last:?}"
    );
    let state = machine.record(ID).map(|record| record.state);
    assert_eq!(state, Some(PaymentState::Signed));
}

/// The shop may wait no longer for what a card was asked; that is its own word, and no proof.
#[test]
fn a_shop_closes_what_stays_open() {
    for (state, closed) in [
        (PaymentState::WaitingForPin, None),
        (PaymentState::Asked, Some(PaymentState::Closed)),
        (PaymentState::Signed, Some(PaymentState::Closed)),
        (PaymentState::Broadcast, None),
        (PaymentState::Settled, None),
    ] {
        let mut machine = Machine::default();
        let mut record = PaymentRecord::new(ID.into(), "bcrt1q".into(), 1, PAPERS.order.clone());
        record.state = state;
        record.card = Some(keys_of(0));
        machine.add(record, Wishes::default());
        let step = machine.step(ID, Input::Clerk(ClerkSaid::Close));
        assert_eq!(step.write.as_ref().map(|record| record.state), closed);
        assert!(step.write.is_none_or(|record| record.card.is_none()));
        let told = |effect: &Effect| matches!(effect, Effect::Tell(Event::Closed { .. }));
        assert_eq!(step.effects.iter().any(told), closed.is_some());
    }
}

/// Blocks may be replaced after a card was asked: a payment, or its conflict, may then stand six blocks
/// lower than the next one had, and is looked for there.
#[test]
fn a_payment_is_looked_for_below_the_tip_at_which_its_card_was_asked() {
    let paper = &PAPERS.of[0];
    for (height, lowest) in [(100, 94), (3, 0)] {
        let mut machine = Machine::default();
        let record = PaymentRecord::new(ID.into(), "bcrt1q".into(), 1, PAPERS.order.clone());
        machine.add(record, Wishes::default());
        let mut since = Vec::new();
        for input in [
            Input::Clerk(ClerkSaid::Begin),
            Input::Card(CardSaid::Met {
                keys: Some(keys_of(0)),
            }),
            Input::Chain(ChainSaid::Ready {
                height,
                least: tillcard_client::FeeRate::FLOOR,
                reach: Reach::Complete,
            }),
            Input::Card(CardSaid::Verified),
            Input::Card(CardSaid::Previewed(paper.preview.clone())),
            Input::Card(CardSaid::LookedUp {
                coins: vec![paper.coin.clone()],
                absent: Vec::new(),
                is_crowded: false,
                reach: Reach::Complete,
            }),
            Input::Card(CardSaid::Paid(bitcoin::consensus::serialize(
                &paper.payment,
            ))),
            Input::Chain(ChainSaid::Unknown),
            Input::Chain(ChainSaid::Refused {
                reason: "bad-txns-inputs-missingorspent".into(),
                reach: Reach::Complete,
            }),
        ] {
            for effect in machine.step(ID, input).effects {
                if let Effect::Chain(
                    ChainTask::Status { since_height, .. }
                    | ChainTask::Conflict { since_height, .. },
                ) = effect
                {
                    since.push(since_height);
                }
            }
        }
        assert_eq!(since, [lowest, lowest], "asked at {height}");
        let stored = machine.record(ID).map(|record| record.since_height);
        assert_eq!(stored, Some(lowest));
    }
}

/// Whoever only says that a card gave the payment too often gets no PIN for it; nor does a card that
/// says so after the PIN.
#[test]
fn a_pin_to_give_again_is_for_who_proves_to_keep_the_payment_and_once() {
    let kept = CardState::Kept(PAPERS.of[0].payment.compute_txid());
    for (keys, pins) in [(None, 0), (Some(keys_of(0)), 1)] {
        let mut machine = Machine::default();
        let mut record = PaymentRecord::new(ID.into(), "bcrt1q".into(), 1, PAPERS.order.clone());
        record.state = PaymentState::Asked;
        record.card = keys;
        machine.add(record, Wishes::default());
        let mut asked = 0;
        for said in [
            CardSaid::Met { keys },
            CardSaid::State(kept),
            given_too_often(),
            CardSaid::Verified,
            given_too_often(),
        ] {
            if let CardSaid::Met { .. } = said {
                machine.step(ID, Input::Clerk(ClerkSaid::Resume));
            }
            let effects = machine.step(ID, Input::Card(said)).effects;
            let is_pin = |effect: &&Effect| matches!(effect, Effect::Card(CardTask::AskPin));
            asked += effects.iter().filter(is_pin).count();
        }
        assert_eq!(asked, pins, "{keys:?}");
        assert!(machine.record(ID).is_none(), "the outcome is open");
    }
}

fn given_too_often() -> CardSaid {
    CardSaid::Failed(CardError::Refused {
        command: "PAY",
        status: 0x9413,
    })
}
