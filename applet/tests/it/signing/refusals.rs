//! What the card refuses to sign.

use super::{FEE, own, small};
use crate::support::signing::*;
use crate::support::*;
use tillcard_protocol::command::{Limits, MAX_MONEY, PIECE_MAX, Place, Sign, Unsigned};

/// A change of one transaction, and what the card says to it.
type Refusal = (&'static str, fn(&mut Built), u16);

#[test]
fn streams_that_are_refused() {
    let refusals: [Refusal; 14] = [
        (
            "input beyond",
            |built| built.inputs[0].place.index = 4096,
            0x6A80,
        ),
        (
            "change beyond",
            |built| built.inputs[1].place = Place::change(4096),
            0x6A80,
        ),
        (
            "place of another",
            |built| built.inputs[0].place = Place::from_u32(u32::MAX),
            0x6A80,
        ),
        (
            "receive window",
            |built| own(built, Place::receive(10)),
            0x6A80,
        ),
        (
            "change window",
            |built| own(built, Place::change(20)),
            0x6A80,
        ),
        (
            "output beyond",
            |built| own(built, Place::receive(4096)),
            0x6A80,
        ),
        (
            "input amount",
            |built| built.inputs[0].amount = MAX_MONEY + 1,
            0x6A80,
        ),
        (
            "wrapping amount",
            |built| built.inputs[1].amount = u64::MAX,
            0x6A80,
        ),
        (
            "sum of inputs",
            |built| {
                built.inputs[0].amount = MAX_MONEY;
                built.inputs[1].amount = 1;
            },
            0x6A80,
        ),
        (
            "output amount",
            |built| built.outputs[0].0 = MAX_MONEY + 1,
            0x6A80,
        ),
        (
            "sum of outputs",
            |built| {
                built.outputs[0].0 = MAX_MONEY;
                own(built, Place::receive(0));
                built.outputs[1] = (1, Payee::Other(vec![0x6A]));
            },
            0x6A80,
        ),
        (
            "outputs exceed inputs",
            |built| built.outputs[0].0 += FEE + 1,
            0x6A80,
        ),
        (
            "empty script",
            |built| built.outputs[1].1 = Payee::Other(Vec::new()),
            0x6A80,
        ),
        (
            "long script",
            |built| built.outputs[1].1 = Payee::Other(vec![0x51; 253]),
            0x6A80,
        ),
    ];
    let (mut card, owner) = funded(30, &[]);
    for (name, change, status) in refusals {
        let mut built = small(31);
        change(&mut built);
        assert_eq!(
            built.announce(&owner, &mut card),
            (Vec::new(), status),
            "{name}"
        );
        // It ended the signing.
        assert_eq!(built.signature_of(&owner, &mut card, 0), 0x6985, "{name}");
        let piece = Sign::piece(&[0]).unwrap();
        assert_eq!(send(&mut card, piece.as_bytes()).1, 0x6985, "{name}");
    }
    // And what lies just within is signed.
    let mut built = small(31);
    built.outputs[0].1 = Payee::Own(Place::receive(9));
    built.outputs[1].1 = Payee::Own(Place::change(19));
    built.inputs[0].place = Place::receive(4095);
    built.inputs[1].place = Place::change(4095);
    built.outputs[0].0 += FEE;
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 0), 0x9000);
}

#[test]
fn announcements_that_are_refused() {
    let (mut card, owner) = funded(34, &[]);
    let good = small(35).unsigned();
    for (wrong, status) in [
        (Unsigned { version: 0, ..good }, 0x6A80),
        (Unsigned { version: 4, ..good }, 0x6A80),
        (
            Unsigned {
                version: u32::MAX,
                ..good
            },
            0x6A80,
        ),
        (Unsigned { inputs: 0, ..good }, 0x6A80),
        (
            Unsigned {
                inputs: 129,
                ..good
            },
            0x6A80,
        ),
        (Unsigned { outputs: 0, ..good }, 0x6A80),
        (
            Unsigned {
                outputs: 65,
                ..good
            },
            0x6A80,
        ),
    ] {
        assert_eq!(owner.command(&mut card, &wrong).1, status, "{wrong:?}");
        let piece = Sign::piece(&[0]).unwrap();
        assert_eq!(send(&mut card, piece.as_bytes()).1, 0x6985, "{wrong:?}");
    }
}

#[test]
fn a_stream_of_another_digest() {
    let (mut card, owner) = funded(36, &[]);
    let built = small(37);
    let mut unsigned = built.unsigned();
    unsigned.digest[31] ^= 1;
    assert_eq!(owner.command(&mut card, &unsigned).1, 0x9000);
    let (_, status) = pieces(&mut card, &built.stream(), || PIECE_MAX);
    assert_eq!(status, 0x940A);
    assert_eq!(built.signature_of(&owner, &mut card, 0), 0x6985);
}

#[test]
fn bytes_after_the_end() {
    let (mut card, owner) = funded(38, &[]);
    let built = small(39);
    let stream = [built.stream(), vec![0]].concat();
    for length in [1, 7, PIECE_MAX] {
        assert_eq!(owner.command(&mut card, &built.unsigned()).1, 0x9000);
        let refused = stream.chunks(length).find_map(|piece| {
            let piece = Sign::piece(piece).unwrap();
            let (_, status) = send(&mut card, piece.as_bytes());
            (status != 0x9000).then_some(status)
        });
        // In the last piece, or as a piece behind it.
        let expected = if stream.len() % length == 1 || length == 1 {
            0x6985
        } else {
            0x6A80
        };
        assert_eq!(refused, Some(expected), "pieces of {length}");
        assert_eq!(built.signature_of(&owner, &mut card, 0), 0x6985);
    }
}

#[test]
fn fees() {
    let cap = LIMITS.fee_cap;
    // 111 vbytes of one input and one taproot output, at 100 sat/vB.
    let one = 111 * 100;
    let cases = [
        (1, 1, one, 0x9000),
        (1, 1, one + 1, 0x9405),
        (1, 1, cap, 0x9405),
        (1, 1, cap + 1, 0x9406),
        (10, 1, cap, 0x9000),
        (10, 1, cap + 1, 0x9406),
        (1, 1, 0, 0x9000),
    ];
    for (inputs, outputs, fee, expected) in cases {
        let (mut card, owner) = funded(40, &[]);
        let mut built = Built::random(&mut rng(41), inputs, outputs, 0);
        own(&mut built, Place::receive(0));
        built.inputs[0].amount += cap + 1;
        built.outputs[0].0 += cap + 1 - fee;
        let (_, status) = built.announce(&owner, &mut card);
        assert_eq!(status, expected, "{inputs} inputs for {fee} sat");
        let signed = built.signature_of(&owner, &mut card, 0);
        let expected = if expected == 0x9000 { 0x9000 } else { 0x6985 };
        assert_eq!(signed, expected);
    }
}

/// The bound on the rate is rounded up twice: vbytes, then sat.
#[test]
fn the_highest_rate_is_rounded_up() {
    let mut card = tillcard_applet::Card::new(
        tillcard_runtime::nvm::RamNvm::default(),
        rng(42),
        tillcard_applet::Configuration::ANY_NETWORK,
    );
    let limits = Limits {
        highest_fee_rate: 1_001,
        ..LIMITS
    };
    let owner = Owner::issue(&mut card, limits);
    // ceil((42 + 2 · 230 + 4 · (9 + 25)) / 4) = 160 vbytes; 160.16 sat.
    for (fee, expected) in [(161, 0x9000), (162, 0x9405)] {
        let mut built = Built::random(&mut rng(43), 2, 1, fee);
        built.outputs[0].1 = Payee::Other(vec![0x6A; 25]);
        assert_eq!(built.announce(&owner, &mut card).1, expected, "{fee} sat");
    }
}
