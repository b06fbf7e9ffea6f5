//! A manufacturer for tests, who makes wrong certificates too.
#![allow(dead_code, unreachable_pub)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use p256::ecdsa::{DerSignature, SigningKey};
use tillcard_personalise::{Authority, RevocationList, Time};
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::GeneralizedTime;
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::der::pem::{LineEnding, encode_string};
use x509_cert::der::{DateTime, Encode};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{SubjectPublicKeyInfo, SubjectPublicKeyInfoRef};
use x509_cert::time::Validity;

/// A moment in the middle of 2030.
pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_908_000_000)
}

pub fn time(year: u16) -> Time {
    let date = DateTime::new(year, 1, 1, 0, 0, 0).unwrap();
    Time::GeneralTime(GeneralizedTime::from_date_time(date))
}

pub fn key(byte: u8) -> SigningKey {
    SigningKey::from_slice(&[byte; 32]).unwrap()
}

pub fn point(byte: u8) -> [u8; 33] {
    let key = key(byte);
    let point = key.verifying_key().to_sec1_point(true);
    point.as_bytes().try_into().unwrap()
}

/// A certificate that is to be made.
#[derive(Clone)]
pub struct Draft {
    pub name: &'static str,
    pub key: SigningKey,
    pub serial: u8,
    pub from: Time,
    pub until: Time,
    /// None: it isn't an authority.
    pub authority: Option<Option<u8>>,
    pub usage: Option<FlagSet<KeyUsages>>,
    pub usage_is_critical: bool,
    pub purpose: Option<&'static str>,
}

pub const OF_AUTHORITY: fn() -> FlagSet<KeyUsages> = || KeyUsages::KeyCertSign | KeyUsages::CRLSign;

pub fn root() -> Draft {
    Draft {
        name: "Acme root",
        key: key(1),
        serial: 1,
        from: time(2020),
        until: Time::INFINITY,
        authority: Some(Some(1)),
        usage: Some(OF_AUTHORITY()),
        usage_is_critical: true,
        purpose: None,
    }
}

pub fn batch() -> Draft {
    Draft {
        name: "Acme batch",
        key: key(2),
        serial: 2,
        authority: Some(Some(0)),
        ..root()
    }
}

/// A card's certificate for its identity key.
pub fn card() -> Draft {
    Draft {
        name: "Tillcard",
        key: key(3),
        serial: 3,
        authority: None,
        usage: Some(KeyUsages::DigitalSignature.into()),
        ..root()
    }
}

impl Draft {
    /// Its certificate, signed by another's key in that one's name.
    pub fn by(&self, issuer: &Draft) -> Vec<u8> {
        let own = SubjectPublicKeyInfo::from_key(self.key.verifying_key()).unwrap();
        let profile = Profile {
            issuer: name(issuer.name),
            draft: self.clone(),
        };
        let serial = SerialNumber::from(self.serial);
        let validity = Validity::new(self.from, self.until);
        CertificateBuilder::new(profile, serial, validity, own)
            .unwrap()
            .build::<_, DerSignature>(&issuer.key)
            .unwrap()
            .to_der()
            .unwrap()
    }
}

fn name(common_name: &str) -> Name {
    format!("CN={common_name}").parse().unwrap()
}

struct Profile {
    issuer: Name,
    draft: Draft,
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        name(self.draft.name)
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        certificate: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = certificate.subject();
        let mut extensions = Vec::new();
        if let Some(path_len_constraint) = self.draft.authority {
            let constraints = BasicConstraints {
                ca: true,
                path_len_constraint,
            };
            extensions.push(constraints.to_extension(subject, &[])?);
        }
        if let Some(usage) = self.draft.usage {
            let usage = KeyUsage(usage);
            let critical = self.draft.usage_is_critical;
            extensions.push((critical, &usage).to_extension(subject, &[])?);
        }
        if let Some(purpose) = self.draft.purpose {
            let purpose = ExtendedKeyUsage(vec![ObjectIdentifier::new(purpose).unwrap()]);
            extensions.push(purpose.to_extension(subject, &[])?);
        }
        Ok(extensions)
    }
}

/// What a card answers: its batch's certificate and its own.
pub fn bundle(batch: &[u8], card: &[u8]) -> Vec<u8> {
    [batch, card].concat()
}

/// A list of an authority, with some serial numbers, that is up to date until a year.
pub fn list(issuer: &Draft, serials: &[u8], until: u16) -> String {
    list_by(issuer, &issuer.key, serials, until)
}

/// A list in an authority's name by any key.
pub fn list_by(issuer: &Draft, key_of_issuer: &SigningKey, serials: &[u8], until: u16) -> String {
    let issuer = Draft {
        key: key_of_issuer.clone(),
        ..issuer.clone()
    };
    let certificate = encode_string("CERTIFICATE", LineEnding::LF, &issuer.by(&issuer)).unwrap();
    let authority = Authority::new(&certificate, key_of_issuer.clone()).unwrap();
    let mut list = RevocationList::new(&authority);
    for serial in serials {
        list.revoke(SerialNumber::from(*serial), time(2021));
    }
    list.sign(time(2022), time(until)).unwrap()
}
