//! The certificates that a card shows, for the report. Nothing here judges them.

use crate::card::{Card, certificates_of};
use crate::model::OwnKey;
use crate::report::CertificateReport;
use bitcoin::hashes::{Hash, sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Header, Reader, SliceReader};

/// The certificates of a batch and of both keys, as far as the card shows them.
pub(super) fn shown(card: &mut Card) -> Vec<CertificateReport> {
    let mut all: Vec<CertificateReport> = Vec::new();
    for (key, of) in OwnKey::BOTH.into_iter().zip(["identity", "agreement"]) {
        let Ok(answer) = card.certificates_answer(&certificates_of(key.reference())) else {
            continue;
        };
        let (batch, own) = answer.data.split_at(first_length(&answer.data));
        for (of, bytes) in [("batch", batch), (of, own)] {
            let report = described(of, bytes);
            if !bytes.is_empty() && !all.contains(&report) {
                all.push(report);
            }
        }
    }
    all
}

/// How long the first DER object is; where there is none, as long as all.
fn first_length(bytes: &[u8]) -> usize {
    let length = || {
        let mut reader = SliceReader::new(bytes).ok()?;
        let header = Header::decode(&mut reader).ok()?;
        usize::try_from(u32::from((reader.position() + header.length()).ok()?)).ok()
    };
    length().unwrap_or(bytes.len()).min(bytes.len())
}

fn described(of: &str, bytes: &[u8]) -> CertificateReport {
    let certificate = Certificate::from_der(bytes).ok();
    let certificate = certificate.as_ref().map(Certificate::tbs_certificate);
    CertificateReport {
        of: of.to_owned(),
        sha256: hex::encode_upper(sha256::Hash::hash(bytes).to_byte_array()),
        serial: certificate.map(|it| hex::encode_upper(it.serial_number().as_bytes())),
        subject: certificate.map(|it| it.subject().to_string()),
    }
}
