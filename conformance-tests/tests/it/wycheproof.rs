//! Project Wycheproof's vectors, for what the suite reckons and verifies itself. (It verifies no
//! ECDSA on secp256k1: coins are spent by BIP340 signatures, and libsecp256k1 checks those.)

use bitcoin::hashes::{Hash, sha256};
use p256::elliptic_curve::sec1::ToSec1Point;
use p256::{PublicKey, SecretKey};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tillcard_conform::channel::{agree, mac};
use tillcard_conform::keys::p256_verifies;

/// A vector and its group.
type Put<'a> = &'a dyn Fn(&Value, &Value) -> Option<bool>;

/// Puts each vector of a file; what isn't told by `put` isn't for the suite. As many must be put as
/// were when this was written.
fn each(file: &str, count: usize, put: Put<'_>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let text = fs::read_to_string(path.join(file)).unwrap();
    let set: Value = serde_json::from_str(&text).unwrap();
    let mut told = 0;
    for group in set["testGroups"].as_array().unwrap() {
        for vector in group["tests"].as_array().unwrap() {
            let Some(taken) = put(group, vector) else {
                continue;
            };
            let name = format!("{file} {} ({})", vector["tcId"], vector["comment"]);
            match vector["result"].as_str().unwrap() {
                "valid" => assert!(taken, "{name} is valid"),
                "invalid" => assert!(!taken, "{name} isn't valid"),
                // Valid, though some refuse it.
                other => assert_eq!(other, "acceptable", "{name}"),
            }
            told += 1;
        }
    }
    assert_eq!(told, count, "{file}");
}

fn bytes(of: &Value, name: &str) -> Vec<u8> {
    hex::decode(of[name].as_str().unwrap()).unwrap()
}

/// A scalar, with as many leading zeros as it takes.
fn secret(of: &Value, name: &str) -> SecretKey {
    let told = bytes(of, name);
    let significant = told.iter().position(|byte| *byte != 0).unwrap_or(0);
    let mut padded = vec![0; 32 - (told.len() - significant)];
    padded.extend_from_slice(&told[significant..]);
    SecretKey::from_slice(&padded).unwrap()
}

#[test]
fn key_agreement_on_p_256() {
    each("ecdh_secp256r1_ecpoint.json", 355, &|_, vector| {
        let public = PublicKey::from_sec1_bytes(&bytes(vector, "public"));
        let shared = public.map(|public| agree(&secret(vector, "private"), &public));
        Some(shared.is_ok_and(|shared| shared[..] == bytes(vector, "shared")))
    });
}

#[test]
fn signatures_on_p_256() {
    each(
        "ecdsa_secp256r1_sha256_p1363.json",
        262,
        &|group, vector| {
            let key = PublicKey::from_sec1_bytes(&bytes(&group["publicKey"], "uncompressed"));
            let key = key.unwrap().to_sec1_point(true);
            let digest = sha256::Hash::hash(&bytes(vector, "msg")).to_byte_array();
            // The form of the text has 64 bytes, and so has the type.
            let signature = <[u8; 64]>::try_from(bytes(vector, "sig"));
            let key = key.as_bytes().try_into().unwrap();
            Some(signature.is_ok_and(|signature| p256_verifies(&key, &digest, &signature)))
        },
    );
}

#[test]
fn macs_by_aes_128() {
    each("aes_cmac.json", 102, &|group, vector| {
        let key = <[u8; 16]>::try_from(bytes(vector, "key")).ok()?;
        let length = group["tagSize"].as_u64().unwrap() as usize / 8;
        let message = bytes(vector, "msg");
        let (front, back) = message.split_at(message.len() / 2);
        Some(mac(&key, &[front, back])[..length] == bytes(vector, "tag"))
    });
}
