//! Whom to trust.

use std::sync::LazyLock;

use p256::ecdsa::VerifyingKey;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use webpki::anchor_from_trusted_cert;
use x509_cert::ext::pkix::KeyUsages;

use super::GenuineError;
use super::bundle::Read;

/// The test root's certificate, by whose secret key everybody can make cards for tests.
pub(super) const TEST_ROOT: &str = include_str!("test-root.pem");
/// The certificate of the batch that emulated cards are of, whose secret key is published too.
pub(super) const EMULATOR_BATCH: &str = include_str!("emulator-batch.pem");

/// A root certificate that is trusted, or known for what it is.
#[derive(Clone)]
pub(super) struct Root {
    der: CertificateDer<'static>,
    /// Whether everybody knows its secret key.
    pub(super) is_test: bool,
}

impl Root {
    /// The test root.
    pub(super) fn test() -> Result<Self, GenuineError> {
        let mut roots = Self::all(TEST_ROOT.as_bytes())?;
        roots
            .pop()
            .ok_or_else(|| GenuineError::NotARoot("nothing".into()))
    }

    /// The roots in a file, in PEM or DER.
    ///
    /// # Errors
    /// [`GenuineError::NotARoot`]
    pub(super) fn all(file: &[u8]) -> Result<Vec<Self>, GenuineError> {
        let certificates = match is_pem(file) {
            true => CertificateDer::pem_slice_iter(file)
                .collect::<Result<_, _>>()
                .map_err(not_a_root)?,
            false => vec![CertificateDer::from(file.to_vec())],
        };
        if certificates.is_empty() {
            return Err(not_a_root("there is no certificate in it"));
        }
        certificates.into_iter().map(Self::new).collect()
    }

    fn new(der: CertificateDer<'static>) -> Result<Self, GenuineError> {
        anchor_from_trusted_cert(&der).map_err(not_a_root)?;
        let (root, _) = Read::first(&der).map_err(not_a_root)?;
        let usages = KeyUsages::KeyCertSign | KeyUsages::CRLSign;
        let has_room = matches!(root.path_length(), Some(None | Some(1..)));
        if !has_room || !root.is_only_for(usages) {
            return Err(not_a_root("it may not certify batches"));
        }
        if !root.is_self_signed() {
            return Err(not_a_root("it isn't signed by itself"));
        }
        let is_test = is_published(&root.public_key()?)?;
        Ok(Self { der, is_test })
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        &self.der
    }

    /// As it is read.
    pub(super) fn read(&self) -> Result<Read<'_>, GenuineError> {
        Ok(Read::first(&self.der)?.0)
    }
}

/// The keys whose secret everybody knows, or why the certificates that are built in can't be read.
static PUBLISHED: LazyLock<Result<Vec<VerifyingKey>, String>> = LazyLock::new(|| {
    let key = |pem: &str| -> Result<VerifyingKey, GenuineError> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(not_a_root)?;
        Read::first(&der)?.0.public_key()
    };
    let keys = [TEST_ROOT, EMULATOR_BATCH].map(key);
    let keys: Result<Vec<_>, _> = keys.into_iter().collect();
    keys.map_err(|error| error.to_string())
});

/// Whether everybody knows the secret of this key.
pub(super) fn is_published(key: &VerifyingKey) -> Result<bool, GenuineError> {
    match &*PUBLISHED {
        Ok(keys) => Ok(keys.contains(key)),
        Err(reason) => Err(not_a_root(reason)),
    }
}

/// Whether a file is in PEM (RFC 7468) rather than in DER, which begins with the tag of a sequence.
pub(super) fn is_pem(file: &[u8]) -> bool {
    file.windows(10).any(|at| at == b"-----BEGIN")
}

fn not_a_root(cause: impl ToString) -> GenuineError {
    GenuineError::NotARoot(cause.to_string())
}

#[cfg(test)]
mod tests {
    use tillcard_personalise::test_root;

    use super::*;

    #[test]
    fn the_published_certificates_are_those_of_emulated_cards() {
        assert_eq!(TEST_ROOT, test_root::CERTIFICATE);
        assert_eq!(EMULATOR_BATCH, test_root::EMULATOR_BATCH);
        for key in test_root::published_keys().unwrap() {
            assert!(is_published(&key).unwrap());
        }
    }
}
