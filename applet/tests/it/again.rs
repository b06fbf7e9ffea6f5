//! A payment once more: for the till that lost the answer, and for one that
//! meets the change of a payment that was never broadcast.

use crate::support::*;
use bitcoin::Transaction;
use bitcoin::hashes::Hash;
use tillcard_protocol::command::{
    GetAncestor, Outpoint, PaymentRequest, Previewed, ReportAbsent, Select, Source,
};

fn txid(transaction: &[u8]) -> [u8; 32] {
    let transaction: Transaction = bitcoin::consensus::deserialize(transaction).unwrap();
    transaction.compute_txid().to_byte_array()
}

#[test]
fn sixteen_times_without_pin_always_with_it_and_no_second_debit() {
    let (mut card, mut owner) = funded(40, &[100_000, 90_000]);
    let milk = p2wpkh(4);
    let request = request(&milk, 150_000);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (first, status) = pay(&mut card, request);
    assert_eq!(status, 0x9000);
    for _ in 0..16 {
        card.reset();
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
        let (again, status) = pay(&mut card, request);
        assert_eq!(status, 0x9000);
        assert_eq!(txid(&again), txid(&first));
        owner.clone().accept(&again, &milk, 150_000, 0);
    }
    assert_eq!(pay(&mut card, request).1, 0x9413);
    for _ in 0..2 {
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        let (again, status) = pay(&mut card, request);
        assert_eq!(status, 0x9000);
        assert_eq!(txid(&again), txid(&first));
        // The authorisation is used up.
        assert_eq!(pay(&mut card, request).1, 0x9413);
    }
    owner.accept(&first, &milk, 150_000, 0);
    // The change is there once, and pays.
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (next, status) = pay(&mut card, crate::support::request(&milk, 20_000));
    assert_eq!(status, 0x9000);
    owner.accept(&next, &milk, 20_000, 1);
}

#[test]
fn another_request_under_the_same_identity() {
    let (mut card, owner) = funded(41, &[100_000, 90_000]);
    let (milk, thief) = (p2wpkh(4), p2wpkh(5));
    let paid = request(&milk, 10_000);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(pay(&mut card, paid).1, 0x9000);
    let others = [
        PaymentRequest {
            payee_script: &thief,
            ..paid
        },
        PaymentRequest {
            amount: 10_001,
            ..paid
        },
        PaymentRequest {
            fee_rate: 2_001,
            ..paid
        },
        PaymentRequest {
            source: Source::Unrooted,
            ..paid
        },
        PaymentRequest {
            merchant: b"Diary",
            ..paid
        },
        PaymentRequest {
            invoice: None,
            ..paid
        },
    ];
    for other in others {
        assert_eq!(pay(&mut card, other).1, 0x6982);
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(preview(&mut card, other).1, 0x9412);
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(pay(&mut card, other).1, 0x9412);
    }
    assert_eq!(pay(&mut card, paid).1, 0x9000);
}

#[test]
fn a_till_that_kept_payments_back_strands_nothing() {
    let (mut card, mut owner) = funded(42, &[100_000]);
    let milk = p2wpkh(4);
    let mut kept = Vec::new();
    for amount in 10_001..10_004 {
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        let (transaction, status) = pay(&mut card, request(&milk, amount));
        assert_eq!(status, 0x9000);
        owner.accept(&transaction, &milk, amount, kept.len() as u32);
        kept.push(txid(&transaction));
    }
    let ancestor = |card: &mut _, txid| send(card, GetAncestor(txid).to_apdu().as_bytes());
    assert_eq!(ancestor(&mut card, kept[2]).1, 0x6982);
    for round in 0..17 {
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(ancestor(&mut card, kept[2]).1, 0x6985);
        assert_eq!(preview(&mut card, request(&milk, 5_000)).1, 0x9000);
        assert_eq!(ancestor(&mut card, [7; 32]).1, 0x6A88);
        for wanted in &kept {
            let (transaction, status) = ancestor(&mut card, *wanted);
            assert_eq!(status, 0x9000, "round {round}");
            assert_eq!(txid(&transaction), *wanted);
            assert_eq!(ancestor(&mut card, *wanted).1, 0x9413);
        }
    }
    // It cost the authorisation nothing.
    assert_eq!(pay(&mut card, request(&milk, 5_000)).1, 0x9000);
}

#[test]
fn a_payment_that_is_no_ancestor_stays_private() {
    let (mut card, owner) = funded(43, &[100_000, 900_000]);
    let milk = p2wpkh(4);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    // Spends the larger coin; its change is larger than the other coin.
    let (paid, status) = pay(&mut card, request(&milk, 850_000));
    assert_eq!(status, 0x9000);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (offer, status) = preview(&mut card, request(&milk, 20_000));
    assert_eq!(status, 0x9000);
    let offer = Previewed::parse(&offer).unwrap();
    assert!(offer.outpoints.clone().all(|coin| coin.txid != txid(&paid)));
    let asked = GetAncestor(txid(&paid)).to_apdu();
    assert_eq!(send(&mut card, asked.as_bytes()).1, 0x6A88);
}

#[test]
fn absent_coins_make_way() {
    let amounts = [90_000, 80_000, 70_000, 60_000, 50_000, 40_000];
    let (mut card, mut owner) = funded(44, &amounts);
    let milk = p2wpkh(4);
    let asked = request(&milk, 20_000);
    let offered =
        |answer: &[u8]| -> Vec<Outpoint> { Previewed::parse(answer).unwrap().outpoints.collect() };
    let report = |card: &mut _, coin| send(card, ReportAbsent(coin).to_apdu().as_bytes()).1;
    let unknown = Outpoint {
        txid: [9; 32],
        vout: 0,
    };
    assert_eq!(report(&mut card, unknown), 0x6982);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(report(&mut card, unknown), 0x6985);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let (answer, status) = preview(&mut card, asked);
        assert_eq!(status, 0x9000);
        let coins = offered(&answer);
        assert_eq!(coins.len(), 1);
        assert!(!seen.contains(&coins[0]));
        assert_eq!(report(&mut card, unknown), 0x9414);
        assert_eq!(report(&mut card, coins[0]), 0x9000);
        assert_eq!(report(&mut card, coins[0]), 0x9414);
        seen.push(coins[0]);
    }
    let (answer, status) = preview(&mut card, asked);
    assert_eq!(status, 0x9000);
    assert_eq!(report(&mut card, offered(&answer)[0]), 0x9415);
    let (paid, status) = pay(&mut card, asked);
    assert_eq!(status, 0x9000);
    owner.accept(&paid, &milk, 20_000, 0);
    // Doubtful coins come last from now on, the largest of them first.
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (answer, status) = preview(&mut card, request(&milk, 150_000));
    assert_eq!(status, 0x9000);
    let coins = offered(&answer);
    let amount = |owner: &Owner, coin: &Outpoint| {
        let txid = bitcoin::Txid::from_byte_array(coin.txid);
        let outpoint = bitcoin::OutPoint::new(txid, coin.vout);
        owner.coins[&outpoint].value.to_sat()
    };
    let amounts: Vec<u64> = coins.iter().map(|coin| amount(&owner, coin)).collect();
    assert_eq!(amounts[0], 40_000);
    assert_eq!(amounts[2..], [90_000]);
    // The owner, who looks at the chain himself, takes the doubt away.
    let first = owner.funding(0, 90_000, 0);
    assert_eq!(owner.enter(&mut card, &first, 0), 0x9000);
    assert_eq!(owner.enter(&mut card, &first, 0), 0x6A89);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (answer, _) = preview(&mut card, request(&milk, 60_001));
    assert_eq!(amount(&owner, &offered(&answer)[0]), 90_000);
}
