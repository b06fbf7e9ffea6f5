//! Who certifies: a root batches, a batch cards.

use p256::ecdsa::{DerSignature, SigningKey, VerifyingKey, signature::Verifier};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, LineEnding};
use rand_core::CryptoRng;
use x509_cert::Certificate;
use x509_cert::builder::{Builder, CertificateBuilder};
use x509_cert::der::{DecodePem, Encode, EncodePem};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfo;
use x509_cert::time::Validity;
use zeroize::Zeroizing;

use crate::profile::{Profile, name, shown_name};
use crate::{CardKey, PersonaliseError};

/// A new secret key.
#[must_use]
pub fn new_key(rng: &mut impl CryptoRng) -> SigningKey {
    SigningKey::generate_from_rng(rng)
}

/// A certificate that may sign others, and its key.
pub struct Authority {
    certificate: Certificate,
    key: SigningKey,
}

/// An authority that certifies batches.
pub struct Root(Authority);

/// An authority that certifies cards.
pub struct Batch(Authority);

impl Authority {
    /// An authority from its files.
    ///
    /// # Errors
    /// [`PersonaliseError::NotACertificate`], [`PersonaliseError::NotAKey`],
    /// [`PersonaliseError::AnotherKey`].
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, PersonaliseError> {
        let key = SigningKey::from_pkcs8_pem(key).map_err(|_| PersonaliseError::NotAKey)?;
        Self::new(certificate, key)
    }

    /// An authority of a certificate (PEM) and its key.
    ///
    /// # Errors
    /// [`PersonaliseError::NotACertificate`], [`PersonaliseError::AnotherKey`].
    pub fn new(certificate: &str, key: SigningKey) -> Result<Self, PersonaliseError> {
        let certificate = Certificate::from_pem(certificate)
            .map_err(|error| PersonaliseError::NotACertificate(error.to_string()))?;
        if public_key(&certificate)? != *key.verifying_key() {
            return Err(PersonaliseError::AnotherKey);
        }
        Ok(Self { certificate, key })
    }

    /// Its certificate, for a file (PEM).
    ///
    /// # Errors
    /// [`PersonaliseError::Encoding`]
    pub fn certificate_pem(&self) -> Result<String, PersonaliseError> {
        Ok(self.certificate.to_pem(LineEnding::LF)?)
    }

    /// Its certificate in DER.
    ///
    /// # Errors
    /// [`PersonaliseError::Encoding`]
    pub fn certificate_der(&self) -> Result<Vec<u8>, PersonaliseError> {
        Ok(self.certificate.to_der()?)
    }

    /// Its secret key, for a file that nobody else can read (PKCS#8 in PEM).
    ///
    /// # Errors
    /// [`PersonaliseError::NotAKey`]
    pub fn key_pem(&self) -> Result<Zeroizing<String>, PersonaliseError> {
        self.key
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| PersonaliseError::NotAKey)
    }

    /// The name that is shown to people.
    pub fn name(&self) -> String {
        shown_name(self.certificate.tbs_certificate().subject())
    }

    pub(super) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(super) fn key(&self) -> &SigningKey {
        &self.key
    }

    fn certify(
        &self,
        profile: Profile,
        serial: SerialNumber,
        validity: Validity,
        key: &VerifyingKey,
    ) -> Result<Certificate, PersonaliseError> {
        certify(&self.key, profile, serial, validity, key)
    }

    /// Whether it may sign, and how many authorities at most may stand below it: none when it
    /// isn't an authority.
    fn path_length(&self) -> Option<Option<u8>> {
        let extensions = self.certificate.tbs_certificate();
        let (_, constraints) = extensions.get_extension::<BasicConstraints>().ok()??;
        let (_, usage) = extensions.get_extension::<KeyUsage>().ok()??;
        let signs = constraints.ca && usage.key_cert_sign();
        signs.then_some(constraints.path_len_constraint)
    }

    fn is_self_signed(&self) -> bool {
        let certificate = self.certificate.tbs_certificate();
        certificate.issuer() == certificate.subject()
            && is_signed_by(&self.certificate, self.key.verifying_key())
    }
}

impl Root {
    /// A new root: a certificate that its own key signs.
    ///
    /// # Errors
    /// [`PersonaliseError::Name`], [`PersonaliseError::Encoding`].
    pub fn new(
        common_name: &str,
        key: SigningKey,
        serial: SerialNumber,
        validity: Validity,
    ) -> Result<Self, PersonaliseError> {
        let subject = name(common_name)?;
        let public = *key.verifying_key();
        let certificate = certify(&key, Profile::Root { subject }, serial, validity, &public)?;
        Ok(Self(Authority { certificate, key }))
    }

    /// A new batch under this root.
    ///
    /// # Errors
    /// [`PersonaliseError::Name`], [`PersonaliseError::Encoding`].
    pub fn batch(
        &self,
        common_name: &str,
        key: SigningKey,
        serial: SerialNumber,
        validity: Validity,
    ) -> Result<Batch, PersonaliseError> {
        let profile = Profile::Batch {
            issuer: self.0.certificate.tbs_certificate().subject().clone(),
            subject: name(common_name)?,
        };
        let certificate = self
            .0
            .certify(profile, serial, validity, key.verifying_key())?;
        Ok(Batch(Authority { certificate, key }))
    }

    /// Certificate and key.
    pub fn authority(&self) -> &Authority {
        &self.0
    }
}

impl TryFrom<Authority> for Root {
    type Error = PersonaliseError;

    fn try_from(authority: Authority) -> Result<Self, PersonaliseError> {
        let has_room = matches!(authority.path_length(), Some(None | Some(1..)));
        match has_room && authority.is_self_signed() {
            true => Ok(Self(authority)),
            false => Err(PersonaliseError::NotARoot(authority.name())),
        }
    }
}

impl Batch {
    /// Certifies one of a card's own keys, a compressed point. It is valid as long as the batch,
    /// so that no date tells one card from another.
    ///
    /// # Errors
    /// [`PersonaliseError::Encoding`], also for a key that isn't on the curve.
    pub fn certify(
        &self,
        key: CardKey,
        point: &[u8; 33],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, PersonaliseError> {
        let point = VerifyingKey::from_sec1_bytes(point)
            .map_err(|_| PersonaliseError::Encoding("the card's key isn't on the curve".into()))?;
        let batch = self.0.certificate.tbs_certificate();
        let profile = Profile::Card {
            issuer: batch.subject().clone(),
            key,
        };
        let serial = SerialNumber::generate(rng);
        let certificate = self.0.certify(profile, serial, *batch.validity(), &point)?;
        Ok(certificate.to_der()?)
    }

    /// Certificate and key.
    pub fn authority(&self) -> &Authority {
        &self.0
    }
}

impl TryFrom<Authority> for Batch {
    type Error = PersonaliseError;

    fn try_from(authority: Authority) -> Result<Self, PersonaliseError> {
        let for_cards_alone = authority.path_length() == Some(Some(0));
        match for_cards_alone && !authority.is_self_signed() {
            true => Ok(Self(authority)),
            false => Err(PersonaliseError::NotABatch(authority.name())),
        }
    }
}

fn certify(
    signer: &SigningKey,
    profile: Profile,
    serial: SerialNumber,
    validity: Validity,
    key: &VerifyingKey,
) -> Result<Certificate, PersonaliseError> {
    let key = SubjectPublicKeyInfo::from_key(key)
        .map_err(|error| PersonaliseError::Encoding(error.to_string()))?;
    let builder = CertificateBuilder::new(profile, serial, validity, key)?;
    Ok(builder.build::<_, DerSignature>(signer)?)
}

fn public_key(certificate: &Certificate) -> Result<VerifyingKey, PersonaliseError> {
    let key = certificate.tbs_certificate().subject_public_key_info();
    VerifyingKey::from_public_key_der(&key.to_der()?).map_err(|_| PersonaliseError::NotAKey)
}

/// Whether `key` signed the certificate.
pub(super) fn is_signed_by(certificate: &Certificate, key: &VerifyingKey) -> bool {
    let signed = certificate.tbs_certificate().to_der();
    let signature = DerSignature::from_bytes(certificate.signature().raw_bytes());
    match (signed, signature) {
        (Ok(signed), Ok(signature)) => key.verify(&signed, &signature).is_ok(),
        _ => false,
    }
}
