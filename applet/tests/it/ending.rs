//! FACTORY RESET and TERMINATE CARD USAGE: the card forgets, all or nothing, and its
//! memory forgets with it.

use crate::support::sweep::*;
use crate::support::*;
use std::collections::HashSet;
use tillcard_applet::Card;
use tillcard_applet::persistent::Persistent;
use tillcard_protocol::command;
use tillcard_protocol::command::{
    CardKey, Certificate, FactoryReset, GenerateCardKeys, GenerateKey, GetData, PutData, SamePin,
    Select, State, StatusObject, Terminate,
};
use tillcard_runtime::nvm::{PAGE_SIZE, RamNvm};
use tillcard_testkit::torn::TornNvm;

/// A personalised card that was used: coins, payments, another PIN, and so long that
/// the journal went round.
fn used() -> (RamNvm, Owner) {
    let mut card = selected(RamNvm::default());
    let ok = |card: &mut Card<RamNvm, _>, apdu: &[u8]| assert_eq!(send(card, apdu).1, 0x9000);
    ok(&mut card, GenerateCardKeys::to_apdu().as_bytes());
    for certificate in Certificate::ALL {
        for (number, bytes) in [[0x5A; 239], [0xA5; 239]].iter().enumerate() {
            let number = number as u8;
            let put = PutData::Piece {
                certificate,
                number,
                bytes,
            };
            ok(&mut card, put.to_apdu().unwrap().as_bytes());
        }
    }
    ok(&mut card, PutData::End.to_apdu().unwrap().as_bytes());
    let mut owner = Owner::issue(&mut card, LIMITS);
    for index in 0..3 {
        let transaction = owner.funding(index, 100_000, index);
        assert_eq!(owner.enter(&mut card, &transaction, index), 0x9000);
    }
    for amount in [10_000, 150_000] {
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(pay(&mut card, request(&p2wpkh(3), amount)).1, 0x9000);
    }
    let starts = starts(card.into_nvm(), 1, &[33]);
    (starts[1].clone(), owner)
}

/// What a memory must not hold any more: what the card has of its owner.
fn secrets(nvm: &RamNvm, card_keys_too: bool) -> HashSet<[u8; 8]> {
    let mut persistent = Persistent::open(nvm.clone());
    let identity = persistent.identity().unwrap();
    let account = identity.account.to_bytes();
    let mut secrets = vec![account.to_vec(), identity.owner_key.to_vec()];
    let secret = persistent.account_secret(&identity).unwrap();
    secrets.push(secret.to_bytes().to_vec());
    secrets.push(persistent.pin().unwrap().as_bytes().to_vec());
    secrets.push(persistent.coin(0, 0).unwrap().unwrap().txid.to_vec());
    if card_keys_too {
        secrets.push(persistent.card_keys().unwrap().unwrap().to_bytes().to_vec());
    }
    secrets
        .iter()
        .flat_map(|secret| secret.windows(8).map(|window| window.try_into().unwrap()))
        .collect()
}

fn holds(nvm: &RamNvm, secrets: &HashSet<[u8; 8]>) -> bool {
    nvm.as_bytes()
        .windows(8)
        .any(|window| secrets.contains(&<[u8; 8]>::try_from(window).unwrap()))
}

fn state(card: &mut Card<RamNvm, rand_chacha::ChaCha20Rng>) -> State {
    let (answer, status) = send(card, GetData::Status.to_apdu().as_bytes());
    assert_eq!(status, 0x9000);
    StatusObject::parse(&answer).unwrap().state
}

#[test]
fn a_card_that_was_reset_knows_its_makers_and_nobody_else() {
    let (nvm, owner) = used();
    let secrets = secrets(&nvm, false);
    assert!(holds(&nvm, &secrets));
    let before = remembered(nvm.clone());
    let mut card = selected(nvm);
    let certificates = send(
        &mut card,
        GetData::Certificates(CardKey::Identity)
            .to_apdu()
            .as_bytes(),
    );
    assert_eq!(owner.command(&mut card, &FactoryReset).1, 0x9000);
    assert_eq!(state(&mut card), State::Factory);
    assert!(!holds(card.nvm(), &secrets));
    let after = remembered(card.nvm().clone());
    assert_eq!(after.own, before.own);
    assert_eq!(after.identity, None);
    let kept = send(
        &mut card,
        GetData::Certificates(CardKey::Identity)
            .to_apdu()
            .as_bytes(),
    );
    assert_eq!(kept, certificates);
    assert_eq!(
        send(&mut card, GenerateCardKeys::to_apdu().as_bytes()).1,
        0x6985
    );
    // The next owner starts from nothing.
    let mut next = Owner::issue(&mut card, LIMITS);
    assert_ne!(next.account, owner.account);
    assert_eq!(owner.command(&mut card, &SamePin).1, 0x6982);
    let transaction = next.funding(0, 50_000, 9);
    assert_eq!(next.enter(&mut card, &transaction, 0), 0x9000);
    assert_eq!(next.verify(&mut card, PIN), 0x9000);
    assert_eq!(next.next_index(&mut card), 1);
    assert_eq!(pay(&mut card, request(&p2wpkh(3), 150_000)).1, 0x9401);
    let found = remembered(card.into_nvm());
    assert_eq!(found.coins.len(), 1);
    assert_eq!((found.log.len(), found.retired.len()), (0, 0));
    assert_eq!(found.own, before.own);
}

#[test]
fn a_terminated_card_knows_nothing() {
    let (nvm, owner) = used();
    let secrets = secrets(&nvm, true);
    let mut card = selected(nvm);
    assert_eq!(owner.command(&mut card, &Terminate).1, 0x9000);
    for _ in 0..2 {
        assert_eq!(state(&mut card), State::Terminated);
        assert!(!holds(card.nvm(), &secrets));
        assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x6985);
        assert_eq!(
            send(&mut card, command::GetChallenge::to_apdu().as_bytes()).1,
            0x6985
        );
        card.reset();
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    }
}

/// The commit that decides is cut at every byte; the erasing that follows, at every
/// 251st. Wherever it was, the card then is what it was, or goes on to the end by
/// itself, however often the power fails meanwhile.
#[test]
fn power_fails_during_an_ending() {
    let (nvm, owner) = used();
    for (name, is_reset) in [("FACTORY RESET", true), ("TERMINATE CARD USAGE", false)] {
        let secrets = secrets(&nvm, !is_reset);
        let command = |card: &mut TornCard| {
            if is_reset {
                owner.command(card, &FactoryReset)
            } else {
                owner.command(card, &Terminate)
            }
        };
        let old = remembered(nvm.clone());
        let check = |cut: u64, outcome: &Outcome, whole: &Outcome| {
            let new = remembered(whole.nvm.clone());
            assert_ne!(old, new);
            // The power fails again in what the next power-up goes on with.
            let mut torn = outcome.nvm.clone();
            for again in [cut % 17, 40 + cut % 2000, 2 * PAGE_SIZE as u64 + cut % 4000] {
                let mut nvm = TornNvm::counting(torn);
                nvm.start_counting(Some(again));
                torn = Persistent::open(nvm).into_nvm().into_inner();
            }
            for nvm in [&outcome.nvm, &torn] {
                let opened = Persistent::open(nvm.clone()).into_nvm();
                let found = remembered(opened.clone());
                assert!(found == old || found == new, "{name} cut after {cut} bytes");
                assert_eq!(found == old, holds(&opened, &secrets), "{name}, {cut}");
            }
        };
        let positions = sweep_some(name, &nvm, &|_| {}, &command, &check, &|cut| {
            cut < 160 || cut % 251 == 0
        });
        assert!(positions > 300);
    }
}
