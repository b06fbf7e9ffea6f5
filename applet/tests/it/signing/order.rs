//! In which order the commands come, and what comes between.

use super::small;
use crate::support::*;
use tillcard_protocol::command::Sign;

#[test]
fn the_order_of_commands() {
    let (mut card, owner) = funded(50, &[]);
    let built = small(51);
    let stream = built.stream();
    let piece = |bytes: &[u8]| Sign::piece(bytes).unwrap();

    // Nothing under way.
    assert_eq!(send(&mut card, piece(&stream[..9]).as_bytes()).1, 0x6985);
    assert_eq!(built.signature_of(&owner, &mut card, 0), 0x6985);

    // A signature before the stream is complete ends it.
    assert_eq!(owner.command(&mut card, &built.unsigned()).1, 0x9000);
    assert_eq!(send(&mut card, piece(&stream[..9]).as_bytes()).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 0), 0x6985);
    assert_eq!(send(&mut card, piece(&stream[9..]).as_bytes()).1, 0x6985);

    // So does a piece after it.
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(send(&mut card, piece(&[0]).as_bytes()).1, 0x6985);
    assert_eq!(built.signature_of(&owner, &mut card, 0), 0x6985);

    // And an input that there isn't.
    for input in [2, 127, 128, 255] {
        assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
        assert_eq!(built.signature_of(&owner, &mut card, 1), 0x9000);
        assert_eq!(built.signature_of(&owner, &mut card, input), 0x6A86);
        assert_eq!(built.signature_of(&owner, &mut card, 1), 0x6985);
    }

    // Parameters that aren't defined.
    for (p1, p2) in [(0, 1), (1, 1), (3, 0)] {
        assert_eq!(send(&mut card, &[0x80, 0x40, p1, p2, 1, 0]).1, 0x6A86);
    }
    // Lengths that aren't.
    assert_eq!(send(&mut card, &[0x80, 0x40, 1, 0]).1, 0x6700);
    assert_eq!(send(&mut card, &[0x80, 0x40, 2, 0, 1, 0]).1, 0x6700);
    assert_eq!(send(&mut card, &[0x80, 0x40, 0, 0, 1, 0]).1, 0x6700);
}

#[test]
fn what_ends_a_signing_and_what_doesn_t() {
    let (mut card, owner) = funded(52, &[]);
    let built = small(53);
    let stream = built.stream();
    let first = Sign::piece(&stream[..40]).unwrap();
    let rest = Sign::piece(&stream[40..40 + 100]).unwrap();

    let ends: [&[u8]; 5] = [
        &[0x00, 0xCA, 0x01, 0x00, 0],
        &[0x00, 0x84, 0, 0, 0],
        &[0x80, 0xEE, 0, 0],
        &[0x80, 0x22, 1, 0, 1, 0],
        &[0x00, 0xA4, 0x04, 0x00, 5, 0xF0, b'T', b'I', b'L', b'L'],
    ];
    for command in ends {
        assert_eq!(owner.command(&mut card, &built.unsigned()).1, 0x9000);
        assert_eq!(send(&mut card, first.as_bytes()).1, 0x9000);
        send(&mut card, command);
        assert_eq!(send(&mut card, rest.as_bytes()).1, 0x6985, "{command:x?}");
    }
    let leaves: [&[u8]; 5] = [
        &[0x00, 0xC0, 0, 0, 0],
        &[0x00, 0xA4, 0x04, 0x00, 5, 1, 2, 3, 4, 5],
        &[0x00, 0xA4, 0x04, 0x01, 5, 0xF0, b'T', b'I', b'L', b'L'],
        &[0x81, 0x40, 0, 0],
        &[0x80, 0x40, 1],
    ];
    for command in leaves {
        assert_eq!(owner.command(&mut card, &built.unsigned()).1, 0x9000);
        assert_eq!(send(&mut card, first.as_bytes()).1, 0x9000);
        assert_ne!(send(&mut card, command).1, 0x9000);
        assert_eq!(send(&mut card, rest.as_bytes()).1, 0x9000, "{command:x?}");
    }
}

#[test]
fn only_the_owner_signs() {
    let (mut card, owner) = funded(54, &[]);
    let built = small(55);
    let mut forged = owner.clone();
    forged.key = bitcoin::key::Keypair::from_seckey_slice(&owner.secp, &[0x12; 32]).unwrap();
    assert_eq!(forged.command(&mut card, &built.unsigned()).1, 0x6982);
    let piece = Sign::piece(&built.stream()[..100]).unwrap();
    assert_eq!(send(&mut card, piece.as_bytes()).1, 0x6985);
    // Without a challenge, too.
    let apdu = owner.signed(&mut card, &built.unsigned()).unwrap();
    assert_eq!(send(&mut card, apdu.as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, apdu.as_bytes()).1, 0x6982);
}
