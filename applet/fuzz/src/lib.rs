//! What the fuzz targets do with their input. The card's own tests run the
//! same over the committed corpus, so that an input that once mattered goes on
//! mattering where nobody fuzzes.

pub mod apdu;
pub mod breaking;
pub mod bytes;
pub mod image;
pub mod link;
pub mod parsers;
pub mod sequence;
pub mod status;
pub mod step;
