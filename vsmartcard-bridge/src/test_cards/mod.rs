//! Test cards: a card in the state that a test needs, by name or by a file of one's own.
//!
//! Everything that a real card can be is reached as it is with a real card, by commands of its owner
//! and of a shop ([`tillcard_test_owner`]). What no correct card does, layers do
//! ([`Faulty`](crate::layers::Faulty)). The same name and the same seed make the same card, byte for
//! byte; without a seed it is seed 0.
//!
//! ```
//! use tillcard_emu::CardInSlot;
//! use tillcard_emu::test_cards::TestCard;
//!
//! let mut test = TestCard::named("last-try", 0)?;
//! test.card.power_on()?;
//! let select = [0x00, 0xA4, 0x04, 0x00, 9, 0xF0, b'T', b'I', b'L', b'L', b'C', b'A', b'R', b'D', 0];
//! test.card.transmit(&select)?;
//! let tries_left = test.card.transmit(&[0x00, 0x20, 0x00, 0x80])?;
//! assert_eq!(tries_left, [0x63, 0xC1]);
//! assert_eq!(test.about.pin.as_deref(), Some("271828"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod certificates;
mod description;
mod error;
mod issuing;
mod making;
mod named;
mod scenario;
#[cfg(feature = "control")]
mod schema;

pub use description::{DescribedAccount, DescribedCoin, Description};
pub use error::TestCardError;
pub use making::TestCard;
pub use named::{NAMED_CARDS, NamedCard};
pub use scenario::{
    Amounts, Certificates, LifeState, Scenario, TestLimits, TestNetwork, TestPolicy,
};
#[cfg(feature = "control")]
pub use schema::scenario_schema;
