//! Tests that need pcscd and the virtual reader. One at a time: there is one reader.

#[path = "../support/card_support/mod.rs"]
mod card_support;
#[path = "../support/cli_support/mod.rs"]
mod cli_support;
#[path = "../support/full_disk/mod.rs"]
mod full_disk;
#[path = "../support/in_process.rs"]
mod in_process;
#[path = "../support/node.rs"]
mod node;
#[path = "../support/reader_support/mod.rs"]
mod reader_support;
#[path = "../support/torn_support/mod.rs"]
mod torn_support;

mod cli;
mod demo;
mod outages;
mod owner;
mod reader;
mod till;
mod torn;
