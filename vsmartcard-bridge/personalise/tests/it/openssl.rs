//! Certificates and lists as another program understands them: openssl.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tempfile::TempDir;
use tillcard_personalise::{
    Authority, Batch, CardKey, PersonaliseError, RevocationList, Root, SerialNumber, SigningKey,
    Time, Validity, test_root,
};
use x509_cert::der::DateTime;
use x509_cert::der::asn1::GeneralizedTime;
use x509_cert::der::pem::{LineEnding, encode_string};

/// A manufacturer with a batch and a card.
struct Made {
    folder: TempDir,
    root: Root,
    batch: Batch,
}

fn time(year: u16) -> Time {
    let date = DateTime::new(year, 1, 1, 0, 0, 0).unwrap();
    Time::GeneralTime(GeneralizedTime::from_date_time(date))
}

fn key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

fn point(byte: u8) -> [u8; 33] {
    let key = key(byte);
    key.verifying_key()
        .to_sec1_point(true)
        .as_bytes()
        .try_into()
        .unwrap()
}

fn openssl(arguments: &[&str], folder: &Path) -> Output {
    Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("openssl is installed: scripts/setup.sh test")
}

impl Made {
    fn new() -> Self {
        let validity = Validity::new(time(2020), Time::INFINITY);
        let serial = |number: u8| SerialNumber::from(number);
        let root = Root::new("Acme, Inc. root", key(1), serial(1), validity).unwrap();
        let batch = root
            .batch("Acme 2026-07", key(2), serial(2), validity)
            .unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let folder = TempDir::new().unwrap();
        let made = Self {
            folder,
            root,
            batch,
        };
        made.write(
            "root.pem",
            &made.root.authority().certificate_pem().unwrap(),
        );
        made.write(
            "batch.pem",
            &made.batch.authority().certificate_pem().unwrap(),
        );
        for (own, byte, name) in [
            (CardKey::Identity, 3, "identity.pem"),
            (CardKey::Agreement, 4, "agreement.pem"),
        ] {
            let der = made.batch.certify(own, &point(byte), &mut rng).unwrap();
            made.write(
                name,
                &encode_string("CERTIFICATE", LineEnding::LF, &der).unwrap(),
            );
        }
        made
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        let shown = openssl(
            &["x509", "-noout", "-text", "-in", name],
            self.folder.path(),
        );
        assert!(shown.status.success(), "{shown:?}");
        String::from_utf8(shown.stdout).unwrap()
    }

    /// Revokes the certificates and signs both lists, into `root.crl` and `batch.crl`.
    fn lists(&self, revoked: &[(&Authority, &str)]) {
        for (authority, name) in [
            (self.root.authority(), "root.crl"),
            (self.batch.authority(), "batch.crl"),
        ] {
            let mut list = RevocationList::new(authority);
            for (_, file) in revoked
                .iter()
                .filter(|(by, _)| std::ptr::eq(*by, authority))
            {
                let certificate = fs::read(self.path(file)).unwrap();
                assert!(list.revoke_certificate(&certificate, time(2021)).unwrap());
            }
            self.write(name, &list.sign(time(2022), time(2100)).unwrap());
        }
    }

    /// What openssl says of a card's certificate, with both lists.
    fn verify(&self, name: &str) -> (bool, String) {
        let arguments = "verify -x509_strict -crl_check_all -CAfile root.pem -untrusted batch.pem \
                         -CRLfile root.crl -CRLfile batch.crl";
        let arguments: Vec<_> = arguments.split_whitespace().chain([name]).collect();
        let said = openssl(&arguments, self.folder.path());
        let text = [said.stdout, said.stderr].concat();
        (said.status.success(), String::from_utf8(text).unwrap())
    }
}

#[test]
fn chains_and_lists_are_valid() {
    let made = Made::new();
    made.lists(&[]);
    for name in ["identity.pem", "agreement.pem"] {
        let (valid, said) = made.verify(name);
        assert!(valid, "{said}");
    }
}

#[test]
fn revoked_cards_and_batches_are_found() {
    let made = Made::new();
    made.lists(&[(made.batch.authority(), "identity.pem")]);
    let (valid, said) = made.verify("identity.pem");
    assert!(
        !valid && said.contains("error 23 at 0 depth lookup"),
        "{said}"
    );
    let (valid, said) = made.verify("agreement.pem");
    assert!(valid, "{said}");

    made.lists(&[(made.root.authority(), "batch.pem")]);
    let (valid, said) = made.verify("agreement.pem");
    assert!(
        !valid && said.contains("error 23 at 1 depth lookup"),
        "{said}"
    );
}

#[test]
fn certificates_say_what_the_protocol_has_them_say() {
    let made = Made::new();
    let root = made.text("root.pem");
    assert!(root.contains("CN = \"Acme, Inc. root\""), "{root}");
    assert!(
        root.contains("critical\n                CA:TRUE, pathlen:1\n"),
        "{root}"
    );
    let batch = made.text("batch.pem");
    assert!(
        batch.contains("critical\n                CA:TRUE, pathlen:0\n"),
        "{batch}"
    );
    for text in [&root, &batch] {
        let usage = "Key Usage: critical\n                Certificate Sign, CRL Sign\n";
        assert!(text.contains(usage), "{text}");
    }
    for (name, usage) in [
        ("identity.pem", "Digital Signature"),
        ("agreement.pem", "Key Agreement"),
    ] {
        let card = made.text(name);
        let usage = format!("Key Usage: critical\n                {usage}\n");
        assert!(card.contains(&usage), "{card}");
        assert!(card.contains("Subject: CN = Tillcard\n"), "{card}");
        assert!(
            card.contains("Not After : Dec 31 23:59:59 9999 GMT"),
            "{card}"
        );
        assert!(card.contains("NIST CURVE: P-256"), "{card}");
        assert!(
            card.contains("Signature Algorithm: ecdsa-with-SHA256"),
            "{card}"
        );
    }
}

#[test]
fn keys_are_read_by_openssl_and_back() {
    let made = Made::new();
    let batch = made.batch.authority();
    made.write("batch.key", &batch.key_pem().unwrap());
    let checked = openssl(
        &["pkey", "-check", "-noout", "-in", "batch.key"],
        made.folder.path(),
    );
    assert!(checked.status.success(), "{checked:?}");

    // And a key that openssl made, in the form that it has by itself.
    let made_there = openssl(
        &[
            "genpkey",
            "-algorithm",
            "EC",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-out",
            "own.key",
        ],
        made.folder.path(),
    );
    assert!(made_there.status.success(), "{made_there:?}");
    let key = fs::read_to_string(made.path("own.key")).unwrap();
    let certificate = batch.certificate_pem().unwrap();
    assert!(matches!(
        Authority::from_pem(&certificate, &key),
        Err(PersonaliseError::AnotherKey)
    ));
}

#[test]
fn a_card_of_the_emulator_is_of_the_test_root() {
    let made = Made::new();
    made.write("root.pem", test_root::CERTIFICATE);
    made.write("batch.pem", test_root::EMULATOR_BATCH);
    let said = openssl(
        &["verify", "-x509_strict", "-CAfile", "root.pem", "batch.pem"],
        made.folder.path(),
    );
    assert!(said.status.success(), "{said:?}");
}
