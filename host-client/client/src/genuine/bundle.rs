//! The two certificates that a card gives, and what is read from one.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;
use rustls_pki_types::CertificateDer;
use tillcard_protocol::command::Point;
use x509_cert::Certificate;
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::{Decode, Encode, ErrorKind};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, KeyUsages};

use super::GenuineError;
use super::name::common_name;
use crate::Untrusted;

/// A certificate, in its bytes and read.
pub(super) struct Read<'a> {
    pub(super) der: CertificateDer<'a>,
    parsed: Certificate,
}

/// What a card answers: the batch's certificate, and the card's own.
pub(super) struct Bundle<'a> {
    pub(super) batch: Read<'a>,
    pub(super) card: Read<'a>,
}

impl<'a> Bundle<'a> {
    /// # Errors
    /// [`GenuineError::Garbage`], [`GenuineError::Truncated`], [`GenuineError::TrailingBytes`].
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, GenuineError> {
        let (batch, rest) = Read::first(bytes)?;
        let (card, rest) = Read::first(rest)?;
        match rest {
            [] => Ok(Self { batch, card }),
            more => Err(GenuineError::TrailingBytes(more.len())),
        }
    }
}

impl<'a> Read<'a> {
    /// The first of some certificates, and the others.
    ///
    /// # Errors
    /// [`GenuineError::Garbage`], [`GenuineError::Truncated`].
    pub(super) fn first(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), GenuineError> {
        let (parsed, rest) =
            Certificate::from_der_partial(bytes).map_err(|error| match error.kind() {
                ErrorKind::Incomplete { .. } => GenuineError::Truncated,
                kind => GenuineError::Garbage(kind.to_string()),
            })?;
        let der = CertificateDer::from(&bytes[..bytes.len() - rest.len()]);
        Ok((Self { der, parsed }, rest))
    }

    /// The name that is shown to people.
    pub(super) fn name(&self) -> Untrusted {
        common_name(self.parsed.tbs_certificate().subject())
    }

    pub(super) fn issuers_name(&self) -> Untrusted {
        common_name(self.parsed.tbs_certificate().issuer())
    }

    /// Its subject in DER.
    pub(super) fn subject(&self) -> Result<Vec<u8>, GenuineError> {
        encoded(self.parsed.tbs_certificate().subject())
    }

    /// Its issuer in DER.
    pub(super) fn issuer(&self) -> Result<Vec<u8>, GenuineError> {
        encoded(self.parsed.tbs_certificate().issuer())
    }

    /// # Errors
    /// [`GenuineError::Profile`] when it isn't one of P-256.
    pub(super) fn public_key(&self) -> Result<VerifyingKey, GenuineError> {
        let key = self.parsed.tbs_certificate().subject_public_key_info();
        VerifyingKey::from_public_key_der(&encoded(key)?)
            .map_err(|_| GenuineError::Profile("a key that isn't of P-256".into()))
    }

    /// The public key, compressed (SEC 1).
    ///
    /// # Errors
    /// As [`Self::public_key`].
    pub(super) fn point(&self) -> Result<Point, GenuineError> {
        Point::try_from(self.public_key()?.to_sec1_point(true).as_bytes())
            .map_err(|_| GenuineError::Profile("a key that isn't a point".into()))
    }

    /// Whether its key may be used for these and for nothing else, which a critical extension
    /// says.
    pub(super) fn is_only_for(&self, usages: impl Into<FlagSet<KeyUsages>>) -> bool {
        let extension = self.parsed.tbs_certificate().get_extension::<KeyUsage>();
        matches!(extension, Ok(Some((true, KeyUsage(usage)))) if usage == usages.into())
    }

    /// Whether its own key signed it.
    pub(super) fn is_self_signed(&self) -> bool {
        let certificate = self.parsed.tbs_certificate();
        let signature = DerSignature::from_bytes(self.parsed.signature().raw_bytes());
        let (Ok(key), Ok(signed), Ok(signature)) =
            (self.public_key(), certificate.to_der(), signature)
        else {
            return false;
        };
        certificate.issuer() == certificate.subject() && key.verify(&signed, &signature).is_ok()
    }

    /// How many authorities may stand below this one, where that is limited; none when it isn't an
    /// authority.
    pub(super) fn path_length(&self) -> Option<Option<u8>> {
        let certificate = self.parsed.tbs_certificate();
        match certificate.get_extension::<BasicConstraints>() {
            Ok(Some((true, constraints))) if constraints.ca => {
                Some(constraints.path_len_constraint)
            }
            _ => None,
        }
    }

    /// # Errors
    /// [`GenuineError::NotYetValid`], [`GenuineError::Expired`].
    pub(super) fn require_valid(&self, at: SystemTime) -> Result<(), GenuineError> {
        let validity = self.parsed.tbs_certificate().validity();
        let (since, until) = (validity.not_before, validity.not_after);
        // The last second counts (RFC 5280 §4.1.2.5).
        let end = until.to_unix_duration() + Duration::from_secs(1);
        if at < UNIX_EPOCH + since.to_unix_duration() {
            return Err(GenuineError::NotYetValid {
                name: self.name(),
                since: since.to_string(),
            });
        }
        if at >= UNIX_EPOCH + end {
            return Err(GenuineError::Expired {
                name: self.name(),
                until: until.to_string(),
            });
        }
        Ok(())
    }
}

fn encoded(value: &impl Encode) -> Result<Vec<u8>, GenuineError> {
    value
        .to_der()
        .map_err(|error| GenuineError::Profile(error.to_string()))
}
