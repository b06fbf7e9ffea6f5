//! Tests that need no embedded chain: on a real `bitcoind`, of the program, and of its parts. This
//! binary doesn't link Core's engine.

#[path = "../support/bitcoind.rs"]
mod bitcoind;
#[path = "../support/chain_support/mod.rs"]
mod chain_support;
#[path = "../support/in_process.rs"]
mod in_process;
#[path = "../support/node.rs"]
mod node;
#[path = "../support/node_commands.rs"]
mod node_commands;
#[path = "../support/owner_support/mod.rs"]
mod owner_support;
#[cfg(feature = "serve")]
#[path = "../support/service_support/mod.rs"]
mod service_support;
#[path = "../support/till_support/mod.rs"]
mod till_support;

mod chain_bitcoind;
mod cli;
mod errors;
mod named_cards;
mod owner_bitcoind;
mod owner_cli;
mod payments_bitcoind;
mod personalise;
mod psbt_bitcoind;
mod scan_memory;
#[cfg(feature = "serve")]
mod service;
mod till_bitcoind;
mod till_reorganised;
