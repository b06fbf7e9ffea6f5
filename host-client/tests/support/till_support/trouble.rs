//! Cards that are torn out, coins that aren't there, payments that another till kept back.

use bitcoin::absolute::LockTime;
use bitcoin::transaction::Version;
use bitcoin::{Amount, Network, OutPoint, Transaction, TxIn, TxOut, Txid};
use tillcard::chain::TransactionStatus;
use tillcard::till::{Decline, Event, Open, Outcome, PaymentState};
use tillcard_client::account::CardChain;
use tillcard_client::card::{PaymentOrder, PinBlock};
use tillcard_client::transport::TransportError;

use super::{INVOICE, Kind, MERCHANT, Mischief, PAY, PIN, Scene, VERIFY};
use crate::chain_support::Payer;
use crate::owner_support::{RATE, Regtest};

/// The card's log has one payment, debited once.
#[track_caller]
fn assert_debited_once(scene: &Scene<'_>, txid: Txid, given_again: u8) {
    let (contents, payment, next) =
        scene.as_owner(|card| (card.read_coins(), card.read_log(0), card.read_log(1)));
    let (header, payment) = (contents.unwrap().header, payment.unwrap());
    assert_eq!(next.unwrap_err().status(), Some(0x6A88), "a second payment");
    assert_eq!(payment.txid, txid);
    assert_eq!((header.payments, header.next_number), (1, 1));
    assert_eq!(
        header.debited,
        (payment.amount + payment.fee).to_sat(),
        "debited"
    );
    assert_eq!(payment.given_again, given_again);
    assert_eq!(payment.merchant, MERCHANT);
    assert_eq!(payment.invoice, Some(INVOICE));
}

/// The card has written the payment and its answer is lost: the till gets it by the same request,
/// without another PIN, and the card is debited once.
pub(crate) fn a_card_that_is_gone_while_it_signs_pays_once(regtest: &dyn Regtest) {
    for error in [
        TransportError::CardRemoved,
        TransportError::CardReset,
        TransportError::Reader("it was unplugged".into()),
    ] {
        let mut scene = Scene::with_coin(regtest, 60_000);
        scene.purse.expect(Mischief::Lost(PAY, error.clone()));
        let told = scene.pay(&[PIN]);
        let txid = told.settled().compute_txid();
        let reason = error.to_string();
        assert!(told.events.contains(&Event::CardLost { reason }));
        assert!(told.events.contains(&Event::GivenAgain { txid }));
        let released = |state: &&String| *state == "card-released";
        assert_eq!(
            told.states().iter().filter(released).count(),
            1,
            "once back"
        );
        assert_eq!(scene.purse.count(VERIFY), 1, "one PIN");
        assert_eq!(scene.purse.count(PAY), 2);
        assert_debited_once(&scene, txid, 1);
        assert_eq!(told.records.len(), 1);
        assert_eq!(told.records[0].state, PaymentState::Settled);
    }
}

/// The card was gone before it heard of the payment: it says so, and is asked with a new PIN.
pub(crate) fn a_card_that_had_not_signed_is_asked_anew(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    scene.purse.expect(Mischief::Removed(PAY));
    let told = scene.pay(&[PIN, PIN]);
    let txid = told.settled().compute_txid();
    assert!(told.events.contains(&Event::NothingWritten));
    assert_eq!(scene.purse.count(VERIFY), 2);
    assert_debited_once(&scene, txid, 0);
}

/// The till loses its power while the card signs. Afterwards it asks again: the card that had
/// written the payment gives it, the other has paid nothing.
pub(crate) fn a_till_that_stops_while_the_card_signs(regtest: &dyn Regtest) {
    for wrote in [true, false] {
        let mut scene = Scene::with_coin(regtest, 60_000);
        scene.purse.expect(match wrote {
            true => Mischief::Lost(PAY, TransportError::CardRemoved),
            false => Mischief::Removed(PAY),
        });
        scene.pay_until_power_fails(|event, _| matches!(event, Event::CardLost { .. }));
        assert!(
            scene.resume().0.is_empty(),
            "nothing was signed, for all it knows"
        );

        let (outcomes, events, records) = scene.ask_again();
        assert_eq!(records.len(), 1);
        match &outcomes[..] {
            [Outcome::Settled(transaction)] if wrote => {
                let txid = transaction.compute_txid();
                assert!(events.contains(&Event::GivenAgain { txid }));
                assert_eq!(records[0].state, PaymentState::Settled);
                assert_debited_once(&scene, txid, 1);
            }
            [Outcome::Declined(Decline::NeverWritten)] if !wrote => {
                assert_eq!(records[0].state, PaymentState::Declined);
                assert!(records[0].preview.is_none() && records[0].coins.is_empty());
                let contents = scene.as_owner(|card| card.read_coins().unwrap());
                assert_eq!((contents.header.debited, contents.header.payments), (0, 0));
            }
            other => panic!("{other:?}"),
        }
        assert!(
            scene.ask_again().0.is_empty(),
            "nothing is left to be asked"
        );
    }
}

/// Another card is put in where the first was gone: it isn't asked to pay, and the first one's
/// payment is still to be had.
pub(crate) fn another_card_is_not_asked_for_what_the_first_may_have_paid(regtest: &dyn Regtest) {
    let mut other = Scene::issued_with_seed(regtest, Network::Regtest, Kind::default(), 8);
    other.top_up(60_000);
    let mut scene = Scene::with_coin(regtest, 70_000);
    scene.others.push(other.purse.clone());
    scene
        .purse
        .expect(Mischief::Lost(PAY, TransportError::CardRemoved));
    let told = scene.pay(&[PIN, PIN]);
    assert_eq!(*told.open(), Open::OtherCard);
    assert_eq!(told.records[0].state, PaymentState::Asked);
    let contents = other.as_owner(|card| card.read_coins().unwrap());
    assert_eq!(contents.header.payments, 0);

    let (outcomes, _, _) = scene.ask_again();
    let [Outcome::Settled(transaction)] = &outcomes[..] else {
        panic!("{outcomes:?}");
    };
    assert_debited_once(&scene, transaction.compute_txid(), 1);
}

/// The reader loses the card whenever it signs: the till stops, and its payments know of it.
pub(crate) fn a_card_that_is_always_gone_is_given_up(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let lose = || Mischief::Lost(PAY, TransportError::CardRemoved);
    scene.purse.expect(lose());
    let purse = scene.purse.clone();
    let told = scene.pay_while(&[PIN], move |event, _, _| {
        if matches!(event, Event::CardLost { .. }) {
            purse.expect(lose());
        }
    });
    assert!(matches!(told.open(), Open::Lost(_)));
    assert_eq!(scene.purse.count(PAY), 5);
    assert_eq!(told.records[0].state, PaymentState::Asked);
}

/// Has the card pay by itself: a till that keeps what it got.
pub(super) fn pay_and_keep(scene: &Scene<'_>, amount: u64) -> Transaction {
    let order = PaymentOrder::new(Amount::from_sat(amount), RATE, Payer::new(0x61).script());
    let session = scene.session();
    let pin = PinBlock::from_digits(PIN.as_bytes()).unwrap();
    let holder = session.verify(&pin).unwrap();
    let (bytes, session) = holder.pay(&order.unwrap()).unwrap();
    session.close().unwrap();
    bitcoin::consensus::deserialize(&bytes).unwrap()
}

/// Two tills kept what the card gave them, so that its coin hangs on payments that nobody knows:
/// the third till gets them from the card, sends them, and is paid.
pub(crate) fn payments_that_were_never_sent_are_sent_first(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 90_000);
    let kept = [pay_and_keep(&scene, 10_000), pay_and_keep(&scene, 11_000)];
    assert!(regtest.chain().mempool().unwrap().is_empty());
    let told = scene.pay(&[PIN]);
    let paid = told.settled();
    let sent: Vec<Txid> = told
        .events
        .iter()
        .filter_map(|event| match event {
            Event::SentAncestor { txid } => Some(*txid),
            _ => None,
        })
        .collect();
    let kept = kept.each_ref().map(Transaction::compute_txid);
    assert_eq!(sent, kept, "oldest first");
    assert_eq!(paid.input[0].previous_output.txid, kept[1]);
    for txid in kept {
        let status = regtest.chain().transaction_status(&txid, 0).unwrap();
        assert!(matches!(status, TransactionStatus::Confirmed { .. }));
    }
    let logged = scene.as_owner(|card| card.read_log(1).unwrap());
    assert_eq!(logged.given_as_ancestor, 1);

    // Nothing is asked for that the chain knows.
    let again = scene.pay(&[PIN]);
    again.settled();
    assert!(!again.states().contains(&"sent-ancestor".to_owned()));
}

/// The card holds a coin of a transaction that the chain doesn't know: it is told so, and pays with
/// another. Five such coins are one too many.
pub(crate) fn a_coin_that_never_was_is_replaced(regtest: &dyn Regtest) {
    let mut scene = Scene::with_coin(regtest, 60_000);
    let account = scene.someone.owner.card(scene.number).unwrap().account;
    let invent = |scene: &Scene<'_>, index: u32| {
        let made_up = Transaction {
            version: Version::TWO,
            lock_time: LockTime::from_consensus(index),
            input: vec![TxIn {
                previous_output: OutPoint::new(no_txid(index), 0),
                ..Default::default()
            }],
            output: vec![TxOut {
                value: Amount::from_sat(70_000),
                script_pubkey: account.script(CardChain::Receive, index).unwrap(),
            }],
        };
        scene.as_owner(|card| {
            card.enter_coin(&made_up, 0, CardChain::Receive, index)
                .unwrap();
        });
        OutPoint::new(made_up.compute_txid(), 0)
    };
    let first = invent(&scene, 1);
    let told = scene.pay(&[PIN]);
    told.settled();
    let absent = Event::CoinAbsent { outpoint: first };
    assert!(told.events.contains(&absent));
    let doubtful = |scene: &Scene<'_>| {
        let contents = scene.as_owner(|card| card.read_coins().unwrap());
        contents.coins.iter().filter(|coin| coin.doubtful).count()
    };
    assert_eq!(doubtful(&scene), 1);

    // The change is small now: larger ones that never were come before it.
    for index in 2..7 {
        invent(&scene, index);
    }
    let told = scene.pay(&[PIN]);
    assert!(matches!(told.declined(), Decline::CoinSpent(_)));
    assert_eq!(doubtful(&scene), 5, "four for each PIN");
    // They stand behind the others now: another PIN, and the rest is found out.
    scene.pay(&[PIN]).settled();
}

fn no_txid(number: u32) -> Txid {
    use bitcoin::hashes::Hash;
    Txid::from_byte_array([u8::try_from(number).expect("few") + 1; 32])
}

/// The owner allows two small payments without a PIN; the third takes one.
pub(crate) fn small_payments_without_a_pin(regtest: &dyn Regtest) {
    let kind = Kind::without_pin(2, 25_000);
    let mut scene = Scene::issued(regtest, Network::Regtest, kind);
    scene.top_up(90_000);
    scene.without_pin = true;
    // The answer to the first is lost on its way.
    scene
        .purse
        .expect(Mischief::Lost(PAY, TransportError::CardRemoved));
    for _ in 0..2 {
        scene.pay(&[]).settled();
    }
    let counted = scene.as_owner(|card| card.read_coins().unwrap().header);
    assert_eq!((counted.payments, counted.payments_without_pin), (2, 2));
    assert_eq!(scene.purse.count(VERIFY), 0);
    let told = scene.pay(&[]);
    assert!(matches!(told.declined(), Decline::NoPin));
    scene.pay(&[PIN]).settled();
    let counted = scene.as_owner(|card| card.read_coins().unwrap().header);
    assert_eq!((counted.payments, counted.payments_without_pin), (3, 2));
}
