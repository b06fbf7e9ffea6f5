//! `tillcard personalise` where no reader is needed: files, lists, and what openssl says of them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;

/// Runs a program in a folder.
fn run(program: &str, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .current_dir(folder)
        // Where libpcsclite looks for the service.
        .env("PCSCLITE_CSOCK_NAME", folder.join("nobody"))
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; scripts/setup.sh test installs it"))
}

/// What `tillcard personalise` says when it succeeds.
#[track_caller]
fn personalise(folder: &TempDir, arguments: &[&str]) -> String {
    let arguments = [&["personalise"], arguments].concat();
    let output = run(env!("CARGO_BIN_EXE_tillcard"), folder.path(), &arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says when it fails.
#[track_caller]
fn refused(folder: &TempDir, arguments: &[&str]) -> String {
    let arguments = [&["personalise"], arguments].concat();
    let output = run(env!("CARGO_BIN_EXE_tillcard"), folder.path(), &arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

/// What openssl says, and whether it is content.
fn openssl(folder: &TempDir, arguments: &str) -> (bool, String) {
    let arguments: Vec<_> = arguments.split_whitespace().collect();
    let output = run("openssl", folder.path(), &arguments);
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

/// A manufacturer's folder with `root` and `batch`.
fn made() -> TempDir {
    let folder = TempDir::new().unwrap();
    personalise(
        &folder,
        &[
            "root",
            "--name",
            "Acme, Inc.",
            "--out",
            "root",
            "--years",
            "30",
        ],
    );
    personalise(
        &folder,
        &[
            "batch",
            "--root",
            "root",
            "--name",
            "Acme 2026-07",
            "--out",
            "batch",
        ],
    );
    folder
}

fn read(folder: &TempDir, name: &str) -> Vec<u8> {
    fs::read(folder.path().join(name)).unwrap()
}

const REVOKE: [&str; 5] = ["revoke", "--by", "root", "--list", "root.crl"];

#[test]
fn roots_and_batches_are_what_openssl_takes_for_such() {
    let folder = made();
    let (valid, said) = openssl(&folder, "verify -x509_strict -CAfile root.pem batch.pem");
    assert!(valid, "{said}");
    let (_, root) = openssl(&folder, "x509 -noout -subject -enddate -in root.pem");
    assert!(root.contains("subject=CN = \"Acme, Inc.\""), "{root}");
    assert!(!root.contains("9999"), "{root}");
    let (_, batch) = openssl(&folder, "x509 -noout -enddate -in batch.pem");
    assert!(batch.contains("Dec 31 23:59:59 9999 GMT"), "{batch}");
}

#[test]
fn secret_keys_are_for_nobody_else() {
    let folder = made();
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).unwrap();
        metadata.permissions().mode() & 0o077
    };
    assert_eq!((mode("root.key"), mode("batch.key")), (0, 0));
    let (valid, said) = openssl(&folder, "pkey -check -noout -in root.key");
    assert!(valid, "{said}");
}

#[test]
fn nothing_is_overwritten() {
    let folder = made();
    let files = ["root.pem", "root.key", "batch.pem", "batch.key"];
    let before = files.map(|name| read(&folder, name));
    let said = refused(&folder, &["root", "--name", "x", "--out", "root"]);
    assert!(said.contains("root.key is there already"), "{said}");
    fs::rename(folder.path().join("root.key"), folder.path().join("kept")).unwrap();
    let said = refused(&folder, &["root", "--name", "x", "--out", "root"]);
    assert!(said.contains("root.pem is there already"), "{said}");
    assert!(!folder.path().join("root.key").exists(), "a key alone");
    fs::rename(folder.path().join("kept"), folder.path().join("root.key")).unwrap();
    refused(
        &folder,
        &["batch", "--root", "root", "--name", "x", "--out", "batch"],
    );
    assert_eq!(files.map(|name| read(&folder, name)), before);
}

#[test]
fn roles_are_not_mixed_up() {
    let folder = made();
    let said = refused(
        &folder,
        &["batch", "--root", "batch", "--name", "x", "--out", "x"],
    );
    assert!(said.contains("“Acme 2026-07” isn't a root"), "{said}");
    let said = refused(&folder, &["card", "--batch", "root"]);
    assert!(said.contains("“Acme, Inc.” isn't a batch"), "{said}");
    fs::copy(
        folder.path().join("root.key"),
        folder.path().join("batch.key"),
    )
    .unwrap();
    let said = refused(&folder, &["card", "--batch", "batch"]);
    assert!(
        said.contains("this key isn't the one of this certificate"),
        "{said}"
    );
    let said = refused(&folder, &["card", "--batch", "nothing"]);
    assert!(said.contains("nothing.pem"), "{said}");
    let long = "x".repeat(65);
    for name in ["", long.as_str(), "a\nb"] {
        let said = refused(&folder, &["root", "--name", name, "--out", "x"]);
        assert!(said.contains("1 to 64 characters"), "{said}");
    }
}

#[test]
fn without_a_reader_no_card_is_personalised() {
    let folder = made();
    for batch in [&["--batch", "batch"][..], &["--test-root"]] {
        let said = refused(&folder, &[&["card"], batch].concat());
        assert!(said.contains("pcscd"), "{said}");
    }
}

#[test]
fn lists_grow() {
    let folder = made();
    let said = personalise(&folder, &REVOKE);
    assert!(
        said.contains("0 revoked certificates of “Acme, Inc.”, 0 of them new"),
        "{said}"
    );
    let verify = "verify -x509_strict -crl_check -CAfile root.pem -CRLfile root.crl batch.pem";
    let (valid, said) = openssl(&folder, verify);
    assert!(valid, "{said}");

    let by_serial = ["--serial", "0A:1b", "--serial", "0A1B"];
    let said = personalise(&folder, &[&REVOKE[..], &by_serial].concat());
    assert!(
        said.contains("1 revoked certificate of “Acme, Inc.”, 1 of them new"),
        "{said}"
    );
    let said = personalise(
        &folder,
        &[&REVOKE[..], &["--certificate", "batch.pem"]].concat(),
    );
    assert!(
        said.contains("2 revoked certificates of “Acme, Inc.”, 1 of them new"),
        "{said}"
    );
    let (valid, said) = openssl(&folder, verify);
    assert!(!valid && said.contains("certificate revoked"), "{said}");
    let (_, list) = openssl(&folder, "crl -noout -text -in root.crl");
    assert!(list.contains("Serial Number: 0A1B"), "{list}");
    assert!(
        list.contains("X509v3 CRL Number: \n                3"),
        "{list}"
    );
}

#[test]
fn lists_of_others_are_left_alone() {
    let folder = made();
    personalise(&folder, &REVOKE);
    let list = read(&folder, "root.crl");
    let said = refused(&folder, &["revoke", "--by", "batch", "--list", "root.crl"]);
    assert!(said.contains("this list isn't of “Acme 2026-07”"), "{said}");
    let said = refused(&folder, &["revoke", "--test-root", "--list", "root.crl"]);
    assert!(
        said.contains("this list isn't of “Tillcard TEST root"),
        "{said}"
    );
    personalise(&folder, &["root", "--name", "Other", "--out", "other"]);
    let said = refused(
        &folder,
        &[&REVOKE[..], &["--certificate", "other.pem"]].concat(),
    );
    assert!(
        said.contains("“Acme, Inc.” didn't sign this certificate"),
        "{said}"
    );
    let said = refused(
        &folder,
        &[&REVOKE[..], &["--certificate", "root.crl"]].concat(),
    );
    assert!(said.contains("root.crl: this is no certificate"), "{said}");
    let said = refused(&folder, &["revoke", "--by", "root", "--list", "root.pem"]);
    assert!(said.contains("root.pem: this is no list"), "{said}");
    assert_eq!(read(&folder, "root.crl"), list);
}

#[test]
fn batches_can_be_under_the_test_root() {
    let folder = TempDir::new().unwrap();
    let said = personalise(
        &folder,
        &["batch", "--test-root", "--name", "Mine", "--out", "mine"],
    );
    assert!(
        said.contains("under “Tillcard TEST root, not for real money”"),
        "{said}"
    );
    personalise(
        &folder,
        &[
            "revoke",
            "--test-root",
            "--list",
            "test.crl",
            "--certificate",
            "mine.pem",
        ],
    );
    let root = tillcard_personalise::test_root::CERTIFICATE;
    fs::write(folder.path().join("test.pem"), root).unwrap();
    let (valid, said) = openssl(&folder, "verify -x509_strict -CAfile test.pem mine.pem");
    assert!(valid, "{said}");
    let (valid, said) = openssl(
        &folder,
        "verify -x509_strict -crl_check -CAfile test.pem -CRLfile test.crl mine.pem",
    );
    assert!(!valid && said.contains("certificate revoked"), "{said}");
}
