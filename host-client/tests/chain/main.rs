//! Tests that need a chain of their own in this process: apart from `it`, since this binary links
//! Core's engine.

#[path = "../support/card_support/mod.rs"]
mod card_support;
#[path = "../support/chain_support/mod.rs"]
mod chain_support;
#[path = "../support/embedded.rs"]
mod embedded;
#[path = "../support/in_process.rs"]
mod in_process;
#[path = "../support/owner_support/mod.rs"]
mod owner_support;
#[path = "../support/till_support/mod.rs"]
mod till_support;

mod owner_folder;
mod owner_held;
mod owner_regtest;
mod owner_rights;
mod owner_shim;
mod owner_top_up;
mod redaction;
mod till_regtest;
