//! A root whose secret key everybody knows, so that everybody can make cards for tests.
//!
//! No client may accept it where there is real money.

use p256::ecdsa::{SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::{Authority, Batch, PersonaliseError, Root};

/// The test root's certificate (PEM).
pub const CERTIFICATE: &str = include_str!("test-root.pem");

/// The certificate of the batch that the emulator's cards are of (PEM).
pub const EMULATOR_BATCH: &str = include_str!("emulator-batch.pem");

/// The test root: its secret key is `TH("Tillcard/test-root", "")`.
///
/// # Errors
/// None: the test of the certificate shows that it is this key's.
pub fn test_root() -> Result<Root, PersonaliseError> {
    Root::try_from(Authority::new(CERTIFICATE, root_key()?)?)
}

/// The batch of the emulator's cards, under the test root. Its secret key is
/// `TH("Tillcard/emulator-batch", test root's secret key)`, and as public as that.
///
/// # Errors
/// None: the test of the certificate shows that it is this key's.
pub fn emulator_batch() -> Result<Batch, PersonaliseError> {
    Batch::try_from(Authority::new(EMULATOR_BATCH, emulator_key()?)?)
}

/// The keys whose secrets everybody knows.
///
/// # Errors
/// None.
pub fn published_keys() -> Result<[VerifyingKey; 2], PersonaliseError> {
    Ok([root_key()?, emulator_key()?].map(|key| *key.verifying_key()))
}

fn root_key() -> Result<SigningKey, PersonaliseError> {
    key("Tillcard/test-root", &[])
}

fn emulator_key() -> Result<SigningKey, PersonaliseError> {
    key("Tillcard/emulator-batch", &root_key()?.to_bytes())
}

/// The key that is the tagged hash (BIP340) of a message.
fn key(tag: &str, message: &[u8]) -> Result<SigningKey, PersonaliseError> {
    let tag = Sha256::digest(tag);
    let secret = Sha256::new()
        .chain_update(tag)
        .chain_update(tag)
        .chain_update(message)
        .finalize();
    SigningKey::from_bytes(&secret).map_err(|_| PersonaliseError::NotAKey)
}

#[cfg(test)]
mod tests {
    use x509_cert::der::DateTime;
    use x509_cert::der::asn1::GeneralizedTime;

    use super::*;
    use crate::{SerialNumber, Time, Validity};

    const NAME: &str = "Tillcard TEST root, not for real money";
    const EMULATOR_NAME: &str = "Tillcard emulator";

    fn validity() -> Validity {
        let from = DateTime::new(2026, 1, 1, 0, 0, 0).unwrap();
        Validity::new(
            Time::GeneralTime(GeneralizedTime::from_date_time(from)),
            Time::INFINITY,
        )
    }

    fn made_root() -> Root {
        let serial = SerialNumber::from(1_u8);
        Root::new(NAME, root_key().unwrap(), serial, validity()).unwrap()
    }

    #[test]
    fn the_secret_is_the_one_that_the_protocol_publishes() {
        let secret = root_key().unwrap().to_bytes();
        let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        // Computed by Python's hashlib.
        assert_eq!(
            digits,
            "cf77b3a53e40bdd7bc5b59f50cba6dc1dc096f3b63f70a94da11ec518aa59d7e"
        );
    }

    #[test]
    fn the_test_roots_certificate_is_made_again() {
        let made = made_root().authority().certificate_pem().unwrap();
        assert_eq!(made, CERTIFICATE, "test-root.pem is to hold what was made");
    }

    #[test]
    fn the_emulator_batchs_certificate_is_made_again() {
        let batch = made_root()
            .batch(
                EMULATOR_NAME,
                emulator_key().unwrap(),
                SerialNumber::from(2_u8),
                validity(),
            )
            .unwrap();
        let made = batch.authority().certificate_pem().unwrap();
        assert_eq!(
            made, EMULATOR_BATCH,
            "emulator-batch.pem is to hold what was made"
        );
    }

    #[test]
    fn both_are_usable() {
        assert_eq!(test_root().unwrap().authority().name(), NAME);
        assert_eq!(emulator_batch().unwrap().authority().name(), EMULATOR_NAME);
    }
}
