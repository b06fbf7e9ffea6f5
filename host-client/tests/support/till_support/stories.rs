//! What happens in shops, on any chain.

use bitcoin::{Amount, Network, OutPoint};
use tillcard::chain::{FeeRate, OutputState, TransactionStatus};
use tillcard::owner::SweepOptions;
use tillcard::till::{Decline, Event, Open, Outcome, PaymentState};
use tillcard_client::card::CardError;
use tillcard_client::card::CheckError;

pub(crate) use super::cards::*;
pub(crate) use super::home::*;
pub(crate) use super::kinds::*;
pub(crate) use super::patience::*;
pub(crate) use super::proof::*;
pub(crate) use super::trouble::*;
use super::{Kind, Mischief, PAY, PIN, PREVIEW, REPORT_ABSENT, Scene, VERIFY};
use crate::owner_support::{RATE, Regtest, Someone};

/// Makes each story a test of the program that calls this, told on a chain of its own that `$chain`
/// starts.
macro_rules! tests {
    ($chain:path) => {
        $crate::till_support::stories::tests! { $chain:
            milk_is_paid_for
            a_blocked_card_is_declined
            a_race_that_the_shop_loses
            what_the_card_refuses
            no_pin_no_payment
            a_card_is_pulled_out
            a_forged_signature_stays_in_the_shop
            the_till_follows_the_chain
            a_till_that_lost_power_goes_on
            a_card_that_is_gone_while_it_signs_pays_once
            a_card_that_had_not_signed_is_asked_anew
            a_till_that_stops_while_the_card_signs
            another_card_is_not_asked_for_what_the_first_may_have_paid
            a_card_that_is_always_gone_is_given_up
            payments_that_were_never_sent_are_sent_first
            a_coin_that_never_was_is_replaced
            small_payments_without_a_pin
            the_log_is_read_and_limits_are_renewed
            a_transaction_of_another_wallet_is_signed
            what_a_card_does_not_sign
            a_payment_is_cancelled
            many_coins_become_one
            imported_cards_come_back_from_words_alone
            coins_wait_for_their_owner
            a_changed_answer_is_not_believed
            cards_without_certificates
            what_a_statement_is_worth
            no_bare_status_word_proves_anything
            a_request_that_was_kept_back_is_made_anew
            a_card_that_is_denied_stays_open
            a_plain_session_proves_nothing
            a_strangers_card_is_asked_for_nothing
            a_payment_that_the_node_refuses_is_kept
            a_payment_without_pin_whose_coin_is_spent_is_kept
            what_the_node_never_takes_is_not_asked_of_a_card
            long_chains_are_declined_before_pay
            a_node_that_lags_says_nothing_of_coins
            the_pin_brings_back_what_was_given_too_often
            a_payment_without_pin_that_its_owner_cancelled
            a_payment_in_a_block_is_sent_again_in_vain
            a_payment_that_nobody_was_asked_for_is_cancelled
            a_payment_that_the_card_forgot_is_found_on_the_chain
            records_of_the_first_format_are_read
        }
    };
    ($chain:path: $($story:ident)+) => {
        $(
            #[test]
            fn $story() {
                $crate::till_support::stories::$story(&$chain());
            }
        )+
    };
}
pub(crate) use tests;

/// The owner blocks the card, at this rate.
pub(crate) fn block(someone: &mut Someone, regtest: &dyn Regtest, number: u32, fee_rate: FeeRate) {
    someone.sync(regtest);
    let options = SweepOptions {
        fee_rate,
        replace_unconfirmed: true,
    };
    let chain = regtest.chain();
    let swept = someone.owner.block(chain, number, options, &mut |_, _| ());
    assert!(!swept.expect("a sweep").transactions.is_empty());
}

/// A wrong PIN, a typing error, the right PIN; two blocks.
pub(crate) fn milk_is_paid_for(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let told = scene.pay(&["9999", "12ab", PIN]);
    let transaction = told.settled();
    assert_eq!(
        told.states(),
        [
            "created",
            "waiting-for-card",
            "card",
            "channel",
            "genuine",
            "waiting-for-pin",
            "wrong-pin",
            "waiting-for-pin",
            "waiting-for-pin",
            "checking-coins",
            "signing",
            "card-released",
            "broadcast",
            "confirmed",
            "confirmed",
            "settled",
        ]
    );
    assert!(told.events.contains(&Event::WrongPin { tries_left: 2 }));
    assert_eq!(scene.purse.count(VERIFY), 2, "12ab is none of the card's");

    let paid = transaction.output.iter().position(|output| {
        output.value == Amount::from_sat(21_000)
            && output.script_pubkey == Scene::shop().script_pubkey()
    });
    let coin = OutPoint::new(
        transaction.compute_txid(),
        u32::try_from(paid.expect("the shop is paid")).expect("two outputs"),
    );
    assert!(matches!(
        regtest.chain().output(&coin),
        Ok(OutputState::Unspent {
            confirmations: 2,
            ..
        })
    ));
    let [record] = &told.records[..] else {
        panic!("one record: {:?}", told.records);
    };
    assert_eq!(record.state, PaymentState::Settled);
    assert_eq!(record.txid(), Some(transaction.compute_txid()));

    // The change, in the card since it wrote the payment, pays the next carton.
    let again = scene.pay(&[PIN]);
    let second = again.settled();
    assert_eq!(
        second.input[0].previous_output.txid,
        transaction.compute_txid()
    );
}

/// The owner has blocked the card: the till sees it before it asks for a payment.
pub(crate) fn a_blocked_card_is_declined(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let number = scene.number;
    block(&mut scene.someone, regtest, number, RATE);
    // In the mempool already, not only in a block.
    for _ in 0..2 {
        let told = scene.pay(&[PIN]);
        let Decline::CoinSpent(outpoint) = told.declined() else {
            panic!("{:?}", told.outcome);
        };
        let reason = told.declined().to_string();
        assert!(reason.contains(&outpoint.to_string()), "{reason}");
        let states = told.records.iter().map(|record| record.state);
        assert!(states.eq(told.records.iter().map(|_| PaymentState::Declined)));
        regtest.confirm();
    }
    // Each time the card was told, and had no other coin.
    assert_eq!(scene.purse.count(PREVIEW), 4);
    assert_eq!(scene.purse.count(REPORT_ABSENT), 2);
    assert_eq!(scene.purse.count(PAY), 0);
}

/// The owner blocks the card between the till's look at the chain and its sending.
pub(crate) fn a_race_that_the_shop_loses(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let number = scene.number;
    let told = scene.pay_while(&[PIN], |event, someone, regtest| {
        if *event == Event::Signing {
            block(someone, regtest, number, RATE);
            regtest.confirm();
        }
    });
    let Open::Contested { confirmations, .. } = told.open() else {
        panic!("{:?}", told.outcome);
    };
    assert_eq!(*confirmations, 1);
    assert_eq!(told.records.len(), 1);
    assert_eq!(told.records[0].state, PaymentState::Signed);

    // Two blocks bury what the owner did: as deep as the shop asks of a payment.
    let (outcomes, _) = scene.resume();
    assert!(matches!(outcomes[..], [Outcome::Open(_)]), "{outcomes:?}");
    regtest.confirm();
    let (outcomes, records) = scene.resume();
    assert!(
        matches!(outcomes[..], [Outcome::Conflicted { .. }]),
        "{outcomes:?}"
    );
    assert_eq!(records[0].state, PaymentState::Conflicted);
}

/// Too few coins; too many wrong PINs.
pub(crate) fn what_the_card_refuses(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 21_100);
    let told = scene.pay(&[PIN]);
    let Decline::Card(error) = told.declined() else {
        panic!("{:?}", told.outcome);
    };
    assert_eq!(error.status(), Some(0x9401));
    assert_eq!(scene.purse.count(PAY), 0);

    let told = scene.pay(&["1111", "2222", "3333", PIN]);
    assert!(matches!(
        told.declined(),
        Decline::Card(CardError::PinBlocked)
    ));
    assert!(told.events.contains(&Event::WrongPin { tries_left: 0 }));
    assert_eq!(
        scene.purse.count(VERIFY),
        4,
        "a blocked PIN isn't asked for"
    );
}

/// Nobody types a PIN, or the card is for another network.
pub(crate) fn no_pin_no_payment(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let told = scene.pay(&[]);
    assert!(matches!(told.declined(), Decline::NoPin));
    assert_eq!(scene.purse.count(VERIFY), 0);

    let mut scene = Scene::new(regtest, Network::Signet);
    let told = scene.pay(&[PIN]);
    assert!(matches!(
        told.declined(),
        Decline::Card(CardError::WrongNetwork { .. })
    ));
    assert_eq!(scene.purse.count(VERIFY), 0, "it gets no PIN");
}

/// The card is pulled out before it signs: the till waits for it again.
pub(crate) fn a_card_is_pulled_out(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    for command in [VERIFY, PREVIEW] {
        scene.purse.expect(Mischief::Removed(command));
        let told = scene.pay(&[PIN, PIN]);
        told.settled();
        assert!(told.events.contains(&Event::CardRemoved));
        // The next round has a smaller coin.
        scene = Scene::with_coin(regtest, 60_000);
    }
}

/// A card whose signature isn't valid: the shop hears it, the network doesn't.
pub(crate) fn a_forged_signature_stays_in_the_shop(regtest: &dyn Regtest) {
    let mut scene = Scene::issued(regtest, Network::Regtest, Kind::plain());
    scene.top_up(60_000);
    scene.plain = true;
    scene.purse.expect(Mischief::Forged);
    let told = scene.pay(&[PIN]);
    assert!(matches!(
        told.open(),
        Open::Dishonest(CheckError::Signature(_))
    ));
    assert_eq!(told.records[0].state, PaymentState::Asked);
    assert!(regtest.chain().mempool().expect("a mempool").is_empty());
    // It was somebody on the way: the card gives its own.
    let (outcomes, _, _) = scene.ask_again();
    assert!(
        matches!(outcomes[..], [Outcome::Settled(_)]),
        "{outcomes:?}"
    );
}

/// The payment is known to be in the mempool, then in a block, as the till tells it.
pub(crate) fn the_till_follows_the_chain(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let mut seen = Vec::new();
    let told = scene.pay_while(&[PIN], |event, _, regtest| {
        let chain = regtest.chain();
        match event {
            Event::Broadcast { txid } => {
                seen.push(chain.transaction_status(txid, 0).expect("a status"));
                regtest.confirm();
            }
            Event::Confirmed { confirmations: 1 } => regtest.confirm(),
            Event::Settled { txid, .. } => {
                seen.push(chain.transaction_status(txid, 0).expect("a status"));
            }
            _ => {}
        }
    });
    told.settled();
    assert!(matches!(
        seen[..],
        [
            TransactionStatus::InMempool,
            TransactionStatus::Confirmed {
                confirmations: 2,
                ..
            }
        ]
    ));
}

/// The till loses its power after the card signed: before the network has the payment for all the
/// till knows, and again with the payment in a block.
pub(crate) fn a_till_that_lost_power_goes_on(regtest: &dyn Regtest) {
    for confirm_before in [false, true] {
        let mut scene = Scene::with_coin(regtest, 60_000);
        scene.pay_until_power_fails(|event, regtest| {
            let is_sent = matches!(event, Event::Broadcast { .. });
            if is_sent && confirm_before {
                regtest.confirm();
            }
            is_sent
        });
        let (outcomes, records) = scene.resume();
        let [Outcome::Settled(transaction)] = &outcomes[..] else {
            panic!("{outcomes:?}");
        };
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].txid(), Some(transaction.compute_txid()));
        assert_eq!(records[0].state, PaymentState::Settled);
        // Nothing is left to be resumed.
        assert!(scene.resume().0.is_empty());
    }
}
