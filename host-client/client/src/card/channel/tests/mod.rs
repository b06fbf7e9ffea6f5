//! The client against a card's side of the channel.

mod card;

use p256::SecretKey;
use p256::elliptic_curve::sec1::ToSec1Point;
use proptest::prelude::*;
use tillcard_protocol::session::Session as SessionId;

use super::DATA_MAX;
use crate::card::{AgreementKey, CardError};
use card::Card;

/// Answers with the command's data, backwards, as often as its P1 says.
fn backwards(command: &[u8]) -> (Vec<u8>, u16) {
    let mut data = command[4..].to_vec();
    data.reverse();
    (data.repeat(command[2].into()), 0x9000)
}

fn short(p1: u8, data: &[u8]) -> Vec<u8> {
    let header = [0x80, 0x42, p1, 0];
    match u8::try_from(data.len()).unwrap() {
        0 => header.to_vec(),
        length => [&header[..], &[length], data].concat(),
    }
}

proptest! {
    #[test]
    fn commands_and_answers_of_every_length_get_through(
        commands in prop::collection::vec(
            (0_u8..8, prop::collection::vec(any::<u8>(), 0..=DATA_MAX), any::<bool>(), any::<bool>()),
            1..6,
        ),
    ) {
        let (mut link, key) = Card::link(backwards);
        link.open_channel(&key).unwrap();
        for (p1, data, extended, le) in commands {
            let mut command = short(p1, &data);
            if extended && !data.is_empty() {
                command.splice(4..5, [0, 0, data.len() as u8]);
            }
            if le {
                command.extend_from_slice(if extended && !data.is_empty() { &[0, 0] } else { &[0] });
            }
            let answer = link.exchange("TEST", &command).unwrap();
            let plain = [&command[..4], &data].concat();
            prop_assert_eq!((answer.data, answer.status), backwards(&plain));
        }
    }

    #[test]
    fn a_changed_bit_ends_the_channel(at in 0_usize..26, bit in 0_u8..8) {
        let (mut link, key) = Card::link(backwards);
        link.open_channel(&key).unwrap();
        link.transport_mut().answers.mischief = Some(Box::new(move |answer, _| answer[at] ^= 1 << bit));
        // 16 bytes of data, 8 of MAC, and a status word that may become a refusal.
        let outcome = link.exchange("TEST", &short(1, &[1, 2, 3]));
        let not_proven = Err(CardError::NotProven { command: "TEST" });
        prop_assert_eq!(outcome.map(|answer| answer.status), not_proven);
        let next = link.exchange("TEST", &short(1, &[]));
        prop_assert_eq!(next.map(|answer| answer.status), Err(CardError::ChannelEnded));
    }
}

/// What comes of a second command whose answer is meddled with.
fn meddled(mischief: impl FnMut(&mut Vec<u8>, &[u8]) + 'static) -> CardError {
    let (mut link, key) = Card::link(backwards);
    link.open_channel(&key).unwrap();
    link.exchange("FIRST", &short(1, &[1, 2, 3])).unwrap();
    link.transport_mut().answers.mischief = Some(Box::new(mischief));
    let error = link
        .exchange("SECOND", &short(1, &[1, 2, 3]))
        .err()
        .unwrap();
    link.transport_mut().answers.mischief = None;
    let sent = link.transport().commands.len();
    assert!(matches!(
        link.exchange("THIRD", &short(0, &[])),
        Err(CardError::ChannelEnded)
    ));
    assert_eq!(
        link.transport().commands.len(),
        sent,
        "nothing more is sent"
    );
    error
}

#[test]
fn answers_that_are_not_the_card_s_end_the_channel() {
    let not_proven = CardError::NotProven { command: "SECOND" };
    for (what, error) in [
        ("replayed", meddled(|answer, last| *answer = last.to_vec())),
        (
            "without a MAC",
            meddled(|answer, _| *answer = vec![0x90, 0x00]),
        ),
        (
            "a wrong PIN without a MAC",
            meddled(|answer, _| *answer = vec![0x63, 0xC1]),
        ),
        ("cut off", meddled(|answer, _| drop(answer.drain(20..24)))),
        (
            "without its data",
            meddled(|answer, _| drop(answer.drain(..16))),
        ),
        (
            "another status word",
            meddled(|answer, _| {
                let end = answer.len() - 2;
                answer[end..].copy_from_slice(&[0x63, 0xC3]);
            }),
        ),
        (
            "a refusal with data",
            meddled(|answer, _| {
                let end = answer.len() - 2;
                answer[end..].copy_from_slice(&[0x69, 0x82]);
            }),
        ),
    ] {
        assert_eq!(error, not_proven, "{what}");
        assert!(error.to_string().contains("somebody sits between"));
    }
}

#[test]
fn a_refusal_leaves_the_channel_open() {
    let mut refuse = true;
    let (mut link, key) = Card::link(move |command| {
        refuse = !refuse;
        if refuse {
            (Vec::new(), 0x6985)
        } else {
            backwards(command)
        }
    });
    link.open_channel(&key).unwrap();
    for status in [0x9000, 0x6985, 0x9000, 0x6985] {
        assert_eq!(
            link.exchange("TEST", &short(1, &[5])).unwrap().status,
            status
        );
    }
}

#[test]
fn tries_left_are_proven_too() {
    let (mut link, key) = Card::link(|_| (Vec::new(), 0x63C2));
    link.open_channel(&key).unwrap();
    assert_eq!(
        link.exchange("VERIFY", &short(0, &[])).unwrap().status,
        0x63C2
    );
}

#[test]
fn the_receipt_tells_one_card_from_another() {
    let other = |byte| {
        let secret = SecretKey::from_slice(&[byte; 32]).unwrap();
        let point = secret.public_key().to_sec1_point(true);
        AgreementKey(point.as_bytes().try_into().unwrap())
    };
    let (mut link, key) = Card::link(backwards);
    assert_eq!(link.open_channel(&key), Ok(()));
    assert!(link.session() != SessionId::Plain);

    assert_eq!(link.open_channel(&other(1)), Err(CardError::NotThisCard));
    assert!(link.session() == SessionId::Plain);
    let sent = link.transport().commands.len();
    assert!(matches!(
        link.exchange("VERIFY", &short(0, &[1])),
        Err(CardError::ChannelEnded)
    ));
    assert_eq!(
        link.transport().commands.len(),
        sent,
        "nothing is sent to another card"
    );
    assert_eq!(
        link.open_channel(&key),
        Ok(()),
        "a channel can be opened anew"
    );

    for at in 0..86 {
        let (mut link, key) = Card::link(backwards);
        link.transport_mut().answers.mischief = Some(Box::new(move |answer, _| answer[at] ^= 1));
        let error = link.open_channel(&key).unwrap_err();
        assert!(
            matches!(error, CardError::NotThisCard | CardError::Malformed { .. }),
            "{at}: {error}"
        );
    }
}

#[test]
fn a_card_without_keys_stays_in_a_plain_session() {
    let (mut link, key) = Card::link(backwards);
    link.transport_mut().answers.mischief = Some(Box::new(|answer, _| *answer = vec![0x69, 0x85]));
    let error = link.open_channel(&key).unwrap_err();
    assert_eq!(error.status(), Some(0x6985));
    assert!(link.session() == SessionId::Plain && link.data_max() == 255);
}

#[test]
fn what_is_too_long_is_not_sent() {
    let (mut link, key) = Card::link(backwards);
    link.open_channel(&key).unwrap();
    let sent = link.transport().commands.len();
    let error = link.exchange("TEST", &short(0, &[1; DATA_MAX + 1])).err();
    assert!(matches!(error, Some(CardError::Unsendable(_))));
    assert_eq!(link.transport().commands.len(), sent);
    // The channel stands: neither side has moved.
    assert_eq!(link.exchange("TEST", &short(1, &[1])).unwrap().data, [1]);
}
