//! The key that a card claims, before anybody vouches for it.

use tillcard_protocol::command::Point;

use super::GenuineError;
use super::bundle::Bundle;

/// The card's key, compressed (SEC 1), of what a card answered to GET DATA `BF21`, unchecked: for
/// those who know otherwise what to believe.
///
/// # Errors
/// [`GenuineError::Garbage`] and others that tell that these are no certificates of the protocol.
pub fn claimed_key(answer: &[u8]) -> Result<Point, GenuineError> {
    Bundle::parse(answer)?.card.point()
}
