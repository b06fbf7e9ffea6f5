//! The owner's wallet and cards on a real `bitcoind`.

#[path = "owner_support/bitcoind.rs"]
mod bitcoind;
mod chain_support;
#[path = "chain_support/node.rs"]
mod node;
mod owner_support;

owner_support::stories::tests!(bitcoind::Bitcoind::start);
