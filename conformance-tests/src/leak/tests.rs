use super::Leaks;
use crate::card::secrets;
use crate::keys::{Account, SECP, keypair, p256_public};
use crate::model::{Leaf, Pin};
use bitcoin::secp256k1::Scalar;

const CARD_SHARE: [u8; 32] = [3; 32];
const HOST_SHARE: [u8; 32] = [5; 32];
const IDENTITY: [u8; 32] = [9; 32];
const AGREEMENT: [u8; 32] = [11; 32];

fn leaks() -> (Leaks, Account, [u8; 32]) {
    let c = keypair(&CARD_SHARE).unwrap();
    let leaf = Leaf::Key(keypair(&[7; 32]).unwrap());
    let account = Account::made(&c.public_key(), &HOST_SHARE, leaf).unwrap();
    let secret = c
        .secret_key()
        .add_tweak(&Scalar::from_be_bytes(HOST_SHARE).unwrap())
        .unwrap();
    assert_eq!(secret.public_key(&SECP).serialize(), account.public_key());
    let mut leaks = Leaks::default();
    leaks.next_card();
    leaks.saw("before", &[0; 5], &account.public_key());
    leaks.guard(&secrets::of_account(&account));
    leaks.guard_too(&secrets::of_commitment(&c.public_key()));
    leaks.guard_too(&secrets::of_pin(&Pin::new(&[1, 2, 3, 4])));
    let own_keys = [IDENTITY, AGREEMENT].map(|key| p256_public(&key).unwrap());
    leaks.guard_too(&secrets::of_own_keys(&own_keys));
    (leaks, account, secret.secret_bytes())
}

fn answer(data: &[u8]) -> Vec<u8> {
    [&[0xAA; 5], data, &[0x90, 0x00]].concat()
}

#[test]
fn each_kind_of_leak_is_found() {
    let (mut leaks, account, secret) = leaks();
    let mut backwards = secret;
    backwards.reverse();
    let mut pin = [0x24, 0x12, 0x34, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    pin.reverse();
    let leaking: [&[u8]; 9] = [
        &secret,
        &backwards,
        &CARD_SHARE,
        &pin,
        &account.public_key()[10..18],
        &account.chain_code()[3..11],
        &account.public_key(),
        &IDENTITY,
        &AGREEMENT,
    ];
    for data in leaking {
        leaks.saw("leaking", &[0x80, 0x30, 0, 0], &answer(data));
    }
    leaks.saw("clean", &[0x80, 0x30, 0, 0], &answer(&[0x55; 200]));
    let found = &leaks.sweep().findings;
    assert_eq!(found.len(), leaking.len(), "{found:?}");
    assert!(found.iter().all(|f| f.case == "leaking"));
}

#[test]
fn the_owner_may_read_the_account_and_nothing_else() {
    let (mut leaks, account, secret) = leaks();
    let record = [&account.public_key()[..], &account.chain_code()].concat();
    leaks.saw("read", &[0x80, 0x50, 0, 0], &answer(&record));
    leaks.for_the_owner();
    assert_eq!(leaks.sweep().findings, []);
    leaks.saw("read by another", &[0x80, 0x50, 0, 0], &answer(&record));
    let new = Pin::new(&[5, 6, 7, 8]);
    leaks.guard_too(&secrets::of_pin(&new));
    for more in [&secret[..], &new.block()] {
        let data = [&record[..], more].concat();
        leaks.saw("read with more", &[0x80, 0x50, 0, 0], &answer(&data));
        leaks.for_the_owner();
    }
    assert_eq!(leaks.sweep().findings.len(), 3);
}

#[test]
fn a_card_keeps_what_it_had_before_and_its_new_account_is_no_leak_of_the_old() {
    let (mut leaks, old, _) = leaks();
    let c = keypair(&[21; 32]).unwrap();
    let leaf = Leaf::Key(keypair(&[7; 32]).unwrap());
    let account = Account::made(&c.public_key(), &HOST_SHARE, leaf).unwrap();
    leaks.saw("ISSUE", &[0x80, 0x10, 0, 0], &answer(&account.chain_code()));
    leaks.guard(&secrets::of_account(&account));
    leaks.guard_too(&secrets::of_commitment(&c.public_key()));
    leaks.guard_too(&secrets::of_pin(&Pin::new(&[4, 3, 2, 1])));
    leaks.saw("read", &[0x80, 0x50, 0, 0], &answer(&account.chain_code()));
    leaks.for_the_owner();
    assert_eq!(leaks.sweep().findings, []);
    for secret in [&old.chain_code()[..], &IDENTITY, &account.chain_code()] {
        leaks.saw("leaking", &[0x80, 0x50, 0, 0], &answer(secret));
    }
    leaks.saw(
        "read the old",
        &[0x80, 0x50, 0, 0],
        &answer(&old.chain_code()),
    );
    leaks.for_the_owner();
    assert_eq!(leaks.sweep().findings.len(), 4);
}

#[test]
fn keys_of_its_own_are_kept_before_there_is_an_account() {
    let mut leaks = Leaks::default();
    leaks.next_card();
    leaks.guard(&secrets::of_own_keys(&[p256_public(&IDENTITY).unwrap()]));
    leaks.saw("factory", &[0x00, 0x88, 0, 0], &answer(&AGREEMENT));
    assert_eq!(leaks.sweep().findings, []);
    leaks.saw("factory", &[0x00, 0x88, 0, 0], &answer(&IDENTITY));
    assert_eq!(leaks.sweep().findings.len(), 1);
}

#[test]
fn a_leak_split_over_get_response_is_found() {
    let (mut leaks, _, secret) = leaks();
    leaks.saw(
        "split",
        &[0x80, 0x30, 0, 0],
        &[&secret[..9], &[0x61, 23]].concat(),
    );
    leaks.saw(
        "split",
        &[0x00, 0xC0, 0, 0],
        &[&secret[9..], &[0x90, 0]].concat(),
    );
    assert_eq!(leaks.sweep().findings.len(), 1);
}
