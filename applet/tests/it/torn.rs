//! The power fails after every byte that the NVM writes or erases, during every
//! command that changes anything: afterwards there is the old state or the new
//! one, tries never rise, and no signature left without its debit.

use crate::support::sweep::*;
use crate::support::*;
use bitcoin::key::{Keypair, Secp256k1};
use rand_chacha::ChaCha20Rng;
use std::cell::Cell;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{
    AcknowledgeLog, EnterCoin, GenerateKey, GetAncestor, Limits, NewPin, Outpoint, Place,
    Previewed, ReportAbsent, Resolve, SamePin, Select, SetLimits, State, StatusObject,
};
use tillcard_protocol::pin::PinBlock;
use tillcard_runtime::nvm::RamNvm;
use tillcard_testkit::torn::TornNvm;

/// Turns of page after which a command is swept.
const TURNS: [usize; 3] = [1, 31, 32];

#[test]
fn verify() {
    let (card, owner) = funded(10, &[100_000]);
    let mut positions = 0;
    for start in starts(card.into_nvm(), 1, &TURNS) {
        for (digits, left_after) in [(PIN, 3), ("000000", 2)] {
            let taken = Cell::new(false);
            let mut expected = remembered(start.clone());
            assert_eq!(expected.tries.take(), Some(3));
            positions += sweep(
                "VERIFY",
                &start,
                &|_| {},
                &|card| (Vec::new(), owner.verify(card, digits)),
                &|cut, outcome, whole| {
                    if cut == 0 {
                        assert_eq!(remembered(whole.nvm.clone()).tries, Some(left_after));
                    }
                    // One commit takes the try, another gives it back.
                    let mut found = remembered(outcome.nvm.clone());
                    let left = found.tries.take().unwrap();
                    assert_eq!(found, expected, "cut after {cut} bytes");
                    assert!((2..=3).contains(&left), "{left} tries after {cut} bytes");
                    taken.set(taken.get() || left == 2);
                },
            );
            // Even the right PIN has cost a try before it is known to be right.
            assert!(taken.get() || left_after == 2);
        }
    }
    println!("VERIFY: {positions} positions in all");
}

/// However often the power fails, a wrong PIN costs tries at the latest when it
/// is answered.
#[test]
fn tries_only_fall_while_the_power_fails_again_and_again() {
    let (card, owner) = funded(11, &[]);
    let start = card.into_nvm();
    let whole = run(&start, None, &|_| {}, &|card| {
        (Vec::new(), owner.verify(card, "000000"))
    });
    for cut in 0..whole.changed {
        let mut nvm = start.clone();
        let mut tries = 3;
        for _ in 0..40 {
            let outcome = run(&nvm, Some(cut), &|_| {}, &|card| {
                (Vec::new(), owner.verify(card, "000000"))
            });
            let left = remembered(outcome.nvm.clone()).tries.unwrap();
            assert!(left <= tries);
            tries = left;
            nvm = outcome.nvm;
        }
        // The card still works, unless the tries are used up.
        let mut card = Card::new(nvm, rng(9), Configuration::ANY_NETWORK);
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
        let expected = if tries == 0 { 0x6983 } else { 0x9000 };
        assert_eq!(owner.verify(&mut card, PIN), expected);
    }
}

#[test]
fn enter_coin() {
    let (card, owner) = funded(12, &[100_000]);
    let transaction = owner.funding(1, 60_000, 1);
    let announced = announced(&transaction, 1, Place::receive(1));
    let mut positions = 0;
    for start in starts(card.into_nvm(), 1, &TURNS) {
        positions += sweep(
            "ENTER COIN",
            &start,
            &|card| assert_eq!(owner.command(card, &announced).1, 0x9000),
            &|card| {
                let piece = EnterCoin::piece(&stripped(&transaction)).unwrap();
                send(card, piece.as_bytes())
            },
            &old_or_new("ENTER COIN", &start),
        );
    }
    println!("ENTER COIN: {positions} positions in all");
}

#[test]
fn pay() {
    let (card, owner) = funded(13, &[100_000, 90_000, 80_000]);
    let milk = p2wpkh(3);
    let mut positions = 0;
    for start in starts(card.into_nvm(), 4, &TURNS) {
        let prepare = |card: &mut TornCard| assert_eq!(owner.verify(card, PIN), 0x9000);
        // VERIFY may have filled a page already.
        let old = after(&start, &prepare);
        positions += sweep(
            "PAY",
            &start,
            &prepare,
            &|card| crate::support::pay(card, request(&milk, 185_000)),
            &old_or_new("PAY", &old),
        );
    }
    println!("PAY: {positions} positions in all");
}

/// What `prepare` leaves behind on `start`.
fn after(start: &RamNvm, prepare: &dyn Fn(&mut TornCard)) -> RamNvm {
    run(start, None, &|_| {}, &|card| {
        prepare(card);
        (Vec::new(), 0x9000)
    })
    .nvm
}

/// Sweeps a command that makes one commit, over the places of the journal.
/// `prepare` may make so many commits before it.
fn sweep_one_commit(
    name: &str,
    nvm: RamNvm,
    prepare: &dyn Fn(&mut TornCard),
    commits: usize,
    command: &dyn Fn(&mut TornCard) -> (Vec<u8>, u16),
) {
    let mut positions = 0;
    for start in starts(nvm, commits + 1, &TURNS) {
        let whole = run(&start, None, prepare, command);
        assert_eq!(whole.status, 0x9000, "{name}");
        let old = after(&start, prepare);
        assert_ne!(remembered(old.clone()), remembered(whole.nvm), "{name}");
        positions += sweep(name, &start, prepare, command, &old_or_new(name, &old));
    }
    println!("{name}: {positions} positions in all");
}

/// A card that paid twice, the second time out of the first one's change.
fn paid_twice(seed: u64) -> (RamNvm, Owner) {
    let (mut card, owner) = funded(seed, &[100_000]);
    for amount in [10_000, 20_000] {
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(
            crate::support::pay(&mut card, request(&p2wpkh(3), amount)).1,
            0x9000
        );
    }
    (card.into_nvm(), owner)
}

#[test]
fn the_same_payment_again() {
    let (nvm, _) = paid_twice(20);
    sweep_one_commit("PAY again", nvm, &|_| {}, 0, &|card| {
        crate::support::pay(card, request(&p2wpkh(3), 10_000))
    });
}

/// The PIN is entered, and a payment previewed.
fn preview_third<N: embedded_storage::nor_flash::NorFlash>(
    card: &mut Card<N, ChaCha20Rng>,
    owner: &Owner,
) -> Vec<Outpoint> {
    assert_eq!(owner.verify(card, PIN), 0x9000);
    let (answer, status) = crate::support::preview(card, request(&p2wpkh(3), 30_000));
    assert_eq!(status, 0x9000);
    Previewed::parse(&answer).unwrap().outpoints.collect()
}

#[test]
fn get_ancestor() {
    let (nvm, owner) = paid_twice(21);
    let offered = preview_third(&mut selected(nvm.clone()), &owner);
    let prepare = |card: &mut TornCard| {
        preview_third(card, &owner);
    };
    sweep_one_commit("GET ANCESTOR", nvm, &prepare, 2, &|card| {
        send(card, GetAncestor(offered[0].txid).to_apdu().as_bytes())
    });
}

#[test]
fn report_absent() {
    let (nvm, owner) = paid_twice(22);
    let offered = preview_third(&mut selected(nvm.clone()), &owner);
    let prepare = |card: &mut TornCard| {
        preview_third(card, &owner);
    };
    sweep_one_commit("REPORT ABSENT", nvm, &prepare, 2, &|card| {
        send(card, ReportAbsent(offered[0]).to_apdu().as_bytes())
    });
}

#[test]
fn credit() {
    let (nvm, owner) = paid_twice(23);
    let transaction = owner.funding(1, 60_000, 1);
    let announced = announced(&transaction, 1, Place::receive(1));
    let prepare = |card: &mut TornCard| {
        assert_eq!(owner.verify(card, PIN), 0x9000);
        let (_, status) = send(card, EnterCoin::credit(&announced).as_bytes());
        assert_eq!(status, 0x9000);
    };
    sweep_one_commit("ENTER COIN of a credit", nvm, &prepare, 2, &|card| {
        let piece = EnterCoin::piece(&stripped(&transaction)).unwrap();
        send(card, piece.as_bytes())
    });
}

#[test]
fn owner_commands() {
    let (nvm, owner) = paid_twice(24);
    let nothing = |_: &mut TornCard| {};
    let seen = |settled| AcknowledgeLog { seen: 2, settled };
    sweep_one_commit("ACKNOWLEDGE LOG", nvm.clone(), &nothing, 0, &|card| {
        owner.command(card, &seen(1))
    });
    sweep_one_commit("RESOLVE", nvm.clone(), &nothing, 0, &|card| {
        owner.command(card, &Resolve(1))
    });
    let mut card = selected(nvm);
    assert_eq!(owner.command(&mut card, &seen(0)).1, 0x9000);
    sweep_one_commit("SET LIMITS", card.into_nvm(), &nothing, 0, &|card| {
        let limits = Limits {
            per_payment: 7_000,
            ..LIMITS
        };
        owner.command(card, &SetLimits(limits))
    });
}

#[test]
fn the_owner_sets_the_pin_back() {
    let (mut card, owner) = funded(25, &[100_000]);
    for _ in 0..3 {
        owner.verify(&mut card, "000000");
    }
    let nvm = card.into_nvm();
    let nothing = |_: &mut TornCard| {};
    sweep_one_commit("RESET RETRY COUNTER", nvm.clone(), &nothing, 0, &|card| {
        owner.command(card, &SamePin)
    });
    let pin = PinBlock::from_digits(b"31415926").unwrap();
    sweep_one_commit("RESET RETRY COUNTER, new PIN", nvm, &nothing, 0, &|card| {
        owner.command(card, &NewPin::new(&pin))
    });
}

/// Whatever the power does, one of the two keys commands the card.
#[test]
fn the_owner_changes_his_key() {
    let (card, owner) = funded(26, &[100_000]);
    let new = Keypair::from_seckey_slice(&Secp256k1::new(), &[0x77; 32]).unwrap();
    sweep_one_commit("CHANGE OWNER KEY", card.into_nvm(), &|_| {}, 0, &|card| {
        owner.change_key(card, &new)
    });
}

#[test]
fn issue() {
    let start = RamNvm::default();
    let changed = {
        let mut card = Card::new(
            TornNvm::counting(start.clone()),
            rng(14),
            Configuration::ANY_NETWORK,
        );
        Owner::issue(&mut card, LIMITS);
        card.nvm().changed()
    };
    for cut in 0..changed {
        let mut card = Card::new(
            TornNvm::cut_after(start.clone(), cut),
            rng(14),
            Configuration::ANY_NETWORK,
        );
        assert_eq!(try_issue(&mut card), 0x6581, "cut after {cut} bytes");
        let nvm = card.into_nvm().into_inner();
        let mut card = Card::new(nvm, rng(15), Configuration::ANY_NETWORK);
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
        let (status, _) = send(&mut card, &[0x00, 0xCA, 0x01, 0x00, 0x00]);
        match StatusObject::parse(&status).unwrap().state {
            // As good as new.
            State::Factory => assert_eq!(try_issue(&mut card), 0x9000),
            State::Issued { tries_left, .. } => assert_eq!(tries_left, 3),
            ailing => panic!("cut after {cut} bytes: {ailing:?}"),
        }
    }
    println!("ISSUE: {changed} positions");
}

fn try_issue<N: embedded_storage::nor_flash::NorFlash>(card: &mut Card<N, ChaCha20Rng>) -> u16 {
    send(card, Select::to_apdu().as_bytes());
    send(card, GenerateKey::to_apdu().as_bytes());
    send(card, issue_apdu(LIMITS).as_bytes()).1
}
