//! From a card's certificates to its key.

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use bitcoin::Network;
use rustls_pki_types::{CertificateDer, UnixTime};
use tillcard_protocol::command::{CardKey, Point};
use webpki::{
    EndEntityCert, ExpirationPolicy, KeyUsage, RevocationCheckDepth, RevocationOptionsBuilder,
    UnknownStatusPolicy,
};
use x509_cert::ext::pkix::KeyUsages;

use super::GenuineError;
use super::bundle::Bundle;
use super::lists::Lists;
use super::roots::{Root, is_published};
use super::signature::EcdsaP256Sha256;
use crate::Untrusted;

/// anyExtendedKeyUsage (RFC 5280 §4.2.1.12). The protocol knows no extended key usages: what is
/// limited to other purposes isn't for cards.
const ANY_PURPOSE: &[u8] = &[0x55, 0x1D, 0x25, 0x00];

/// The root certificates that a till or an owner trusts, and certificate revocation lists.
///
/// It remembers which signatures are good, and a clone shares that: make one, and keep it.
#[derive(Clone)]
pub struct Checker {
    roots: Vec<Root>,
    lists: Lists,
    algorithm: EcdsaP256Sha256,
    lists_required: bool,
    allows_test: bool,
}

/// A key that a manufacturer vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The card's key of which the certificate is, compressed (SEC 1).
    pub key: Point,
    /// The batch's name, as the root certified it.
    pub batch: Untrusted,
    /// The root's name.
    pub root: Untrusted,
    /// Whether everybody can make such cards.
    pub is_test: bool,
}

impl Checker {
    /// One who trusts the test root, and on mainnet nobody.
    ///
    /// # Errors
    /// None: the test root is built in.
    pub fn new(network: Network) -> Result<Self, GenuineError> {
        Ok(Self {
            roots: vec![Root::test()?],
            lists: Lists::default(),
            algorithm: EcdsaP256Sha256::default(),
            lists_required: false,
            allows_test: network != Network::Bitcoin,
        })
    }

    /// Trusts the root certificates in a file (PEM or DER).
    ///
    /// # Errors
    /// [`GenuineError::NotARoot`]; [`GenuineError::TestRoot`] on mainnet, under whatever name the
    /// test root's key goes.
    pub fn trust(&mut self, file: &[u8]) -> Result<(), GenuineError> {
        let roots = Root::all(file)?;
        if !self.allows_test && roots.iter().any(|root| root.is_test) {
            return Err(GenuineError::TestRoot);
        }
        self.roots.extend(roots);
        Ok(())
    }

    /// Takes in the lists of revoked certificates in a file (PEM or DER).
    ///
    /// # Errors
    /// [`GenuineError::NotAList`], [`GenuineError::TwoLists`].
    pub fn revoke(&mut self, file: &[u8]) -> Result<(), GenuineError> {
        self.lists.add(file)
    }

    /// From now on believes no card of whose root or batch there is no list.
    pub fn require_lists(&mut self) {
        self.lists_required = true;
    }

    /// [`Self::trust`] of a file by its path.
    ///
    /// # Errors
    /// [`GenuineError::Io`], [`GenuineError::File`].
    pub fn trust_file(&mut self, path: &Path) -> Result<(), GenuineError> {
        self.trust(&read(path)?).map_err(in_file(path))
    }

    /// [`Self::revoke`] of a file by its path.
    ///
    /// # Errors
    /// [`GenuineError::Io`], [`GenuineError::File`].
    pub fn revoke_file(&mut self, path: &Path) -> Result<(), GenuineError> {
        self.revoke(&read(path)?).map_err(in_file(path))
    }

    /// Checks what a card answered to GET DATA `BF21` for one of its keys: that a trusted root
    /// certified the batch, and the batch this key, for the use that the key has; that all three
    /// are valid `at` the given time; and that no list has them.
    ///
    /// # Errors
    /// [`GenuineError`]
    pub fn check(
        &self,
        answer: &[u8],
        key: CardKey,
        at: SystemTime,
    ) -> Result<Vouched, GenuineError> {
        let bundle = Bundle::parse(answer)?;
        let issuer = bundle.batch.issuer()?;
        let mut failed = GenuineError::UnknownRoot(bundle.batch.issuers_name());
        for root in &self.roots {
            if root.read()?.subject()? != issuer {
                continue;
            }
            match self.check_under(root, &bundle, key, at) {
                Ok(vouched) => return Ok(vouched),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn check_under(
        &self,
        root: &Root,
        bundle: &Bundle<'_>,
        key: CardKey,
        at: SystemTime,
    ) -> Result<Vouched, GenuineError> {
        let anchor = root.read()?;
        for certificate in [&anchor, &bundle.batch, &bundle.card] {
            certificate.require_valid(at)?;
        }
        self.verify_path(root, bundle, at)?;
        require_usages(bundle, key)?;
        let is_test = root.is_test || is_published(&bundle.batch.public_key()?)?;
        if is_test && !self.allows_test {
            return Err(GenuineError::TestRoot);
        }
        Ok(Vouched {
            key: bundle.card.point()?,
            batch: bundle.batch.name(),
            root: anchor.name(),
            is_test,
        })
    }

    /// The path validation of RFC 5280 §6, revocation included.
    fn verify_path(
        &self,
        root: &Root,
        bundle: &Bundle<'_>,
        at: SystemTime,
    ) -> Result<(), GenuineError> {
        match self.path_to(root, bundle, at, RevocationCheckDepth::Chain) {
            Ok(1) => Ok(()),
            Ok(_) => Err(GenuineError::NotOfItsBatch),
            Err(webpki::Error::CertRevoked) => {
                // webpki doesn't say which of the two.
                match self.path_to(root, bundle, at, RevocationCheckDepth::EndEntity) {
                    Err(webpki::Error::CertRevoked) => Err(GenuineError::CardRevoked),
                    _ => Err(GenuineError::BatchRevoked(bundle.batch.name())),
                }
            }
            Err(error) => Err(self.explained(error, bundle)?),
        }
    }

    /// How many certificates there are between card and root.
    fn path_to(
        &self,
        root: &Root,
        bundle: &Bundle<'_>,
        at: SystemTime,
        depth: RevocationCheckDepth,
    ) -> Result<usize, webpki::Error> {
        let lists = self.lists.as_webpki();
        let unknown = match self.lists_required {
            true => UnknownStatusPolicy::Deny,
            false => UnknownStatusPolicy::Allow,
        };
        let revocation = RevocationOptionsBuilder::new(&lists).ok().map(|options| {
            options
                .with_depth(depth)
                .with_status_policy(unknown)
                .with_expiration_policy(ExpirationPolicy::Enforce)
                .build()
        });
        if revocation.is_none() && self.lists_required {
            return Err(webpki::Error::UnknownRevocationStatus);
        }
        let anchors = [webpki::anchor_from_trusted_cert(root.der())?];
        let batch: [CertificateDer<'_>; 1] = [bundle.batch.der.clone()];
        let card = EndEntityCert::try_from(&bundle.card.der)?;
        let since_epoch = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let path = card.verify_for_usage(
            &[&self.algorithm],
            &anchors,
            &batch,
            UnixTime::since_unix_epoch(since_epoch),
            KeyUsage::required_if_present(ANY_PURPOSE),
            revocation,
            None,
        )?;
        Ok(path.intermediate_certificates().count())
    }

    /// What a failed path validation means here.
    fn explained(
        &self,
        error: webpki::Error,
        bundle: &Bundle<'_>,
    ) -> Result<GenuineError, GenuineError> {
        use webpki::Error as E;
        let batch = || bundle.batch.name();
        Ok(match error {
            E::CaUsedAsEndEntity => GenuineError::BatchAsCard,
            E::EndEntityUsedAsCa | E::PathLenConstraintViolated => GenuineError::NotABatch(batch()),
            E::UnknownIssuer => GenuineError::NotOfItsBatch,
            E::InvalidSignatureForPublicKey => GenuineError::Forged(bundle.batch.issuers_name()),
            E::UnknownRevocationStatus if self.lists.of(&bundle.batch.issuer()?) => {
                GenuineError::NoList(batch())
            }
            E::UnknownRevocationStatus => GenuineError::NoList(bundle.batch.issuers_name()),
            E::CrlExpired { .. } => GenuineError::ListExpired,
            E::InvalidCrlSignatureForPublicKey | E::IssuerNotCrlSigner => GenuineError::ListForged,
            other => GenuineError::Profile(other.to_string()),
        })
    }
}

/// What webpki leaves to its callers: the uses of the keys.
fn require_usages(bundle: &Bundle<'_>, key: CardKey) -> Result<(), GenuineError> {
    let of_batch = KeyUsages::KeyCertSign | KeyUsages::CRLSign;
    if bundle.batch.path_length() != Some(Some(0)) || !bundle.batch.is_only_for(of_batch) {
        return Err(GenuineError::NotABatch(bundle.batch.name()));
    }
    let (usage, what) = match key {
        CardKey::Identity => (KeyUsages::DigitalSignature, "signatures"),
        CardKey::Agreement => (KeyUsages::KeyAgreement, "channels"),
    };
    match bundle.card.is_only_for(usage) {
        true => Ok(()),
        false => Err(GenuineError::WrongKeyUsage(what)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, GenuineError> {
    fs::read(path).map_err(|source| GenuineError::Io {
        path: path.to_path_buf(),
        source,
    })
}

fn in_file(path: &Path) -> impl FnOnce(GenuineError) -> GenuineError {
    let path = path.to_path_buf();
    move |cause| GenuineError::File {
        path,
        cause: Box::new(cause),
    }
}
