//! Vectors of BIP32, BIP340 and BIP341 against the card's own code, in the forms
//! in which it meets them.

use super::bip32::Node;
use super::schnorr::sign;
use super::taproot::OutputKey;
use super::{Account, AccountSecret, KeyRing, MerkleRoot, Signer, is_x_only_key, verify};
use bitcoin::bip32::{ChildNumber, Xpriv};
use k256::elliptic_curve::PrimeField;
use k256::schnorr::SigningKey;
use k256::{NonZeroScalar, Scalar};
use std::vec::Vec;
use tillcard_protocol::command::{Leaf, Place};
use tillcard_testkit::random::Source;
use zeroize::Zeroizing;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// BIP340, vectors 0 to 3: secret key, public key, auxiliary randomness, message,
/// signature.
const SIGNED: [[&str; 5]; 4] = [
    [
        "0000000000000000000000000000000000000000000000000000000000000003",
        "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        concat!(
            "e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215",
            "25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0"
        ),
    ],
    [
        "b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef",
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "0000000000000000000000000000000000000000000000000000000000000001",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341",
            "8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a"
        ),
    ],
    [
        "c90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b14e5c9",
        "dd308afec5777e13121fa72b9cc1b7cc0139715309b086c960e18fd969774eb8",
        "c87aa53824b4d7ae2eb035a2b5bbbccc080e76cdc6d1692c4b0b62d798e6d906",
        "7e2d58d8b3bcdf1abadec7829054f90dda9805aab56c77333024b9d0a508b75c",
        concat!(
            "5831aaeed7b44bb74e5eab94ba9d4294c49bcf2a60728d8b4c200f50dd313c1b",
            "ab745879a5ad954a72c45a91c3a51d3c7adea98d82f8481e0e1e03674a6f3fb7"
        ),
    ],
    [
        "0b432b2677937381aef05bb02a66ecd012773062cf3fa2549e44f58ed2401710",
        "25d1dff95105f5253c4022f628a996ad3a0d95fbf21d468a1b33f8c160d8f517",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        concat!(
            "7eb0509757e246f19449885651611cb965ecc1a187dd51b64fda1edc9637d5ec",
            "97582b9cb13db3933705b32ba982af5af25fd78881ebb32771fc5922efc66ea3"
        ),
    ],
];

/// BIP340, vectors 4 to 14: public key, message, signature, and whether it is one.
/// (The others' messages haven't 32 bytes; the card signs no such.)
const VERIFIED: [(&str, &str, &str, bool); 11] = [
    (
        "d69c3509bb99e412e68b0fe8544e72837dfa30746d8be2aa65975f29d22dc7b9",
        "4df3c3f68fcc83b27e9d42c90431a72499f17875c81a599b566c9889b9696703",
        concat!(
            "00000000000000000000003b78ce563f89a0ed9414f5aa28ad0d96d6795f9c63",
            "76afb1548af603b3eb45c9f8207dee1060cb71c04e80f593060b07d28308d7f4"
        ),
        true,
    ),
    (
        "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769",
            "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "fff97bd5755eeea420453a14355235d382f6472f8568a18b2f057a1460297556",
            "3cc27944640ac607cd107ae10923d9ef7a73c643e166be5ebeafa34b1ac553e2"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "1fa62e331edbc21c394792d2ab1100a7b432b013df3f6ff4f99fcb33e0e1515f",
            "28890b3edb6e7189b630448b515ce4f8622a954cfe545735aaea5134fccdb2bd"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769",
            "961764b3aa9b2ffcb6ef947b6887a226e8d7c93e00c5ed0c1834ff0d0c2e6da6"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "0000000000000000000000000000000000000000000000000000000000000000",
            "123dda8328af9c23a94c1feecfd123ba4fb73476f0d594dcb65c6425bd186051"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "0000000000000000000000000000000000000000000000000000000000000001",
            "7615fbaf5ae28864013c099742deadb4dba87f11ac6754f93780d5a1837cf197"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "4a298dacae57395a15d0795ddbfd1dcb564da82b0f269bc70a74f8220429ba1d",
            "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f",
            "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b"
        ),
        false,
    ),
    (
        "dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769",
            "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
        ),
        false,
    ),
    (
        "fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30",
        "243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89",
        concat!(
            "6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769",
            "69e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b"
        ),
        false,
    ),
];

/// Gives what BIP340's vectors name.
fn auxiliary(given: [u8; 32]) -> Source {
    Source::new(move |bytes| {
        bytes.copy_from_slice(&given);
        Ok(())
    })
}

#[test]
fn bip340_signs_the_same() {
    for [secret, public, given, message, signature] in SIGNED {
        // The secret with an even y.
        let key = SigningKey::from_slice(&bytes::<32>(secret)).unwrap();
        let secret = key.as_nonzero_scalar();
        let (public, message) = (bytes(public), bytes(message));
        let signed = sign(secret, &public, &message, &mut auxiliary(bytes(given))).unwrap();
        assert_eq!(signed, bytes(signature));
        assert!(verify(&public, &message, &signed));
    }
}

#[test]
fn bip340_takes_what_is_valid_only() {
    for (public, message, signature, valid) in VERIFIED {
        let found = verify(&bytes(public), &bytes(message), &bytes(signature));
        assert_eq!(found, valid, "{signature}");
    }
    // Vectors 5 and 14: no point has such an x.
    for not_a_key in [VERIFIED[1].0, VERIFIED[10].0] {
        assert!(!is_x_only_key(&bytes(not_a_key)));
    }
}

fn scalar(secret: &[u8; 32]) -> Scalar {
    Option::<Scalar>::from(Scalar::from_repr((*secret).into())).unwrap()
}

fn node(secret: &[u8; 32], chain_code: [u8; 32]) -> Node {
    let account = Account::import(secret, &chain_code).unwrap();
    Node::from_bytes(account.public().public_key(), chain_code).unwrap()
}

/// BIP341's wallet vectors whose outputs are such as a card has: without a leaf,
/// and with one that is a key's. Secret key, leaf's key, tweaked secret key.
const TWEAKED: [(&str, Option<&str>, &str); 2] = [
    (
        "6b973d88838f27366ed61c9ad6367663045cb456e28335c109e30717ae0c6baa",
        None,
        "2405b971772ad26915c8dcdf10f238753a9b837e5f8e6a86fd7c0cce5b7296d9",
    ),
    (
        "1e4da49f6aaf4e5cd175fe08a32bb5cb4863d963921255f33d3bc31e1343907f",
        Some("d85a959b0290bf19bb89ed43c916be835475d013da4b362117393e25a48229b8"),
        "ea260c3b10e60f6de018455cd0278f2f5b7e454be1999572789e6a9565d26080",
    ),
];
/// Their scripts.
const SCRIPTS: [&str; 2] = [
    "512053a1f6e454df1aa2776a2814a721372d6258050de330b3c6d10ee8f4e0dda343",
    "5120147c9c57132f6e7ecddba9800bb0c4449251c92a1e60371ee77557b6620f3ea3",
];

#[test]
fn bip341_tweaks_the_same() {
    for ((secret, leaf, tweaked), script) in TWEAKED.into_iter().zip(SCRIPTS) {
        let leaf = leaf.map_or(Leaf::None, |key| Leaf::Key(bytes(key)));
        let root = MerkleRoot::new(&leaf);
        let secret = bytes(secret);
        let key = OutputKey::new(Place::receive(0), &node(&secret, [0; 32]), &root).unwrap();
        assert_eq!(key.script(), bytes(script));
        // BIP340 keys are the same with either sign.
        let expected: SigningKey = SigningKey::from_slice(&bytes::<32>(tweaked)).unwrap();
        let secret = key.secret(Zeroizing::new(scalar(&secret)), &root).unwrap();
        let expected: &NonZeroScalar = expected.as_nonzero_scalar();
        assert_eq!(secret.to_repr(), expected.to_repr());
    }
}

/// All nodes of BIP32's vectors 1 to 4, each below the one before it unless it is
/// a master key.
const NODES: [&str; 17] = [
    "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
    "xprv9uHRZZhk6KAJC1avXpDAp4MDc3sQKNxDiPvvkX8Br5ngLNv1TxvUxt4cV1rGL5hj6KCesnDYUhd7oWgT11eZG7XnxHrnYeSvkzY7d2bhkJ7",
    "xprv9wTYmMFdV23N2TdNG573QoEsfRrWKQgWeibmLntzniatZvR9BmLnvSxqu53Kw1UmYPxLgboyZQaXwTCg8MSY3H2EU4pWcQDnRnrVA1xe8fs",
    "xprv9z4pot5VBttmtdRTWfWQmoH1taj2axGVzFqSb8C9xaxKymcFzXBDptWmT7FwuEzG3ryjH4ktypQSAewRiNMjANTtpgP4mLTj34bhnZX7UiM",
    "xprvA2JDeKCSNNZky6uBCviVfJSKyQ1mDYahRjijr5idH2WwLsEd4Hsb2Tyh8RfQMuPh7f7RtyzTtdrbdqqsunu5Mm3wDvUAKRHSC34sJ7in334",
    "xprvA41z7zogVVwxVSgdKUHDy1SKmdb533PjDz7J6N6mV6uS3ze1ai8FHa8kmHScGpWmj4WggLyQjgPie1rFSruoUihUZREPSL39UNdE3BBDu76",
    "xprv9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U",
    "xprv9vHkqa6EV4sPZHYqZznhT2NPtPCjKuDKGY38FBWLvgaDx45zo9WQRUT3dKYnjwih2yJD9mkrocEZXo1ex8G81dwSM1fwqWpWkeS3v86pgKt",
    "xprv9wSp6B7kry3Vj9m1zSnLvN3xH8RdsPP1Mh7fAaR7aRLcQMKTR2vidYEeEg2mUCTAwCd6vnxVrcjfy2kRgVsFawNzmjuHc2YmYRmagcEPdU9",
    "xprv9zFnWC6h2cLgpmSA46vutJzBcfJ8yaJGg8cX1e5StJh45BBciYTRXSd25UEPVuesF9yog62tGAQtHjXajPPdbRCHuWS6T8XA2ECKADdw4Ef",
    "xprvA1RpRA33e1JQ7ifknakTFpgNXPmW2YvmhqLQYMmrj4xJXXWYpDPS3xz7iAxn8L39njGVyuoseXzU6rcxFLJ8HFsTjSyQbLYnMpCqE2VbFWc",
    "xprvA2nrNbFZABcdryreWet9Ea4LvTJcGsqrMzxHx98MMrotbir7yrKCEXw7nadnHM8Dq38EGfSh6dqA9QWTyefMLEcBYJUuekgW4BYPJcr9E7j",
    "xprv9s21ZrQH143K25QhxbucbDDuQ4naNntJRi4KUfWT7xo4EKsHt2QJDu7KXp1A3u7Bi1j8ph3EGsZ9Xvz9dGuVrtHHs7pXeTzjuxBrCmmhgC6",
    "xprv9uPDJpEQgRQfDcW7BkF7eTya6RPxXeJCqCJGHuCJ4GiRVLzkTXBAJMu2qaMWPrS7AANYqdq6vcBcBUdJCVVFceUvJFjaPdGZ2y9WACViL4L",
    "xprv9s21ZrQH143K48vGoLGRPxgo2JNkJ3J3fqkirQC2zVdk5Dgd5w14S7fRDyHH4dWNHUgkvsvNDCkvAwcSHNAQwhwgNMgZhLtQC63zxwhQmRv",
    "xprv9vB7xEWwNp9kh1wQRfCCQMnZUEG21LpbR9NPCNN1dwhiZkjjeGRnaALmPXCX7SgjFTiCTT6bXes17boXtjq3xLpcDjzEuGLQBM5ohqkao9G",
    "xprv9xJocDuwtYCMNAo3Zw76WENQeAS6WGXQ55RCy7tDJ8oALr4FWkuVoHJeHVAcAqiZLE7Je3vZJHxspZdFHfnBEjHqU5hG1Jaj32dVoS6XLT1",
];

#[test]
fn bip32_derives_the_same() {
    let nodes: Vec<Xpriv> = NODES.iter().map(|node| node.parse().unwrap()).collect();
    let of = |xpriv: &Xpriv| {
        node(
            &xpriv.private_key.secret_bytes(),
            xpriv.chain_code.to_bytes(),
        )
    };
    let mut derived = 0;
    for pair in nodes.windows(2) {
        let [parent, child] = pair else { continue };
        // The card derives no hardened child.
        let ChildNumber::Normal { index } = child.child_number else {
            continue;
        };
        if child.depth == 0 {
            continue;
        }
        let step = of(parent).step(index).unwrap();
        let secret = scalar(&parent.private_key.secret_bytes()) + step.tweak;
        assert_eq!(secret, scalar(&child.private_key.secret_bytes()));
        let public = of(parent).child(index).unwrap();
        assert_eq!(public.public(), of(child).public());
        // The chain code is that of the child's own children.
        assert_eq!(
            public.step(0).unwrap().tweak,
            of(child).step(0).unwrap().tweak
        );
        derived += 1;
    }
    assert_eq!(derived, 6);
}

/// A secret that isn't the account's gives no signature (`[KEY-5]`).
#[test]
fn nothing_signs_for_another_key() {
    let [secret, other] = [bytes(SIGNED[1][0]), bytes(SIGNED[2][0])];
    let account = Account::import(&secret, &[0x55; 32]).unwrap();
    let sign = |secret: &[u8; 32], place: Place| {
        let root = MerkleRoot::new(&Leaf::None);
        let mut ring = KeyRing::new(account.public().clone(), root);
        let key = ring.key(place).unwrap();
        let secret = AccountSecret::from_bytes(secret).unwrap();
        let message = [0x77; 32];
        let signed = Signer::new(&ring, secret).sign(&key, &message, &mut auxiliary([1; 32]));
        signed.map(|signature| assert!(verify(key.as_bytes(), &message, &signature)))
    };
    for place in [Place::receive(0), Place::change(1), Place::receive(4095)] {
        assert_eq!(sign(&secret, place), Ok(()));
        let refused = Err(tillcard_protocol::status::EXECUTION_ERROR);
        assert_eq!(sign(&other, place), refused);
        for bit in 0..256 {
            let mut flipped = secret;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(sign(&flipped, place), refused, "bit {bit}");
        }
    }
}
