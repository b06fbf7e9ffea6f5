//! The money model: random stories of people who pay, and what must hold after each.
//!
//! A story is played by the real till, the real card and the real channel between them. What stands
//! around them is the model's: a hostile wire ([`wire`]), nodes that refuse, lag and reorganise
//! ([`chain`]), clerks, holders, and an adversary who sends whatever he ever saw ([`story`]). When a
//! story is at rest, [`invariants`] says whether everybody was told the truth about money.
//!
//! A seed and a number make a story, the same one each time. What is random in the client itself
//! (ephemeral keys, payment identities) changes no story: nothing here depends on it.

pub mod card;
pub mod chain;
pub mod dice;
mod folder;
pub mod fuse;
pub mod home;
pub mod invariants;
mod issuing;
pub mod runner;
pub mod steps;
pub mod story;
pub mod wire;
pub mod world;
