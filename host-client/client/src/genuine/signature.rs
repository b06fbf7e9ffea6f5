//! ECDSA with SHA-256 on P-256 for webpki, by the same crate as everywhere here.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{DerSignature, VerifyingKey};
use rustls_pki_types::{
    AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id,
};
use sha2::{Digest, Sha256};

/// How many good signatures are remembered; when there are more, all are forgotten.
const MOST_REMEMBERED: usize = 1024;

/// The one algorithm of the protocol's certificates and lists.
///
/// It remembers the signatures that it found good: a till meets the same batches all day, and many
/// cards again. What is remembered depends on nothing but the bytes of key, message and signature;
/// dates, names, uses and lists are looked at each time. Clones share their memory.
#[derive(Clone, Debug, Default)]
pub(super) struct EcdsaP256Sha256 {
    good: Arc<Mutex<HashSet<[u8; 32]>>>,
}

impl EcdsaP256Sha256 {
    fn is_remembered(&self, what: &[u8; 32]) -> bool {
        let good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        good.contains(what)
    }

    fn remember(&self, what: [u8; 32]) {
        let mut good = self.good.lock().unwrap_or_else(PoisonError::into_inner);
        if good.len() >= MOST_REMEMBERED {
            good.clear();
        }
        good.insert(what);
    }
}

impl SignatureVerificationAlgorithm for EcdsaP256Sha256 {
    fn verify_signature(
        &self,
        public_key: &[u8],
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), InvalidSignature> {
        let what = digest([public_key, message, signature]);
        if self.is_remembered(&what) {
            return Ok(());
        }
        let key = VerifyingKey::from_sec1_bytes(public_key).map_err(|_| InvalidSignature)?;
        let parsed = DerSignature::from_bytes(signature).map_err(|_| InvalidSignature)?;
        key.verify(message, &parsed).map_err(|_| InvalidSignature)?;
        self.remember(what);
        Ok(())
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_P256
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::ECDSA_SHA256
    }
}

/// One digest of several strings, each with its length.
fn digest(parts: [&[u8]; 3]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;

    use super::*;

    /// A key and its signature of a message, as webpki gives them.
    fn signed(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let secret = SigningKey::from_slice(&[7; 32]).unwrap();
        let signature: DerSignature = secret.sign(message);
        let key = VerifyingKey::from(&secret).to_sec1_point(false);
        (key.as_bytes().to_vec(), signature.as_bytes().to_vec())
    }

    #[test]
    fn a_good_signature_is_remembered_and_a_bad_one_never() {
        let algorithm = EcdsaP256Sha256::default();
        let (key, signature) = signed(b"message");
        for _ in 0..2 {
            let forged = algorithm.verify_signature(&key, b"massage", &signature);
            assert!(forged.is_err());
            let good = algorithm.verify_signature(&key, b"message", &signature);
            assert!(good.is_ok());
        }
        let shared = algorithm.clone();
        assert!(shared.is_remembered(&digest([&key, b"message", &signature])));
        assert!(!shared.is_remembered(&digest([&key, b"massage", &signature])));
    }

    #[test]
    fn a_byte_more_of_the_key_is_not_a_byte_less_of_the_message() {
        assert_ne!(digest([b"ab", b"c", b""]), digest([b"a", b"bc", b""]));
    }

    #[test]
    fn the_memory_has_a_bound() {
        let algorithm = EcdsaP256Sha256::default();
        for number in 0..=MOST_REMEMBERED as u64 {
            algorithm.remember(digest([&number.to_be_bytes(), b"", b""]));
        }
        let kept = algorithm.good.lock().unwrap().len();
        assert!((1..=MOST_REMEMBERED).contains(&kept), "{kept}");
    }
}
