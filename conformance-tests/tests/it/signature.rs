//! Signed results, which a third party checks.

use crate::interruption::one_case;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{EncodePrivateKey, EncodePublicKey};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn suite(arguments: &[&str]) -> Command {
    let mut suite = Command::new(env!("CARGO_BIN_EXE_tillcard-conform"));
    suite.args(arguments);
    suite
}

/// A key pair in two files.
fn keys(folder: &Path, secret: u8) -> [PathBuf; 2] {
    let key = SigningKey::from_bytes(&[secret; 32]);
    let private = key.to_pkcs8_pem(LineEnding::LF).unwrap();
    let public = key.verifying_key().to_public_key_pem(LineEnding::LF);
    let paths = ["pem", "pub"].map(|kind| folder.join(format!("{secret}.{kind}")));
    fs::write(&paths[0], private.as_bytes()).unwrap();
    fs::write(&paths[1], public.unwrap()).unwrap();
    paths
}

fn act(what: &str, result: &Path, key: &Path) -> (Option<i32>, String) {
    let mut suite = suite(&[what, "--key"]);
    let Output {
        status,
        stdout,
        stderr,
    } = suite.arg(key).arg(result).output().unwrap();
    let told = [stdout, stderr].concat();
    (status.code(), String::from_utf8(told).unwrap())
}

#[test]
fn a_signed_result_is_checked_and_a_changed_one_found() {
    let folder = tempfile::tempdir().unwrap();
    let result = folder.path().join("result");
    one_case(&result);
    let [private, public] = keys(folder.path(), 7);
    let [_, other] = keys(folder.path(), 8);

    assert_eq!(act("verify", &result, &public).0, Some(2), "not signed yet");
    let (code, told) = act("sign", &result, &public);
    assert!(code == Some(2) && told.contains("[bad-key]"), "{told}");
    assert_eq!(act("sign", &result, &private).0, Some(0));
    let (code, told) = act("verify", &result, &public);
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("1 PASS") && told.contains("the trace is the signed one"),
        "{told}"
    );

    let (code, told) = act("verify", &result, &other);
    assert!(
        code == Some(1) && told.contains("[bad-signature]"),
        "{told}"
    );
    for file in ["report.json", "trace.jsonl"] {
        let path = result.join(file);
        let right = fs::read_to_string(&path).unwrap();
        fs::write(&path, right.replacen("TC-PIN-01", "TC-PIN-02", 1)).unwrap();
        let (code, told) = act("verify", &result, &public);
        assert!(
            code == Some(1) && told.contains("[bad-signature]"),
            "{file}: {told}"
        );
        fs::write(&path, right).unwrap();
    }
    // The trace is large, and may be left out.
    fs::remove_file(result.join("trace.jsonl")).unwrap();
    let (code, told) = act("verify", &result, &public);
    assert!(
        code == Some(0) && told.contains("there is no trace"),
        "{told}"
    );
}

#[test]
fn a_result_that_contradicts_itself_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let result = folder.path().join("result");
    one_case(&result);
    let [private, _] = keys(folder.path(), 7);
    let path = result.join("report.json");
    let right = fs::read_to_string(&path).unwrap();
    fs::write(
        &path,
        right.replace("\"conforms\": false", "\"conforms\": true"),
    )
    .unwrap();
    let (code, told) = act("sign", &result, &private);
    assert!(code == Some(1) && told.contains("summary"), "{told}");
}
