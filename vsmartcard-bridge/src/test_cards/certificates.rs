//! Who vouches for a test card.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use tillcard_personalise::{
    Batch, CardCertificates, PersonaliseError, RevocationList, Root, SerialNumber, SigningKey,
    Time, Validity, new_key, personalise, store_certificates, test_root,
};
use tillcard_runtime::nvm::RamNvm;

use super::{Certificates, TestCardError};
use crate::card::EmulatedCard;
use crate::slot::{CardInSlot, SlotError};

/// A year is 365 days here.
const YEAR: u64 = 365 * 24 * 60 * 60;

/// Seconds from 1970 to the beginning of 2024.
const YEAR_2024: u64 = 1_704_067_200;

/// Gives a blank card its certificates; the list that takes them back, where there is one.
pub(super) fn certify(
    card: &mut dyn CardInSlot,
    kind: Certificates,
    rng: &mut ChaCha20Rng,
) -> Result<Option<String>, TestCardError> {
    match kind {
        Certificates::None => Ok(None),
        Certificates::Genuine => by(card, &test_root::emulator_batch()?, rng).map(|_| None),
        Certificates::Revoked => revoked(card, rng).map(Some),
        Certificates::Expired => {
            let root = test_root::test_root()?;
            by(
                card,
                &batch(&root, "Tillcard emulator, 2024", past()?, rng)?,
                rng,
            )
            .map(|_| None)
        }
        Certificates::OtherRoot => {
            let root = root("Somebody's root", rng)?;
            by(
                card,
                &batch(&root, "Somebody's batch", for_ever()?, rng)?,
                rng,
            )
            .map(|_| None)
        }
        Certificates::Counterfeit => {
            let genuine = test_root::test_root()?;
            let root = root(&genuine.authority().name(), rng)?;
            by(
                card,
                &batch(&root, "Tillcard emulator", for_ever()?, rng)?,
                rng,
            )
            .map(|_| None)
        }
        Certificates::Cloned => cloned(card, rng).map(|()| None),
    }
}

fn by(
    card: &mut dyn CardInSlot,
    batch: &Batch,
    rng: &mut ChaCha20Rng,
) -> Result<CardCertificates, TestCardError> {
    Ok(personalise(contact(card), batch, rng)?)
}

fn contact(card: &mut dyn CardInSlot) -> impl FnMut(&[u8]) -> Result<Vec<u8>, SlotError> + use<'_> {
    |command| card.transmit(command).map(<[u8]>::to_vec)
}

fn revoked(card: &mut dyn CardInSlot, rng: &mut ChaCha20Rng) -> Result<String, TestCardError> {
    let batch = test_root::emulator_batch()?;
    let certificates = by(card, &batch, rng)?;
    let mut list = RevocationList::new(batch.authority());
    list.revoke_certificate(&certificates.identity, time(YEAR_2024 + 2 * YEAR)?)?;
    let next = time(YEAR_2024 + 100 * YEAR)?;
    Ok(list.sign(time(YEAR_2024 + 2 * YEAR)?, next)?)
}

/// What a cheat can read from any card, on a card that has other keys.
fn cloned(card: &mut dyn CardInSlot, rng: &mut ChaCha20Rng) -> Result<(), TestCardError> {
    let mut original = EmulatedCard::new(RamNvm::default(), ChaCha20Rng::from_rng(rng));
    original.power_on()?;
    let certificates = by(&mut original, &test_root::emulator_batch()?, rng)?;
    Ok(store_certificates(contact(card), &certificates)?)
}

fn root(name: &str, rng: &mut ChaCha20Rng) -> Result<Root, PersonaliseError> {
    Root::new(name, key(rng), serial(rng), for_ever()?)
}

fn batch(
    root: &Root,
    name: &str,
    validity: Validity,
    rng: &mut ChaCha20Rng,
) -> Result<Batch, PersonaliseError> {
    root.batch(name, key(rng), serial(rng), validity)
}

fn key(rng: &mut ChaCha20Rng) -> SigningKey {
    new_key(rng)
}

fn serial(rng: &mut ChaCha20Rng) -> SerialNumber {
    SerialNumber::from(rng.next_u64() >> 1)
}

fn for_ever() -> Result<Validity, PersonaliseError> {
    Ok(Validity::new(time(YEAR_2024)?, Time::INFINITY))
}

fn past() -> Result<Validity, PersonaliseError> {
    Ok(Validity::new(time(YEAR_2024)?, time(YEAR_2024 + YEAR)?))
}

fn time(seconds: u64) -> Result<Time, PersonaliseError> {
    use std::time::{Duration, UNIX_EPOCH};
    Time::try_from(UNIX_EPOCH + Duration::from_secs(seconds))
        .map_err(|error| PersonaliseError::Encoding(error.to_string()))
}
