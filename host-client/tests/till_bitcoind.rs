//! The till on a real `bitcoind`, with the real card in process.

#[path = "owner_support/bitcoind.rs"]
mod bitcoind;
mod chain_support;
#[path = "chain_support/node.rs"]
mod node;
mod owner_support;
mod till_support;

till_support::stories::tests!(bitcoind::Bitcoind::start);
