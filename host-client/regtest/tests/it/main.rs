//! The private chain, in process and over its RPC.

#[path = "../../../tests/support/chain_support/mod.rs"]
mod chain_support;

mod chain_regtest;
mod chain_rpc;
mod served;
mod switches;
