//! The owner's signing, against rust-bitcoin and libsecp256k1.

mod support;

use rand_core::Rng;
use support::signing::*;
use support::sweep::{old_or_new, remembered, starts, sweep};
use support::*;
use tillcard_protocol::command::{
    Limits, MAX_MONEY, Outpoint, PIECE_MAX, Place, Sign, SigningInput, SigningSummary, Unsigned,
};

/// A fee that every size allows.
const FEE: u64 = 7_000;

/// A small transaction of unknown coins.
fn small(seed: u64) -> Built {
    Built::random(&mut rng(seed), 2, 2, FEE)
}

#[test]
fn signatures_are_those_of_the_transaction() {
    let sizes = [
        (1, 1),
        (1, 64),
        (2, 3),
        (5, 2),
        (16, 16),
        (31, 7),
        (127, 63),
        (128, 1),
        (128, 64),
    ];
    for (seed, (inputs, outputs)) in sizes.into_iter().enumerate() {
        let (mut card, owner) = funded(seed as u64, &[]);
        let mut rng = rng(1000 + seed as u64);
        let built = Built::random(&mut rng, inputs, outputs, FEE);
        assert_eq!(
            owner.command(&mut card, &built.unsigned()),
            (Vec::new(), 0x9000)
        );
        let (answer, status) = pieces(&mut card, &built.stream(), || {
            1 + rng.next_u32() as usize % PIECE_MAX
        });
        assert_eq!(status, 0x9000);

        let (transaction, spent) = built.transaction(&owner);
        let sum = |own| {
            let outputs = built.outputs.iter();
            let chosen = outputs.filter(|(_, payee)| matches!(payee, Payee::Own(_)) == own);
            chosen.map(|(amount, _)| amount).sum::<u64>()
        };
        let expected = SigningSummary {
            inputs: spent.iter().map(|output| output.value.to_sat()).sum(),
            own_outputs: sum(true),
            other_outputs: sum(false),
            fee: FEE,
        };
        assert_eq!(SigningSummary::parse(&answer), Ok(expected));

        // In any order, and as often as wanted.
        for input in (0..inputs).rev().chain([0]) {
            let (answer, status) = send(&mut card, Sign::input(input as u8).as_bytes());
            assert_eq!(status, 0x9000, "input {input} of {inputs}");
            verify(&owner, &transaction, &spent, input, &answer);
        }
    }
}

#[test]
fn many_small_transactions() {
    let (mut card, owner) = funded(20, &[]);
    let mut rng = rng(21);
    for _ in 0..60 {
        let (inputs, outputs) = (1 + rng.next_u32() % 4, 1 + rng.next_u32() % 4);
        // Change indexes run away with the outputs; the window goes with them.
        let built = Built::random(&mut rng, inputs as usize, outputs as usize, FEE);
        assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
        for input in 0..inputs as usize {
            assert_eq!(built.signature_of(&owner, &mut card, input), 0x9000);
        }
    }
}

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

fn own(built: &mut Built, place: Place) {
    built.outputs[0].1 = Payee::Own(place);
}

#[test]
fn the_most_that_can_exist_is_signed() {
    let (mut card, owner) = funded(32, &[]);
    let mut built = small(33);
    built.inputs[0].amount = MAX_MONEY - 1;
    built.inputs[1].amount = 1;
    built.outputs = vec![(MAX_MONEY, Payee::Other(vec![0x51; 252]))];
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 1), 0x9000);
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

/// Spends the card's own coins at receive indexes 0, 1 and 2, another's coin,
/// and perhaps more, to change.
fn own_coins(owner: &Owner) -> Built {
    let inputs = (0..3)
        .map(|index| SigningInput {
            outpoint: outpoint(owner, index),
            sequence: 0xFFFF_FFFD,
            amount: 50_000 + u64::from(index),
            place: Place::receive(index),
        })
        .chain([SigningInput {
            outpoint: Outpoint {
                txid: [0xEE; 32],
                vout: 3,
            },
            sequence: 0,
            amount: 9_000,
            place: Place::change(17),
        }])
        .collect::<Vec<_>>();
    let sum = inputs.iter().map(|input| input.amount).sum::<u64>();
    Built {
        version: 2,
        lock_time: 0,
        inputs,
        outputs: vec![
            (sum - 60_000 - FEE, Payee::Own(Place::change(3))),
            (60_000, Payee::Own(Place::change(1))),
        ],
    }
}

const OWN: [u64; 4] = [50_000, 50_001, 50_002, 50_003];

/// The coin that `funded` entered at a receive index.
fn outpoint(owner: &Owner, index: u32) -> Outpoint {
    let transaction = owner.funding(index, OWN[index as usize], index);
    announced(&transaction, 1, Place::receive(index)).outpoint()
}

#[test]
fn what_signing_changes() {
    let (mut card, owner) = funded(60, &OWN);
    let built = own_coins(&owner);
    let before = remembered(card.nvm().clone());
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(remembered(card.nvm().clone()), before, "nothing is signed");

    assert_eq!(built.signature_of(&owner, &mut card, 2), 0x9000);
    let after = remembered(card.nvm().clone());
    let places = [
        Place::receive(0),
        Place::receive(1),
        Place::receive(2),
        Place::change(17),
    ];
    assert_eq!(after.retired, places.map(Place::to_u32));
    let left: Vec<_> = after.coins.iter().map(|(_, coin)| coin.amount).collect();
    assert_eq!(left, [50_003]);
    let counters = tillcard_applet::persistent::Counters {
        next_change: 4,
        ..before.counters.unwrap()
    };
    assert_eq!(after.counters, Some(counters));
    assert_eq!((after.limits, after.log), (before.limits, before.log));

    // The others follow from the same commit.
    let committed = card.nvm().clone();
    for input in [0, 1, 3] {
        assert_eq!(built.signature_of(&owner, &mut card, input), 0x9000);
    }
    assert_eq!(card.nvm().as_bytes(), committed.as_bytes());

    // What was spent never enters again.
    let mut owner = owner;
    let spent = owner.funding(1, OWN[1], 1);
    assert_eq!(owner.enter(&mut card, &spent, 1), 0x940F);
}

/// A wrong place would leave the coin's own index in use.
#[test]
fn a_coin_that_the_card_knows_otherwise() {
    let (mut card, owner) = funded(63, &OWN);
    let wrongs: [fn(&mut SigningInput); 2] = [
        |input| input.place = Place::receive(3),
        |input| input.amount -= 1,
    ];
    for wrong in wrongs {
        let mut built = own_coins(&owner);
        wrong(&mut built.inputs[1]);
        assert_eq!(built.announce(&owner, &mut card).1, 0x6A80);
    }
    assert_eq!(own_coins(&owner).announce(&owner, &mut card).1, 0x9000);
}

/// The card signs a conflicting payment away, and its log stands (`[SGN-4]`).
#[test]
fn a_payment_is_cancelled_by_signing_its_coin() {
    let (mut card, owner) = funded(61, &OWN);
    let milk = p2wpkh(9);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(pay(&mut card, request(&milk, 20_000)).1, 0x9000);
    let before = remembered(card.nvm().clone());
    let (_, spent) = before
        .coins
        .iter()
        .find(|(_, coin)| coin.spent.is_some())
        .unwrap();
    let built = Built {
        version: 2,
        lock_time: 0,
        inputs: vec![SigningInput {
            outpoint: spent.outpoint(),
            sequence: 0xFFFF_FFFD,
            amount: spent.amount,
            place: spent.place,
        }],
        outputs: vec![(spent.amount - FEE, Payee::Own(Place::change(1)))],
    };
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 0), 0x9000);
    let after = remembered(card.nvm().clone());
    let mut contested = before.log.clone();
    contested[0].1.contested = true;
    assert_eq!((&after.log, &after.coins), (&contested, &before.coins));
    let counters = after.counters.unwrap();
    assert_eq!(counters.debited, before.counters.unwrap().debited);
    assert_eq!(counters.next_change, 2);
    // The till that lost the payment gets it still.
    assert_eq!(pay(&mut card, request(&milk, 20_000)).1, 0x9000);
}

/// The same coin twice is no transaction that a chain takes; the card's memory
/// bears it.
#[test]
fn the_same_coin_twice() {
    let (mut card, owner) = funded(62, &OWN);
    let mut built = own_coins(&owner);
    built.inputs[1] = built.inputs[0];
    built.outputs[0].0 -= 1;
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 1), 0x9000);
    let left = remembered(card.nvm().clone()).coins.len();
    assert_eq!(left, 2);
}

#[test]
fn power_fails_while_the_first_signature_is_made() {
    let (card, owner) = funded(63, &OWN);
    let built = own_coins(&owner);
    let mut positions = 0;
    for start in starts(card.into_nvm(), 1, &[1, 31, 32]) {
        positions += sweep(
            "SIGN",
            &start,
            &|card| assert_eq!(built.announce(&owner, card).1, 0x9000),
            &|card| send(card, Sign::input(0).as_bytes()),
            &old_or_new("SIGN", &start),
        );
    }
    println!("SIGN: {positions} positions in all");
}

/// 128 coins of the card in one commit.
#[test]
fn as_many_coins_as_may_be() {
    let amounts = [30_000; 128];
    let (mut card, owner) = funded(64, &amounts);
    let built = Built {
        version: 2,
        lock_time: 0,
        inputs: (0..128u32)
            .map(|index| {
                let transaction = owner.funding(index, 30_000, index);
                SigningInput {
                    outpoint: announced(&transaction, 1, Place::receive(index)).outpoint(),
                    sequence: 0xFFFF_FFFD,
                    amount: 30_000,
                    place: Place::receive(index),
                }
            })
            .collect(),
        outputs: vec![(128 * 30_000 - 15_000, Payee::Own(Place::change(0)))],
    };
    assert_eq!(built.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(built.signature_of(&owner, &mut card, 127), 0x9000);
    card.reset();
    let after = remembered(card.nvm().clone());
    assert_eq!((after.coins.len(), after.retired.len()), (0, 100));
    assert_eq!(after.counters.unwrap().next_change, 1);
}
