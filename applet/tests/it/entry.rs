//! Coins enter by any transaction that makes them, however it is cut into pieces,
//! and by no other; rust-bitcoin says which is which.

use crate::support::*;
use bitcoin::absolute::LockTime;
use bitcoin::hashes::Hash;
use bitcoin::transaction::Version;
use bitcoin::{Amount, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use tillcard_applet::Card;
use tillcard_protocol::command::{
    Announced, CoinEntered, EnterCoin, Place, Select, State, StatusObject,
};
use tillcard_runtime::nvm::RamNvm;

fn script(lengths: std::ops::Range<usize>) -> impl Strategy<Value = ScriptBuf> {
    proptest::collection::vec(any::<u8>(), lengths).prop_map(ScriptBuf::from)
}

fn input() -> impl Strategy<Value = TxIn> {
    (
        any::<[u8; 32]>(),
        any::<u32>(),
        script(0..300),
        any::<u32>(),
    )
        .prop_map(|(txid, vout, script_sig, sequence)| TxIn {
            previous_output: OutPoint::new(Txid::from_byte_array(txid), vout),
            script_sig,
            sequence: Sequence(sequence),
            witness: Witness::new(),
        })
}

fn output() -> impl Strategy<Value = TxOut> {
    (0u64..1_000_000_000, script(0..600)).prop_map(|(value, script_pubkey)| TxOut {
        value: Amount::from_sat(value),
        script_pubkey,
    })
}

fn transaction() -> impl Strategy<Value = Transaction> {
    (
        any::<i32>(),
        any::<u32>(),
        proptest::collection::vec(input(), 1..20),
        proptest::collection::vec(output(), 1..300),
    )
        .prop_map(|(version, lock_time, input, output)| Transaction {
            version: Version(version),
            lock_time: LockTime::from_consensus(lock_time),
            input,
            output,
        })
}

/// Announces a coin and streams bytes in pieces; the last answer.
fn stream(
    card: &mut Card<RamNvm, ChaCha20Rng>,
    owner: &Owner,
    announced: &Announced,
    bytes: &[u8],
    pieces: &[usize],
) -> (Vec<u8>, u16) {
    let (answer, status) = owner.command(card, announced);
    if status != 0x9000 {
        return (answer, status);
    }
    let mut rest = bytes;
    let mut lengths = pieces.iter().cycle();
    let mut last = (Vec::new(), 0);
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.len().min(*lengths.next().unwrap()));
        rest = behind;
        last = send(card, EnterCoin::piece(piece).unwrap().as_bytes());
        if last.1 != 0x9000 {
            break;
        }
        if !rest.is_empty() {
            assert!(last.0.is_empty());
        }
    }
    last
}

fn announced(transaction: &Transaction, vout: u32) -> Announced {
    crate::support::announced(transaction, vout, Place::receive(0))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_transaction_in_any_pieces(
        mut transaction in transaction(),
        at: prop::sample::Index,
        amount in 1_000u64..1_000_000_000,
        pieces in proptest::collection::vec(1usize..=255, 1..10),
    ) {
        let (mut card, owner) = funded(1, &[]);
        let vout = at.index(transaction.output.len());
        transaction.output[vout] = TxOut {
            value: Amount::from_sat(amount),
            script_pubkey: owner.script(0, 0),
        };
        let bytes = stripped(&transaction);
        let announced = announced(&transaction, vout as u32);
        let (answer, status) = stream(&mut card, &owner, &announced, &bytes, &pieces);
        prop_assert_eq!(status, 0x9000);
        prop_assert_eq!(CoinEntered::parse(&answer).unwrap().amount, amount);
        // And not twice.
        let (_, status) = stream(&mut card, &owner, &announced, &bytes, &pieces);
        prop_assert_eq!(status, 0x6A89);
    }

    #[test]
    fn no_altered_transaction(
        mut transaction in transaction(),
        at: prop::sample::Index,
        byte: prop::sample::Index,
        bit in 0u8..8,
        pieces in proptest::collection::vec(1usize..=255, 1..10),
    ) {
        let (mut card, owner) = funded(2, &[]);
        let vout = at.index(transaction.output.len());
        transaction.output[vout] = TxOut {
            value: Amount::from_sat(50_000),
            script_pubkey: owner.script(0, 0),
        };
        let mut bytes = stripped(&transaction);
        let at = byte.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (_, status) =
            stream(&mut card, &owner, &announced(&transaction, vout as u32), &bytes, &pieces);
        // Either it can't be decoded, or ends early or late, or it has another
        // txid.
        prop_assert!(matches!(status, 0x6A80 | 0x940A | 0x9000), "{status:04X}");
        let probe = send(&mut card, EnterCoin::piece(&[0]).unwrap().as_bytes()).1;
        prop_assert!(matches!(probe, 0x6985 | 0x9000 | 0x6A80 | 0x940A));
        let nothing = owner.verify(&mut card, PIN) == 0x9000 && owner.next_index(&mut card) == 0;
        prop_assert!(nothing, "a coin entered");
    }

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 1..2_000)) {
        let (mut card, owner) = funded(3, &[]);
        let announced = Announced { txid: [1; 32], vout: 0, place: Place::receive(0) };
        let (_, status) = stream(&mut card, &owner, &announced, &bytes, &[255]);
        prop_assert!(matches!(status, 0x6A80 | 0x940A | 0x9000), "{status:04X}");
        let (answer, _) = send(&mut card, &[0x00, 0xCA, 0x01, 0x00, 0x00]);
        let state = StatusObject::parse(&answer).unwrap().state;
        let issued = matches!(state, State::Issued { .. });
        prop_assert!(issued);
    }
}

#[test]
fn what_is_refused() {
    let (mut card, owner) = funded(4, &[]);
    let good = owner.funding(0, 50_000, 0);
    let coin = |amount: u64| TxOut {
        value: Amount::from_sat(amount),
        script_pubkey: owner.script(0, 0),
    };
    let with_outputs = |output: Vec<TxOut>| Transaction {
        output,
        ..good.clone()
    };
    let mut coinbase = good.clone();
    coinbase.input[0].previous_output = OutPoint::null();
    let long = TxOut {
        value: Amount::ZERO,
        script_pubkey: ScriptBuf::from(vec![0; 10_001]),
    };
    let cases = [
        (coinbase, 1, 0x940E),
        (good.clone(), 2, 0x940B),
        (good.clone(), 0, 0x940C),
        (with_outputs(vec![coin(999)]), 0, 0x940D),
        (with_outputs(vec![coin(1_000)]), 0, 0x9000),
        (with_outputs(vec![long]), 0, 0x6A80),
        (
            with_outputs(vec![coin(2_100_000_000_000_000), coin(1)]),
            0,
            0x6A80,
        ),
        (with_outputs(vec![coin(u64::MAX)]), 0, 0x6A80),
    ];
    for (transaction, vout, expected) in cases {
        let announced = announced(&transaction, vout);
        let (_, status) = stream(
            &mut card,
            &owner,
            &announced,
            &stripped(&transaction),
            &[255],
        );
        assert_eq!(status, expected);
    }
    let announced = announced(&good, 1);
    let bytes = stripped(&good);
    // One byte too many, in one piece with the end.
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(
        stream(&mut card, &owner, &announced, &longer, &[255]).1,
        0x6A80
    );
    // A CompactSize that isn't the shortest.
    let padded = [&bytes[..4], &[0xFD, 0x01, 0x00], &bytes[5..]].concat();
    assert_eq!(
        stream(&mut card, &owner, &announced, &padded, &[255]).1,
        0x6A80
    );
    // Another command in between.
    assert_eq!(owner.command(&mut card, &announced).1, 0x9000);
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    assert_eq!(
        send(&mut card, EnterCoin::piece(&bytes).unwrap().as_bytes()).1,
        0x6985
    );
}
