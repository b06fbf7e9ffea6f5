//! Signed results: a laboratory's Ed25519 signature (RFC 8032) of a report.
//!
//! `report.sig` is the signature of the bytes of `report.json`, 64 bytes and nothing else, so that
//! other tools can check it too. The report holds the SHA-256 of the trace.

use crate::failure::{Code, Failure};
use crate::report::Report;
use bitcoin::hashes::{Hash, sha256};
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::fs;
use std::path::Path;
use zeroize::Zeroizing;

/// The signed file.
const REPORT: &str = "report.json";
/// Its signature.
const SIGNATURE: &str = "report.sig";
/// What the report tells the hash of.
const TRACE: &str = "trace.jsonl";

/// What a checked signature vouches for.
pub struct Vouched {
    /// The report.
    pub report: Report,
    /// The public key's 32 bytes, in hexadecimal.
    pub key: String,
    /// Whether the trace is there; if so, it is the one that the report names.
    pub trace: bool,
}

/// Signs the report in a folder by a private key in a file (PKCS #8, PEM).
///
/// # Errors
/// When a file can't be read or written, isn't what it should be, or the trace isn't the report's.
pub fn sign(folder: &Path, key: &Path) -> Result<(), Failure> {
    let pem = Zeroizing::new(read_text(key)?);
    let key = SigningKey::from_pkcs8_pem(&pem).map_err(|e| bad_key(key, e))?;
    let (bytes, report) = read_report(folder)?;
    if !report.is_consistent() {
        return Err(altered("the report's summary isn't that of its cases"));
    }
    check_trace(folder, &report)?;
    let path = folder.join(SIGNATURE);
    fs::write(&path, key.sign(&bytes).to_bytes())
        .map_err(|e| Code::ReportNotWritten.because(format!("{}: {e}", path.display())))
}

/// Checks the signature of the report in a folder by a public key in a file (PEM).
///
/// # Errors
/// When a file can't be read, or isn't what was signed.
pub fn verify(folder: &Path, key: &Path) -> Result<Vouched, Failure> {
    let pem = read_text(key)?;
    let key = VerifyingKey::from_public_key_pem(&pem).map_err(|e| bad_key(key, e))?;
    let (bytes, report) = read_report(folder)?;
    let path = folder.join(SIGNATURE);
    let signature = fs::read(&path).map_err(|e| unreadable(&path, e))?;
    Signature::from_slice(&signature)
        .and_then(|signature| key.verify_strict(&bytes, &signature))
        .map_err(|_| altered("the report isn't what the owner of this key signed"))?;
    if !report.is_consistent() {
        return Err(altered("the report's summary isn't that of its cases"));
    }
    let trace = check_trace(folder, &report)?;
    Ok(Vouched {
        report,
        key: hex::encode_upper(key.as_bytes()),
        trace,
    })
}

/// Whether the trace is there. If it is, it must be the one that the report names.
fn check_trace(folder: &Path, report: &Report) -> Result<bool, Failure> {
    let path = folder.join(TRACE);
    if !path.exists() {
        return Ok(false);
    }
    let bytes = fs::read(&path).map_err(|e| unreadable(&path, e))?;
    let digest = hex::encode_upper(sha256::Hash::hash(&bytes).to_byte_array());
    if report.trace_sha256.as_ref() == Some(&digest) {
        return Ok(true);
    }
    Err(altered("the trace isn't the one of the report"))
}

fn read_report(folder: &Path) -> Result<(Vec<u8>, Report), Failure> {
    let path = folder.join(REPORT);
    let bytes = fs::read(&path).map_err(|e| unreadable(&path, e))?;
    let report = serde_json::from_slice(&bytes).map_err(|e| unreadable(&path, e))?;
    Ok((bytes, report))
}

fn read_text(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|e| unreadable(path, e))
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Code::Unreadable.because(format!("{}: {why}", path.display()))
}

fn bad_key(path: &Path, why: impl std::fmt::Display) -> Failure {
    Code::BadKey.because(format!("{}: no Ed25519 key in PEM: {why}", path.display()))
}

fn altered(why: &str) -> Failure {
    Code::BadSignature.because(why)
}
