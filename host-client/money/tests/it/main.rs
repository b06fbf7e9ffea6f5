//! The money model on the programs as they are.

mod ledger;
mod stories;
