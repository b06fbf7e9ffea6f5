//! What `docs/protocol.md` says, written a second time, plainly, and for a PC:
//! with rust-bitcoin, miniscript and libsecp256k1, and without a line of the
//! card's. It knows all keys, and says what the card has to answer.

pub mod choice;
pub mod model;
pub mod owner;
pub mod payment;
pub mod random;
pub mod wallet;
