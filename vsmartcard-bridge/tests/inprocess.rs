//! The card without a reader.

mod support;

use support::contacts::Contacts;
use support::owner::{Owner, PIN, WRONG_PIN, verify};
use tillcard_applet::ATR;
use tillcard_emu::inprocess::{InProcess, NoAnswer, TearableCard};
use tillcard_emu::{EmulatedCard, Seed};
use tillcard_protocol::command::{GetData, ReceiveScript, Select, State, StatusObject};

fn tries_left(card: &mut impl Contacts) -> u8 {
    match StatusObject::parse(&card.done(&GetData::Status.to_apdu()))
        .unwrap()
        .state
    {
        State::Issued { tries_left, .. } => tries_left,
        other => panic!("no card that was issued: {other:?}"),
    }
}

#[test]
fn a_card_without_power_answers_nothing() {
    let mut card = InProcess::new(EmulatedCard::ephemeral(Seed::Number(1)).unwrap());
    let select = Select::to_apdu();
    assert!(matches!(
        card.transmit(select.as_bytes()),
        Err(NoAnswer::NoPower)
    ));
    assert_eq!(card.connect(), ATR);
    card.done(&select);
    card.disconnect();
    assert!(matches!(
        card.transmit(select.as_bytes()),
        Err(NoAnswer::NoPower)
    ));
    assert_eq!(card.apdus(), 1, "what isn't answered isn't counted");
}

#[test]
fn a_reset_ends_the_session_and_keeps_the_card() {
    let mut card = InProcess::new(EmulatedCard::ephemeral(Seed::Number(1)).unwrap());
    card.connect();
    Owner::issue(&mut card);
    card.done(&verify(PIN));
    card.done(&ReceiveScript::to_apdu());
    card.reset();
    assert_eq!(
        card.send(&ReceiveScript::to_apdu()).1,
        0x6985,
        "no application is selected"
    );
    card.done(&Select::to_apdu());
    assert_eq!(
        card.send(&ReceiveScript::to_apdu()).1,
        0x6982,
        "the PIN is forgotten"
    );
    assert_eq!(tries_left(&mut card), 3);
}

#[test]
fn a_power_cut_gives_no_answer_and_no_try_back() {
    let issued = || {
        let mut card = TearableCard::ephemeral(Seed::Number(1)).unwrap();
        card.connect();
        Owner::issue(&mut card);
        card.restore();
        card
    };
    let wrong = verify(WRONG_PIN);
    let mut card = issued();
    assert_eq!(card.send(&wrong).1, 0x63C2);
    let bytes = card.bytes_changed();
    for (cut, left) in [(0, 3), (1, 3), (bytes - 1, 3), (bytes, 2)] {
        let mut card = issued();
        card.cut_after(cut);
        assert!(matches!(
            card.transmit(wrong.as_bytes()),
            Err(NoAnswer::PowerCut)
        ));
        assert!(matches!(
            card.transmit(wrong.as_bytes()),
            Err(NoAnswer::NoPower)
        ));
        card.restore();
        card.connect();
        card.done(&Select::to_apdu());
        assert_eq!(
            tries_left(&mut card),
            left,
            "cut after {cut} of {bytes} bytes"
        );
    }
}
