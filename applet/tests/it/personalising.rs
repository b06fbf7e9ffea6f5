//! What a manufacturer does to a card: its own keys, certificates, the end of that;
//! and that the power may fail in each step.

use crate::support::sweep::*;
use crate::support::*;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{
    CardKey, CardKeys, Certificate, GenerateCardKeys, GetData, Issued, OwnerCommand, Policy,
    PutData, ReadAccount, SetPolicy,
};
use tillcard_protocol::session::Session;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::channel::Client;

fn piece(certificate: Certificate, number: u8, bytes: &[u8]) -> Vec<u8> {
    let put = PutData::Piece {
        certificate,
        number,
        bytes,
    };
    put.to_apdu().unwrap().as_bytes().to_vec()
}

fn end() -> Vec<u8> {
    PutData::End.to_apdu().unwrap().as_bytes().to_vec()
}

const BATCH: Certificate = Certificate::Batch;
const IDENTITY: Certificate = Certificate::Key(CardKey::Identity);
const AGREEMENT: Certificate = Certificate::Key(CardKey::Agreement);

fn certificates(key: CardKey) -> Vec<u8> {
    GetData::Certificates(key).to_apdu().as_bytes().to_vec()
}

#[test]
fn keys_and_certificates() {
    let mut card = selected(RamNvm::default());
    // Nothing can be vouched for yet, and nothing ends.
    assert_eq!(send(&mut card, &certificates(CardKey::Identity)).1, 0x6A88);
    assert_eq!(send(&mut card, &end()).1, 0x6985);
    assert_eq!(send(&mut card, &piece(BATCH, 0, &[1])).1, 0x9000);
    let mut drawn = Vec::new();
    for _ in 0..2 {
        let (answer, status) = send(&mut card, GenerateCardKeys::to_apdu().as_bytes());
        assert_eq!(status, 0x9000);
        let keys = CardKeys::parse(&answer).unwrap();
        drawn.extend([keys.identity_key, keys.agreement_key]);
    }
    assert!((1..4).all(|i| !drawn[..i].contains(&drawn[i])));
    // New keys: what vouched for others is gone.
    assert_eq!(send(&mut card, &piece(IDENTITY, 0, &[2; 239])).1, 0x9000);
    assert_eq!(send(&mut card, &piece(IDENTITY, 2, &[3])).1, 0x9000);
    assert_eq!(send(&mut card, &piece(AGREEMENT, 0, &[4; 100])).1, 0x9000);
    assert_eq!(send(&mut card, &end()).1, 0x6985);
    assert_eq!(send(&mut card, &piece(BATCH, 0, &[9; 3])).1, 0x9000);
    assert_eq!(send(&mut card, &piece(BATCH, 0, &[5; 2])).1, 0x9000);
    assert_eq!(send(&mut card, &certificates(CardKey::Identity)).1, 0x6A88);
    // A piece is missing between two others.
    assert_eq!(send(&mut card, &end()).1, 0x6985);
    assert_eq!(send(&mut card, &piece(IDENTITY, 1, &[8])).1, 0x9000);
    // The first piece removes the others.
    assert_eq!(send(&mut card, &piece(AGREEMENT, 1, &[7; 9])).1, 0x9000);
    assert_eq!(send(&mut card, &piece(AGREEMENT, 0, &[4; 100])).1, 0x9000);
    assert_eq!(send(&mut card, &end()).1, 0x9000);
    let expected = [&[5; 2][..], &[2; 239], &[8, 3]].concat();
    assert_eq!(
        send(&mut card, &certificates(CardKey::Identity)),
        (expected, 0x9000)
    );
    let expected = [&[5; 2][..], &[4; 100]].concat();
    assert_eq!(
        send(&mut card, &certificates(CardKey::Agreement)),
        (expected, 0x9000)
    );
    // For good.
    for command in [end(), piece(BATCH, 0, &[1])] {
        assert_eq!(send(&mut card, &command).1, 0x6985);
    }
    assert_eq!(
        send(&mut card, GenerateCardKeys::to_apdu().as_bytes()).1,
        0x6985
    );
    // The keys are those that the issue record names, which is told in a channel only.
    let owner = Owner::issue(&mut card, LIMITS);
    assert_eq!(owner.command(&mut card, &ReadAccount).1, 0x6982);
    let ephemeral = p256::SecretKey::from_slice(&[1; 32]).unwrap();
    let mut client = Client::open(&mut card, &ephemeral, &drawn[3]);
    let (challenge, _) = client.send(&mut card, [0x00, 0x84, 0x00, 0x00], &[]);
    let session = Session::Channel(client.session()[1..].try_into().unwrap());
    let signed = owner.signed_in(&session, &challenge.try_into().unwrap(), &ReadAccount);
    let data = &signed.as_bytes()[5..][..66];
    let (answer, status) = client.send(&mut card, ReadAccount::HEADER, data);
    assert_eq!(status, 0x9000);
    let record = Issued::parse(&answer[..35 + 34 + 35 + 35 + 18 + 66]).unwrap();
    assert_eq!([record.identity_key, record.agreement_key], drawn[2..]);
}

/// The longest that can be stored is answered whole, in a channel too.
#[test]
fn the_longest_certificates() {
    let mut card = selected(RamNvm::default());
    let (answer, status) = send(&mut card, GenerateCardKeys::to_apdu().as_bytes());
    assert_eq!(status, 0x9000);
    let keys = CardKeys::parse(&answer).unwrap();
    for (certificate, byte) in Certificate::ALL.into_iter().zip(1..) {
        for number in 0..Certificate::PIECES {
            let put = piece(certificate, number, &[byte; Certificate::PIECE_MAX]);
            assert_eq!(send(&mut card, &put).1, 0x9000);
        }
    }
    assert_eq!(send(&mut card, &end()).1, 0x9000);
    let expected = [[1; 4 * 239], [2; 4 * 239]].concat();
    let read = send(&mut card, &certificates(CardKey::Identity));
    assert_eq!(read, (expected.clone(), 0x9000));
    let ephemeral = p256::SecretKey::from_slice(&[1; 32]).unwrap();
    let mut client = Client::open(&mut card, &ephemeral, &keys.agreement_key);
    let reference = [0xA6, 0x04, 0x83, 0x02, 0x40, 0x01];
    let read = client.send(&mut card, [0x00, 0xCA, 0xBF, 0x21], &reference);
    assert_eq!(read, (expected, 0x9000));
}

#[test]
fn what_can_t_be_stored() {
    let mut card = selected(RamNvm::default());
    for (p1, p2) in [
        (0x02, 0x04),
        (0x02, 0x14),
        (0x02, 0x30),
        (0x02, 0xF0),
        (0x01, 0x00),
    ] {
        assert_eq!(send(&mut card, &[0x00, 0xDA, p1, p2, 0x01, 0x00]).1, 0x6A86);
    }
    assert_eq!(send(&mut card, &[0x00, 0xDA, 0x02, 0x00]).1, 0x6700);
    let long = [&[0x00, 0xDA, 0x02, 0x00, 240][..], &[0; 240]].concat();
    assert_eq!(send(&mut card, &long).1, 0x6700);
    assert_eq!(
        send(&mut card, &[0x00, 0xDA, 0x02, 0xFF, 0x01, 0x00]).1,
        0x6700
    );
    for (data, status) in [
        (&[0xA6, 0x04, 0x83, 0x02, 0x13][..], 0x6700),
        (&[0xA6, 0x04, 0x83, 0x02, 0x13, 0x02], 0x6A88),
        (&[0xA6, 0x04, 0x83, 0x02, 0x11, 0x01], 0x6A88),
        (&[0xA6, 0x04, 0x84, 0x02, 0x13, 0x01], 0x6A80),
        (&[0xA5, 0x04, 0x83, 0x02, 0x13, 0x01], 0x6A80),
        (&[0xA6, 0x03, 0x83, 0x02, 0x13, 0x01], 0x6A80),
    ] {
        let command = [&[0x00, 0xCA, 0xBF, 0x21, data.len() as u8][..], data, &[0]].concat();
        assert_eq!(send(&mut card, &command).1, status, "{data:02X?}");
    }
}

#[test]
fn power_fails_during_personalisation() {
    let mut card = selected(RamNvm::default());
    let steps = [
        GenerateCardKeys::to_apdu().as_bytes().to_vec(),
        piece(BATCH, 0, &[1; 239]),
        piece(BATCH, 1, &[2; 100]),
        piece(IDENTITY, 0, &[3; 239]),
        piece(AGREEMENT, 0, &[4; 239]),
        end(),
    ];
    for (number, step) in steps.iter().enumerate() {
        let start = card.nvm().clone();
        let name = format!("step {number} of the personalisation");
        let positions = sweep(
            &name,
            &start,
            &|_| {},
            &|card| send(card, step),
            &old_or_new(&name, &start),
        );
        assert!(positions > 12);
        // As the sweep's cards do, from the same random numbers.
        card = Card::new(start, rng(77), Configuration::ANY_NETWORK);
        assert_eq!(
            send(
                &mut card,
                tillcard_protocol::command::Select::to_apdu().as_bytes()
            )
            .1,
            0x9000
        );
        assert_eq!(send(&mut card, step).1, 0x9000);
    }
}

#[test]
fn power_fails_while_the_policy_is_set() {
    let (card, owner) = funded(41, &[]);
    let set = SetPolicy::new(Policy::default());
    let mut positions = 0;
    for start in starts(card.into_nvm(), 1, &[31]) {
        positions += sweep(
            "SET POLICY",
            &start,
            &|_| {},
            &|card| owner.command(card, &set),
            &old_or_new("SET POLICY", &start),
        );
    }
    assert!(positions > 2000);
}
