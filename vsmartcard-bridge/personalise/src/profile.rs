//! The three kinds of certificates (`docs/protocol.md`, section 3.7; RFC 5280).

use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::certificate::TbsCertificate;
use x509_cert::der::asn1::Any;
use x509_cert::der::flagset::FlagSet;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::der::{self, Decode, Encode, Tag};
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::{CardKey, PersonaliseError};

/// Most characters of a common name (RFC 5280, appendix A.1, ub-common-name).
const NAME_MAX: usize = 64;

/// The subject of every card: nothing tells one from another.
const CARD: &str = "Tillcard";

/// What a certificate is for.
pub(super) enum Profile {
    /// Certifies batches.
    Root { subject: Name },
    /// Certifies cards.
    Batch { issuer: Name, subject: Name },
    /// Is of one of a card's own keys.
    Card { issuer: Name, key: CardKey },
}

impl BuilderProfile for Profile {
    fn get_issuer(&self, subject: &Name) -> Name {
        match self {
            Self::Root { .. } => subject.clone(),
            Self::Batch { issuer, .. } | Self::Card { issuer, .. } => issuer.clone(),
        }
    }

    fn get_subject(&self) -> Name {
        match self {
            Self::Root { subject } | Self::Batch { subject, .. } => subject.clone(),
            Self::Card { .. } => name(CARD).expect("8 characters are a name"),
        }
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        certificate: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let subject = certificate.subject();
        let mut extensions = Vec::new();
        if let Some(path_length) = self.path_length() {
            let authority = BasicConstraints {
                ca: true,
                path_len_constraint: Some(path_length),
            };
            extensions.push(authority.to_extension(subject, &extensions)?);
            // Not in card certificates: there the key itself says as much, in fewer bytes.
            let identifier = SubjectKeyIdentifier::try_from(key)?;
            extensions.push(identifier.to_extension(subject, &extensions)?);
        }
        extensions.push(KeyUsage(self.key_usage()).to_extension(subject, &extensions)?);
        if !matches!(self, Self::Root { .. }) {
            let issuer = AuthorityKeyIdentifier::try_from(issuer_key)?;
            extensions.push(issuer.to_extension(subject, &extensions)?);
        }
        Ok(extensions)
    }
}

impl Profile {
    /// How many authorities may follow before a card; none for a card's certificate.
    fn path_length(&self) -> Option<u8> {
        match self {
            Self::Root { .. } => Some(1),
            Self::Batch { .. } => Some(0),
            Self::Card { .. } => None,
        }
    }

    fn key_usage(&self) -> FlagSet<KeyUsages> {
        match self {
            Self::Root { .. } | Self::Batch { .. } => KeyUsages::KeyCertSign | KeyUsages::CRLSign,
            Self::Card { key, .. } => match key {
                CardKey::Identity => KeyUsages::DigitalSignature.into(),
                CardKey::Agreement => KeyUsages::KeyAgreement.into(),
            },
        }
    }
}

/// A name that is a common name alone. It isn't read as RFC 4514 has it: a manufacturer's name may
/// hold commas.
///
/// # Errors
/// [`PersonaliseError::Name`]
pub(super) fn name(common_name: &str) -> Result<Name, PersonaliseError> {
    let length = common_name.chars().count();
    if !(1..=NAME_MAX).contains(&length) || common_name.chars().any(char::is_control) {
        return Err(PersonaliseError::Name);
    }
    let encoded = || -> der::Result<Name> {
        let mut part = RelativeDistinguishedName::default();
        part.insert(AttributeTypeAndValue {
            oid: COMMON_NAME,
            value: Any::new(Tag::Utf8String, common_name.as_bytes())?,
        })?;
        let mut sequence = RdnSequence::default();
        sequence.push(part);
        Name::from_der(&sequence.to_der()?)
    };
    Ok(encoded()?)
}

/// A name as it is shown to people: its common name, else all of it; without characters that
/// control a terminal.
#[must_use]
pub fn shown_name(name: &Name) -> String {
    let shown = match name.common_name() {
        Ok(Some(common_name)) => common_name.value().into_owned(),
        _ => name.to_string(),
    };
    shown.replace(char::is_control, "\u{FFFD}")
}
