//! Made and imported accounts, all leaves, and the issue record: scripts
//! against miniscript, the record against the text.

use crate::support::sweep::{old_or_new, sweep};
use crate::support::*;
use bitcoin::bip32::Xpriv;
use bitcoin::secp256k1::{Secp256k1, SecretKey};
use miniscript::{Descriptor, DescriptorPublicKey};
use p256::ecdsa::signature::hazmat::PrehashVerifier;
use p256::ecdsa::{Signature, VerifyingKey};
use rand_chacha::ChaCha20Rng;
use tillcard_applet::{Card, Configuration};
use tillcard_protocol::command::{
    Apdu, GenerateKey, GetData, Issue, Issued, KeySource, Leaf, MAX_MONEY, Network, ReceiveScript,
    ReceiveScriptAnswer, Select, State, StatusObject, Verify,
};
use tillcard_runtime::nvm::RamNvm;

type TestCard = Card<RamNvm, ChaCha20Rng>;

/// Account 0 of BIP86's test vectors.
const BIP86_ACCOUNT: &str = "xprv9xgqHN7yz9MwCkxsBPN5qetuNdQSUttZNKw1dcYTV4mkaAFiBVGQziHs3NRSWMkCzvgjEe3n9xV8oYywvM8at9yRqyaZVz6TYYhX98VjsUk";
/// The order of secp256k1.
const ORDER: [u8; 32] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE,
    0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48, 0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41,
];

fn factory(seed: u64) -> TestCard {
    let mut card = Card::new(RamNvm::default(), rng(seed), Configuration::ANY_NETWORK);
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    card
}

fn x_only(secret: u8) -> [u8; 32] {
    let secret = SecretKey::from_slice(&[secret; 32]).unwrap();
    secret.x_only_public_key(&Secp256k1::new()).0.serialize()
}

/// ISSUE of an imported account with this leaf.
fn import_apdu(account: &Xpriv, leaf: Leaf) -> Apdu {
    Issue::new(
        Network::Regtest,
        KeySource::Imported {
            secret: &account.private_key.secret_bytes(),
            chain_code: account.chain_code.as_bytes(),
        },
        &x_only(0x11),
        leaf,
        &pin(PIN),
        LIMITS,
        POLICY,
    )
    .to_apdu()
}

fn import(card: &mut TestCard, account: &Xpriv, leaf: Leaf) -> (Vec<u8>, u16) {
    send(card, import_apdu(account, leaf).as_bytes())
}

fn receive_script(card: &mut TestCard) -> Vec<u8> {
    let (answer, status) = send(card, ReceiveScript::to_apdu().as_bytes());
    assert_eq!(status, 0x9000);
    ReceiveScriptAnswer::parse(&answer).unwrap().script.to_vec()
}

fn state(card: &mut TestCard) -> State {
    let (answer, status) = send(card, GetData::Status.to_apdu().as_bytes());
    assert_eq!(status, 0x9000);
    StatusObject::parse(&answer).unwrap().state
}

#[test]
fn bip86_test_vector() {
    let account: Xpriv = BIP86_ACCOUNT.parse().unwrap();
    let mut card = factory(1);
    let (answer, status) = import(&mut card, &account, Leaf::None);
    assert_eq!(status, 0x9000);
    let issued = Issued::parse(&answer).unwrap();
    let public = account.private_key.public_key(&Secp256k1::new());
    assert_eq!(issued.public_key, public.serialize());
    assert_eq!(issued.chain_code, *account.chain_code.as_bytes());
    let verify = Verify::to_apdu(&pin(PIN));
    assert_eq!(send(&mut card, verify.as_bytes()).1, 0x9000);
    assert_eq!(
        hex::encode(receive_script(&mut card)),
        "5120a60869f0dbcf1dc659c9cecbaf8050135ea9e8cdc487053f1dc6880949dc684c"
    );
}

/// A card that is for some networks only refuses the others as unknown ones, and is
/// as new afterwards (`[ISS-2]`).
#[test]
fn networks_that_the_card_is_not_for() {
    let issue = |network| {
        Issue::new(
            network,
            KeySource::Imported {
                secret: &[0x33; 32],
                chain_code: &[0x44; 32],
            },
            &x_only(0x11),
            Leaf::None,
            &pin(PIN),
            LIMITS,
            POLICY,
        )
        .to_apdu()
    };
    let mut card = Card::new(RamNvm::default(), rng(3), Configuration::TESTS_ONLY);
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    assert_eq!(
        send(&mut card, issue(Network::Mainnet).as_bytes()).1,
        0x6A80
    );
    assert_eq!(state(&mut card), State::Factory);
    for network in [Network::Testnet, Network::Signet, Network::Regtest] {
        let mut card = Card::new(card.nvm().clone(), rng(4), Configuration::TESTS_ONLY);
        assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
        assert_eq!(send(&mut card, issue(network).as_bytes()).1, 0x9000);
    }
    card.configure(Configuration::ANY_NETWORK);
    assert_eq!(
        send(&mut card, issue(Network::Mainnet).as_bytes()).1,
        0x9000
    );
}

/// The card takes coins of every leaf's descriptor, and writes change that is
/// the descriptor's, signed by the key path.
#[test]
fn every_leaf_is_its_descriptor() {
    let account: Xpriv = BIP86_ACCOUNT.parse().unwrap();
    let primary = x_only(0x22);
    let delays = [1, 16, 17, 127, 128, 255, 256, 32_767, 32_768, 65_535];
    let leaves = [Leaf::None, Leaf::Key(primary)]
        .into_iter()
        .chain(delays.map(|blocks| Leaf::Delayed {
            blocks,
            key: primary,
        }));
    for leaf in leaves {
        let mut card = factory(2);
        assert_eq!(import(&mut card, &account, leaf).1, 0x9000);
        let mut owner = Owner::of_account(&account, leaf);
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        assert_eq!(
            receive_script(&mut card),
            descriptor_script(&account, &leaf, 0, 0),
            "{leaf:?}"
        );
        for index in 0..2 {
            let mut funding = owner.funding(index, 50_000, index);
            funding.output[1].script_pubkey = descriptor_script(&account, &leaf, 0, index).into();
            assert_eq!(owner.enter(&mut card, &funding, index), 0x9000, "{leaf:?}");
        }
        assert_eq!(owner.verify(&mut card, PIN), 0x9000);
        let milk = p2wpkh(4);
        let (transaction, status) = pay(&mut card, request(&milk, 60_000));
        assert_eq!(status, 0x9000);
        // Checks the signatures, and the change against `Owner::script`.
        assert_eq!(
            owner.script(1, 0).as_bytes(),
            descriptor_script(&account, &leaf, 1, 0)
        );
        owner.accept(&transaction, &milk, 60_000, 0);
    }
}

/// The script by miniscript.
fn descriptor_script(account: &Xpriv, leaf: &Leaf, chain: u32, index: u32) -> Vec<u8> {
    let account = bitcoin::bip32::Xpub::from_priv(&Secp256k1::new(), account);
    let key = |key: &[u8; 32]| hex::encode(key);
    let leaf = match leaf {
        Leaf::None => String::new(),
        Leaf::Key(primary) => format!(",pk({})", key(primary)),
        Leaf::Delayed {
            blocks,
            key: primary,
        } => {
            format!(",and_v(v:pk({}),older({blocks}))", key(primary))
        }
    };
    let descriptor = format!("tr({account}/{chain}/*{leaf})");
    let descriptor: Descriptor<DescriptorPublicKey> = descriptor.parse().unwrap();
    descriptor
        .at_derivation_index(index)
        .unwrap()
        .script_pubkey()
        .to_bytes()
}

/// The digest of the issue record, as the text has it.
fn record(issued: &Issued, provenance: u8, leaf: &[u8; 35]) -> [u8; 32] {
    let message = [
        &[0x00, 0x04, 0x03, provenance][..],
        &issued.public_key,
        &issued.chain_code,
        &x_only(0x11),
        leaf,
        &issued.agreement_key,
        &issued.salt,
    ]
    .concat();
    tagged_hash("Tillcard/issue", &message)
}

fn is_signed(issued: &Issued, digest: &[u8; 32]) -> bool {
    let key = VerifyingKey::from_sec1_bytes(&issued.identity_key).unwrap();
    let signature = Signature::from_slice(&issued.signature).unwrap();
    key.verify_prehash(digest, &signature).is_ok()
}

#[test]
fn the_issue_record_is_signed() {
    let mut known = Vec::new();
    for seed in 0..4 {
        let mut card = factory(seed);
        assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x9000);
        let (answer, status) = send(&mut card, issue_apdu(LIMITS).as_bytes());
        assert_eq!(status, 0x9000);
        let made = Issued::parse(&answer).unwrap();
        let leaf = [&[0x01, 0x00, 0x00][..], &x_only(0x22)].concat();
        assert!(is_signed(
            &made,
            &record(&made, 0, &leaf.try_into().unwrap())
        ));

        let account: Xpriv = BIP86_ACCOUNT.parse().unwrap();
        let mut card = factory(100 + seed);
        let delayed = Leaf::Delayed {
            blocks: 0x1234,
            key: x_only(0x22),
        };
        let (answer, status) = import(&mut card, &account, delayed);
        assert_eq!(status, 0x9000);
        let imported = Issued::parse(&answer).unwrap();
        let leaf = [&[0x02, 0x12, 0x34][..], &x_only(0x22)].concat();
        let leaf = leaf.try_into().unwrap();
        assert!(is_signed(&imported, &record(&imported, 1, &leaf)));
        assert!(!is_signed(&imported, &record(&imported, 0, &leaf)));

        for issued in [made, imported] {
            for fresh in [
                &issued.salt[..],
                &issued.identity_key,
                &issued.agreement_key,
            ] {
                assert!(!known.contains(&fresh.to_vec()));
                known.push(fresh.to_vec());
            }
        }
    }
}

/// What a data field of ISSUE looks like with one of its bytes changed.
fn with(mut apdu: Vec<u8>, at: usize, bytes: &[u8]) -> Vec<u8> {
    apdu[5 + at..5 + at + bytes.len()].copy_from_slice(bytes);
    apdu
}

/// Where the values of the made form's objects stand in the data field; those
/// of the imported form stand 32 bytes further from the owner key on.
const NETWORK: usize = 2;
const SHARE: usize = 5;
const OWNER: usize = 39;
const LEAF: usize = 73;
const PIN_BLOCK: usize = 110;
const LIMITS_AT: usize = 120;

#[test]
fn refusals_of_the_made_form() {
    let good = issue_apdu(LIMITS).as_bytes().to_vec();
    let over = (MAX_MONEY + 1).to_be_bytes();
    let no_point = [0xFF; 32];
    let cases: [(&str, Vec<u8>); 19] = [
        ("network", with(good.clone(), NETWORK, &[4])),
        ("share", with(good.clone(), SHARE, &ORDER)),
        ("highest share", with(good.clone(), SHARE, &no_point)),
        ("owner key", with(good.clone(), OWNER, &no_point)),
        ("no leaf", with(good.clone(), LEAF, &[0; 35])),
        ("leaf of kind 0 with a key", with(good.clone(), LEAF, &[0])),
        ("leaf of kind 3", with(good.clone(), LEAF, &[3])),
        (
            "leaf of kind 1 with a delay",
            with(good.clone(), LEAF + 2, &[1]),
        ),
        ("leaf of kind 2 without one", with(good.clone(), LEAF, &[2])),
        ("leaf key", with(good.clone(), LEAF + 3, &no_point)),
        ("PIN block", with(good.clone(), PIN_BLOCK, &[0x23])),
        ("per payment", with(good.clone(), LIMITS_AT, &over)),
        ("cumulative", with(good.clone(), LIMITS_AT + 8, &over)),
        ("fee cap", with(good.clone(), LIMITS_AT + 18, &over)),
        (
            "least rate",
            with(good.clone(), LIMITS_AT + 26, &99u32.to_be_bytes()),
        ),
        (
            "rates crossed",
            with(good.clone(), LIMITS_AT + 26, &100_001u32.to_be_bytes()),
        ),
        (
            "least coin",
            with(good.clone(), LIMITS_AT + 34, &329u32.to_be_bytes()),
        ),
        ("without PIN", with(good.clone(), LIMITS_AT + 38, &over)),
        ("tag", with(good.clone(), 0, &[0x90])),
    ];
    for (name, apdu) in cases {
        let mut card = factory(3);
        let before = card.nvm().clone();
        assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x9000);
        assert_eq!(send(&mut card, &apdu), (Vec::new(), 0x6A80), "{name}");
        assert_eq!(card.nvm().as_bytes(), before.as_bytes(), "{name}");
        // The key generation has ended, unless the bytes couldn't be decoded.
        let expected = if name == "tag" { 0x9000 } else { 0x6985 };
        assert_eq!(send(&mut card, &good).1, expected, "{name}");
    }
}

#[test]
fn refusals_of_the_imported_form() {
    let account: Xpriv = BIP86_ACCOUNT.parse().unwrap();
    let good = |leaf| import_apdu(&account, leaf).as_bytes().to_vec();
    let none = good(Leaf::None);
    let delayed = good(Leaf::Delayed {
        blocks: 1,
        key: x_only(0x22),
    });
    let leaf = LEAF + 32;
    let cases = [
        ("secret of zero", with(none.clone(), SHARE, &[0; 32])),
        ("secret of the order", with(none.clone(), SHARE, &ORDER)),
        ("highest secret", with(none.clone(), SHARE, &[0xFF; 32])),
        ("owner key", with(none.clone(), OWNER + 32, &[0xFF; 32])),
        (
            "leaf of kind 0 with a delay",
            with(none.clone(), leaf + 2, &[1]),
        ),
        (
            "leaf of kind 0 with a key",
            with(none.clone(), leaf + 34, &[1]),
        ),
        (
            "leaf of kind 1 without a key",
            with(none.clone(), leaf, &[1]),
        ),
        (
            "leaf of kind 2 without a delay",
            with(delayed.clone(), leaf + 2, &[0]),
        ),
    ];
    for (name, apdu) in cases {
        let mut card = factory(4);
        let before = card.nvm().clone();
        assert_eq!(send(&mut card, &apdu), (Vec::new(), 0x6A80), "{name}");
        assert_eq!(card.nvm().as_bytes(), before.as_bytes(), "{name}");
        assert_eq!(send(&mut card, &none).1, 0x9000, "{name}");
    }
}

#[test]
fn conditions() {
    let good = issue_apdu(LIMITS).as_bytes().to_vec();
    let account: Xpriv = BIP86_ACCOUNT.parse().unwrap();

    // Without a key generation, or after another session's.
    let mut card = factory(5);
    assert_eq!(send(&mut card, &good).1, 0x6985);
    assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    assert_eq!(send(&mut card, &good).1, 0x6985);

    // An import ends one, even when it is refused.
    assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x9000);
    let mut refused = account;
    refused.private_key = SecretKey::from_slice(&[1; 32]).unwrap();
    let (_, status) = import(&mut card, &refused, Leaf::Key([0xFF; 32]));
    assert_eq!(status, 0x6A80);
    assert_eq!(send(&mut card, &good).1, 0x6985);

    // Lengths of the other form, parameters of none.
    let mut swapped = good.clone();
    swapped[2] = 1;
    assert_eq!(send(&mut card, &swapped).1, 0x6700);
    for (p1, p2) in [(2, 0), (0, 1), (1, 1)] {
        let mut other = good.clone();
        (other[2], other[3]) = (p1, p2);
        assert_eq!(send(&mut card, &other).1, 0x6A86);
    }

    // Issued for good.
    assert_eq!(import(&mut card, &account, Leaf::None).1, 0x9000);
    let issued = State::Issued {
        network: Network::Regtest,
        tries_left: 3,
        policy: POLICY,
    };
    assert_eq!(state(&mut card), issued);
    assert_eq!(import(&mut card, &account, Leaf::None).1, 0x6985);
    assert_eq!(send(&mut card, &good).1, 0x6985);
    assert_eq!(send(&mut card, GenerateKey::to_apdu().as_bytes()).1, 0x6985);
    card.reset();
    assert_eq!(send(&mut card, Select::to_apdu().as_bytes()).1, 0x9000);
    assert_eq!(state(&mut card), issued);
}

#[test]
fn power_fails_during_an_import() {
    let account: Xpriv = BIP86_ACCOUNT.parse().unwrap();
    let start = RamNvm::default();
    let issue = import_apdu(&account, Leaf::None);
    let positions = sweep(
        "ISSUE (imported)",
        &start,
        &|_| {},
        &|card| send(card, issue.as_bytes()),
        &old_or_new("ISSUE (imported)", &start),
    );
    assert!(positions > 300);
}
