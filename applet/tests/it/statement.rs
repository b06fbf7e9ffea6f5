//! STATEMENT binds the owner, before anybody hears of it.

use crate::support::signing::{Built, Payee};
use crate::support::sweep::*;
use crate::support::*;
use bitcoin::Transaction;
use bitcoin::consensus::deserialize;
use bitcoin::hashes::Hash;
use embedded_storage::nor_flash::NorFlash;
use rand_chacha::ChaCha20Rng;
use tillcard_applet::Card;
use tillcard_protocol::command::{
    AcknowledgeLog, AskStatement, Place, Policy, Resolve, Select, SetPolicy, SigningInput,
    Statement,
};
use tillcard_runtime::nvm::RamNvm;

const COINS: [u64; 3] = [100_000, 90_000, 80_000];

fn ask<N: NorFlash>(card: &mut Card<N, ChaCha20Rng>, txid: [u8; 32]) -> (Vec<u8>, u16) {
    let ask = AskStatement {
        nonce: [7; 32],
        txid,
    };
    send(card, ask.to_apdu().as_bytes())
}

/// Pays, and answers the transaction's txid.
fn paid<N: NorFlash>(card: &mut Card<N, ChaCha20Rng>, owner: &Owner, amount: u64) -> [u8; 32] {
    assert_eq!(owner.verify(card, PIN), 0x9000);
    let (answer, status) = pay(card, request(&p2wpkh(3), amount));
    assert_eq!(status, 0x9000);
    let transaction: Transaction = deserialize(&answer).unwrap();
    transaction.compute_txid().to_byte_array()
}

/// The owner's transaction that takes the payment's first input home.
fn conflict(nvm: &RamNvm) -> Built {
    let found = remembered(nvm.clone());
    let (_, coin) = found
        .coins
        .iter()
        .find(|(_, coin)| coin.spent.is_some())
        .unwrap();
    let input = SigningInput {
        outpoint: coin.outpoint(),
        sequence: 0,
        amount: coin.amount,
        place: coin.place,
    };
    Built {
        version: 2,
        lock_time: 0,
        inputs: vec![input],
        outputs: vec![(coin.amount - 1_000, Payee::Own(Place::change(2)))],
    }
}

fn again(card: &mut Card<RamNvm, ChaCha20Rng>) {
    card.reset();
    assert_eq!(send(card, Select::to_apdu().as_bytes()).1, 0x9000);
}

#[test]
fn for_the_last_payment_of_the_session_and_no_other() {
    let (mut card, owner) = funded(70, &COINS);
    let first = paid(&mut card, &owner, 20_000);
    let (answer, status) = ask(&mut card, first);
    assert_eq!(status, 0x9000);
    let statement = Statement::parse(&answer).unwrap();
    assert_eq!(statement.outpoints.len(), 36);
    // Again, with another salt.
    let (other, status) = ask(&mut card, first);
    assert_eq!(status, 0x9000);
    assert_ne!(Statement::parse(&other).unwrap().salt, statement.salt);
    assert_eq!(ask(&mut card, [9; 32]), (Vec::new(), 0x6A88));
    let second = paid(&mut card, &owner, 30_000);
    assert_eq!(ask(&mut card, first), (Vec::new(), 0x6A88));
    assert_eq!(ask(&mut card, second).1, 0x9000);
    // A refused PAY is the last one.
    assert_eq!(owner.verify(&mut card, PIN), 0x9000);
    assert_eq!(pay(&mut card, request(&p2wpkh(3), 9_000_000)).1, 0x9403);
    assert_eq!(ask(&mut card, second).1, 0x6A88);
    // The same payment again is one.
    assert_eq!(pay(&mut card, request(&p2wpkh(3), 30_000)).1, 0x9000);
    assert_eq!(ask(&mut card, second).1, 0x9000);
    again(&mut card);
    assert_eq!(ask(&mut card, second).1, 0x6A88);
}

#[test]
fn the_owner_is_bound_for_ever() {
    let (mut card, owner) = funded(71, &COINS);
    let txid = paid(&mut card, &owner, 20_000);
    let conflict = conflict(card.nvm());
    assert_eq!(ask(&mut card, txid).1, 0x9000);
    for step in 0..4 {
        match step {
            1 => again(&mut card),
            // The owner says that it is confirmed, which the card can't know.
            2 => {
                let settled = AcknowledgeLog {
                    seen: 1,
                    settled: 1,
                };
                assert_eq!(owner.command(&mut card, &settled).1, 0x9000);
            }
            3 => {
                let none = SetPolicy::new(Policy::default());
                assert_eq!(owner.command(&mut card, &none).1, 0x9000);
            }
            _ => {}
        }
        assert_eq!(conflict.announce(&owner, &mut card), (Vec::new(), 0x9416));
    }
}

#[test]
fn none_on_what_the_owner_signed_against() {
    let (mut card, owner) = funded(72, &COINS);
    let txid = paid(&mut card, &owner, 20_000);
    let conflict = conflict(card.nvm());
    // Announced and given up: nothing was signed.
    assert_eq!(conflict.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(ask(&mut card, txid).1, 0x9000);

    let (mut card, owner) = funded(72, &COINS);
    let txid = paid(&mut card, &owner, 20_000);
    assert_eq!(conflict.announce(&owner, &mut card).1, 0x9000);
    assert_eq!(conflict.signature_of(&owner, &mut card, 0), 0x9000);
    assert_eq!(ask(&mut card, txid), (Vec::new(), 0x9417));
    again(&mut card);
    assert_eq!(pay(&mut card, request(&p2wpkh(3), 20_000)).1, 0x9000);
    assert_eq!(ask(&mut card, txid).1, 0x9417);
    assert_eq!(remembered(card.into_nvm()).pledged, [0u32; 0]);

    let (mut card, owner) = funded(73, &COINS);
    let txid = paid(&mut card, &owner, 20_000);
    assert_eq!(owner.command(&mut card, &Resolve(0)).1, 0x9000);
    assert_eq!(ask(&mut card, txid).1, 0x9417);
}

#[test]
fn not_where_the_owner_allows_none() {
    let (mut card, owner) = funded(74, &COINS);
    let plain = SetPolicy::new(Policy {
        plain_sessions: true,
        statements: false,
    });
    assert_eq!(owner.command(&mut card, &plain).1, 0x9000);
    let txid = paid(&mut card, &owner, 20_000);
    assert_eq!(ask(&mut card, txid), (Vec::new(), 0x6982));
    assert_eq!(remembered(card.into_nvm()).pledged, [0u32; 0]);
}

#[test]
fn power_fails_while_a_statement_is_made() {
    let (card, owner) = funded(75, &COINS);
    let mut positions = 0;
    for start in starts(card.into_nvm(), 5, &[1, 31, 32]) {
        // The payment in `prepare` is part of either state.
        let name = "STATEMENT";
        let prepare = |card: &mut TornCard| {
            paid(card, &owner, 150_000);
        };
        let txid = {
            let mut card = selected(start.clone());
            paid(&mut card, &owner, 150_000)
        };
        let old = remembered(run(&start, None, &prepare, &|_| (Vec::new(), 0)).nvm);
        positions += sweep(
            name,
            &start,
            &prepare,
            &|card| ask(card, txid),
            &|cut, outcome, whole| {
                let new = remembered(whole.nvm.clone());
                let found = remembered(outcome.nvm.clone());
                assert_eq!(new.pledged.len(), 2);
                assert!(found == old || found == new, "{name} cut after {cut} bytes");
            },
        );
    }
    println!("STATEMENT: {positions} positions in all");
}
