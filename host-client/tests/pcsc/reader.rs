//! Cards in a real PC/SC reader (pcscd with the virtual reader of vpcd).

use std::time::Duration;

use crate::card_support::{PIN, issue, payee, pin};
use crate::reader_support::{DEADLINE, FIRST, Inserted, Mortal, SECOND, Stranger, Tillcard};
use crate::reader_support::{empty_readers, readers};
use bitcoin::Amount;
use tillcard::chain::FeeRate;
use tillcard_client::account::CardChain;
use tillcard_client::card::check_payment;
use tillcard_client::card::{self, CardError, PaymentOrder};
use tillcard_client::transport::{Transport, TransportError};

const COIN: u64 = 60_000;

#[test]
fn a_payment_through_the_reader() {
    let _readers = empty_readers();
    let inserted = Inserted::put(Tillcard::fresh(1), FIRST);
    let transport = readers(None).wait_for_card(Some(DEADLINE)).unwrap();
    assert_eq!(transport.reader(), FIRST);
    assert_eq!(transport.atr(), tillcard_applet::ATR);
    let (owner, session) = issue(transport);
    let authority = owner.authority();
    let mut session = session.as_owner(&authority);
    let funding = owner.funding(0, COIN);
    session
        .enter_coin(&funding, 1, CardChain::Receive, 0)
        .unwrap();
    let rate = FeeRate::from_sat_per_kvb(2_000);
    let order = PaymentOrder::new(Amount::from_sat(21_000), rate, payee(0x44)).unwrap();
    let session = session.leave().verify(&pin(PIN)).unwrap();
    let session = session.preview(order.clone()).unwrap();
    let preview = session.preview().clone();
    let (bytes, session) = session.pay().unwrap();
    let coins = [funding.output[1].clone()];
    check_payment(&bytes, &order, &preview, &coins).unwrap();
    let sent = session.close().unwrap();
    let Tillcard(card) = inserted.take_out();
    assert_eq!(card.apdus(), sent, "what we sent is what the card answered");
}

#[test]
fn a_card_is_chosen_by_its_application() {
    let _readers = empty_readers();
    let theirs = Stranger::default();
    let stranger = Inserted::put(theirs.clone(), FIRST);
    let ours = Inserted::put(Tillcard::fresh(2), SECOND);
    let transport = readers(None).wait_for_card(Some(DEADLINE)).unwrap();
    assert_eq!(transport.reader(), SECOND);
    transport.disconnect().unwrap();
    assert_eq!(readers(None).connect().unwrap().reader(), SECOND);

    // In the reader that was named there is none of ours.
    let first = readers(Some("00 00"));
    assert!(matches!(
        first.connect().err(),
        Some(TransportError::NoCard { .. })
    ));
    assert!(!theirs.was_reset(), "a card that isn't ours is left alone");
    let brief = Some(Duration::from_millis(300));
    assert_eq!(
        first.wait_for_card(brief).err(),
        Some(TransportError::TimedOut)
    );
    ours.take_out();
    stranger.take_out();
}

#[test]
fn a_reader_is_chosen_by_its_name() {
    let _readers = empty_readers();
    assert_eq!(readers(Some("pcd 00 01")).names().unwrap(), [SECOND]);
    let Err(error) = readers(Some("Acme")).names() else {
        panic!("there is no such reader");
    };
    assert!(error.to_string().contains("Acme"), "{error}");
    assert!(error.to_string().contains(FIRST), "{error}");
}

#[test]
fn insertion_and_removal_are_waited_for() {
    let _readers = empty_readers();
    let (tell, told) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let readers = readers(None);
        for _ in 0..2 {
            let transport = readers.wait_for_card(Some(DEADLINE)).unwrap();
            let reader = transport.reader().to_owned();
            assert!(readers.has_card(reader.as_given()).unwrap());
            transport.disconnect().unwrap();
            tell.send(reader.clone()).unwrap();
            readers
                .wait_for_removal(reader.as_given(), Some(DEADLINE))
                .unwrap();
            assert!(!readers.has_card(reader.as_given()).unwrap());
            tell.send("removed".into()).unwrap();
        }
    });
    for (seed, reader) in [(3, FIRST), (4, SECOND)] {
        let inserted = Inserted::put(Tillcard::fresh(seed), reader);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), reader);
        inserted.take_out();
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), "removed");
    }
    waiting.join().unwrap();
}

#[test]
fn a_wait_can_be_ended() {
    let _readers = empty_readers();
    let readers = readers(None);
    let interrupt = readers.interrupt();
    let waiting = std::thread::spawn(move || readers.wait_for_card(Some(DEADLINE)).err());
    // A cancellation that comes before the wait isn't seen by it, so it is repeated.
    while !waiting.is_finished() {
        interrupt.cancel();
        std::thread::yield_now();
    }
    assert_eq!(waiting.join().unwrap(), Some(TransportError::Cancelled));
}

#[test]
fn a_card_that_is_held_is_waited_for() {
    let _readers = empty_readers();
    let inserted = Inserted::put(Tillcard::fresh(5), FIRST);
    let holder = readers(None).wait_for_card(Some(DEADLINE)).unwrap();
    let error = readers(None).connect().err();
    assert_eq!(
        error,
        Some(TransportError::InUse {
            reader: FIRST.into()
        })
    );
    let waiting = std::thread::spawn(|| {
        let transport = readers(None).wait_for_card(Some(DEADLINE)).unwrap();
        transport.reader().to_owned()
    });
    holder.disconnect().unwrap();
    assert_eq!(waiting.join().unwrap(), FIRST);
    inserted.take_out();
}

#[test]
fn a_card_that_leaves_is_told() {
    let _readers = empty_readers();
    let inserted = Inserted::put(Tillcard::fresh(6), FIRST);
    let (_, session) = issue(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
    let card = inserted.take_out();
    // A card that follows too soon isn't seen (pcscd 1.9.9).
    readers(None)
        .wait_for_removal(FIRST, Some(DEADLINE))
        .unwrap();
    let failed = session.verify(&pin(PIN)).err().expect("the card is gone");
    assert_eq!(
        failed.error,
        CardError::Transport(TransportError::CardRemoved)
    );
    drop(failed);

    // It dies in the middle of a command, as if pulled out just then.
    let inserted = Inserted::put(Mortal(card), FIRST);
    let transport = readers(None).wait_for_card(Some(DEADLINE)).unwrap();
    let session = card::open(transport).unwrap().issued().unwrap();
    let failed = session.verify(&pin(PIN)).err().expect("the card is dead");
    assert_eq!(
        failed.error,
        CardError::Transport(TransportError::CardRemoved)
    );
    let card = inserted.buried();
    // The session's end leaves the slot to the service, and so to the next card.
    drop(failed);
    let inserted = Inserted::put(card, FIRST);
    drop(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
    inserted.take_out();
}

#[test]
fn resets_end_the_authorisation() {
    let _readers = empty_readers();
    let inserted = Inserted::put(Tillcard::fresh(7), FIRST);
    let (_, session) = issue(readers(None).wait_for_card(Some(DEADLINE)).unwrap());
    let mut holder = session.verify(&pin(PIN)).unwrap();
    holder.receive_script().unwrap();
    let mut transport = holder.into_transport();
    let receive_script = [0x80, 0x20, 0x00, 0x00, 0x00];
    for round in ["reset", "power cut"] {
        match round {
            "reset" => transport.reset().unwrap(),
            _ => transport.power_cut().unwrap(),
        }
        assert_eq!(transport.atr(), tillcard_applet::ATR);
        // No application is selected.
        let answer = transport.transmit(&receive_script).unwrap();
        assert_eq!(answer, [0x69, 0x85], "after a {round}");
        let session = card::open(transport).unwrap().issued().unwrap();
        transport = session.verify(&pin(PIN)).unwrap().into_transport();
    }
    // Dropping the connection resets the card too.
    drop(transport);
    let mut transport = readers(None).wait_for_card(Some(DEADLINE)).unwrap();
    let answer = transport.transmit(&receive_script).unwrap();
    assert_eq!(answer, [0x69, 0x82]);
    drop(transport);
    inserted.take_out();
}
