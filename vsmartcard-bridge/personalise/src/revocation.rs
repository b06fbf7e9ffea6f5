//! Certificates that are taken back (RFC 5280 §5).

use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{DerSignature, SigningKey};
use x509_cert::Certificate;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::der::asn1::BitString;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::pem::LineEnding;
use x509_cert::der::referenced::OwnedToRef;
use x509_cert::der::{Decode, DecodePem, Encode, EncodePem};
use x509_cert::ext::ToExtension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::DynSignatureAlgorithmIdentifier;
use x509_cert::time::Time;

use crate::authority::is_signed_by;
use crate::{Authority, PersonaliseError};

/// What an authority took back, before it signs the list.
pub struct RevocationList<'a> {
    authority: &'a Authority,
    /// Rises with every list of an authority.
    number: u128,
    revoked: Vec<RevokedCert>,
}

impl<'a> RevocationList<'a> {
    /// The first list of an authority, empty.
    pub fn new(authority: &'a Authority) -> Self {
        Self {
            authority,
            number: 1,
            revoked: Vec::new(),
        }
    }

    /// The list that follows one of the same authority (PEM).
    ///
    /// # Errors
    /// [`PersonaliseError::NotAList`], [`PersonaliseError::AnotherList`].
    pub fn after(list: &str, authority: &'a Authority) -> Result<Self, PersonaliseError> {
        let unreadable =
            |error: x509_cert::der::Error| PersonaliseError::NotAList(error.to_string());
        let list = CertificateList::<x509_cert::certificate::Rfc5280>::from_pem(list)
            .map_err(unreadable)?;
        let signed = list.tbs_cert_list.to_der().map_err(unreadable)?;
        let key = authority.key().verifying_key();
        DerSignature::from_bytes(list.signature.raw_bytes())
            .and_then(|signature| key.verify(&signed, &signature))
            .map_err(|_| PersonaliseError::AnotherList(authority.name()))?;
        Ok(Self {
            authority,
            number: number(&list)?.saturating_add(1),
            revoked: list.tbs_cert_list.revoked_certificates.unwrap_or_default(),
        })
    }

    /// Adds the certificate with this serial number. Returns whether it wasn't in the list yet.
    pub fn revoke(&mut self, serial_number: SerialNumber, when: Time) -> bool {
        let new = !self
            .revoked
            .iter()
            .any(|one| one.serial_number == serial_number);
        if new {
            self.revoked.push(RevokedCert {
                serial_number,
                revocation_date: encoded_as_due(when),
                crl_entry_extensions: None,
            });
        }
        new
    }

    /// Adds a certificate, in PEM or DER, that the authority signed. Returns whether it wasn't in
    /// the list yet.
    ///
    /// # Errors
    /// [`PersonaliseError::NotACertificate`], [`PersonaliseError::NotMine`].
    pub fn revoke_certificate(
        &mut self,
        certificate: &[u8],
        when: Time,
    ) -> Result<bool, PersonaliseError> {
        let certificate = match certificate.starts_with(b"-----BEGIN") {
            true => Certificate::from_pem(certificate),
            false => Certificate::from_der(certificate),
        }
        .map_err(|error| PersonaliseError::NotACertificate(error.to_string()))?;
        if !is_signed_by(&certificate, self.authority.key().verifying_key()) {
            return Err(PersonaliseError::NotMine(self.authority.name()));
        }
        let serial = certificate.tbs_certificate().serial_number().clone();
        Ok(self.revoke(serial, when))
    }

    /// How many certificates are in it.
    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    /// Whether no certificate is in it.
    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// The signed list, in PEM. `next` is when the list after it comes at the latest.
    ///
    /// x509-cert's own builder of lists isn't used: it names the key of the issuer's issuer as the
    /// one that signs.
    ///
    /// # Errors
    /// [`PersonaliseError::Encoding`]
    pub fn sign(self, now: Time, next: Time) -> Result<String, PersonaliseError> {
        let key: &SigningKey = self.authority.key();
        let issuer = self.authority.certificate().tbs_certificate();
        let issuer_key = issuer.subject_public_key_info().owned_to_ref();
        let identifier = AuthorityKeyIdentifier::try_from(issuer_key)?;
        let number = CrlNumber::try_from(self.number)?;
        let extensions = vec![
            identifier.to_extension(issuer.subject(), &[])?,
            number.to_extension(issuer.subject(), &[])?,
        ];
        let algorithm = key
            .signature_algorithm_identifier()
            .map_err(|error| PersonaliseError::Encoding(error.to_string()))?;
        let list: TbsCertList = TbsCertList {
            version: x509_cert::Version::V2,
            signature: algorithm.clone(),
            issuer: issuer.subject().clone(),
            this_update: encoded_as_due(now),
            next_update: Some(encoded_as_due(next)),
            revoked_certificates: Some(self.revoked).filter(|revoked| !revoked.is_empty()),
            crl_extensions: Some(extensions),
        };
        let signature: DerSignature = key.sign(&list.to_der()?);
        let list = CertificateList {
            tbs_cert_list: list,
            signature_algorithm: algorithm,
            signature: BitString::from_bytes(signature.as_bytes())?,
        };
        Ok(list.to_pem(LineEnding::LF)?)
    }
}

/// The same time as UTCTime until 2049 (RFC 5280 §5.1.2.4 to §5.1.2.6).
fn encoded_as_due(time: Time) -> Time {
    Time::from(time.to_date_time())
}

/// The list's number; 0 when it has none.
fn number(list: &CertificateList) -> Result<u128, PersonaliseError> {
    let extensions = list.tbs_cert_list.crl_extensions.iter().flatten();
    let Some(number) = extensions
        .into_iter()
        .find(|one| one.extn_id == CrlNumber::OID)
    else {
        return Ok(0);
    };
    let unreadable = |cause: String| PersonaliseError::NotAList(cause);
    let CrlNumber(number) = CrlNumber::from_der(number.extn_value.as_bytes())
        .map_err(|error| unreadable(error.to_string()))?;
    let mut bytes = [0; 16];
    let digits = number.as_bytes();
    let from = bytes
        .len()
        .checked_sub(digits.len())
        .ok_or_else(|| unreadable("its number is too large".into()))?;
    bytes[from..].copy_from_slice(digits);
    Ok(u128::from_be_bytes(bytes))
}
