//! Stories at home: an owner who issues, adopts and tops up cards, with his real tool, over the same
//! wire. A thief's card is among those that come to his reader.

mod facts;
mod folder;
mod owner;
mod rights;
mod script;
mod truth;

pub use facts::HomeFacts;
pub use folder::OwnersFolder;
pub use owner::{Computer, Ended};
pub use script::play;
