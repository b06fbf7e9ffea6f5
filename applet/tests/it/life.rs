//! A card's life, checked by rust-bitcoin and libsecp256k1.

use crate::support::*;
use bitcoin::{Amount, OutPoint};
use tillcard_protocol::command::{Previewed, Select};

#[test]
fn milk_is_paid_for() {
    let (mut card, mut owner) = funded(1, &[100_000, 40_000]);
    assert_eq!(owner.verify(&mut card, "999999"), 0x63C2);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(owner.next_index(&mut card), 2);

    let milk = p2wpkh(7);
    let (previewed, status) = preview(&mut card, request(&milk, 21_000));
    assert_eq!(status, 0x9000);
    let previewed = Previewed::parse(&previewed).unwrap();
    assert_eq!(previewed.outpoints.count(), 1);
    assert_eq!(previewed.amount + previewed.fee + previewed.change, 100_000);
    let (transaction, status) = pay(&mut card, request(&milk, 21_000));
    assert_eq!(status, 0x9000);
    owner.accept(&transaction, &milk, 21_000, 0);

    // One PIN entry, one payment.
    assert_eq!(pay(&mut card, request(&milk, 22_000)).1, 0x6982);

    // The change is spent next, beside the other coin, and makes change anew.
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (transaction, status) = pay(&mut card, request(&milk, 110_000));
    assert_eq!(status, 0x9000);
    owner.accept(&transaction, &milk, 110_000, 1);
    assert_eq!(owner.coins.len(), 1);
}

#[test]
fn sixteen_inputs_pay_and_a_power_cycle_forgets_nothing() {
    let amounts: Vec<u64> = (0..20).map(|i| 10_000 + i).collect();
    let (mut card, mut owner) = funded(2, &amounts);
    card.reset();
    let payee = [&[0x51, 0x20][..], &[0x79; 32]].concat();
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (_, status) = pay(&mut card, request(&payee, 180_000));
    assert_eq!(status, 0x9402);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    let (transaction, status) = pay(&mut card, request(&payee, 155_000));
    assert_eq!(status, 0x9000);
    let parsed: bitcoin::Transaction = bitcoin::consensus::deserialize(&transaction).unwrap();
    assert_eq!(parsed.input.len(), 16);
    let spent: Amount = parsed
        .input
        .iter()
        .map(|input| owner.coins[&input.previous_output].value)
        .sum();
    let paid: Amount = parsed.output.iter().map(|output| output.value).sum();
    let rate = (spent - paid).to_sat() as f64 / parsed.vsize() as f64;
    assert!((2.0..2.01).contains(&rate), "{rate} sat/vB");
    owner.accept(&transaction, &payee, 155_000, 0);
}

#[test]
fn a_spent_coin_never_enters_again() {
    let (mut card, mut owner) = funded(3, &[50_000]);
    let milk = p2wpkh(1);
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(pay(&mut card, request(&milk, 10_000)).1, 0x9000);
    let spent = owner.funding(0, 50_000, 0);
    assert!(
        owner
            .coins
            .contains_key(&OutPoint::new(spent.compute_txid(), 1))
    );
    assert_eq!(owner.enter(&mut card, &spent, 0), 0x940F);
    let other = owner.funding(0, 60_000, 77);
    assert_eq!(owner.enter(&mut card, &other, 0), 0x940F);
}
