//! How long certificates and lists are valid.

use std::time::{Duration, SystemTime};

use tillcard_personalise::{Time, Validity};

use super::ManufacturerError;

/// A mean year of the Gregorian calendar.
const YEAR: Duration = Duration::from_secs(31_556_952);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// From now on, for so many years; without a number, without an end (RFC 5280 §4.1.2.5).
///
/// # Errors
/// [`ManufacturerError::TimeOutOfRange`].
pub fn validity(years: Option<u32>) -> Result<Validity, ManufacturerError> {
    let until = match years {
        None => Time::INFINITY,
        Some(years) => after(YEAR * years)?,
    };
    Ok(Validity::new(after(Duration::ZERO)?, until))
}

/// The moment in so many days.
///
/// # Errors
/// [`ManufacturerError::TimeOutOfRange`].
pub fn in_days(days: u32) -> Result<Time, ManufacturerError> {
    after(DAY * days)
}

fn after(duration: Duration) -> Result<Time, ManufacturerError> {
    let time = SystemTime::now().checked_add(duration);
    time.and_then(|time| Time::try_from(time).ok())
        .ok_or(ManufacturerError::TimeOutOfRange)
}
