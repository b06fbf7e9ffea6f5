//! What the fuzz targets do with their input. The card's own tests run the
//! same over the committed corpus, so that an input that once mattered goes on
//! mattering where nobody fuzzes.

pub mod apdu;
pub mod breaking;
pub mod bytes;
#[allow(dead_code)] // As below.
#[path = "../../tests/oracle/card.rs"]
pub mod card;
// The client that the card's own tests have: written from the text, without a line of
// the card's.
#[allow(dead_code)] // Those use more of it.
#[path = "../../tests/oracle/channel.rs"]
pub mod channel;
pub mod host;
pub mod image;
pub mod link;
pub mod parsers;
pub mod sequence;
pub mod status;
pub mod step;
