//! Which certificates are believed, and what is said of the others.

mod genuine_support;

use std::time::{Duration, UNIX_EPOCH};

use bitcoin::Network;
use genuine_support::{
    Draft, OF_AUTHORITY, batch, bundle, card, key, list, list_by, now, point, root, time,
};
use p256::pkcs8::DecodePrivateKey;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tillcard::genuine::{CardKey, Checker, GenuineError as E, Vouched};
use tillcard_personalise::{Authority, SigningKey, test_root};
use x509_cert::der::pem::{LineEnding, encode_string};
use x509_cert::ext::pkix::KeyUsages;

/// One who trusts the test's root.
fn checker() -> Checker {
    let mut checker = Checker::new(Network::Regtest).unwrap();
    checker.trust(&root().by(&root())).unwrap();
    checker
}

fn check(batch: &[u8], card: &[u8]) -> Result<Vouched, E> {
    checker().check(&bundle(batch, card), CardKey::Identity, now())
}

/// With lists of both authorities.
fn check_with(lists: &[String]) -> Result<Vouched, E> {
    let mut checker = checker();
    for list in lists {
        checker.revoke(list.as_bytes()).unwrap();
    }
    let bundle = bundle(&batch().by(&root()), &card().by(&batch()));
    checker.check(&bundle, CardKey::Identity, now())
}

#[test]
fn a_card_of_a_trusted_root_is_vouched_for() {
    let vouched = check(&batch().by(&root()), &card().by(&batch())).unwrap();
    assert_eq!(vouched.key, point(3));
    assert_eq!(vouched.batch, "Acme batch");
    assert_eq!(vouched.root, "Acme root");
    assert!(!vouched.is_test);
}

#[test]
fn an_unknown_root_is_told_by_its_name() {
    let bundle = bundle(&batch().by(&root()), &card().by(&batch()));
    let stranger = Checker::new(Network::Regtest).unwrap();
    let error = stranger
        .check(&bundle, CardKey::Identity, now())
        .unwrap_err();
    assert!(matches!(&error, E::UnknownRoot(name) if name == "Acme root"));
    assert!(error.to_string().contains("“Acme root”"), "{error}");
}

#[test]
fn a_root_of_the_same_name_is_not_the_same() {
    let impostor = Draft {
        key: key(9),
        ..root()
    };
    let result = check(&batch().by(&impostor), &card().by(&batch()));
    assert!(matches!(result, Err(E::Forged(name)) if name == "Acme root"));
    // With both trusted, both are tried.
    let mut both = checker();
    both.trust(&impostor.by(&impostor)).unwrap();
    for by in [root(), impostor] {
        let bundle = bundle(&batch().by(&by), &card().by(&batch()));
        both.check(&bundle, CardKey::Identity, now()).unwrap();
    }
}

#[test]
fn a_batch_that_did_not_sign_the_card_is_no_help() {
    let other = Draft {
        key: key(9),
        ..batch()
    };
    let result = check(&batch().by(&root()), &card().by(&other));
    assert!(matches!(result, Err(E::Forged(_))), "{result:?}");
    let stranger = Draft {
        name: "Other batch",
        ..batch()
    };
    let result = check(&batch().by(&root()), &card().by(&stranger));
    assert!(matches!(result, Err(E::NotOfItsBatch)), "{result:?}");
}

#[test]
fn a_root_certifies_no_card_by_itself() {
    let result = check(&batch().by(&root()), &card().by(&root()));
    assert!(matches!(result, Err(E::NotOfItsBatch)), "{result:?}");
    let result = check(&root().by(&root()), &card().by(&root()));
    assert!(matches!(result, Err(E::NotOfItsBatch)), "{result:?}");
}

#[test]
fn certificates_have_their_time() {
    let early = Draft {
        from: time(2031),
        ..batch()
    };
    let late = Draft {
        until: time(2030),
        ..batch()
    };
    let on_time = card().by(&batch());
    let result = check(&early.by(&root()), &on_time);
    assert!(matches!(result, Err(E::NotYetValid { ref name, ref since })
        if name == "Acme batch" && since == "2031-01-01T00:00:00Z"));
    let result = check(&late.by(&root()), &on_time);
    assert!(matches!(result, Err(E::Expired { ref name, ref until })
        if name == "Acme batch" && until == "2030-01-01T00:00:00Z"));

    let late = Draft {
        until: time(2030),
        ..card()
    };
    let result = check(&batch().by(&root()), &late.by(&batch()));
    assert!(matches!(result, Err(E::Expired { name, .. }) if name == "Tillcard"));

    let late = Draft {
        until: time(2030),
        ..root()
    };
    let mut checker = Checker::new(Network::Regtest).unwrap();
    checker.trust(&late.by(&late)).unwrap();
    let bundle = bundle(&batch().by(&root()), &on_time);
    let result = checker.check(&bundle, CardKey::Identity, now());
    assert!(matches!(result, Err(E::Expired { name, .. }) if name == "Acme root"));

    // The last second counts, and the one after it doesn't.
    let end = UNIX_EPOCH + time(2030).to_unix_duration();
    checker.check(&bundle, CardKey::Identity, end).unwrap();
    let after = end + Duration::from_secs(1);
    assert!(checker.check(&bundle, CardKey::Identity, after).is_err());
}

#[test]
fn revoked_cards_and_batches_are_refused() {
    let root_list = |serials: &[u8]| list(&root(), serials, 2031);
    let batch_list = |serials: &[u8]| list(&batch(), serials, 2031);
    check_with(&[root_list(&[9]), batch_list(&[9])]).unwrap();

    let result = check_with(&[root_list(&[]), batch_list(&[9, 3])]);
    assert!(matches!(result, Err(E::CardRevoked)), "{result:?}");
    let result = check_with(&[batch_list(&[3])]);
    assert!(matches!(result, Err(E::CardRevoked)), "{result:?}");
    let result = check_with(&[root_list(&[2, 9]), batch_list(&[])]);
    assert!(matches!(result, Err(E::BatchRevoked(name)) if name == "Acme batch"));
    let result = check_with(&[root_list(&[2])]);
    assert!(matches!(result, Err(E::BatchRevoked(_))), "{result:?}");
    // A serial number is one among its issuer's.
    check_with(&[root_list(&[3]), batch_list(&[2])]).unwrap();
}

#[test]
fn lists_have_their_time_and_their_signer() {
    let result = check_with(&[list(&batch(), &[], 2030)]);
    assert!(matches!(result, Err(E::ListExpired)), "{result:?}");
    let result = check_with(&[list_by(&batch(), &key(9), &[], 2031)]);
    assert!(matches!(result, Err(E::ListForged)), "{result:?}");
    let mut checker = checker();
    checker
        .revoke(list(&batch(), &[], 2031).as_bytes())
        .unwrap();
    let second = checker.revoke(list(&batch(), &[3], 2031).as_bytes());
    assert!(matches!(second, Err(E::TwoLists(name)) if name == "Acme batch"));
}

#[test]
fn lists_can_be_required() {
    let bundle = bundle(&batch().by(&root()), &card().by(&batch()));
    let mut checker = checker();
    checker.require_lists();
    let missing = |checker: &Checker| match checker.check(&bundle, CardKey::Identity, now()) {
        Err(E::NoList(name)) => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(&checker), "Acme root");
    checker.revoke(list(&root(), &[], 2031).as_bytes()).unwrap();
    assert_eq!(missing(&checker), "Acme batch");
    checker
        .revoke(list(&batch(), &[], 2031).as_bytes())
        .unwrap();
    checker.check(&bundle, CardKey::Identity, now()).unwrap();
}

#[test]
fn each_key_is_for_one_use() {
    let valid_batch = batch().by(&root());
    // For any purpose, so that there is an extension in each.
    let with = |usage: Option<_>| {
        let draft = Draft {
            usage,
            purpose: Some("2.5.29.37.0"),
            ..card()
        };
        draft.by(&batch())
    };
    let agreement = with(Some(KeyUsages::KeyAgreement.into()));
    let checker = checker();
    let as_key = |card: &[u8], key| checker.check(&bundle(&valid_batch, card), key, now());

    as_key(&agreement, CardKey::Agreement).unwrap();
    let result = as_key(&agreement, CardKey::Identity);
    assert!(matches!(result, Err(E::WrongKeyUsage("signatures"))));
    let result = as_key(&card().by(&batch()), CardKey::Agreement);
    assert!(matches!(result, Err(E::WrongKeyUsage("channels"))));
    for usage in [
        None,
        Some(KeyUsages::DigitalSignature | KeyUsages::KeyAgreement),
        Some(KeyUsages::DigitalSignature | KeyUsages::KeyCertSign),
    ] {
        let result = as_key(&with(usage), CardKey::Identity);
        assert!(matches!(result, Err(E::WrongKeyUsage(_))), "{usage:?}");
    }
    let uncritical = Draft {
        usage_is_critical: false,
        ..card()
    };
    let result = as_key(&uncritical.by(&batch()), CardKey::Identity);
    assert!(matches!(result, Err(E::WrongKeyUsage(_))), "{result:?}");
    // For TLS servers.
    let limited = Draft {
        purpose: Some("1.3.6.1.5.5.7.3.1"),
        ..card()
    };
    let result = as_key(&limited.by(&batch()), CardKey::Identity);
    assert!(matches!(result, Err(E::Profile(_))), "{result:?}");
}

#[test]
fn a_batch_is_a_batch() {
    let valid = batch().by(&root());
    let result = check(&valid, &valid);
    assert!(matches!(result, Err(E::BatchAsCard)), "{result:?}");

    // A card that certifies another, with its signing key.
    let forger = card().by(&root());
    let victim = Draft {
        key: key(4),
        ..card()
    }
    .by(&card());
    let result = check(&forger, &victim);
    assert!(matches!(result, Err(E::NotABatch(_))), "{result:?}");

    for wrong in [
        Draft {
            authority: Some(None),
            ..batch()
        },
        Draft {
            authority: Some(Some(1)),
            ..batch()
        },
        Draft {
            usage: None,
            ..batch()
        },
        Draft {
            usage: Some(KeyUsages::CRLSign.into()),
            ..batch()
        },
        Draft {
            usage: Some(OF_AUTHORITY() | KeyUsages::DigitalSignature),
            ..batch()
        },
    ] {
        let result = check(&wrong.by(&root()), &card().by(&batch()));
        assert!(matches!(result, Err(E::NotABatch(_))), "{result:?}");
    }
}

#[test]
fn what_is_no_bundle_is_told_of() {
    let valid = bundle(&batch().by(&root()), &card().by(&batch()));
    let checker = checker();
    let check = |bytes: &[u8]| checker.check(bytes, CardKey::Identity, now()).unwrap_err();
    for end in 0..valid.len() {
        let error = check(&valid[..end]);
        assert!(
            matches!(error, E::Truncated | E::Garbage(_)),
            "{end}: {error:?}"
        );
    }
    assert!(matches!(check(&[]), E::Truncated));
    assert!(matches!(check(&valid[..valid.len() - 1]), E::Truncated));
    assert!(matches!(check(&batch().by(&root())), E::Truncated));
    assert!(matches!(check(b"garbage"), E::Garbage(_)));
    let longer = [&valid[..], &[0, 0, 0]].concat();
    assert!(matches!(check(&longer), E::TrailingBytes(3)));
    // No bit of it can be changed.
    for at in 0..valid.len() {
        let mut changed = valid.clone();
        changed[at] ^= 0x04;
        assert!(
            checker.check(&changed, CardKey::Identity, now()).is_err(),
            "byte {at}"
        );
    }
}

/// What a card of the emulator's batch answers.
fn emulators_bundle() -> Vec<u8> {
    let batch = test_root::emulator_batch().unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let card = batch.certify(CardKey::Identity, &point(3), &mut rng);
    bundle(
        &batch.authority().certificate_der().unwrap(),
        &card.unwrap(),
    )
}

#[test]
fn the_test_root_is_for_tests() {
    let bundle = emulators_bundle();
    for network in [
        Network::Testnet,
        Network::Testnet4,
        Network::Signet,
        Network::Regtest,
    ] {
        let checker = Checker::new(network).unwrap();
        let vouched = checker.check(&bundle, CardKey::Identity, now()).unwrap();
        assert!(vouched.is_test);
        assert_eq!(vouched.batch, "Tillcard emulator");
    }
    let mut mainnet = Checker::new(Network::Bitcoin).unwrap();
    let result = mainnet.check(&bundle, CardKey::Identity, now());
    assert!(matches!(result, Err(E::TestRoot)), "{result:?}");
    let named = mainnet.trust(test_root::CERTIFICATE.as_bytes());
    assert!(matches!(named, Err(E::TestRoot)), "{named:?}");
    let result = mainnet.check(&bundle, CardKey::Identity, now());
    assert!(matches!(result, Err(E::TestRoot)), "{result:?}");
}

fn secret_of(authority: &Authority) -> SigningKey {
    SigningKey::from_pkcs8_pem(&authority.key_pem().unwrap()).unwrap()
}

#[test]
fn the_published_keys_are_refused_under_any_name() {
    let test_root = test_root::test_root().unwrap();
    let emulator_batch = test_root::emulator_batch().unwrap();
    for published in [test_root.authority(), emulator_batch.authority()] {
        let renamed = Draft {
            key: secret_of(published),
            ..root()
        };
        let renamed_certificate = renamed.by(&renamed);
        let mut mainnet = Checker::new(Network::Bitcoin).unwrap();
        let result = mainnet.trust(&renamed_certificate);
        assert!(matches!(result, Err(E::TestRoot)), "{result:?}");
        let mut regtest = Checker::new(Network::Regtest).unwrap();
        regtest.trust(&renamed_certificate).unwrap();
        let under = bundle(&batch().by(&renamed), &card().by(&batch()));
        let vouched = regtest.check(&under, CardKey::Identity, now()).unwrap();
        assert!(vouched.is_test && vouched.root == "Acme root");

        // Nor as a batch of a root that is somebody's.
        let renamed = Draft {
            key: secret_of(published),
            ..batch()
        };
        mainnet.trust(&root().by(&root())).unwrap();
        let under = bundle(&renamed.by(&root()), &card().by(&renamed));
        let result = mainnet.check(&under, CardKey::Identity, now());
        assert!(matches!(result, Err(E::TestRoot)), "{result:?}");
    }
}

#[test]
fn mainnet_takes_other_roots() {
    let mut mainnet = Checker::new(Network::Bitcoin).unwrap();
    mainnet.trust(&root().by(&root())).unwrap();
    let bundle = bundle(&batch().by(&root()), &card().by(&batch()));
    let vouched = mainnet.check(&bundle, CardKey::Identity, now()).unwrap();
    assert!(!vouched.is_test);
}

#[test]
fn files_are_pem_or_der_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let pem = |der: &[u8]| encode_string("CERTIFICATE", LineEnding::LF, der).unwrap();
    let der = root().by(&root());
    let bundle = bundle(&batch().by(&root()), &card().by(&batch()));
    let two = format!("Two roots:\n{}{}", pem(&root_named_other()), pem(&der));
    for bytes in [der.clone(), pem(&der).into_bytes(), two.into_bytes()] {
        let mut checker = Checker::new(Network::Regtest).unwrap();
        checker.trust_file(&file("root", &bytes)).unwrap();
        checker.check(&bundle, CardKey::Identity, now()).unwrap();
    }

    let mut checker = checker();
    let mut refused = |bytes: &[u8]| match checker.trust_file(&file("root", bytes)) {
        Err(E::File { cause, .. }) => matches!(*cause, E::NotARoot(_)),
        other => panic!("{other:?}"),
    };
    let wrong_key = Draft {
        key: key(9),
        ..root()
    };
    let without_room = Draft {
        authority: Some(Some(0)),
        ..root()
    };
    for bytes in [
        &b""[..],
        b"garbage",
        b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n",
        pem(b"garbage").as_bytes(),
        &der[..der.len() - 1],
        &[&der[..], &[0]].concat(),
        &batch().by(&root()),
        &card().by(&card()),
        &root().by(&wrong_key),
        &without_room.by(&without_room),
    ] {
        assert!(refused(bytes), "{bytes:02X?}");
    }
    let missing = checker.trust_file(&folder.path().join("missing"));
    assert!(matches!(missing, Err(E::Io { .. })));

    let good_list = list(&batch(), &[3], 2031);
    checker
        .revoke_file(&file("list", good_list.as_bytes()))
        .unwrap();
    let result = checker.check(&bundle, CardKey::Identity, now());
    assert!(matches!(result, Err(E::CardRevoked)), "{result:?}");
    for bytes in [&b""[..], b"garbage", pem(&der).as_bytes(), &der] {
        let refused = checker.revoke(bytes);
        assert!(matches!(refused, Err(E::NotAList(_))), "{refused:?}");
    }
}

fn root_named_other() -> Vec<u8> {
    let other = Draft {
        name: "Other root",
        ..root()
    };
    other.by(&other)
}
