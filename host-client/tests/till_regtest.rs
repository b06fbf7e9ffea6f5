//! The till on the embedded regtest chain, with the real card in process.

#![cfg(feature = "regtest")]

mod chain_support;
#[path = "owner_support/embedded.rs"]
mod embedded;
mod owner_support;
mod till_support;

till_support::stories::tests!(embedded::Embedded::start);
