//! A checker that has believed a card looks at everything again the next time.

use std::time::Duration;

use bitcoin::Network;
use tillcard_client::genuine::{CardKey, Checker, GenuineError as E};

use crate::genuine_support::{batch, bundle, card, list, now, root, time};

/// One who has believed this card once.
fn convinced() -> (Checker, Vec<u8>) {
    let mut checker = Checker::new(Network::Regtest).unwrap();
    checker.trust(&root().by(&root())).unwrap();
    let bundle = bundle(&batch().by(&root()), &card().by(&batch()));
    checker.check(&bundle, CardKey::Identity, now()).unwrap();
    (checker, bundle)
}

#[test]
fn no_bit_of_what_was_believed_may_change() {
    let (checker, good) = convinced();
    let believed = checker.check(&good, CardKey::Identity, now()).unwrap();
    for bit in 0..good.len() * 8 {
        let mut forged = good.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        let checked = checker.check(&forged, CardKey::Identity, now());
        assert!(checked.is_err(), "bit {bit}");
    }
    let again = checker.check(&good, CardKey::Identity, now()).unwrap();
    assert_eq!(believed, again);
}

#[test]
fn a_certificate_that_was_believed_expires() {
    let mut checker = Checker::new(Network::Regtest).unwrap();
    checker.trust(&root().by(&root())).unwrap();
    let mut short = card();
    short.until = time(2031);
    let bundle = bundle(&batch().by(&root()), &short.by(&batch()));
    checker.check(&bundle, CardKey::Identity, now()).unwrap();
    let year = Duration::from_secs(366 * 86_400);
    let late = checker.check(&bundle, CardKey::Identity, now() + year);
    assert!(matches!(late, Err(E::Expired { .. })), "{late:?}");
    let early = checker.check(&bundle, CardKey::Identity, now() - 40 * year);
    assert!(matches!(early, Err(E::NotYetValid { .. })), "{early:?}");
}

#[test]
fn a_list_that_comes_later_revokes_a_card_that_was_believed() {
    let (mut checker, bundle) = convinced();
    let shares = checker.clone();
    let list = list(&batch(), &[3], 2031);
    checker.revoke(list.as_bytes()).unwrap();
    for _ in 0..2 {
        let revoked = checker.check(&bundle, CardKey::Identity, now());
        assert!(matches!(revoked, Err(E::CardRevoked)), "{revoked:?}");
        // A clone shares which signatures are good, and not the lists.
        shares.check(&bundle, CardKey::Identity, now()).unwrap();
    }
}

#[test]
fn a_use_that_was_believed_is_not_another() {
    let (checker, bundle) = convinced();
    let other = checker.check(&bundle, CardKey::Agreement, now());
    assert!(matches!(other, Err(E::WrongKeyUsage(_))), "{other:?}");
}
