//! What a manufacturer does: certificates in files, and cards that bear them.

mod card;
mod error;
mod files;
mod validity;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub use card::{Personalised, personalise_card};
pub use error::ManufacturerError;
pub use files::{AuthorityFiles, read_file, replace_list};
pub use validity::{in_days, validity};

/// Random numbers from a seed of the operating system's.
///
/// # Errors
/// [`ManufacturerError::NoRandomness`].
pub fn random() -> Result<ChaCha20Rng, ManufacturerError> {
    let mut seed = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|_| ManufacturerError::NoRandomness)?;
    Ok(ChaCha20Rng::from_seed(*seed))
}
