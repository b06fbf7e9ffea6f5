//! The owner's wallet and the shop's till for Tillcards.
//!
//! | module | |
//! |---|---|
//! | [`chain`] | where coins are seen and transactions sent: Bitcoin Core over RPC |
//! | [`owner`] | the wallet with the words: issues cards, fills and blocks them |
//! | [`till`] | has a card pay, checks what it wrote, waits until that is settled |
//! | [`manufacturer`] | makes roots, batches, revocation lists, and personalises cards |
//! | [`atomic_file`] | files that are replaced as a whole |
//! | [`text`] | amounts and fee rates as people read and write them |
//! | [`scan`] | looks for secrets where none may be |
//!
//! Networks other than mainnet are what this is for: the cards are emulated, and the owner's words
//! lie on the disk.

pub mod atomic_file;
pub mod chain;
pub mod manufacturer;
pub mod owner;
pub mod scan;
pub mod text;
pub mod till;

#[cfg(test)]
#[path = "../tests/support/in_process.rs"]
mod in_process;
