//! The owner's wallet and cards on the embedded regtest chain.

#![cfg(feature = "regtest")]

mod chain_support;
#[path = "owner_support/embedded.rs"]
mod embedded;
mod owner_support;

owner_support::stories::tests!(embedded::Embedded::start);
